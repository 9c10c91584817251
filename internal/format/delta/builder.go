package delta

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"lakelink"
)

// A builder gathers chosen rows of many arrays into one array of its own type, converting between
// the types of batches and those of data files in both directions.
type builder interface {
	// append takes the rows of src with those numbers, all of them where rows is nil.
	append(src arrow.Array, rows []int32) error
	appendNulls(n int)
	// finish returns what was appended and starts anew. The array holds until the next append, which
	// takes its memory.
	finish() arrow.Array
}

func newBuilder(t arrow.DataType) builder {
	switch t.ID() {
	case arrow.STRING:
		return &textBuilder{}
	case arrow.FIXED_SIZE_BINARY:
		return &idBuilder{}
	case arrow.BOOL:
		return &boolBuilder{}
	case arrow.INT32:
		return &fixedBuilder[int32]{dtype: t}
	case arrow.INT64:
		return &fixedBuilder[int64]{dtype: t}
	case arrow.FLOAT64:
		return &fixedBuilder[float64]{dtype: t}
	case arrow.DATE32:
		return &fixedBuilder[arrow.Date32]{dtype: t}
	case arrow.TIMESTAMP:
		return &fixedBuilder[arrow.Timestamp]{dtype: t}
	case arrow.DECIMAL128:
		return &fixedBuilder[decimal128.Num]{dtype: t}
	}
	panic("delta: no column has type " + t.String())
}

func newBuilders(s *arrow.Schema) []builder {
	out := make([]builder, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = newBuilder(f.Type)
	}
	return out
}

func mismatch(src arrow.Array, to string) error {
	return fmt.Errorf("a column of type %s cannot be taken as %s", src.DataType(), to)
}

// A validity is a growing bitmap of the values that are not null; nil while there are none.
type validity struct {
	bits  []byte
	n     int
	nulls int
}

func (v *validity) grow(n int) {
	for want := int(bitutil.BytesForBits(int64(v.n + n))); len(v.bits) < want; {
		v.bits = append(v.bits, 0)
	}
}

func (v *validity) appendFrom(src arrow.Array, rows []int32) {
	if rows == nil {
		v.appendAll(src)
		return
	}
	v.grow(len(rows))
	if src.NullN() == 0 {
		bitutil.SetBitsTo(v.bits, int64(v.n), int64(len(rows)), true)
		v.n += len(rows)
		return
	}
	for _, r := range rows {
		if src.IsValid(int(r)) {
			bitutil.SetBit(v.bits, v.n)
		} else {
			v.nulls++
		}
		v.n++
	}
}

func (v *validity) appendAll(src arrow.Array) {
	n := src.Len()
	v.grow(n)
	if src.NullN() == 0 {
		bitutil.SetBitsTo(v.bits, int64(v.n), int64(n), true)
	} else if src.NullN() < n && src.NullBitmapBytes() != nil {
		bitutil.CopyBitmap(src.NullBitmapBytes(), src.Data().Offset(), n, v.bits, v.n)
	}
	v.n += n
	v.nulls += src.NullN()
}

func (v *validity) appendNulls(n int) {
	v.grow(n)
	v.n += n
	v.nulls += n
}

func (v *validity) take() (bitmap *memory.Buffer, n, nulls int) {
	if v.nulls > 0 {
		bitmap = memory.NewBufferBytes(v.bits)
	}
	n, nulls = v.n, v.nulls
	*v = validity{}
	return bitmap, n, nulls
}

// fixedBuilder holds values of one width.
type fixedBuilder[T arrow.FixedWidthType] struct {
	dtype  arrow.DataType
	values []T
	valid  validity
}

func (b *fixedBuilder[T]) appendNulls(n int) {
	b.valid.appendNulls(n)
	b.values = append(b.values, make([]T, n)...)
}

