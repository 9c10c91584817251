package cdm

import (
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// noYear is where rows without a createdon go (§2.2), and rows from before that year, whose file
// would be taken for one of deletes (C10).
const noYear = 1900

// An encoder turns batches of one schema into frames of one list of attributes.
type encoder struct {
	table  *lakelink.Table
	schema *arrow.Schema
	attrs  []attribute
	source []int // per attribute after the sink columns: the field that fills it, or -1

	id, version, created int // fields; created is -1 where the table has none
}

func newEncoder(t *lakelink.Table, attrs []attribute) *encoder {
	e := &encoder{table: t, schema: t.ArrowSchema(), attrs: attrs, created: -1}
	fields := t.Fields()
	index := make(map[string]int, len(fields))
	for i, f := range fields {
		index[attributeName(f.Name)] = i
		switch {
		case f.Name == t.PrimaryKey:
			e.id = i
		case f.Name == lakelink.VersionColumn:
			e.version = i
		case f.Name == createdColumn && attributeOf(f).kind == typeOffset:
			e.created = i
		}
	}
	for _, a := range attrs[sinkAttributes:] {
		i, ok := index[a.name]
		if !ok || a.name == deleteAttribute {
			i = -1
		}
		e.source = append(e.source, i)
	}
	return e
}

// A cell appends the value of one column in a row, and nothing for null.
type cell func(dst []byte, row int) []byte

// encode adds the rows of a batch to the spool.
func (e *encoder) encode(rows arrow.RecordBatch, to *spool) error {
	if !rows.Schema().Equal(e.schema) {
		return failKind(lakelink.KindInvalid, "write", e.table.Name,
			"the rows are not of the table's schema; tell a changed schema with SetTable first")
	}
	cells := make([]cell, len(e.source))
	for i, field := range e.source {
		if field < 0 {
			continue
		}
		var err error
		if cells[i], err = newCell(rows.Column(field), e.attrs[sinkAttributes+i]); err != nil {
			return fail("write", e.table.Name, err)
		}
	}
	ids := rows.Column(e.id).(*array.FixedSizeBinary)
	versions := rows.Column(e.version).(*array.Int64)
	if ids.NullN()+versions.NullN() > 0 {
		return failKind(lakelink.KindInvalid, "write", e.table.Name, "a row has no id or no version")
	}
	var created *array.Timestamp
	if e.created >= 0 {
		created = rows.Column(e.created).(*array.Timestamp)
	}
	h := header{width: len(e.attrs)}
	for row, n := 0, int(rows.NumRows()); row < n; row++ {
		year := noYear
		if created != nil && created.IsValid(row) {
			year = max(noYear, yearOf(int64(created.Value(row))))
		}
		copy(h.id[:], ids.Value(row))
		h.version = versions.Value(row)
		seg := to.segment(year)
		var start int
		seg.mem, start = h.begin(seg.mem)
		for _, c := range cells {
			seg.mem = append(seg.mem, ',')
			if c != nil {
				seg.mem = c(seg.mem, row)
			}
		}
		endFrame(seg.mem, start)
		seg.rows++
	}
	return to.settle()
}

// newCell makes the cell of a column. What the column's type is, is decided once per batch.
func newCell(col arrow.Array, a attribute) (cell, error) {
	switch col := col.(type) {
	case *array.FixedSizeBinary:
		return func(dst []byte, row int) []byte {
			if col.IsNull(row) {
				return dst
			}
			return lakelink.ID(col.Value(row)).Append(dst)
		}, nil
	case *array.String:
		return func(dst []byte, row int) []byte {
			if col.IsNull(row) {
				return dst
			}
			return appendQuoted(dst, col.Value(row))
		}, nil
	case *array.Int32:
		return func(dst []byte, row int) []byte {
			if col.IsNull(row) {
				return dst
			}
			return strconv.AppendInt(dst, int64(col.Value(row)), 10)
		}, nil
	case *array.Int64:
		return func(dst []byte, row int) []byte {
			if col.IsNull(row) {
				return dst
			}
			return strconv.AppendInt(dst, col.Value(row), 10)
		}, nil
	case *array.Boolean:
		return func(dst []byte, row int) []byte {
			if col.IsNull(row) {
				return dst
			}
			return appendBool(dst, col.Value(row))
		}, nil
	case *array.Decimal128:
		scale := int(col.DataType().(*arrow.Decimal128Type).Scale)
		return func(dst []byte, row int) []byte {
			if col.IsNull(row) {
				return dst
			}
			return appendDecimal(dst, col.Value(row), scale)
		}, nil
	case *array.Float64:
		return floatCell(col, a)
	case *array.Timestamp:
		return timeCell(col, a)
	case *array.Date32:
		return dateCell(col, a)
	}
	return nil, failKind(lakelink.KindInvalid, "encode "+a.name, "", "no CSV form for %s", col.DataType())
}

func floatCell(col *array.Float64, a attribute) (cell, error) {
	for i, v := range col.Float64Values() {
		if col.IsValid(i) && !plausibleFloat(v) {
			return nil, failKind(lakelink.KindInvalid, "encode "+a.name, "", "%v is not a number", v)
		}
	}
	return func(dst []byte, row int) []byte {
		if col.IsNull(row) {
			return dst
		}
		return appendFloat(dst, col.Value(row))
	}, nil
}

// timeCell writes createdon with an offset, instants with a Z and wall clocks with nothing (§3.2).
func timeCell(col *array.Timestamp, a attribute) (cell, error) {
	for i, v := range col.TimestampValues() {
		if col.IsValid(i) && !plausibleTime(int64(v)) {
			return nil, failKind(lakelink.KindInvalid, "encode "+a.name, "", "the year of a time has not four digits")
		}
	}
	zone := "Z"
	switch {
	case a.kind == typeOffset:
		zone = "+00:00"
	case col.DataType().(*arrow.TimestampType).TimeZone == "":
		zone = ""
	}
	return func(dst []byte, row int) []byte {
		if col.IsNull(row) {
			return dst
		}
		return appendTime(dst, int64(col.Value(row)), zone)
	}, nil
}

func dateCell(col *array.Date32, a attribute) (cell, error) {
	for i, v := range col.Date32Values() {
		if col.IsValid(i) && !plausibleTime(int64(v)*microsPerDay) {
			return nil, failKind(lakelink.KindInvalid, "encode "+a.name, "", "the year of a date has not four digits")
		}
	}
	return func(dst []byte, row int) []byte {
		if col.IsNull(row) {
			return dst
		}
		return appendTime(dst, int64(col.Value(row))*microsPerDay, "")
	}, nil
}
