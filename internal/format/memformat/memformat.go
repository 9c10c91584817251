// Package memformat is a format in memory: the working twin of the real ones, for tests of what
// feeds them. It passes the suite of writertest in both of its ways to commit.
package memformat

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"lakelink"
)

// A Store is what has become readable: the lake of this format. It outlives its writers.
type Store struct {
	mu     sync.Mutex
	tables map[lakelink.TableName]*table
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{tables: map[lakelink.TableName]*table{}} }

// table is the durable state of one table.
type table struct {
	commits int // fences writers: one that has not seen the last commit conflicts
	pos     lakelink.Position
	rows    map[lakelink.ID]row
	steps   []step
}

// row is one row of a batch.
type row struct {
	batch   arrow.RecordBatch
	at      int
	version int64
}

// step is one Stage of a load.
type step struct {
	pos  lakelink.Position
	rows []row
	ids  []lakelink.ID
}

func (s *Store) table(name lakelink.TableName) *table {
	t := s.tables[name]
	if t == nil {
		t = &table{rows: map[lakelink.ID]row{}}
		s.tables[name] = t
	}
	return t
}

// Writer returns a writer into the store which commits table by table.
func (s *Store) Writer(f lakelink.Format) lakelink.Writer {
	return &writer{store: s, format: f, open: map[lakelink.TableName]*tableWriter{}}
}

// IntervalWriter returns a writer into the store which commits on an interval.
func (s *Store) IntervalWriter(f lakelink.Format) lakelink.IntervalWriter {
	return &intervalWriter{writer{store: s, format: f, interval: true, open: map[lakelink.TableName]*tableWriter{}}}
}

type writer struct {
	store    *Store
	format   lakelink.Format
	interval bool
	mu       sync.Mutex
	open     map[lakelink.TableName]*tableWriter
}

func (w *writer) Format() lakelink.Format { return w.format }
func (w *writer) Close() error            { return nil }

func (w *writer) Table(_ context.Context, t *lakelink.Table) (lakelink.TableWriter, error) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	st := w.store.table(t.Name)
	tw := &tableWriter{writer: w, table: t, seen: st.commits, pos: st.pos}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[t.Name] = tw
	return tw, nil
}

func (w *writer) Forget(_ context.Context, name lakelink.TableName) error {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	delete(w.store.tables, name)
	return nil
}

type intervalWriter struct{ writer }

func (w *intervalWriter) CloseInterval(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for _, tw := range w.open {
		if tw.pending != nil {
			if err := tw.show(tw.pending); err != nil {
				return err
			}
			tw.pending = nil
		}
	}
	return nil
}

func (w *intervalWriter) Pending() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, tw := range w.open {
		if tw.pending != nil {
			return true
		}
	}
	return false
}

// commit is what one Commit or Finish brings.
type commit struct {
	replace bool
	rows    map[lakelink.ID]row
	deletes map[lakelink.ID]int64
	pos     lakelink.Position
}

func newCommit() *commit {
	return &commit{rows: map[lakelink.ID]row{}, deletes: map[lakelink.ID]int64{}}
}

type tableWriter struct {
	writer  *writer
	table   *lakelink.Table
	seen    int
	pos     lakelink.Position
	written *commit
	pending *commit
}

func (w *tableWriter) Position() lakelink.Position {
	w.writer.store.mu.Lock()
	defer w.writer.store.mu.Unlock()
	return w.pos
}

func (w *tableWriter) SetTable(_ context.Context, t *lakelink.Table) error {
	w.table = t
	return nil
}

func (w *tableWriter) Write(_ context.Context, b *lakelink.Batch) error {
	if w.written == nil {
		w.written = newCommit()
	}
	ids, rows, err := split(b)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if old, ok := w.written.rows[id]; !ok || rows[i].version >= old.version {
			w.written.rows[id] = rows[i]
		}
	}
	for _, d := range b.Deletes {
		w.written.deletes[d.ID] = d.Version
	}
	return nil
}

