package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"lakelink"
)

// failure says what an error of the JetStream means.
func failure(op string, err error) error {
	if err == nil {
		return nil
	}
	e := &lakelink.Error{Op: op, Err: err}
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", op, err)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrNoResponders):
		e.Kind, e.Err = lakelink.KindUnreachable, fmt.Errorf("the state is closed or has stopped: %w", err)
		e.Hint = "look in the log for what stopped it"
	case strings.Contains(err.Error(), "no space left"), strings.Contains(err.Error(), "insufficient storage"):
		e.Kind, e.Hint = lakelink.KindFull, "free space in the state directory"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		e.Kind = lakelink.KindTransient
	}
	return e
}
