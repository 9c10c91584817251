package memsource

import (
	"bytes"
	"cmp"
	"slices"

	"lakelink"
)

// A table is a table's rows, tombstones and the log of what happened to them.
type table struct {
	def    *lakelink.Table
	epoch  int // raised to void every checkpoint told before
	rows   map[lakelink.ID]*row
	gone   map[lakelink.ID]int64 // the version at which a row was last deleted
	log    []change              // by version; an entry that a later one of its id replaced is stale
	sorted []lakelink.ID         // the rows' ids in order, nil when out of date
}

// A row is one row. It is replaced, never changed.
type row struct {
	id      lakelink.ID
	version int64
	values  map[string]any // by field; nulls, the id and the version are not in it
}

// A change is one entry of a table's log.
type change struct {
	version int64
	id      lakelink.ID
	deleted bool
}

func newTable(def *lakelink.Table) *table {
	return &table{def: def, rows: map[lakelink.ID]*row{}, gone: map[lakelink.ID]int64{}}
}

// put makes r the current image of its row.
func (t *table) put(r *row) {
	if t.rows[r.id] == nil {
		t.sorted = nil
	}
	t.rows[r.id] = r
	t.record(change{version: r.version, id: r.id})
}

// remove deletes a row at a version.
func (t *table) remove(id lakelink.ID, version int64) {
	delete(t.rows, id)
	t.sorted = nil
	t.gone[id] = version
	t.record(change{version: version, id: id, deleted: true})
}

// record appends to the log and drops stale entries before they outnumber the others.
func (t *table) record(c change) {
	t.log = append(t.log, c)
	if len(t.log) > 2*(len(t.rows)+len(t.gone))+64 {
		t.log = slices.DeleteFunc(t.log, func(c change) bool { return !t.current(c) })
	}
}

// current reports whether the entry is the last of its kind for its row.
func (t *table) current(c change) bool {
	if c.deleted {
		return t.gone[c.id] == c.version
	}
	r := t.rows[c.id]
	return r != nil && r.version == c.version
}

// changesAfter returns the part of the log after a version.
func (t *table) changesAfter(version int64) []change {
	i, _ := slices.BinarySearchFunc(t.log, version+1, func(c change, v int64) int { return cmp.Compare(c.version, v) })
	return t.log[i:]
}

// ids returns the ids of all rows in order.
func (t *table) ids() []lakelink.ID {
	if t.sorted == nil {
		t.sorted = make([]lakelink.ID, 0, len(t.rows))
		for id := range t.rows {
			t.sorted = append(t.sorted, id)
		}
		slices.SortFunc(t.sorted, compareIDs)
	}
	return t.sorted
}

func compareIDs(a, b lakelink.ID) int { return bytes.Compare(a[:], b[:]) }
