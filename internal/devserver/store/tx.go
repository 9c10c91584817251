package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"modernc.org/sqlite"

	"lakelink/internal/devserver/schema"
)

// A Tx is a running transaction. It is valid until the function given to Update returns, and
// for one goroutine.
type Tx struct {
	store   *Store
	w       *writer
	ctx     context.Context // without an end: a cancelled statement would leave half a row
	caller  ID
	version int64
	now     time.Time
	rates   map[ID]Decimal
	changes map[Subscriber][]Change
}

// SetCaller names the user that later writes are made by: it becomes createdby, modifiedby and
// the owner. It is the environment's application user at first.
func (tx *Tx) SetCaller(user ID) { tx.caller = user }

// Now is the time of the transaction; every stamp that the server sets is the same.
func (tx *Tx) Now() time.Time {
	if tx.now.IsZero() {
		tx.now = tx.store.now().UTC().Truncate(time.Second)
	}
	return tx.now
}

// Insert creates a row. The primary key is taken from row or made up. Columns that row leaves
// out get the server's defaults: stamps, owner, state and status reason, currency, exchange rate,
// base-currency twins, full name. Columns that row has are stored as they are, read-only ones
// too. Creating an activity also creates its activitypointer.
//
// It returns ErrExists if the primary key is taken.
func (tx *Tx) Insert(table *schema.Table, row Row) (ID, error) {
	t, err := tx.table(table)
	if err != nil {
		return ID{}, err
	}
	d := &tx.w.draft
	d.reset(t, row)
	id, ok := d.get(t.id).(ID)
	if !ok {
		id = tx.store.ids.newID()
	}
	if err := tx.fillNew(d); err != nil {
		return id, err
	}
	if err := tx.insert(d, id); err != nil {
		return id, err
	}
	if t.pointer != nil {
		return id, tx.insertPointer(t, id, slices.Clone(d.row))
	}
	return id, nil
}

// insert writes a finished draft.
func (tx *Tx) insert(d *draft, id ID) error {
	t := d.table
	st, err := tx.w.of(t)
	if err != nil {
		return err
	}
	body, err := tx.encode(d)
	if err != nil {
		return fmt.Errorf("%s: %w", t.LogicalName, err)
	}
	tx.version++
	if _, err := st.insert.ExecContext(tx.ctx, tx.version, id[:], body); err != nil {
		if isConflict(err) {
			return fmt.Errorf("%s %s: %w", t.LogicalName, id, ErrExists)
		}
		return err
	}
	if subs := tx.interested(t, Create); subs != nil {
		after, err := t.decodeBody(body)
		if err != nil {
			return err
		}
		tx.record(subs, Change{Table: t.Table, ID: id, Message: Create, Version: tx.version, Target: after, After: after})
	}
	return nil
}

// Patch updates the columns that row has, and the stamps and columns that follow from them.
// Columns that row has are stored as they are; nil makes a column null. It returns ErrNotFound
// if there is no such row.
func (tx *Tx) Patch(table *schema.Table, id ID, row Row) error {
	t, err := tx.table(table)
	if err != nil {
		return err
	}
	before, old, err := tx.get(t, id)
	if err != nil {
		return err
	}
	written := make(map[*schema.Column]bool, len(row)+2)
	d := &tx.w.draft
	d.reset(t, before)
	for i := range row {
		if c := t.byNumber[row[i].Column.Number]; c != nil && c != t.id && c != t.version {
			written[c] = true
			d.set(c, row[i].Value)
		}
	}
	f := &t.defaults
	for c, v := range map[*schema.Column]Value{f.modifiedOn: tx.Now(), f.modifiedBy: Ref{"systemuser", tx.caller}} {
		if c != nil && !written[c] {
			written[c] = true
			d.set(c, v)
		}
	}
	if f.state != nil && f.status != nil && (written[f.state] || written[f.status]) {
		if err := deriveStatus(d, written[f.state], written[f.status]); err != nil {
			return err
		}
		written[f.state], written[f.status] = true, true
	}
	if err := tx.derive(d, func(c *schema.Column) bool { return written[c] }); err != nil {
		return err
	}
	return tx.update(d, id, old, before, written)
}

