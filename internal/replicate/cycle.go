package replicate

import (
	"context"

	"golang.org/x/sync/errgroup"

	"lakelink"
)

// cycle reads what changed since pos, once, and commits it to every format. First durable, then
// remembered: the position moves only with a commit, and only at the end of the cycle. Dying
// in between repeats the cycle, which writers tolerate. It returns how many rows and deletes came.
func (f *follower) cycle(ctx context.Context, t *lakelink.Table, tables []lakelink.TableWriter,
	pos lakelink.Position) (lakelink.Position, int, error) {

	began := f.opts.Now()
	rows, deletes, pages := 0, 0, 0
	for b, err := range f.source.Feed(ctx, t, pos.Checkpoint) {
		if err != nil {
			return pos, 0, err
		}
		pages++
		if b.NumRows() > 0 || len(b.Deletes) > 0 {
			rows, deletes = rows+b.NumRows(), deletes+len(b.Deletes)
			if err := each(ctx, tables, func(ctx context.Context, w lakelink.TableWriter) error {
				return w.Write(ctx, b)
			}); err != nil {
				return pos, 0, err
			}
		}
		if !b.Done {
			continue
		}
		if err := each(ctx, tables, func(ctx context.Context, w lakelink.TableWriter) error {
			return w.Commit(ctx, b.Next)
		}); err != nil {
			return pos, 0, err
		}
		f.committed(rows, deletes, pages, b.Next)
		if rows+deletes > 0 && f.opts.Events.Committed != nil {
			f.opts.Events.Committed(f.link, f.name, rows, deletes, b.Next, f.opts.Now().Sub(began))
		}
		return b.Next, rows + deletes, nil
	}
	if err := ctx.Err(); err != nil {
		return pos, 0, err
	}
	return pos, 0, &lakelink.Error{Op: "read changes", Table: f.name, Kind: lakelink.KindTransient,
		Err: errEndless}
}

// each calls do for every writer, at once where there are several.
func each[W any](ctx context.Context, writers []W, do func(context.Context, W) error) error {
	if len(writers) == 1 {
		return do(ctx, writers[0])
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, w := range writers {
		g.Go(func() error { return do(ctx, w) })
	}
	return g.Wait()
}
