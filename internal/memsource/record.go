package memsource

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"lakelink"
)

// Record puts rows of the kind that Row returns under the table's Arrow schema; nil where there
// are none. It is the inverse of Values.
func Record(def *lakelink.Table, rows []map[string]any) arrow.RecordBatch {
	return build(def, len(rows), func(i int, f lakelink.Field) any { return must(normal(f, rows[i][f.Name])) })
}

func record(def *lakelink.Table, rows []*row) arrow.RecordBatch {
	return build(def, len(rows), func(i int, f lakelink.Field) any { return rows[i].value(def, f) })
}

func build(def *lakelink.Table, n int, value func(i int, f lakelink.Field) any) arrow.RecordBatch {
	if n == 0 {
		return nil
	}
	b := array.NewRecordBuilder(memory.NewGoAllocator(), def.ArrowSchema())
	defer b.Release()
	b.Reserve(n)
	for c, f := range def.Fields() {
		for i := range n {
			appendValue(b.Field(c), f, value(i, f))
		}
	}
	return b.NewRecordBatch()
}

func (r *row) value(def *lakelink.Table, f lakelink.Field) any {
	switch f.Name {
	case def.PrimaryKey:
		return r.id
	case lakelink.VersionColumn:
		return r.version
	}
	return r.values[f.Name]
}

func appendValue(b array.Builder, f lakelink.Field, v any) {
	if v == nil {
		b.AppendNull()
		return
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
		n, _ := unscaled(v.(string), f.Column.Scale())
		b.Append(n)
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(time.Time).UnixMicro()))
	case *array.Date32Builder:
		b.Append(arrow.Date32FromTime(v.(time.Time)))
	}
}

// Values returns row i of a batch as Row does, so that what was read can be compared with what is
// there.
func Values(rows arrow.RecordBatch, i int) map[string]any {
	values := map[string]any{}
	for c, f := range rows.Schema().Fields() {
		if v := valueAt(rows.Column(c), i); v != nil {
			values[f.Name] = v
		}
	}
	return values
}

func valueAt(col arrow.Array, i int) any {
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
		return col.Value(i).ToTime().UTC()
	}
	panic("memsource: no table has a column of type " + col.DataType().String())
}