func (w *tableWriter) Commit(_ context.Context, pos lakelink.Position) error {
	c := w.written
	w.written = nil
	if c == nil {
		c = newCommit()
	}
	for id, v := range c.deletes {
		if v == 0 {
			c.deletes[id] = pos.Version
		}
	}
	c.pos = pos
	return w.hand(c)
}

// hand shows a commit, or keeps it for the end of the interval.
func (w *tableWriter) hand(c *commit) error {
	if w.writer.interval {
		w.writer.mu.Lock()
		defer w.writer.mu.Unlock()
	}
	w.writer.store.mu.Lock()
	defer w.writer.store.mu.Unlock()
	if !w.writer.interval {
		return w.show(c)
	}
	if w.pending == nil && len(c.rows) == 0 && len(c.deletes) == 0 && !c.replace {
		return w.show(c)
	}
	w.pending = merge(w.pending, c)
	return nil
}

// merge adds a later commit to an earlier one.
func merge(a, b *commit) *commit {
	if a == nil || b.replace {
		return b
	}
	for id, r := range b.rows {
		if old, ok := a.rows[id]; !ok || r.version >= old.version {
			a.rows[id] = r
		}
		if v, ok := a.deletes[id]; ok && r.version > v {
			delete(a.deletes, id)
		}
	}
	for id, v := range b.deletes {
		if r, ok := a.rows[id]; ok && r.version <= v {
			delete(a.rows, id)
		}
		a.deletes[id] = max(a.deletes[id], v)
	}
	a.pos = b.pos
	return a
}

// show makes a commit readable. The store's lock is held.
func (w *tableWriter) show(c *commit) error {
	st := w.writer.store.table(w.table.Name)
	if st.commits != w.seen {
		return &lakelink.Error{Op: "commit", Table: w.table.Name, Kind: lakelink.KindConflict,
			Err: errors.New("another writer has committed")}
	}
	rows := maps.Clone(st.rows)
	if c.replace {
		clear(rows)
	}
	for id, r := range c.rows {
		if old, ok := rows[id]; !ok || r.version > old.version {
			rows[id] = r
		}
	}
	for id, v := range c.deletes {
		if old, ok := rows[id]; ok && old.version <= v {
			delete(rows, id)
		}
	}
	st.rows, st.pos = rows, c.pos
	if len(c.rows)+len(c.deletes) > 0 || c.replace {
		st.commits++
	}
	if c.replace {
		st.steps = nil
	}
	w.seen, w.pos = st.commits, c.pos
	return nil
}

func (w *tableWriter) Load(context.Context) (lakelink.LoadWriter, error) {
	return &loadWriter{tw: w}, nil
}

type loadWriter struct {
	tw   *tableWriter
	rows []row
	ids  []lakelink.ID
}

func (l *loadWriter) durable() *table { return l.tw.writer.store.table(l.tw.table.Name) }

func (l *loadWriter) Staged() []lakelink.Position {
	l.tw.writer.store.mu.Lock()
	defer l.tw.writer.store.mu.Unlock()
	var out []lakelink.Position
	for _, s := range l.durable().steps {
		out = append(out, s.pos)
	}
	return out
}

func (l *loadWriter) Truncate(_ context.Context, to lakelink.Checkpoint) error {
	l.tw.writer.store.mu.Lock()
	defer l.tw.writer.store.mu.Unlock()
	st := l.durable()
	keep := 0
	for i, s := range st.steps {
		if to != "" && s.pos.Checkpoint == to {
			keep = i + 1
		}
	}
	st.steps = st.steps[:keep]
	return nil
}

func (l *loadWriter) Write(_ context.Context, b *lakelink.Batch) error {
	ids, rows, err := split(b)
	l.ids, l.rows = append(l.ids, ids...), append(l.rows, rows...)
	return err
}

