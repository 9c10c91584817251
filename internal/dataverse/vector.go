package dataverse

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"lakelink"
)

// A vector collects one field of a page. Rows are set in order, each at most once until it is
// cleared; a row that is never set is null.
type vector interface {
	// begin empties the vector and makes room for that many rows.
	begin(rows int)
	// read sets row to the value that s stands before.
	read(s *scanner, row int) bool
	// clear unsets row, the last one that was set.
	clear(row int)
	// has reports whether row is set.
	has(row int) bool
	// size is what the values take, in bytes.
	size() int
	// finish gives the first n rows away.
	finish(n int) arrow.ArrayData
}

// newVector makes the vector of a field.
func newVector(f lakelink.Field) vector {
	t := f.ArrowType()
	switch t.ID() {
	case arrow.FIXED_SIZE_BINARY:
		return &idVector{}
	case arrow.INT32:
		return &fixed[int32]{typ: t, one: readInt32}
	case arrow.INT64:
		return &fixed[int64]{typ: t, one: readInt64}
	case arrow.FLOAT64:
		return &fixed[float64]{typ: t, one: readFloat}
	case arrow.DECIMAL128:
		return &fixed[decimal128.Num]{typ: t, one: decimalReader(f.Column.Scale())}
	case arrow.TIMESTAMP:
		return &fixed[arrow.Timestamp]{typ: t, one: readInstant}
	case arrow.DATE32:
		return &fixed[arrow.Date32]{typ: t, one: readDay}
	case arrow.BOOL:
		return &boolVector{}
	}
	return &textVector{numbers: f.Column.Type == lakelink.TypeEntityName && !f.Target}
}

// A bitmap has a bit per row.
type bitmap []byte

func newBitmap(rows int) bitmap { return make(bitmap, (rows+7)/8) }

func (b *bitmap) set(row int) {
	for row>>3 >= len(*b) {
		*b = append(*b, make([]byte, max(8, len(*b)))...)
	}
	(*b)[row>>3] |= 1 << (row & 7)
}

func (b bitmap) clear(row int) {
	if row>>3 < len(b) {
		b[row>>3] &^= 1 << (row & 7)
	}
}

func (b bitmap) has(row int) bool { return row>>3 < len(b) && b[row>>3]&(1<<(row&7)) != 0 }

// finish gives away the first n bits, and how many of them are not set.
func (b *bitmap) finish(n int) (*memory.Buffer, int) {
	for len(*b)*8 < n {
		*b = append(*b, 0)
	}
	out := (*b)[:(n+7)/8]
	*b = nil
	unset := n
	for _, c := range out {
		unset -= bits.OnesCount8(c)
	}
	return memory.NewBufferBytes(out), unset
}

// fixed holds values of a fixed width.
type fixed[T arrow.FixedWidthType] struct {
	typ   arrow.DataType
	one   func(*scanner) (T, bool)
	vals  []T
	valid bitmap
}

func (v *fixed[T]) begin(rows int) { v.vals, v.valid = make([]T, rows), newBitmap(rows) }

func (v *fixed[T]) read(s *scanner, row int) bool {
	if s.next() == 'n' {
		return s.word("null")
	}
	val, ok := v.one(s)
	if !ok {
		return false
	}
	v.room(row + 1)
	v.vals[row] = val
	v.valid.set(row)
	return true
}

func (v *fixed[T]) room(n int) {
	if n > len(v.vals) {
		v.vals = append(v.vals, make([]T, max(n-len(v.vals), len(v.vals), 64))...)
	}
}

func (v *fixed[T]) clear(row int)    { v.valid.clear(row) }
func (v *fixed[T]) has(row int) bool { return v.valid.has(row) }
func (v *fixed[T]) size() int        { return len(arrow.GetBytes(v.vals)) }

func (v *fixed[T]) finish(n int) arrow.ArrayData {
	v.room(n)
	valid, nulls := v.valid.finish(n)
	vals := memory.NewBufferBytes(arrow.GetBytes(v.vals[:n]))
	v.vals = nil
	return array.NewData(v.typ, n, []*memory.Buffer{valid, vals}, nil, nulls, 0)
}

// idVector holds ids.
type idVector struct {
	vals  []byte
	valid bitmap
}

const idSize = len(lakelink.ID{})

func (v *idVector) begin(rows int) { v.vals, v.valid = make([]byte, rows*idSize), newBitmap(rows) }

