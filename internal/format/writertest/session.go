package writertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/lake/memlake"
)

// A session is one test's lake and the writer that is open over it.
type session struct {
	*testing.T
	suite  *suite
	ctx    context.Context
	lake   lakelink.Lake
	writer lakelink.Writer
	reader lakelink.Reader
}

func newSession(t *testing.T, s *suite) *session {
	x := &session{T: t, suite: s, ctx: t.Context(), lake: memlake.New()}
	x.writer, x.reader = s.open(t, x.lake)
	if x.writer.Format() != x.reader.Format() {
		t.Fatalf("the writer's format is %s, the reader's %s", x.writer.Format(), x.reader.Format())
	}
	t.Cleanup(func() { x.writer.Close() })
	return x
}

// ok ends the test on an error.
func (x *session) ok(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// reopen is what happens when the program is killed and started anew.
func (x *session) reopen() {
	x.Helper()
	x.ok(x.writer.Close())
	x.writer, x.reader = x.suite.open(x.T, x.lake)
}

func (x *session) table(t *lakelink.Table) lakelink.TableWriter {
	x.Helper()
	w, err := x.writer.Table(x.ctx, t)
	x.ok(err)
	return w
}

// show makes readable what was committed, where the format does that on an interval.
func show(ctx context.Context, w lakelink.Writer) error {
	if i, ok := w.(lakelink.IntervalWriter); ok {
		return i.CloseInterval(ctx)
	}
	return nil
}

func (x *session) show() {
	x.Helper()
	x.ok(show(x.ctx, x.writer))
}

// commit writes batches and commits them together.
func (x *session) commit(w lakelink.TableWriter, pos lakelink.Position, batches ...*lakelink.Batch) {
	x.Helper()
	for _, b := range batches {
		x.ok(w.Write(x.ctx, b))
	}
	x.ok(w.Commit(x.ctx, pos))
	x.show()
}

// load makes the batches the table's content.
func (x *session) load(w lakelink.TableWriter, pos lakelink.Position, batches ...*lakelink.Batch) {
	x.Helper()
	l, err := w.Load(x.ctx)
	x.ok(err)
	x.ok(l.Truncate(x.ctx, ""))
	for i, b := range batches {
		x.ok(l.Write(x.ctx, loaded(b)))
		if i < len(batches)-1 {
			x.ok(l.Stage(x.ctx, page(i+1)))
		}
	}
	x.ok(l.Finish(x.ctx, pos))
	x.show()
}

// rows reads the table as a consumer would: of each id the highest version, the later of two equal
// ones, without what is deleted.
func (x *session) rows(t *lakelink.Table) (map[lakelink.ID]Row, lakelink.Position) {
	x.Helper()
	rows, pos, err := Read(x.ctx, x.reader, t)
	x.ok(err)
	return rows, pos
}

// Read reads a table as a consumer would: of each id the highest version, the later of two equal
// ones, without what is deleted.
func Read(ctx context.Context, r lakelink.Reader, t *lakelink.Table) (map[lakelink.ID]Row, lakelink.Position, error) {
	snapshot, err := r.Snapshot(ctx, t)
	if err != nil {
		return nil, lakelink.Position{}, err
	}
	type image struct {
		version int64
		row     Row // nil: deleted
	}
	images := map[lakelink.ID]image{}
	keep := func(id lakelink.ID, version int64, row Row) {
		if old, ok := images[id]; !ok || version >= old.version {
			images[id] = image{version, row}
		}
	}
	for b, err := range snapshot.Batches(ctx) {
		if err != nil {
			return nil, lakelink.Position{}, err
		}
		if b.Rows != nil && !b.Rows.Schema().Equal(t.ArrowSchema()) {
			return nil, lakelink.Position{}, fmt.Errorf("batches come as %v, not as %v", b.Rows.Schema(), t.ArrowSchema())
		}
		for i := range b.NumRows() {
			row := RowAt(b.Rows, i)
			keep(row[t.PrimaryKey].(lakelink.ID), row[lakelink.VersionColumn].(int64), row)
		}
		for _, d := range b.Deletes {
			keep(d.ID, d.Version, nil)
		}
	}
	rows := map[lakelink.ID]Row{}
	for id, i := range images {
		if i.row != nil {
			rows[id] = i.row
		}
	}
	return rows, snapshot.Position(), nil
}

// want compares the table with rows and the reader's position with pos.
func (x *session) want(t *lakelink.Table, pos lakelink.Position, rows ...Row) {
	x.Helper()
	if at := x.wantRows(t, rows...); !samePosition(at, pos) {
		x.Fatalf("the reader is at %+v, want %+v", at, pos)
	}
}

// wantRows is want after a commit that changed nothing: the reader's position may have stayed.
func (x *session) wantRows(t *lakelink.Table, rows ...Row) lakelink.Position {
	x.Helper()
	got, at := x.rows(t)
	if diff := x.diff(t, byID(t, rows), got); diff != "" {
		x.Fatalf("the table is not as expected (-want +got):\n%s", diff)
	}
	return at
}

// wantNothing passes where the table is not there, or is there without rows and position.
func (x *session) wantNothing(t *lakelink.Table) {
	x.Helper()
	rows, pos, err := Read(x.ctx, x.reader, t)
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return
	}
	x.ok(err)
	if len(rows) != 0 || !pos.IsZero() {
		x.Fatalf("readers see %d rows at %+v before anything was committed", len(rows), pos)
	}
}

func (x *session) wantPosition(w lakelink.TableWriter, pos lakelink.Position) {
	x.Helper()
	if got := w.Position(); !samePosition(got, pos) {
		x.Fatalf("the writer is at %+v, want %+v", got, pos)
	}
}

func samePosition(a, b lakelink.Position) bool {
	return a.Checkpoint == b.Checkpoint && a.Version == b.Version && a.At.Equal(b.At)
}

func byID(t *lakelink.Table, rows []Row) map[lakelink.ID]Row {
	m := map[lakelink.ID]Row{}
	for _, r := range rows {
		m[r[t.PrimaryKey].(lakelink.ID)] = r
	}
	return m
}

// diff compares what was written with what was read, allowing for what the format cannot tell.
func (x *session) diff(t *lakelink.Table, want, got map[lakelink.ID]Row) string {
	var b strings.Builder
	ids := map[lakelink.ID]bool{}
	for id := range want {
		ids[id] = true
	}
	for id := range got {
		ids[id] = true
	}
	sorted := slices.SortedFunc(maps.Keys(ids), func(a, b lakelink.ID) int { return slices.Compare(a[:], b[:]) })
	for _, id := range sorted {
		w, g := want[id], got[id]
		if w != nil {
			// Through Record and back, so that both sides have the types of the columns.
			w = RowAt(Record(t, w), 0)
		}
		if d := cmp.Diff(x.forgiving(w), x.forgiving(g)); d != "" && b.Len() < 4000 {
			fmt.Fprintf(&b, "%s:\n%s", id, d)
		}
	}
	return b.String()
}

func (x *session) forgiving(r Row) Row {
	out := maps.Clone(r)
	for k, v := range out {
		if s, ok := v.(string); ok && s == "" && x.suite.emptyIsNull {
			delete(out, k)
		}
		if v, ok := v.(time.Time); ok && x.suite.untimed {
			out[k] = v.Truncate(time.Second)
		}
	}
	return out
}
