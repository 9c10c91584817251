package verify

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"lakelink"
	"lakelink/internal/memsource"
)

// A fakeLake is one format of one table in memory, fed from a source. It is its own Reader, and its
// own Snapshot: rows that tests damage are shown damaged.
type fakeLake struct {
	t        rapid.TB
	source   *memsource.Source
	table    *lakelink.Table
	format   lakelink.Format
	position lakelink.Position
	rows     map[lakelink.ID]map[string]any
	history  []*lakelink.Batch // Incremental: all that was ever written
	extra    []map[string]any  // shown after the rows
	before   func()            // called by every Snapshot
	fail     error             // what Batches ends with, after its first batch
	missing  bool
	read     int
}

func newFakeLake(t rapid.TB, s *memsource.Source, def *lakelink.Table, f lakelink.Format) *fakeLake {
	l := &fakeLake{t: t, source: s, table: def, format: f, rows: map[lakelink.ID]map[string]any{}}
	l.follow()
	return l
}

// follow brings the lake up to date with the source, as a writer does.
func (l *fakeLake) follow() {
	l.t.Helper()
	since := l.position
	for b, err := range l.source.Feed(context.Background(), l.table, since.Checkpoint) {
		if err != nil {
			l.t.Fatal(err)
		}
		l.apply(b)
		l.position = b.Next
	}
}

func (l *fakeLake) apply(b *lakelink.Batch) {
	written := &lakelink.Batch{Table: l.table, Next: b.Next}
	var rows []map[string]any
	for i := range b.NumRows() {
		row := memsource.Values(b.Rows, i)
		l.put(row)
		rows = append(rows, l.written(row))
	}
	written.Rows = memsource.Record(l.table, rows)
	for _, d := range b.Deletes {
		delete(l.rows, d.ID)
		// As a writer does: the version of the position it is committed with, which is not below
		// that of any row it follows.
		version, err := l.source.Version(context.Background())
		if err != nil {
			l.t.Fatal(err)
		}
		if b.Done {
			version = b.Next.Version
		}
		written.Deletes = append(written.Deletes, lakelink.Delete{ID: d.ID, Version: version})
	}
	l.history = append(l.history, written)
}

func (l *fakeLake) put(row map[string]any) { l.rows[row[l.table.PrimaryKey].(lakelink.ID)] = row }

// written is a row as the format can tell it.
func (l *fakeLake) written(row map[string]any) map[string]any {
	if l.format != lakelink.Incremental {
		return row
	}
	row = maps.Clone(row)
	maps.DeleteFunc(row, func(_ string, v any) bool { return v == "" })
	return row
}

func (l *fakeLake) Format() lakelink.Format     { return l.format }
func (l *fakeLake) Position() lakelink.Position { return l.position }

func (l *fakeLake) Snapshot(context.Context, *lakelink.Table) (lakelink.Snapshot, error) {
	if l.missing {
		return nil, &lakelink.Error{Op: "open", Table: l.table.Name, Kind: lakelink.KindNotFound}
	}
	if l.before != nil {
		l.before()
	}
	pinned := *l
	pinned.rows = maps.Clone(l.rows)
	pinned.history = slices.Clone(l.history)
	pinned.extra = slices.Clone(l.extra)
	l.read++
	return &pinned, nil
}

func (l *fakeLake) Batches(ctx context.Context) iter.Seq2[*lakelink.Batch, error] {
	return func(yield func(*lakelink.Batch, error) bool) {
		for _, b := range l.batches() {
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			if !yield(b, nil) {
				return
			}
			if l.fail != nil {
				yield(nil, l.fail)
				return
			}
		}
	}
}

// batches shows the history where nobody has damaged it, and the rows otherwise.
func (l *fakeLake) batches() []*lakelink.Batch {
	if l.format == lakelink.Incremental {
		all := slices.Clone(l.history)
		if len(l.extra) > 0 {
			all = append(all, &lakelink.Batch{Table: l.table, Rows: memsource.Record(l.table, l.extra)})
		}
		return all
	}
	rows := slices.SortedFunc(maps.Values(l.rows), func(a, b map[string]any) int {
		x, y := a[l.table.PrimaryKey].(lakelink.ID), b[l.table.PrimaryKey].(lakelink.ID)
		return bytes.Compare(x[15:], y[15:]) // some order that is not the source's
	})
	var all []*lakelink.Batch
	for part := range slices.Chunk(append(rows, l.extra...), 7) {
		all = append(all, &lakelink.Batch{Table: l.table, Rows: memsource.Record(l.table, part)})
	}
	return all
}

// A world is a source and its lake in both formats.
type world struct {
	t      rapid.TB
	source *memsource.Source
	table  *lakelink.Table
	delta  *fakeLake
	csv    *fakeLake
	ids    []lakelink.ID
}

func newWorld(t rapid.TB, rows int) *world {
	s := memsource.New(memsource.SampleTable("account"))
	s.SetPageRows(5)
	def, err := s.Table(context.Background(), "account")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, source: s, table: def, ids: s.Create("account", rows)}
	w.delta = newFakeLake(t, s, def, lakelink.Delta)
	w.csv = newFakeLake(t, s, def, lakelink.Incremental)
	return w
}

func (w *world) follow() {
	w.delta.follow()
	w.csv.follow()
}

// options compare both formats with hardly any memory, and let the lake follow when waited for.
func (w *world) options(dir string) Options {
	return Options{
		Source: w.source, Table: w.table, Readers: []lakelink.Reader{w.delta, w.csv},
		Wait: func(_ context.Context, version int64) error {
			w.follow()
			if w.delta.position.Version < version {
				w.t.Errorf("waited for version %d, and the lake is at %d", version, w.delta.position.Version)
			}
			return nil
		},
		TempDir: dir, MemoryBytes: 1 << 10, Examples: 3,
	}
}
