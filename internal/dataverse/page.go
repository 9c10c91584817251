package dataverse

import (
	"bytes"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// A page is one answer of a tracked read.
type page struct {
	rows    arrow.RecordBatch // nil where there are none
	deletes []lakelink.ID
	next    string // nextLink, absolute, as it came
	delta   string // deltaLink
	highest int64  // version among the rows, those left out included
	size    int    // bytes that the rows take, roughly
	// tracked is false where the answer says that track-changes was not applied.
	tracked bool
}

// errPageTooLarge says that a page takes more memory than it may. A smaller one is asked for then.
var errPageTooLarge = errors.New("the page takes more memory than it may")

// A decoder turns pages of one table into Arrow. It is used by one goroutine at a time and for
// many pages: it learns the order in which the environment names the properties, so that a name
// costs one comparison.
type decoder struct {
	// above, if not 0, leaves out rows of a higher version.
	above int64
	// limit, if not 0, bounds the bytes of a page's rows.
	limit int

	measure int64 // offset from which size is to be compared with limit
	table   *lakelink.Table
	schema  *arrow.Schema
	s       scanner
	slots   []slot
	byName  map[string]int
	vectors []vector
	targets []target
	keys    *idVector
	version *fixed[int64]
	usual   int // rows of the last page

	page    page
	row     int // the row in hand
	index   rowIndex
	dropped []int // rows that a later one of the same id has replaced

	deletedID lakelink.ID
	hasID     bool
	deleted   bool
}

// A slot is a property that rows have.
type slot struct {
	key  string // as on the wire: "name":
	next int    // the slot that came after this one last time
	do   action
	vec  vector
	col  string // logical name of the column
}

type action uint8

const (
	actSkip action = iota
	actRead
	actContext // of a deleted row: …$deletedEntity
	actReason  // of a deleted row
	actID      // of a deleted row
)

// A target is the field that names a lookup's table.
type target struct {
	id    vector
	table *textVector
	only  []byte // the one table there can be, where there is just one
}

// maxSlots bounds what is learned about properties that nobody asked for.
const maxSlots = 4096

// startSlot and otherSlot come before the first property and stand for those beyond maxSlots.
const (
	startSlot = 0
	otherSlot = 1
)

// lookupAnnotation is the annotation that names a lookup's table (§3.5).
const lookupAnnotation = "Microsoft.Dynamics.CRM.lookuplogicalname"

func newDecoder(t *lakelink.Table) *decoder {
	d := &decoder{table: t, schema: t.ArrowSchema(), byName: map[string]int{}, slots: make([]slot, 2), usual: 64}
	for _, f := range t.Fields() {
		v := newVector(f)
		d.vectors = append(d.vectors, v)
		name := property(f.Column)
		if f.Target {
			name += "@" + lookupAnnotation
			lk := target{id: d.vectors[len(d.vectors)-2], table: v.(*textVector)}
			if len(f.Column.Targets) == 1 {
				lk.only = []byte(f.Column.Targets[0])
			}
			d.targets = append(d.targets, lk)
		}
		d.slot(name, slot{do: actRead, vec: v, col: f.Name})
		switch {
		case f.Target:
		case f.Name == t.PrimaryKey:
			d.keys, _ = v.(*idVector)
		case f.Name == lakelink.VersionColumn:
			d.version, _ = v.(*fixed[int64])
		}
	}
	// A deleted row has no columns, so that a column of one of these names comes first.
	d.slot("@odata.context", slot{do: actContext})
	d.slot("reason", slot{do: actReason})
	d.slot("id", slot{do: actID})
	return d
}

func (d *decoder) slot(name string, s slot) int {
	if k, ok := d.byName[name]; ok {
		return k
	}
	s.key = `"` + name + `":`
	d.slots = append(d.slots, s)
	d.byName[name] = len(d.slots) - 1
	return len(d.slots) - 1
}

// property is the name of a column on the wire: lookups are told by the id they hold (§2.5).
func property(c *lakelink.Column) string {
	if c.IsLookup() {
		return "_" + c.Name + "_value"
	}
	return c.Name
}

// decode reads one page. It delivers the whole page or an error.
func (d *decoder) decode(r io.Reader) (*page, error) {
	if d.keys == nil || d.version == nil {
		return nil, d.table.Validate()
	}
	d.s.reset(r)
	d.page = page{tracked: true}
	d.row, d.dropped, d.measure = 0, d.dropped[:0], 0
	for _, v := range d.vectors {
		v.begin(d.usual)
	}
	d.index.reset()
	_ = d.s.ahead(3) && d.s.has("\ufeff")
	if !d.s.object(d.top) || !d.s.atEnd() {
		return nil, d.s.err
	}
	d.finish()
	p := d.page
	d.page = page{}
	return &p, nil
}

// top reads a member of the answer.
func (d *decoder) top(name []byte) bool {
	switch string(name) {
	case "value":
		return d.s.array(d.element)
	case "@odata.nextLink":
		return d.link(&d.page.next)
	case "@odata.deltaLink":
		return d.link(&d.page.delta)
	case "error":
		// The environment failed after it had begun to answer.
		d.s.err = &cutError{"the answer ends in an error of the environment"}
		return false
	}
	return d.s.skip()
}

func (d *decoder) link(to *string) bool {
	text, ok := d.s.str()
	*to = string(text)
	return ok
}

// element reads a row or a deleted row.
func (d *decoder) element() bool {
	s := &d.s
	if s.next() != '{' {
		return s.shape("a row")
	}
	s.pos++
	d.deleted, d.hasID = false, false
	if s.next() == '}' {
		s.pos++
		return d.endRow()
	}
	prev := startSlot
	for {
		if s.next() != '"' {
			return s.syntax("a name")
		}
		k := d.slots[prev].next
		if k == startSlot || !s.has(d.slots[k].key) {
			var ok bool
			if k, ok = d.find(prev); !ok {
				return false
			}
		}
		if sl := &d.slots[k]; sl.do == actRead {
			if !sl.vec.read(s, d.row) {
				return d.blame(sl.col)
			}
		} else if !d.other(sl.do) {
			return false
		}
		prev = k
		switch s.next() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return d.endRow()
		default:
			return s.syntax("',' or '}'")
		}
	}
}

