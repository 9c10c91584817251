package main

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lakelink"
)

// The rests between tries to make a link of the configuration.
const (
	declareFirst = 5 * time.Second
	declareMost  = 5 * time.Minute
)

// declare makes a link of the configuration, unless there is one of its name. What is in the way may be
// an environment that is down, so it tries until that works or ctx ends; each new reason is logged once.
func (s *service) declare(ctx context.Context, l lakelink.Link) {
	last := ""
	for wait := declareFirst; ; wait = min(2*wait, declareMost) {
		err := s.tryDeclare(ctx, l)
		if err == nil || ctx.Err() != nil {
			return
		}
		if err.Error() != last {
			last = err.Error()
			s.log.Error("a link of the configuration cannot be made, and is tried again", "link", l.Name, "error", err)
		}
		if lakelink.IsKind(err, lakelink.KindInvalid) { // and will be until the configuration is another
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (s *service) tryDeclare(ctx context.Context, l lakelink.Link) error {
	if _, err := s.manager.Status(l.Name); err == nil {
		return nil
	}
	l.ID, l.Created = uuid.NewString(), time.Now().UTC().Truncate(time.Second)
	_, err := s.manager.Create(ctx, l)
	return err
}
