package delta

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"lakelink"
)

// A table is the lakelink.TableWriter of this format.
type table struct {
	w    *writer
	name lakelink.TableName
	log  deltaLog
	keys *keySet

	state  *state            // the log as it was read or committed last
	pos    lakelink.Position // the state's, or a later one up to which nothing has changed
	def    *lakelink.Table   // as set last
	schema *schema           // of the next commit
	layout *layout           // of the files that are written from here on
	unfit  error             // why def cannot be stored beside the rows that are there

	pending pending // written, and in memory
	spilled *draft  // written, and in files that are not in the log; nil where there are none
	broken  error   // a commit failed, and whether it is in the lake is for the next opening to see

	swept time.Time // when files that crashes left were looked for last
}

var errReopen = errors.New("an earlier commit failed")

func openTable(ctx context.Context, w *writer, t *lakelink.Table) (*table, error) {
	x := &table{w: w, name: t.Name, log: deltaLog{lake: w.Lake, table: t.Name}, swept: w.Now()}
	x.keys = &keySet{dir: w.indexFolder(t.Name), open: map[string]*keyIndex{},
		read: func(ctx context.Context, add *addFile) ([]key, error) {
			return readKeys(ctx, w.Lake, t.Name, add)
		}}
	var err error
	if x.state, err = x.log.read(ctx); err != nil {
		return nil, w.wrap("open delta table", t.Name, err)
	}
	switch {
	case x.state.version < 0:
	case x.state.ownVersion < 0:
		return nil, w.fail("open delta table", t.Name, lakelink.KindOwned,
			fmt.Errorf("the Delta table %s was not made by Lakelink", folder(t.Name)), "move it away or choose another lake")
	case x.state.own.Link != w.LinkID:
		return nil, w.fail("open delta table", t.Name, lakelink.KindOwned,
			fmt.Errorf("the Delta table %s belongs to the link with id %s", folder(t.Name), x.state.own.Link), "choose another lake")
	case x.state.own.Format > infoVersion:
		return nil, w.fail("open delta table", t.Name, lakelink.KindInvalid,
			fmt.Errorf("the Delta table %s was written by a later version of Lakelink", folder(t.Name)), "update Lakelink")
	}
	x.pos = x.state.own.Position
	if err := x.setTable(t); err != nil && x.unfit == nil {
		return nil, err
	}
	x.sweepIndexes()
	return x, nil
}

// sweepIndexes removes what earlier runs have left in the folder of indexes. Those of staged files
// go too, when no load is opened: they can be made anew.
func (t *table) sweepIndexes() {
	live := map[string]bool{}
	for p := range t.state.files {
		live[path.Base(p)] = true
	}
	if len(live) > 0 {
		t.keys.sweep(live)
	}
}

// Position is how far the lake is.
func (t *table) Position() lakelink.Position { return t.pos }

// SetTable takes a changed schema. New columns go into the next commit.
func (t *table) SetTable(_ context.Context, def *lakelink.Table) error {
	if err := def.Validate(); err != nil {
		return t.w.fail("take schema", t.name, lakelink.KindInvalid, err, "")
	}
	return t.setTable(def)
}

func (t *table) setTable(def *lakelink.Table) error {
	s := newSchema(def)
	if t.state.version >= 0 {
		base := t.state.schema
		if t.schema != nil && t.unfit == nil {
			base = t.schema // with columns that the next commit adds
		}
		merged, err := base.merge(def, false)
		if err != nil {
			// Until a load replaces the rows, nothing can be written.
			t.def = def
			t.unfit = t.w.fail("take schema", t.name, lakelink.KindInvalid, err, "resync the table to store it anew")
			if t.schema == nil {
				t.schema = t.state.schema
			}
			return t.unfit
		}
		s = merged
	}
	l, err := newLayout(s)
	if err != nil {
		return t.w.fail("take schema", t.name, lakelink.KindDamaged, err, "resync the table")
	}
	t.def, t.schema, t.layout, t.unfit = def, s, l, nil
	return nil
}

