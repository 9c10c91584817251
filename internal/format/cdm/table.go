package cdm

import (
	"context"

	"lakelink"
)

// A tableWriter writes the changes of one table.
type tableWriter struct {
	w     *Writer
	t     *table
	def   *lakelink.Table
	epoch int
	enc   *encoder
	open  *spool // written since the last Commit
	load  *loadWriter
}

// release gives back what was written and neither committed nor staged.
func (tw *tableWriter) release() {
	tw.open.release()
	if tw.load != nil {
		tw.load.spool.release()
	}
}

// check reports why this opening of the table may not go on. mu is held.
func (w *Writer) check(op string, t *table, epoch int) error {
	if w.closed {
		return fail(op, t.name, errClosed)
	}
	if t.epoch != epoch {
		return &lakelink.Error{Op: op, Table: t.name, Kind: lakelink.KindConflict, Hint: "open the table anew"}
	}
	return nil
}

// Position is what the lake shows, or where reading on has brought nothing that it would have to show.
func (tw *tableWriter) Position() lakelink.Position {
	tw.w.mu.Lock()
	defer tw.w.mu.Unlock()
	return tw.t.position
}

// Write adds changes to the spool.
func (tw *tableWriter) Write(ctx context.Context, b *lakelink.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tw.w.mu.Lock()
	err := tw.w.check("write", tw.t, tw.epoch)
	tw.w.mu.Unlock()
	if err != nil {
		tw.open.release()
		return err
	}
	return write(tw.enc, b, tw.open)
}

func write(enc *encoder, b *lakelink.Batch, to *spool) error {
	for _, d := range b.Deletes {
		to.delete(d.ID, d.Version)
	}
	if b.NumRows() == 0 {
		return to.settle()
	}
	return enc.encode(b.Rows, to)
}

// Commit lets the next interval show what was written. Where nothing was written and nothing waits,
// the position moves at once.
func (tw *tableWriter) Commit(ctx context.Context, pos lakelink.Position) error {
	w, t := tw.w, tw.t
	w.mu.Lock()
	if err := w.check("commit", t, tw.epoch); err != nil {
		w.mu.Unlock()
		tw.open.release()
		return err
	}
	idle := tw.open.empty() && len(t.committed) == 0 && t.load == nil
	switch n := len(t.committed); {
	case idle:
		t.position = pos
	case tw.open.empty() && n > 0:
		t.committed[n-1].pos = pos
	default:
		tw.open.pos, tw.open.deletes = pos, pos.Version
		t.committed = append(t.committed, tw.open)
		tw.open = newSpool(w.budget)
	}
	old := idle && w.last != nil && pos.At.Sub(t.entry.Position.At) >= positionAge
	w.mu.Unlock()
	if old {
		return w.savePositions(ctx)
	}
	return nil
}

// SetTable takes a changed schema. Rows that were written under the old one are widened when they
// are shown, so that all rows of a folder have one width (C4).
func (tw *tableWriter) SetTable(_ context.Context, def *lakelink.Table) error {
	w := tw.w
	if err := def.Validate(); err != nil {
		return &lakelink.Error{Op: "take schema", Table: tw.def.Name, Kind: lakelink.KindInvalid, Err: err}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.check("take schema", tw.t, tw.epoch); err != nil {
		return err
	}
	attrs, err := extend(tw.t.attrs, def)
	if err != nil {
		return err
	}
	tw.t.attrs, w.defs[def.Name] = attrs, def
	tw.def, tw.enc = def, newEncoder(def, attrs)
	return nil
}
