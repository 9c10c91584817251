package cdm

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/format/writertest"
	"lakelink/internal/lake/faulty"
	"lakelink/internal/lake/memlake"
)

// A tale is everything that happens to a lake: a load in two steps, changes, a delete, a new
// column, a resync that finds a delete, and changes right after it. It is told from wherever the
// lake's position is.
type tale struct {
	narrow, wide *lakelink.Table
	other        *lakelink.Table
}

func newTale() *tale {
	t := writertest.Contact()
	other := writertest.Contact()
	other.Name, other.PrimaryKey, other.Columns = "lead", "leadid", append([]lakelink.Column(nil), other.Columns...)
	other.Columns[0].Name = "leadid"
	return &tale{narrow: t, other: other,
		wide: writertest.With(t, lakelink.Column{Name: "contoso_color", Type: lakelink.TypeString, MaxLength: 20})}
}

func (x *tale) leads(version int64, ns ...int) *lakelink.Batch {
	rows := writertest.Contacts(version, ns...)
	for _, r := range rows {
		r["leadid"] = r["contactid"]
		delete(r, "contactid")
	}
	return writertest.Rows(x.other, rows...)
}

func (x *tale) tell(ctx context.Context, w lakelink.IntervalWriter, c *clock) error {
	tw, err := w.Table(ctx, x.narrow)
	if err != nil {
		return err
	}
	to, err := w.Table(ctx, x.other)
	if err != nil {
		return err
	}
	steps := []struct {
		version int64
		do      func() error
	}{
		{10, func() error { return x.load(ctx, tw) }},
		{20, func() error {
			return x.commit(ctx, tw, 20, writertest.Rows(x.narrow, writertest.Contacts(12, 1, 9)...), writertest.Deletes(x.narrow, writertest.ID(2)))
		}},
		{30, func() error {
			if err := tw.SetTable(ctx, x.wide); err != nil {
				return err
			}
			row := writertest.Contacts(22, 3)[0]
			row["contoso_color"] = "red"
			return x.commit(ctx, tw, 30, writertest.Rows(x.wide, row), writertest.Deletes(x.wide, writertest.ID(9)))
		}},
		{50, func() error {
			if err := tw.SetTable(ctx, x.wide); err != nil {
				return err
			}
			if err := x.resync(ctx, tw); err != nil {
				return err
			}
			return x.commit(ctx, tw, 50, writertest.Rows(x.wide, writertest.Contacts(45, 11)...))
		}},
	}
	for _, s := range steps {
		c.now = c.now.Add(7 * time.Second)
		if tw.Position().Version < s.version {
			if err := s.do(); err != nil {
				return err
			}
		}
		if to.Position().Version < s.version {
			if err := to.Write(ctx, x.leads(s.version-1, int(s.version))); err != nil {
				return err
			}
			if err := to.Commit(ctx, writertest.At(s.version)); err != nil {
				return err
			}
		}
		if err := w.CloseInterval(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (x *tale) commit(ctx context.Context, tw lakelink.TableWriter, version int64, batches ...*lakelink.Batch) error {
	for _, b := range batches {
		if err := tw.Write(ctx, b); err != nil {
			return err
		}
	}
	return tw.Commit(ctx, writertest.At(version))
}

func (x *tale) load(ctx context.Context, tw lakelink.TableWriter) error {
	l, err := tw.Load(ctx)
	if err != nil {
		return err
	}
	if len(l.Staged()) == 0 {
		if err := l.Write(ctx, writertest.Rows(x.narrow, writertest.Contacts(3, 1, 2, 3)...)); err != nil {
			return err
		}
		if err := l.Stage(ctx, lakelink.Position{Checkpoint: "page-1"}); err != nil {
			return err
		}
	}
	if len(l.Staged()) == 1 { // row 1 comes again, in a later version; row 7 is beyond the position
		if err := l.Write(ctx, writertest.Rows(x.narrow, append(writertest.Contacts(5, 1, 4), writertest.Contacts(11, 7)...)...)); err != nil {
			return err
		}
	}
	return l.Finish(ctx, writertest.At(10))
}

func (x *tale) resync(ctx context.Context, tw lakelink.TableWriter) error {
	l, err := tw.Load(ctx)
	if err != nil {
		return err
	}
	if err := l.Truncate(ctx, ""); err != nil {
		return err
	}
	if err := l.Write(ctx, writertest.Rows(x.wide, append(writertest.Contacts(12, 1), writertest.Contacts(35, 3, 10)...)...)); err != nil {
		return err
	}
	return l.Finish(ctx, writertest.At(40))
}

// want compares what a consumer reads with how the tale ends.
func (x *tale) want(t *testing.T, lake lakelink.Lake) {
	t.Helper()
	got, pos, err := writertest.Read(t.Context(), NewReader(lake), x.wide)
	ok(t, err)
	want := map[lakelink.ID]writertest.Row{}
	for _, r := range append(append(writertest.Contacts(12, 1), writertest.Contacts(35, 3, 10)...), writertest.Contacts(45, 11)...) {
		want[r["contactid"].(lakelink.ID)] = r
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("contact (-want +got):\n%s", d)
	}
	if pos != writertest.At(50) {
		t.Errorf("contact is at %v", pos)
	}
	if got, _, err = writertest.Read(t.Context(), NewReader(lake), x.other); err != nil || len(got) != 4 {
		t.Errorf("lead has %d rows, %v", len(got), err)
	}
}

func (x *tale) open(t *testing.T, lake lakelink.Lake, c *clock) (lakelink.IntervalWriter, error) {
	return New(t.Context(), Options{Lake: lake, LinkID: "link-1", Tables: []*lakelink.Table{x.narrow, x.other},
		LocationBase: "https://lake.example:443/container", SpoolDir: t.TempDir(), Now: c.Now})
}

func TestTale(t *testing.T) {
	lake, c, x := memlake.New(), newClock(), newTale()
	w, err := x.open(t, lake, c)
	ok(t, err)
	ok(t, x.tell(t.Context(), w, c))
	x.want(t, lake)
	check(t, lake, false)
}

// TestNothingIsLostWhereverItDies lets the process die at every operation on the lake, before and
// after it took effect, and starts it anew.
func TestNothingIsLostWhereverItDies(t *testing.T) {
	for _, mode := range []faulty.Mode{faulty.Before, faulty.After} {
		for failAt := 1; ; failAt++ {
			inner, c, x := memlake.New(), newClock(), newTale()
			lake := &faulty.Lake{Lake: inner, FailAt: failAt, Mode: mode, Sticky: true}
			w, err := x.open(t, lake, c)
			if err == nil {
				if x.tell(t.Context(), w, c) == nil {
					break
				}
				w.Close()
			}
			if t.Failed() {
				t.Fatalf("dying %v write %d", mode, failAt)
			}
			w, err = x.open(t, inner, c)
			ok(t, err)
			if err := x.tell(t.Context(), w, c); err != nil {
				t.Fatalf("after dying %v write %d: %v", mode, failAt, err)
			}
			x.want(t, inner)
			if failAt%4 == 0 || !testing.Short() { // which writes every file of the lake to disk
				check(t, inner, false)
			}
			if t.Failed() {
				t.Fatalf("after dying %v write %d", mode, failAt)
			}
		}
	}
}

// TestNothingIsLostWhenOneWriteFails goes on with the same writer after one operation failed.
func TestNothingIsLostWhenOneWriteFails(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 7
	}
	for _, mode := range []faulty.Mode{faulty.Before, faulty.After} {
		for failAt := 1; ; failAt += step {
			c, x := newClock(), newTale()
			lake := &faulty.Lake{Lake: memlake.New(), FailAt: failAt, Mode: mode, Reads: true}
			w, err := x.open(t, lake, c)
			if err != nil {
				w, err = x.open(t, lake, c)
				ok(t, err)
			}
			if x.tell(t.Context(), w, c) == nil && lake.Operations() < failAt {
				break
			}
			for try := 0; ; try++ {
				if err = x.tell(t.Context(), w, c); err == nil {
					break
				}
				if try == 3 {
					t.Fatalf("after failing %v operation %d: %v", mode, failAt, err)
				}
			}
			x.want(t, lake)
			if failAt%10 == 0 { // for the same reason
				check(t, lake, false)
			}
			if t.Failed() {
				t.Fatalf("after failing %v operation %d", mode, failAt)
			}
		}
	}
}

// TestReadersNeverSeeHalf looks at the lake as it is at every moment of the tale.
func TestReadersNeverSeeHalf(t *testing.T) {
	for failAt := 1; ; failAt++ {
		inner, c, x := memlake.New(), newClock(), newTale()
		lake := &faulty.Lake{Lake: inner, FailAt: failAt, Sticky: true}
		w, err := x.open(t, lake, c)
		if err == nil && x.tell(t.Context(), w, c) == nil {
			break
		}
		for _, def := range []*lakelink.Table{x.wide, x.other} {
			_, _, err := writertest.Read(t.Context(), NewReader(inner), def)
			if err != nil && !isNotFound(err) {
				t.Fatalf("before write %d: %v", failAt, err)
			}
		}
		if _, err := inner.Stat(t.Context(), changelogName); err == nil {
			check(t, inner, true)
		}
		if t.Failed() {
			t.Fatalf("before write %d", failAt)
		}
	}
}