// find reads a name that is not the expected one, and learns it.
func (d *decoder) find(prev int) (int, bool) {
	name, ok := d.s.str()
	if !ok {
		return 0, false
	}
	k, known := d.byName[string(name)]
	switch {
	case known:
	case len(d.slots) < maxSlots:
		k = d.slot(string(name), slot{do: actSkip})
	default:
		k = otherSlot
	}
	if k != otherSlot {
		d.slots[prev].next = k
	}
	return k, d.s.byte(':')
}

// blame puts the column's name into the scanner's error.
func (d *decoder) blame(column string) bool {
	switch e := d.s.err.(type) {
	case *shapeError:
		e.property = column
	case *lossError:
		e.property = column
	}
	return false
}

// other reads a property that is no column.
func (d *decoder) other(do action) bool {
	s := &d.s
	if do == actSkip || s.next() != '"' {
		return s.skip()
	}
	text, ok := s.str()
	if !ok {
		return false
	}
	switch do {
	case actContext:
		d.deleted = d.deleted || bytes.HasSuffix(text, []byte("$deletedEntity"))
	case actReason:
		d.deleted = d.deleted || string(text) == "deleted"
	case actID:
		// A bare GUID; of a URL, as other OData services send it, the key in brackets counts.
		if n := len(text); n > 37 && text[n-1] == ')' {
			text = text[n-37 : n-1]
		}
		d.hasID = setID(&d.deletedID, text)
	}
	return true
}

// endRow takes the row in hand, or leaves it out.
func (d *decoder) endRow() bool {
	if d.deleted {
		return d.endDelete()
	}
	if !d.keys.has(d.row) || !d.version.has(d.row) {
		d.s.err = &shapeError{d.table.PrimaryKey, "there, or the version is not"}
		return false
	}
	version := d.version.vals[d.row]
	d.page.highest = max(d.page.highest, version)
	if d.above != 0 && version > d.above {
		d.clearRow()
		return true
	}
	if old, twice := d.index.put(d.keys, d.row); twice {
		// The higher version counts; of two equal ones the later.
		if d.version.vals[old] > version {
			d.index.set(d.keys, old)
			d.clearRow()
			return true
		}
		d.dropped = append(d.dropped, old)
	}
	for _, lk := range d.targets {
		if lk.only != nil && lk.id.has(d.row) && !lk.table.has(d.row) && !lk.table.set(&d.s, d.row, lk.only) {
			return false
		}
	}
	d.row++
	return d.limit == 0 || d.s.offset() < d.measure || d.fits()
}

// fits reports whether the rows so far take no more memory than they may. It is asked now
// and then only.
func (d *decoder) fits() bool {
	d.measure = d.s.offset() + int64(d.limit)/16
	if d.size() > d.limit {
		d.s.err = errPageTooLarge
		return false
	}
	return true
}

func (d *decoder) endDelete() bool {
	id, ok := d.deletedID, d.hasID
	if !ok && d.keys.has(d.row) {
		id, ok = *d.keys.at(d.row), true
	}
	d.clearRow()
	if !ok {
		return d.s.syntax("the id of a deleted row")
	}
	d.page.deletes = append(d.page.deletes, id)
	return d.limit == 0 || d.s.offset() < d.measure || d.fits()
}

func (d *decoder) clearRow() {
	for _, v := range d.vectors {
		v.clear(d.row)
	}
}

func (d *decoder) size() int {
	n := len(d.page.deletes) * idSize
	for _, v := range d.vectors {
		n += v.size()
	}
	return n
}

// finish makes the record.
func (d *decoder) finish() {
	d.page.size = d.size()
	d.usual = max(64, d.row)
	if d.row == 0 {
		return
	}
	columns := make([]arrow.Array, len(d.vectors))
	for i, v := range d.vectors {
		columns[i] = array.MakeFromData(v.finish(d.row))
	}
	d.page.rows = array.NewRecordBatch(d.schema, columns, int64(d.row))
	if len(d.dropped) > 0 {
		d.page.rows = without(d.page.rows, d.dropped)
	}
}