func (v *idVector) read(s *scanner, row int) bool {
	if s.next() == 'n' {
		return s.word("null")
	}
	v.room(row + 1)
	if !readID(s, v.at(row)) {
		return false
	}
	v.valid.set(row)
	return true
}

func (v *idVector) at(row int) *lakelink.ID {
	return (*lakelink.ID)(v.vals[row*idSize : (row+1)*idSize])
}

func (v *idVector) room(n int) {
	if n *= idSize; n > len(v.vals) {
		v.vals = append(v.vals, make([]byte, max(n-len(v.vals), len(v.vals), 64*idSize))...)
	}
}

func (v *idVector) clear(row int)    { v.valid.clear(row) }
func (v *idVector) has(row int) bool { return v.valid.has(row) }
func (v *idVector) size() int        { return len(v.vals) }

func (v *idVector) finish(n int) arrow.ArrayData {
	v.room(n)
	valid, nulls := v.valid.finish(n)
	vals := memory.NewBufferBytes(v.vals[:n*idSize])
	v.vals = nil
	return array.NewData(lakelink.GUIDType, n, []*memory.Buffer{valid, vals}, nil, nulls, 0)
}

// boolVector holds truth values.
type boolVector struct{ vals, valid bitmap }

func (v *boolVector) begin(rows int) { v.vals, v.valid = newBitmap(rows), newBitmap(rows) }

func (v *boolVector) read(s *scanner, row int) bool {
	switch s.next() {
	case 'n':
		return s.word("null")
	case 't':
		v.vals.set(row)
		v.valid.set(row)
		return s.word("true")
	case 'f':
		v.vals.clear(row)
		v.valid.set(row)
		return s.word("false")
	}
	return s.shape("true or false")
}

func (v *boolVector) clear(row int)    { v.vals.clear(row); v.valid.clear(row) }
func (v *boolVector) has(row int) bool { return v.valid.has(row) }
func (v *boolVector) size() int        { return len(v.vals) }

func (v *boolVector) finish(n int) arrow.ArrayData {
	valid, nulls := v.valid.finish(n)
	vals, _ := v.vals.finish(n)
	return array.NewData(arrow.FixedWidthTypes.Boolean, n, []*memory.Buffer{valid, vals}, nil, nulls, 0)
}

// textVector holds texts.
type textVector struct {
	numbers bool    // numbers are taken as their text
	offs    []int32 // offs[i] is where row i starts in data; as long as rows have been set, and 1
	data    []byte
	valid   bitmap
	usual   int // bytes of the last page, with some room
}

func (v *textVector) begin(rows int) {
	v.offs = make([]int32, 0, rows+1)
	v.data = make([]byte, 0, max(v.usual, rows*8))
	v.valid = newBitmap(rows)
}

func (v *textVector) read(s *scanner, row int) bool {
	c := s.next()
	if c == 'n' {
		return s.word("null")
	}
	text, ok := []byte(nil), false
	if v.numbers && c != '"' {
		text, ok = s.num()
	} else {
		text, ok = s.str()
	}
	return ok && v.set(s, row, text)
}

func (v *textVector) set(s *scanner, row int, text []byte) bool {
	if len(v.offs) > row { // the row names the property twice: the last one counts
		v.data = v.data[:v.offs[row]]
	}
	v.pad(row)
	if len(v.data)+len(text) > 1<<30 {
		s.err = errPageTooLarge
		return false
	}
	v.data = append(v.data, text...)
	v.valid.set(row)
	return true
}

// pad says where the rows up to row start.
func (v *textVector) pad(row int) {
	for len(v.offs) <= row {
		v.offs = append(v.offs, int32(len(v.data)))
	}
}

func (v *textVector) clear(row int) {
	if len(v.offs) > row {
		v.data, v.offs = v.data[:v.offs[row]], v.offs[:row]
	}
	v.valid.clear(row)
}

func (v *textVector) has(row int) bool { return v.valid.has(row) }
func (v *textVector) size() int        { return len(v.data) + 4*len(v.offs) }

func (v *textVector) finish(n int) arrow.ArrayData {
	v.pad(n)
	v.usual = len(v.data) + len(v.data)/8
	valid, nulls := v.valid.finish(n)
	buffers := []*memory.Buffer{valid, memory.NewBufferBytes(arrow.GetBytes(v.offs)), memory.NewBufferBytes(v.data)}
	v.offs, v.data = nil, nil
	return array.NewData(arrow.BinaryTypes.String, n, buffers, nil, nulls, 0)
}