// Write takes a batch of changes. What exceeds the budget goes into files that are not in the log.
func (t *table) Write(ctx context.Context, b *lakelink.Batch) error {
	if err := t.usable(); err != nil {
		return err
	}
	if err := t.fits(b); err != nil {
		return err
	}
	if err := t.pending.add(b); err != nil {
		return t.w.fail("write", t.name, lakelink.KindInvalid, err, "")
	}
	if t.pending.size < t.w.Budget {
		return nil
	}
	return t.breakOn(t.spill(ctx))
}

// fits refuses batches with columns that the table has not been told of.
func (t *table) fits(b *lakelink.Batch) error {
	if b.Rows == nil {
		return nil
	}
	for _, f := range b.Rows.Schema().Fields() {
		if t.schema.find(f.Name) == nil {
			return t.w.fail("write", t.name, lakelink.KindInvalid,
				fmt.Errorf("a batch has column %s, which the table has not", f.Name), "")
		}
	}
	return nil
}

func (t *table) usable() error {
	if t.broken != nil {
		return t.broken
	}
	return t.unfit
}

// breakOn makes the table unusable after an error: opening it anew tells what is in the lake.
func (t *table) breakOn(err error) error {
	if err == nil {
		return nil
	}
	t.broken = t.w.fail("write", t.name, lakelink.KindConflict, fmt.Errorf("%w: %w", errReopen, err), "")
	t.pending, t.spilled = pending{}, nil
	var e *lakelink.Error
	if errors.As(err, &e) && e.Table == t.name {
		return err
	}
	return t.w.wrap("write delta table", t.name, err)
}

// spill writes the pending rows into files.
func (t *table) spill(ctx context.Context) error {
	d, err := t.draft(ctx)
	if err != nil {
		return err
	}
	d.resolveRows(&t.pending)
	if err := d.write(ctx, d.jobs(t.pending.groups(t.layout.partitionOf))); err != nil {
		return err
	}
	t.pending.rowsWritten()
	t.spilled = d
	return nil
}

// Commit makes what was written readable.
func (t *table) Commit(ctx context.Context, pos lakelink.Position) error {
	if err := t.usable(); err != nil {
		return err
	}
	return t.breakOn(t.commit(ctx, pos))
}

func (t *table) commit(ctx context.Context, pos lakelink.Position) error {
	var d *draft
	if !t.pending.empty() || t.spilled != nil {
		var err error
		if d, err = t.draft(ctx); err != nil {
			return err
		}
		d.resolveRows(&t.pending)
		d.resolveDeletes(&t.pending, pos.Version)
	}
	groups := t.pending.groups(t.layout.partitionOf)
	changed := len(groups) > 0 || d != nil && d.touched()
	newSchema := t.state.version >= 0 && t.schema.String() != t.state.meta.SchemaString
	late := pos.At.Sub(t.state.own.Position.At) >= t.w.PositionEvery
	if !changed && !newSchema && !late && t.state.version >= 0 {
		t.pending, t.spilled, t.pos = pending{}, nil, pos
		return nil
	}
	c := commit{operation: "WRITE", position: pos, load: t.state.own.Load}
	if changed {
		c.operation = "MERGE"
		jobs := d.jobs(groups)
		if err := d.write(ctx, d.fold(jobs)); err != nil {
			return err
		}
		c.added, c.removed = d.result()
	}
	if err := t.push(ctx, c); err != nil {
		return err
	}
	t.pending, t.spilled = pending{}, nil
	t.maintain(ctx)
	return nil
}

// draft opens the table's files for finding rows in them, or goes on with what was spilled.
func (t *table) draft(ctx context.Context) (*draft, error) {
	if t.spilled != nil {
		return t.spilled, nil
	}
	adds := make([]*addFile, 0, len(t.state.files))
	for _, p := range t.state.paths() {
		adds = append(adds, t.state.files[p])
	}
	return newDraft(ctx, t, adds, false)
}

// close ends the use of the table's indexes.
func (t *table) close() {
	t.broken = t.w.fail("write", t.name, lakelink.KindOther, errors.New("the writer is closed"), "")
	t.keys.close()
}
