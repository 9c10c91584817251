package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lakelink"
)

// declare makes a link of the configuration, unless there is one of its name.
func (s *service) declare(ctx context.Context, l lakelink.Link) error {
	if _, err := s.manager.Status(l.Name); err == nil {
		return nil
	}
	l.ID, l.Created = uuid.NewString(), time.Now().UTC().Truncate(time.Second)
	_, err := s.manager.Create(ctx, l)
	return err
}
