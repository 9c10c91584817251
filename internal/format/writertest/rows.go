package writertest

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"lakelink"
)

// A Row is a row by field name. What is missing or nil is null. The values are lakelink.ID, string,
// int32, int64, float64, bool, time.Time, and a string of digits for decimals; an int is taken where
// an int32 or int64 is due.
type Row map[string]any

// ID makes the n-th id of a test.
func ID(n int) lakelink.ID {
	var id lakelink.ID
	binary.BigEndian.PutUint32(id[0:], uint32(n)*2654435761) // so that order of ids is not order of n
	copy(id[4:], "\x00\x00\x40\x00\x80\x00")
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id
}

// Rows makes a batch of changes.
func Rows(t *lakelink.Table, rows ...Row) *lakelink.Batch {
	return &lakelink.Batch{Table: t, Rows: Record(t, rows...)}
}

// Deletes makes a batch of deletes without versions, as a source tells them.
func Deletes(t *lakelink.Table, ids ...lakelink.ID) *lakelink.Batch {
	b := &lakelink.Batch{Table: t}
	for _, id := range ids {
		b.Deletes = append(b.Deletes, lakelink.Delete{ID: id})
	}
	return b
}

// Record puts rows under the table's Arrow schema; nil where there are none.
func Record(t *lakelink.Table, rows ...Row) arrow.RecordBatch {
	if len(rows) == 0 {
		return nil
	}
	b := array.NewRecordBuilder(memory.NewGoAllocator(), t.ArrowSchema())
	defer b.Release()
	for i, f := range t.Fields() {
		for _, r := range rows {
			if err := appendValue(b.Field(i), r[f.Name]); err != nil {
				panic(fmt.Sprintf("writertest: column %s: %v", f.Name, err))
			}
		}
	}
	return b.NewRecordBatch()
}

func appendValue(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	if n, ok := v.(int); ok {
		v = int64(n)
		if _, ok := b.(*array.Int32Builder); ok {
			v = int32(n)
		}
	}
	switch b := b.(type) {
	case *array.FixedSizeBinaryBuilder:
		id := v.(lakelink.ID)
		b.Append(id[:])
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.Int32Builder:
		b.Append(v.(int32))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Decimal128Builder:
		n, err := decimal128.FromString(v.(string), 38, b.Type().(*arrow.Decimal128Type).Scale)
		if err != nil {
			return err
		}
		b.Append(n)
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(time.Time).UnixMicro()))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.(time.Time).Unix() / 86400))
	default:
		return fmt.Errorf("no value can be made for %s", b.Type())
	}
	return nil
}

// Value is what Row holds for one cell; nil for null.
func Value(col arrow.Array, i int) any {
	if col.IsNull(i) {
		return nil
	}
	switch col := col.(type) {
	case *array.FixedSizeBinary:
		return lakelink.ID(col.Value(i))
	case *array.String:
		return string([]byte(col.Value(i)))
	case *array.Int32:
		return col.Value(i)
	case *array.Int64:
		return col.Value(i)
	case *array.Float64:
		return col.Value(i)
	case *array.Boolean:
		return col.Value(i)
	case *array.Decimal128:
		return col.Value(i).ToString(col.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Timestamp:
		return time.UnixMicro(int64(col.Value(i))).UTC()
	case *array.Date32:
		return time.Unix(int64(col.Value(i))*86400, 0).UTC()
	}
	return fmt.Sprintf("a column of type %s", col.DataType())
}

// RowAt is the inverse of Record for row i; nulls are left out.
func RowAt(r arrow.RecordBatch, i int) Row {
	row := Row{}
	for c, f := range r.Schema().Fields() {
		if v := Value(r.Column(c), i); v != nil {
			row[f.Name] = v
		}
	}
	return row
}