func (b *fixedBuilder[T]) append(src arrow.Array, rows []int32) error {
	var err error
	switch s := any(b).(type) {
	case *fixedBuilder[int32]:
		switch a := src.(type) {
		case *array.Int32:
			s.values = gather(s.values, a.Int32Values(), rows)
		case *array.Int64: // stored wider than the source's type
			s.values = gatherAs(s.values, a.Int64Values(), rows, func(v int64) int32 { return int32(v) })
		default:
			err = mismatch(src, "int32")
		}
	case *fixedBuilder[int64]:
		switch a := src.(type) {
		case *array.Int64:
			s.values = gather(s.values, a.Int64Values(), rows)
		case *array.Int32:
			s.values = gatherAs(s.values, a.Int32Values(), rows, func(v int32) int64 { return int64(v) })
		default:
			err = mismatch(src, "int64")
		}
	case *fixedBuilder[float64]:
		if a, ok := src.(*array.Float64); ok {
			s.values = gather(s.values, a.Float64Values(), rows)
		} else {
			err = mismatch(src, "float64")
		}
	case *fixedBuilder[arrow.Date32]:
		if a, ok := src.(*array.Date32); ok {
			s.values = gather(s.values, a.Date32Values(), rows)
		} else {
			err = mismatch(src, "date32")
		}
	case *fixedBuilder[arrow.Timestamp]:
		a, ok := src.(*array.Timestamp)
		if !ok {
			err = mismatch(src, "timestamp")
			break
		}
		switch a.DataType().(*arrow.TimestampType).Unit {
		case arrow.Microsecond:
			s.values = gather(s.values, a.TimestampValues(), rows)
		case arrow.Nanosecond: // INT96, as Spark writes where it was not told otherwise
			s.values = gatherAs(s.values, a.TimestampValues(), rows, func(v arrow.Timestamp) arrow.Timestamp { return v / 1000 })
		default:
			err = mismatch(src, "timestamp[us]")
		}
	case *fixedBuilder[decimal128.Num]:
		if a, ok := src.(*array.Decimal128); ok && arrow.TypeEqual(a.DataType(), b.dtype) {
			s.values = gather(s.values, a.Values(), rows)
		} else {
			err = mismatch(src, b.dtype.String())
		}
	}
	if err != nil {
		return err
	}
	b.valid.appendFrom(src, rows)
	return nil
}

func gather[T any](dst, src []T, rows []int32) []T {
	if rows == nil {
		return append(dst, src...)
	}
	for _, r := range rows {
		dst = append(dst, src[r])
	}
	return dst
}

func gatherAs[D, S any](dst []D, src []S, rows []int32, as func(S) D) []D {
	if rows == nil {
		for _, v := range src {
			dst = append(dst, as(v))
		}
		return dst
	}
	for _, r := range rows {
		dst = append(dst, as(src[r]))
	}
	return dst
}

func (b *fixedBuilder[T]) finish() arrow.Array {
	values := memory.NewBufferBytes(arrow.GetBytes(b.values))
	b.values = b.values[:0]
	return b.valid.array(b.dtype, values)
}

