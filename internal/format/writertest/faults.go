package writertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"lakelink"
)

// everyWriteMayFail fails the first write to the lake, opens anew, goes on to the end and compares;
// then the second, until a run meets no failure. Each is failed in two ways: nothing was written,
// and all was written but nobody was told.
func everyWriteMayFail(x *session) {
	for _, silently := range []bool{false, true} {
		for failAt := int64(1); ; failAt++ {
			lake := &failing{failAt: failAt, silently: silently}
			x.freshLake(func(l lakelink.Lake) lakelink.Lake { lake.Lake = l; return lake })
			story := newStory()
			err := story.run(x.ctx, x.writer)
			if lake.writes.Load() >= failAt && err != nil && !errors.Is(err, errFailed) && !lakelink.IsKind(err, lakelink.KindConflict) {
				x.Fatalf("write %d (silently: %v): %v does not wrap the lake's error", failAt, silently, err)
			}
			if lake.writes.Load() < failAt {
				x.ok(err)
				x.want(story.table, At(story.last()), story.after(story.last())...)
				break
			}
			x.reopen()
			at := fmt.Sprintf("after write %d failed (silently: %v)", failAt, silently)
			story.check(x, at)
			if err := story.run(x.ctx, x.writer); err != nil {
				x.Fatalf("%s: going on: %v", at, err)
			}
			x.want(story.table, At(story.last()), story.after(story.last())...)
			x.reopen()
			x.wantPosition(x.table(story.table), At(story.last()))
		}
	}
}

var errFailed = errors.New("the lake has failed, as it was told to")

// failing is a lake whose write number failAt fails, and all after it as in a program that is
// about to die.
type failing struct {
	lakelink.Lake
	failAt   int64
	silently bool
	writes   atomic.Int64
}

func (f *failing) fails(write func() error) error {
	n := f.writes.Add(1)
	if n < f.failAt {
		return write()
	}
	if n == f.failAt && f.silently {
		write()
	}
	return &lakelink.Error{Op: "write", Kind: lakelink.KindTransient, Err: errFailed}
}

func (f *failing) Put(ctx context.Context, name string, r io.Reader) (info lakelink.ObjectInfo, err error) {
	err = f.fails(func() error { info, err = f.Lake.Put(ctx, name, r); return err })
	return info, err
}

func (f *failing) PutNew(ctx context.Context, name string, r io.Reader) (info lakelink.ObjectInfo, err error) {
	err = f.fails(func() error { info, err = f.Lake.PutNew(ctx, name, r); return err })
	return info, err
}

func (f *failing) PutMatch(ctx context.Context, name, etag string, r io.Reader) (info lakelink.ObjectInfo, err error) {
	err = f.fails(func() error { info, err = f.Lake.PutMatch(ctx, name, etag, r); return err })
	return info, err
}

func (f *failing) Delete(ctx context.Context, name string) error {
	return f.fails(func() error { return f.Lake.Delete(ctx, name) })
}

// A story is a load and some commits, known by heart.
type story struct {
	table *lakelink.Table
	pages [][]Row
	steps map[int64]step // by the version they are committed at
}

type step struct {
	rows    []Row
	deletes []lakelink.ID
}

const loadedAt = 10

func newStory() *story {
	return &story{
		table: Contact(),
		pages: [][]Row{Contacts(1, 1, 2, 3, 4, 5, 6), append(Contacts(2, 7, 8), Contacts(3, 2)...)},
		steps: map[int64]step{
			11: {rows: Contacts(11, 1, 9)},
			12: {deletes: []lakelink.ID{ID(2), ID(3)}},
			13: {rows: Contacts(13, 3, 4, 5), deletes: []lakelink.ID{ID(9)}},
		},
	}
}

func (s *story) last() int64 { return int64(loadedAt + len(s.steps)) }

// after is the table as it is at a version.
func (s *story) after(version int64) []Row {
	rows := map[lakelink.ID]Row{}
	put := func(r Row) {
		id := r[s.table.PrimaryKey].(lakelink.ID)
		if old := rows[id]; old == nil || old[lakelink.VersionColumn].(int64) < r[lakelink.VersionColumn].(int64) {
			rows[id] = r
		}
	}
	for _, r := range slices.Concat(s.pages...) {
		put(r)
	}
	for v := int64(loadedAt + 1); v <= version; v++ {
		for _, r := range s.steps[v].rows {
			put(r)
		}
		for _, id := range s.steps[v].deletes {
			delete(rows, id)
		}
	}
	out := make([]Row, 0, len(rows))
	for _, r := range rows {
		out = append(out, r)
	}
	return out
}

// run tells the story from wherever the writer's position is to its end.
func (s *story) run(ctx context.Context, w lakelink.Writer) error {
	tw, err := w.Table(ctx, s.table)
	if err != nil {
		return err
	}
	if tw.Position().IsZero() {
		if err := s.load(ctx, tw); err != nil {
			return err
		}
		if err := show(ctx, w); err != nil {
			return err
		}
	}
	for v := tw.Position().Version + 1; v <= s.last(); v++ {
		if err := tw.Write(ctx, Rows(s.table, s.steps[v].rows...)); err != nil {
			return err
		}
		if err := tw.Write(ctx, Deletes(s.table, s.steps[v].deletes...)); err != nil {
			return err
		}
		if err := tw.Commit(ctx, At(v)); err != nil {
			return err
		}
		if err := show(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) load(ctx context.Context, tw lakelink.TableWriter) error {
	l, err := tw.Load(ctx)
	if err != nil {
		return err
	}
	for i := len(l.Staged()); i < len(s.pages); i++ {
		if err := l.Write(ctx, loaded(Rows(s.table, s.pages[i]...))); err != nil {
			return err
		}
		if err := l.Stage(ctx, page(i+1)); err != nil {
			return err
		}
	}
	return l.Finish(ctx, At(loadedAt))
}

// check compares the table with the story at the position that the reader tells, and the writer's
// with the reader's.
func (s *story) check(x *session, at string) {
	x.Helper()
	rows, pos, err := Read(x.ctx, x.reader, s.table)
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		rows, pos, err = nil, lakelink.Position{}, nil
	}
	if err != nil {
		x.Fatalf("%s: reading: %v", at, err)
	}
	var want []Row
	if !pos.IsZero() {
		want = s.after(pos.Version)
	}
	if diff := x.diff(s.table, byID(s.table, want), rows); diff != "" {
		x.Fatalf("%s: the table is not as it was at %s (-want +got):\n%s", at, pos.Checkpoint, diff)
	}
	x.wantPosition(x.table(s.table), pos)
}