// update writes a finished draft over the row with version old.
func (tx *Tx) update(d *draft, id ID, old int64, before Row, written map[*schema.Column]bool) error {
	t := d.table
	st, err := tx.w.of(t)
	if err != nil {
		return err
	}
	body, err := tx.encode(d)
	if err != nil {
		return fmt.Errorf("%s %s: %w", t.LogicalName, id, err)
	}
	tx.version++
	if _, err := st.update.ExecContext(tx.ctx, tx.version, body, old); err != nil {
		return err
	}
	if subs := tx.interested(t, Update); subs != nil {
		after, err := t.decodeBody(body)
		if err != nil {
			return err
		}
		var target Row
		for _, f := range d.row {
			if written[f.Column] {
				target = append(target, Field{f.Column, after.Get(f.Column.LogicalName)})
			}
		}
		tx.record(subs, Change{Table: t.Table, ID: id, Message: Update, Version: tx.version, Target: target, Before: before, After: after})
	}
	if t.pointer != nil {
		return tx.patchPointer(t, id, slices.Clone(d.row), written)
	}
	return nil
}

// Delete removes a row and leaves a tombstone. It returns ErrNotFound if there is no such row.
func (tx *Tx) Delete(table *schema.Table, id ID) error {
	t, err := tx.table(table)
	if err != nil {
		return err
	}
	return tx.delete(t, id)
}

func (tx *Tx) delete(t *Table, id ID) error {
	before, old, err := tx.get(t, id)
	if err != nil {
		return err
	}
	st, err := tx.w.of(t)
	if err != nil {
		return err
	}
	if _, err := st.delete.ExecContext(tx.ctx, old); err != nil {
		return err
	}
	tx.version++
	if _, err := tx.w.tombstone.ExecContext(tx.ctx, t.LogicalName, id[:], tx.version, tx.Now().Unix()); err != nil {
		return err
	}
	if subs := tx.interested(t, Delete); subs != nil {
		tx.record(subs, Change{Table: t.Table, ID: id, Message: Delete, Version: tx.version, Before: before})
	}
	if t.pointer != nil {
		return tx.deletePointer(t, id)
	}
	return nil
}

// Get returns the columns of a row that are not null, without its primary key and version, and
// the version. It sees the writes of the transaction. It returns ErrNotFound if there is no such row.
func (tx *Tx) Get(table *schema.Table, id ID) (Row, int64, error) {
	t, err := tx.table(table)
	if err != nil {
		return nil, 0, err
	}
	return tx.get(t, id)
}

func (tx *Tx) get(t *Table, id ID) (Row, int64, error) {
	if t == nil {
		return nil, 0, ErrNotFound
	}
	st, err := tx.w.of(t)
	if err != nil {
		return nil, 0, err
	}
	var version int64
	var body []byte
	err = st.get.QueryRowContext(tx.ctx, id[:]).Scan(&version, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, fmt.Errorf("%s %s: %w", t.LogicalName, id, ErrNotFound)
	}
	if err != nil {
		return nil, 0, err
	}
	row, err := t.decodeBody(body)
	return row, version, err
}

func (tx *Tx) table(table *schema.Table) (*Table, error) {
	if t := tx.store.tables[table.LogicalName]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("the environment has no table %s", table.LogicalName)
}

// encode returns the body of a draft. It is valid until the next encode.
func (tx *Tx) encode(d *draft) ([]byte, error) {
	w := tx.w
	w.body = w.body[:0]
	for number, slot := range d.slot {
		if slot == 0 {
			continue
		}
		f := &d.row[slot-1]
		if f.Value == nil || number == d.table.id.Number || d.table.IsVersion(f.Column) {
			continue
		}
		var err error
		if w.body, w.scratch, err = appendEntry(w.body, w.scratch, f.Column, f.Value); err != nil {
			return nil, err
		}
	}
	return w.body, nil
}

// interested returns the subscribers that want a change.
func (tx *Tx) interested(t *Table, m Message) []Subscriber {
	var subs []Subscriber
	for _, s := range tx.store.subscribers {
		if s.Wants(t.Table, m) {
			subs = append(subs, s)
		}
	}
	return subs
}

func (tx *Tx) record(subs []Subscriber, c Change) {
	c.Caller = tx.caller
	if tx.changes == nil {
		tx.changes = map[Subscriber][]Change{}
	}
	for _, s := range subs {
		tx.changes[s] = append(tx.changes[s], c)
	}
}

// isConflict says whether a statement failed because a primary key is taken.
func isConflict(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == 19 // SQLITE_CONSTRAINT
}

// ids adds the primary keys of all rows of a small table to set.
func (tx *Tx) ids(t *Table, set map[ID]bool) error {
	rows, err := tx.w.conn.QueryContext(tx.ctx, `SELECT id FROM `+t.sqlName)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return err
		}
		set[ID(id)] = true
	}
	return rows.Err()
}