// array makes the array of the values that the validity is about.
func (v *validity) array(t arrow.DataType, buffers ...*memory.Buffer) arrow.Array {
	bitmap, n, nulls := v.take()
	data := array.NewData(t, n, append([]*memory.Buffer{bitmap}, buffers...), nil, nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// boolBuilder holds booleans, a bit each.
type boolBuilder struct {
	bits  []byte
	valid validity
}

func (b *boolBuilder) grow(n int) {
	for want := int(bitutil.BytesForBits(int64(b.valid.n + n))); len(b.bits) < want; {
		b.bits = append(b.bits, 0)
	}
}

func (b *boolBuilder) appendNulls(n int) {
	b.grow(n)
	b.valid.appendNulls(n)
}

func (b *boolBuilder) append(src arrow.Array, rows []int32) error {
	a, ok := src.(*array.Boolean)
	if !ok {
		return mismatch(src, "bool")
	}
	n := len(rows)
	if rows == nil {
		n = a.Len()
	}
	b.grow(n)
	for i := range n {
		r := i
		if rows != nil {
			r = int(rows[i])
		}
		if a.IsValid(r) && a.Value(r) {
			bitutil.SetBit(b.bits, b.valid.n+i)
		}
	}
	b.valid.appendFrom(src, rows)
	return nil
}

func (b *boolBuilder) finish() arrow.Array {
	bits := memory.NewBufferBytes(b.bits)
	b.bits = nil
	return b.valid.array(arrow.FixedWidthTypes.Boolean, bits)
}

// textBuilder holds texts; ids become their 36 characters.
type textBuilder struct {
	offsets []int32
	data    []byte
	valid   validity
}

func (b *textBuilder) appendNulls(n int) {
	b.valid.appendNulls(n)
	for range n {
		b.end()
	}
}

// end ends the text that was appended last.
func (b *textBuilder) end() {
	if len(b.offsets) == 0 {
		b.offsets = append(b.offsets, 0)
	}
	b.offsets = append(b.offsets, int32(len(b.data)))
}

func (b *textBuilder) append(src arrow.Array, rows []int32) error {
	switch a := src.(type) {
	case *array.String:
		if rows == nil {
			b.appendAll(a)
		}
		for _, r := range rows {
			if a.IsValid(int(r)) {
				b.data = append(b.data, a.Value(int(r))...)
			}
			b.end()
		}
	case *array.FixedSizeBinary:
		n := len(rows)
		if rows == nil {
			n = a.Len()
		}
		for i := range n {
			r := i
			if rows != nil {
				r = int(rows[i])
			}
			if a.IsValid(r) {
				b.data = lakelink.ID(a.Value(r)).Append(b.data)
			}
			b.end()
		}
	default:
		return mismatch(src, "text")
	}
	b.valid.appendFrom(src, rows)
	return nil
}

func (b *textBuilder) appendAll(a *array.String) {
	if a.Len() == 0 {
		return
	}
	offsets := a.ValueOffsets()
	if len(b.offsets) == 0 {
		b.offsets = append(b.offsets, 0)
	}
	shift := int32(len(b.data)) - offsets[0]
	for _, o := range offsets[1:] {
		b.offsets = append(b.offsets, o+shift)
	}
	b.data = append(b.data, a.ValueBytes()...)
}

func (b *textBuilder) finish() arrow.Array {
	if len(b.offsets) == 0 {
		b.offsets = append(b.offsets, 0)
	}
	offsets, data := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(b.offsets)), memory.NewBufferBytes(b.data)
	b.offsets, b.data = b.offsets[:0], b.data[:0]
	return b.valid.array(arrow.BinaryTypes.String, offsets, data)
}

// idBuilder holds ids in 16 bytes, read from their 36 characters.
type idBuilder struct {
	data  []byte
	valid validity
}

func (b *idBuilder) appendNulls(n int) {
	b.valid.appendNulls(n)
	b.data = append(b.data, make([]byte, 16*n)...)
}

func (b *idBuilder) append(src arrow.Array, rows []int32) error {
	a, ok := src.(*array.String)
	if !ok {
		return mismatch(src, "id")
	}
	n := len(rows)
	if rows == nil {
		n = a.Len()
	}
	for i := range n {
		r := i
		if rows != nil {
			r = int(rows[i])
		}
		var id lakelink.ID
		if a.IsValid(r) && !id.Set(a.Value(r)) {
			return fmt.Errorf("%q is not an id", a.Value(r))
		}
		b.data = append(b.data, id[:]...)
	}
	b.valid.appendFrom(src, rows)
	return nil
}

func (b *idBuilder) finish() arrow.Array {
	data := memory.NewBufferBytes(b.data)
	b.data = nil
	return b.valid.array(lakelink.GUIDType, data)
}
