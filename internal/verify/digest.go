package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// A rule says which values a format cannot tell apart; they are made alike on both sides.
type rule struct {
	emptyIsNull bool // texts: CSV has one way to write an empty and a missing one
}

// ruleOf returns the rule of a format. A format not named here tells everything apart.
func ruleOf(f lakelink.Format) rule {
	return rule{emptyIsNull: f == lakelink.Incremental}
}

// keepsHistory reports whether a format's readers expect several images of a row. In all others
// two live rows of one id are one too many.
func keepsHistory(f lakelink.Format) bool { return f == lakelink.Incremental }

// A digester turns batches of one table into records.
//
// The digest of a row is over its fields in the order of the schema, each as a byte that tells null
// from a value, then the value in a form that has one encoding per value and ends by itself. It is
// the first half of a SHA-256: 128 bits keep two different rows apart by chance even among 10^15
// pairs, and unlike a fast hash also where somebody writes rows in order to make them collide.
type digester struct {
	table       *lakelink.Table
	rule        rule
	schema      *arrow.Schema
	id, version int
	compared    []int // fields that are part of the digest
	buf         []byte
}

func newDigester(t *lakelink.Table, r rule) *digester {
	d := &digester{table: t, rule: r, schema: t.ArrowSchema()}
	for i, f := range t.Fields() {
		switch {
		case f.Name == t.PrimaryKey:
			d.id = i
		case f.Name == lakelink.VersionColumn:
			d.version = i
		case !f.Column.Calculated:
			d.compared = append(d.compared, i)
		}
	}
	return d
}

// notCompared lists the columns whose values are not part of the digest. The source computes them
// when it is asked, also from other rows, without telling that they changed: the lake has them as
// they were when their row last changed.
func notCompared(t *lakelink.Table) []string {
	var names []string
	for i := range t.Columns {
		if t.Columns[i].Calculated {
			names = append(names, t.Columns[i].Name)
		}
	}
	return names
}

// each calls f with a record for every row and then every delete of a batch. A delete that has no
// version gets version.
func (d *digester) each(b *lakelink.Batch, version int64, f func(record) error) error {
	if b.Rows != nil {
		rows, err := d.open(b.Rows)
		if err != nil {
			return err
		}
		for i := range b.NumRows() {
			r, err := rows.record(i)
			if err != nil {
				return err
			}
			if err := f(r); err != nil {
				return err
			}
		}
	}
	for _, gone := range b.Deletes {
		r := record{id: gone.ID, version: gone.Version, state: deleted}
		if r.version == 0 {
			r.version = version
		}
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// rows is a batch's rows, ready to be digested.
type rows struct {
	*digester
	ids      *array.FixedSizeBinary
	versions *array.Int64
	columns  []arrow.Array
	encoders []encoder // by position among the schema's fields
}

func (d *digester) open(rec arrow.RecordBatch) (*rows, error) {
	if err := d.fits(rec.Schema()); err != nil {
		return nil, err
	}
	r := &rows{digester: d, columns: rec.Columns()}
	r.ids = rec.Column(d.id).(*array.FixedSizeBinary)
	r.versions = rec.Column(d.version).(*array.Int64)
	r.encoders = make([]encoder, len(r.columns))
	for i, col := range r.columns {
		if r.encoders[i] = encoderOf(col); r.encoders[i] == nil {
			return nil, d.damaged("column %s is of type %s", rec.ColumnName(i), col.DataType())
		}
	}
	return r, nil
}

// fits checks that a batch has the table's fields, in their order and of their types.
func (d *digester) fits(have *arrow.Schema) error {
	if have.NumFields() != d.schema.NumFields() {
		return d.damaged("rows have %d fields, the table has %d", have.NumFields(), d.schema.NumFields())
	}
	for i, want := range d.schema.Fields() {
		if got := have.Field(i); got.Name != want.Name || !arrow.TypeEqual(got.Type, want.Type) {
			return d.damaged("field %d of the rows is %s %s, and not %s %s", i, got.Name, got.Type, want.Name, want.Type)
		}
	}
	return nil
}

func (d *digester) damaged(format string, args ...any) error {
	return &lakelink.Error{Op: "compare", Table: d.table.Name, Kind: lakelink.KindDamaged, Err: fmt.Errorf(format, args...)}
}

// record digests row i.
func (r *rows) record(i int) (record, error) {
	if r.ids.IsNull(i) || r.versions.IsNull(i) {
		return record{}, r.damaged("a row has no %s or no %s", r.table.PrimaryKey, lakelink.VersionColumn)
	}
	r.buf = r.buf[:0]
	for _, c := range r.compared {
		r.buf = r.appendField(r.buf, c, i)
	}
	sum := sha256.Sum256(r.buf)
	return record{id: lakelink.ID(r.ids.Value(i)), version: r.versions.Value(i), digest: digest(sum[:16]), state: live}, nil
}

// appendField appends the canonical form of one field of row i.
func (r *rows) appendField(dst []byte, field, i int) []byte {
	if r.isNull(field, i) {
		return append(dst, 0)
	}
	return r.encoders[field](append(dst, 1), i)
}

func (r *rows) isNull(field, i int) bool {
	col := r.columns[field]
	if col.IsNull(i) {
		return true
	}
	text, ok := col.(*array.String)
	return ok && r.rule.emptyIsNull && text.ValueLen(i) == 0
}

// An encoder appends the canonical form of the value in row i, which is not null.
type encoder func(dst []byte, i int) []byte

// encoderOf returns the encoder of a column, nil if no table has columns of its type.
func encoderOf(col arrow.Array) encoder {
	le := binary.LittleEndian
	switch col := col.(type) {
	case *array.FixedSizeBinary:
		return func(dst []byte, i int) []byte { return append(dst, col.Value(i)...) }
	case *array.String:
		return func(dst []byte, i int) []byte {
			s := col.Value(i)
			return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
		}
	case *array.Int32:
		return func(dst []byte, i int) []byte { return le.AppendUint32(dst, uint32(col.Value(i))) }
	case *array.Int64:
		return func(dst []byte, i int) []byte { return le.AppendUint64(dst, uint64(col.Value(i))) }
	case *array.Float64:
		return func(dst []byte, i int) []byte { return le.AppendUint64(dst, floatBits(col.Value(i))) }
	case *array.Boolean:
		return func(dst []byte, i int) []byte {
			if col.Value(i) {
				return append(dst, 1)
			}
			return append(dst, 0)
		}
	case *array.Decimal128:
		return func(dst []byte, i int) []byte {
			n := col.Value(i)
			return le.AppendUint64(le.AppendUint64(dst, n.LowBits()), uint64(n.HighBits()))
		}
	case *array.Timestamp:
		return func(dst []byte, i int) []byte { return le.AppendUint64(dst, uint64(col.Value(i))) }
	case *array.Date32:
		return func(dst []byte, i int) []byte { return le.AppendUint32(dst, uint32(col.Value(i))) }
	}
	return nil
}

// floatBits gives equal numbers equal bits: 0 has two forms, and NaN has many.
func floatBits(f float64) uint64 {
	switch {
	case f == 0:
		f = 0
	case math.IsNaN(f):
		f = math.NaN()
	}
	return math.Float64bits(f)
}