func (l *loadWriter) Stage(_ context.Context, pos lakelink.Position) error {
	l.tw.writer.store.mu.Lock()
	defer l.tw.writer.store.mu.Unlock()
	st := l.durable()
	st.steps = append(st.steps, step{pos: pos, rows: l.rows, ids: l.ids})
	l.rows, l.ids = nil, nil
	return nil
}

func (l *loadWriter) Finish(ctx context.Context, pos lakelink.Position) error {
	if s := l.Staged(); len(l.rows) > 0 || len(s) == 0 || s[len(s)-1].Checkpoint != pos.Checkpoint {
		if err := l.Stage(ctx, pos); err != nil {
			return err
		}
	}
	l.tw.written = nil // it is in the load
	c := newCommit()
	c.replace, c.pos = true, pos
	l.tw.writer.store.mu.Lock()
	for _, s := range l.durable().steps {
		for i, id := range s.ids {
			if old, ok := c.rows[id]; !ok || s.rows[i].version > old.version {
				c.rows[id] = s.rows[i]
			}
		}
	}
	l.tw.writer.store.mu.Unlock()
	return l.tw.hand(c)
}

// split lists the rows of a batch with their ids.
func split(b *lakelink.Batch) ([]lakelink.ID, []row, error) {
	if b.Rows == nil {
		return nil, nil, nil
	}
	schema := b.Rows.Schema()
	pk, v := schema.FieldIndices(b.Table.PrimaryKey), schema.FieldIndices(lakelink.VersionColumn)
	if len(pk) != 1 || len(v) != 1 {
		return nil, nil, fmt.Errorf("table %s: batch without primary key or version", b.Table.Name)
	}
	keys, versions := b.Rows.Column(pk[0]).(*array.FixedSizeBinary), b.Rows.Column(v[0]).(*array.Int64)
	ids, rows := make([]lakelink.ID, keys.Len()), make([]row, keys.Len())
	for i := range ids {
		ids[i] = lakelink.ID(keys.Value(i))
		rows[i] = row{batch: b.Rows, at: i, version: versions.Value(i)}
	}
	return ids, rows, nil
}

// Reader reads the store back.
func (s *Store) Reader(f lakelink.Format) lakelink.Reader { return reader{s, f} }

type reader struct {
	store  *Store
	format lakelink.Format
}

func (r reader) Format() lakelink.Format { return r.format }

func (r reader) Snapshot(_ context.Context, t *lakelink.Table) (lakelink.Snapshot, error) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	st := r.store.tables[t.Name]
	if st == nil || st.pos.IsZero() {
		return nil, &lakelink.Error{Op: "read table", Table: t.Name, Kind: lakelink.KindNotFound,
			Err: errors.New("the lake does not hold it")}
	}
	return snapshot{t, st.pos, maps.Clone(st.rows)}, nil
}

type snapshot struct {
	table *lakelink.Table
	pos   lakelink.Position
	rows  map[lakelink.ID]row
}

func (s snapshot) Position() lakelink.Position { return s.pos }

func (s snapshot) Batches(context.Context) iter.Seq2[*lakelink.Batch, error] {
	return func(yield func(*lakelink.Batch, error) bool) {
		for _, r := range s.rows {
			rows, err := widen(s.table, r.batch.NewSlice(int64(r.at), int64(r.at+1)))
			if !yield(&lakelink.Batch{Table: s.table, Rows: rows, Next: s.pos}, err) {
				return
			}
		}
	}
}

// widen adds the columns that the table got after the row was written, as nulls.
func widen(t *lakelink.Table, r arrow.RecordBatch) (arrow.RecordBatch, error) {
	schema := t.ArrowSchema()
	if r.Schema().Equal(schema) {
		return r, nil
	}
	cols := make([]arrow.Array, schema.NumFields())
	for i, f := range schema.Fields() {
		if at := r.Schema().FieldIndices(f.Name); len(at) == 1 {
			cols[i] = r.Column(at[0])
			continue
		}
		cols[i] = array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, int(r.NumRows()))
	}
	return array.NewRecordBatch(schema, cols, r.NumRows()), nil
}
