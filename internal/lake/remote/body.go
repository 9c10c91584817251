package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lakelink"
)

// An Opener opens an object from off, and tells how many bytes follow, or -1. When off is not 0 it
// must be the very version that it opened first, or fail.
type Opener func(ctx context.Context, off int64) (io.ReadCloser, int64, error)

// Open opens a body that is opened again where it stopped, as often as it takes, as long as each
// time brings it further. Its Read fails with KindTransient when that is no longer possible.
func Open(ctx context.Context, s Settings, what string, open Opener) (io.ReadCloser, error) {
	b := &body{ctx: ctx, s: s, what: what, open: open, left: -1}
	if err := b.reopen(); err != nil {
		return nil, err
	}
	return b, nil
}

type body struct {
	ctx    context.Context
	s      Settings
	what   string
	open   Opener
	r      io.ReadCloser
	cancel context.CancelCauseFunc // of what r reads from
	off    int64
	left   int64 // -1: unknown
	cuts   int   // since the last byte
	err    error
}

func (b *body) reopen() error {
	return b.s.Retry(b.ctx, func() error {
		ctx, cancel := context.WithCancelCause(b.ctx)
		timer := time.AfterFunc(b.s.Timeout, func() { cancel(ErrNoAnswer) })
		r, left, err := b.open(ctx, b.off)
		if !timer.Stop() && err == nil { // it fired in between
			r.Close()
			err = NoAnswer(ctx, "get", b.what, "the lake", ErrNoAnswer)
		}
		if err != nil {
			cancel(nil)
			return err
		}
		if b.off == 0 {
			b.left = left
		}
		b.r, b.cancel = r, cancel
		return nil
	})
}

func (b *body) Read(p []byte) (int, error) {
	for b.err == nil {
		n, err := b.read(p)
		b.off += int64(n)
		if b.left >= 0 {
			b.left -= int64(n)
		}
		if n > 0 {
			b.cuts = 0
		}
		switch {
		case b.left == 0 && err == nil:
			err = io.EOF
		case err == io.EOF && b.left > 0:
			err = io.ErrUnexpectedEOF
		}
		if err != nil && err != io.EOF {
			err = b.resume(err)
		}
		b.err = err
		if n > 0 {
			return n, nil
		}
		if err == nil && len(p) == 0 {
			return 0, nil
		}
	}
	return 0, b.err
}

func (b *body) read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	timer := time.AfterFunc(b.s.Stall, func() { b.cancel(ErrNoAnswer) })
	defer timer.Stop()
	return b.r.Read(p)
}

// resume goes on after a cut, or says why it cannot.
func (b *body) resume(err error) error {
	b.r.Close()
	b.cancel(nil)
	if b.ctx.Err() != nil {
		return fmt.Errorf("get %s: %w", b.what, context.Cause(b.ctx))
	}
	fail := func(err error) error {
		return &lakelink.Error{Op: "get", Kind: lakelink.KindTransient, Err: fmt.Errorf("%s was cut after %d bytes: %w", b.what, b.off, err)}
	}
	if b.cuts++; b.cuts >= b.s.Tries || b.left < 0 {
		return fail(err)
	}
	err = b.reopen()
	switch lakelink.KindOf(err) {
	case lakelink.KindNotFound, lakelink.KindConflict:
		return fail(errors.New("somebody has replaced or deleted it since"))
	}
	return err
}

func (b *body) Close() error {
	b.err = errors.New("read from a closed body")
	b.cancel(nil)
	return b.r.Close()
}
