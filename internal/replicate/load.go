package replicate

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"lakelink"
)

var errEndless = errors.New("the source ended a read without saying that it was complete")

// load reads the whole table and makes it the content of the given formats. It goes on where a
// crash cut an earlier one short: from the last place that all of them have staged.
func (f *follower) load(ctx context.Context, t *lakelink.Table, tables []lakelink.TableWriter,
	state lakelink.State) (lakelink.Position, error) {

	f.loading(lakelink.StateWaiting, state)
	select {
	case f.loads <- struct{}{}:
	case <-ctx.Done():
		return lakelink.Position{}, ctx.Err()
	}
	defer func() { <-f.loads }()
	f.loading(state, state)

	loads := make([]lakelink.LoadWriter, len(tables))
	for i, w := range tables {
		var err error
		if loads[i], err = w.Load(ctx); err != nil {
			return lakelink.Position{}, err
		}
	}
	pos, err := resumeAt(ctx, loads)
	if err != nil {
		return pos, err
	}
	began := f.opts.Now()
	if pos.Version == 0 { // otherwise all was staged, and only finishing it is left
		pos, err = f.stage(ctx, t, loads, pos, state)
		if lakelink.IsKind(err, lakelink.KindExpired) { // the page to go on from is gone
			if err = each(ctx, loads, func(ctx context.Context, w lakelink.LoadWriter) error {
				return w.Truncate(ctx, "")
			}); err != nil {
				return pos, err
			}
			f.loading(state, state)
			pos, err = f.stage(ctx, t, loads, lakelink.Position{}, state)
		}
		if err != nil {
			return pos, err
		}
	}
	if err := each(ctx, loads, func(ctx context.Context, w lakelink.LoadWriter) error {
		return w.Finish(ctx, pos)
	}); err != nil {
		return pos, err
	}
	f.loaded(state)
	if f.opts.Events.Loaded != nil {
		f.opts.Events.Loaded(f.link, f.name, f.Status().Rows, f.opts.Now().Sub(began))
	}
	return pos, nil
}

// resumeAt finds the last position that every load has staged, and makes all forget what is later.
func resumeAt(ctx context.Context, loads []lakelink.LoadWriter) (lakelink.Position, error) {
	var common lakelink.Position
	staged := loads[0].Staged()
	for _, p := range slices.Backward(staged) {
		all := true
		for _, w := range loads[1:] {
			all = all && slices.ContainsFunc(w.Staged(), func(q lakelink.Position) bool {
				return q.Checkpoint == p.Checkpoint
			})
		}
		if all {
			common = p
			break
		}
	}
	for _, w := range loads {
		s := w.Staged()
		if len(s) > 0 && s[len(s)-1].Checkpoint != common.Checkpoint {
			if err := w.Truncate(ctx, common.Checkpoint); err != nil {
				return common, err
			}
		}
	}
	return common, nil
}

// stage reads from pos to the end, making what it has read durable every StageBytes. The read runs
// one page ahead of the writing.
func (f *follower) stage(ctx context.Context, t *lakelink.Table, loads []lakelink.LoadWriter,
	pos lakelink.Position, state lakelink.State) (lakelink.Position, error) {

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var size int64
	for b, err := range ahead(ctx, f.source.Feed(ctx, t, pos.Checkpoint)) {
		if err != nil {
			return pos, err
		}
		if err := each(ctx, loads, func(ctx context.Context, w lakelink.LoadWriter) error {
			return w.Write(ctx, b)
		}); err != nil {
			return pos, err
		}
		size += sizeOf(b.Rows)
		if size >= f.opts.StageBytes || b.Done {
			if err := each(ctx, loads, func(ctx context.Context, w lakelink.LoadWriter) error {
				return w.Stage(ctx, b.Next)
			}); err != nil {
				return pos, err
			}
			pos, size = b.Next, 0
		}
		f.progress(b, state)
		if b.Done {
			return pos, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return pos, err
	}
	return pos, &lakelink.Error{Op: "read table", Table: f.name, Kind: lakelink.KindTransient, Err: errEndless}
}

// ahead runs seq in a goroutine of its own, one element ahead of the loop over the result. The
// goroutine has ended when the loop has, provided that seq heeds ctx, which must be cancelled then.
func ahead[V any](ctx context.Context, seq func(func(V, error) bool)) func(func(V, error) bool) {
	type pair struct {
		v   V
		err error
	}
	return func(yield func(V, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		pages := make(chan pair, 1)
		go func() {
			defer close(pages)
			seq(func(v V, err error) bool {
				select {
				case pages <- pair{v, err}:
					return true
				case <-ctx.Done():
					return false
				}
			})
		}()
		defer func() {
			cancel()
			for range pages { // until the goroutine has ended
			}
		}()
		for p := range pages {
			if !yield(p.v, p.err) {
				return
			}
		}
	}
}

// sizeOf is what a record batch holds in memory, in bytes.
func sizeOf(r arrow.RecordBatch) int64 {
	if r == nil {
		return 0
	}
	var n int64
	for _, c := range r.Columns() {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}
