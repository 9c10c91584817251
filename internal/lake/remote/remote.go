// Package remote holds what lakes behind HTTP share: how long to wait and when to try again, bodies
// that go on where they were cut, streams cut into parts, and who won where an answer was lost.
package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"lakelink"
)

// Settings say how patient a lake is. A zero field takes the value of Defaults.
type Settings struct {
	Tries   int           // how often one request is sent
	Wait    time.Duration // before the second try; doubled each time, and up to that much less by chance
	MaxWait time.Duration // and never longer than this, not even if the server asks for more
	Timeout time.Duration // for an answer to one request; more for one with a large body
	Stall   time.Duration // for the next bytes of a body
}

// Defaults ride out half a minute of throttling. What lasts longer is the caller's to wait for.
var Defaults = Settings{Tries: 7, Wait: 250 * time.Millisecond, MaxWait: 20 * time.Second, Timeout: time.Minute, Stall: time.Minute}

// OrDefaults fills the fields that are zero.
func (s Settings) OrDefaults() Settings {
	fill := func(d *time.Duration, by time.Duration) {
		if *d == 0 {
			*d = by
		}
	}
	if s.Tries == 0 {
		s.Tries = Defaults.Tries
	}
	fill(&s.Wait, Defaults.Wait)
	fill(&s.MaxWait, Defaults.MaxWait)
	fill(&s.Timeout, Defaults.Timeout)
	fill(&s.Stall, Defaults.Stall)
	return s
}

// ErrNoAnswer is the cause with which an attempt's context ends when it took too long.
var ErrNoAnswer = errors.New("no answer in time")

// slowest is the rate in bytes per second below which sending a body counts as hanging.
const slowest = 64 << 10

// Do calls f until it succeeds, fails for a reason that repeating cannot change, or was tried often
// enough. body is how many bytes each try sends. f's context ends when the try has taken too long.
func (s Settings) Do(ctx context.Context, body int, f func(ctx context.Context) error) error {
	timeout := s.Timeout + time.Duration(body)*time.Second/slowest
	return s.Retry(ctx, func() error {
		try, cancel := context.WithTimeoutCause(ctx, timeout, ErrNoAnswer)
		defer cancel()
		return f(try)
	})
}

// Retry is Do for what bounds its own time.
func (s Settings) Retry(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := f()
		if err == nil || !retryable(err) || try >= s.Tries {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !s.pause(ctx, try, err) {
			return err
		}
	}
}

// pause waits before the next try, and reports whether there should be one.
func (s Settings) pause(ctx context.Context, try int, err error) bool {
	wait := min(s.Wait<<min(try-1, 20), s.MaxWait)
	wait -= time.Duration(rand.Int64N(int64(wait)/2 + 1))
	var e *lakelink.Error
	if errors.As(err, &e) && e.After > wait {
		if e.After > s.MaxWait {
			return false // the caller knows better what to do meanwhile
		}
		wait = e.After
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func retryable(err error) bool {
	switch lakelink.KindOf(err) {
	case lakelink.KindThrottled, lakelink.KindTransient, lakelink.KindUnreachable:
		return true
	}
	return false
}

// NoAnswer describes a request that got none: to a lake, at an address. It passes on that the caller
// gave up.
func NoAnswer(ctx context.Context, op, what, address string, err error) error {
	cause := context.Cause(ctx)
	if cause != nil && !errors.Is(cause, ErrNoAnswer) {
		return fmt.Errorf("%s %s: %w", op, what, cause)
	}
	if cause != nil {
		err = cause
	}
	return &lakelink.Error{Op: op, Kind: lakelink.KindUnreachable, Err: fmt.Errorf("%s: %w", what, err),
		Hint: "check that " + address + " can be reached from here"}
}
