package store

import "lakelink/internal/devserver/schema"

// A pointer ties an activity table to activitypointer, the table of all activities: every
// activity has a row there with the same primary key and the columns that both tables have.
type pointer struct {
	table    *Table
	typeCode *schema.Column                    // activitytypecode
	shared   map[*schema.Column]*schema.Column // activity's column to activitypointer's
}

func newPointer(t, activities *Table) *pointer {
	if activities == nil || !t.Activity || t == activities {
		return nil
	}
	p := &pointer{table: activities, typeCode: activities.Column("activitytypecode"), shared: map[*schema.Column]*schema.Column{}}
	for _, c := range t.Columns {
		to := activities.Column(c.LogicalName)
		if to == nil || to == p.typeCode || t.IsID(c) || t.IsVersion(c) {
			continue
		}
		if to.Type == c.Type && to.Behavior == c.Behavior {
			p.shared[c] = to
		}
	}
	return p
}

// mirror returns the fields of row that activitypointer has too.
func (p *pointer) mirror(row Row, only map[*schema.Column]bool) Row {
	mirrored := make(Row, 0, len(row)+2)
	for _, f := range row {
		if to := p.shared[f.Column]; to != nil && (only == nil || only[f.Column]) {
			mirrored = append(mirrored, Field{to, f.Value})
		}
	}
	return mirrored
}

func (tx *Tx) insertPointer(t *Table, id ID, row Row) error {
	p := t.pointer
	d := &tx.w.draft
	d.reset(p.table, p.mirror(row, nil))
	d.set(p.typeCode, t.LogicalName)
	return tx.insert(d, id)
}

func (tx *Tx) patchPointer(t *Table, id ID, row Row, written map[*schema.Column]bool) error {
	p := t.pointer
	before, old, err := tx.get(p.table, id)
	if err != nil {
		return err
	}
	d := &tx.w.draft
	d.reset(p.table, before)
	mirrored := make(map[*schema.Column]bool, len(written))
	for _, f := range p.mirror(row, nil) {
		d.set(f.Column, f.Value)
	}
	for c := range written {
		if to := p.shared[c]; to != nil {
			mirrored[to] = true
		}
	}
	return tx.update(d, id, old, before, mirrored)
}

func (tx *Tx) deletePointer(t *Table, id ID) error { return tx.delete(t.pointer.table, id) }
