package delta

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"lakelink"
)

// The columns that every table has beside its own (docs/format/delta.md).
const (
	idColumn        = "Id"
	createdColumn   = "SinkCreatedOn"
	modifiedColumn  = "SinkModifiedOn"
	deleteColumn    = "IsDelete"
	partitionColumn = "PartitionId"
)

// The keys of our entries in a field's metadata.
const (
	typeKey   = "lakelink.type"   // the source's type, exactly
	columnKey = "lakelink.column" // the source's name, where the field has another one
)

// A schema is the list of a Delta table's fields, the partition column included.
type schema struct {
	Type   string  `json:"type"` // "struct"
	Fields []field `json:"fields"`
}

type field struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"` // a quoted primitive type; anything else is not ours
	Nullable bool            `json:"nullable"`
	Metadata map[string]any  `json:"metadata"`
}

func newField(name, typ, source string) field {
	f := field{Name: name, Type: json.RawMessage(strconv.Quote(typ)), Nullable: true, Metadata: map[string]any{}}
	if source != "" {
		f.Metadata[typeKey] = source
	}
	return f
}

func parseSchema(s string) (*schema, error) {
	var out schema
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		return nil, fmt.Errorf("schemaString: %w", err)
	}
	return &out, nil
}

func (s *schema) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // it holds strings only
	}
	return string(b)
}

// primitive is the Delta type, "" for one that is not primitive.
func (f *field) primitive() string {
	var s string
	_ = json.Unmarshal(f.Type, &s)
	return s
}

func (f *field) source() string {
	s, _ := f.Metadata[typeKey].(string)
	return s
}

// column is the source's name of the field.
func (f *field) column() string {
	if s, ok := f.Metadata[columnKey].(string); ok {
		return s
	}
	return f.Name
}

// system reports whether the field is one that no column of the source fills.
func system(name string) bool {
	switch strings.ToLower(name) {
	case "id", "sinkcreatedon", "sinkmodifiedon", "isdelete", "partitionid":
		return true
	}
	return false
}

func (f *field) system() bool { return f.source() == "" && system(f.Name) }

// find returns the field that a column of the source is in, or nil.
func (s *schema) find(column string) *field {
	for i := range s.Fields {
		if f := &s.Fields[i]; !f.system() && f.column() == column {
			return f
		}
	}
	return nil
}

// stored lists the fields that are in data files: all but the partition column and fields of types
// that we never write, which somebody else has added.
func (s *schema) stored() []field {
	return slices.DeleteFunc(slices.Clone(s.Fields), func(f field) bool {
		return f.Name == partitionColumn || storedType(f.primitive()) == nil
	})
}

// arrow is the schema of data files. Every field may be null, as Spark writes them.
func (s *schema) arrow() *arrow.Schema {
	var fields []arrow.Field
	for _, f := range s.stored() {
		fields = append(fields, arrow.Field{Name: f.Name, Type: storedType(f.primitive()), Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}

// storedType is the Arrow type of a Delta type that we write, or nil.
func storedType(delta string) arrow.DataType {
	switch delta {
	case "string":
		return arrow.BinaryTypes.String
	case "long":
		return arrow.PrimitiveTypes.Int64
	case "double":
		return arrow.PrimitiveTypes.Float64
	case "boolean":
		return arrow.FixedWidthTypes.Boolean
	case "date":
		return arrow.FixedWidthTypes.Date32
	case "timestamp":
		return arrow.FixedWidthTypes.Timestamp_us
	}
	var p, s int32
	if n, _ := fmt.Sscanf(delta, "decimal(%d,%d)", &p, &s); n == 2 && p <= 38 {
		return &arrow.Decimal128Type{Precision: p, Scale: s}
	}
	return nil
}

// deltaType is the Delta type that a field is stored in. All whole numbers are long, as in the
// original.
func deltaType(f lakelink.Field) string {
	switch t := f.ArrowType().(type) {
	case *arrow.Int32Type, *arrow.Int64Type:
		return "long"
	case *arrow.Float64Type:
		return "double"
	case *arrow.BooleanType:
		return "boolean"
	case *arrow.Date32Type:
		return "date"
	case *arrow.TimestampType:
		return "timestamp"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("decimal(38,%d)", t.Scale)
	}
	return "string" // text, and ids in their 36 characters
}

// sourceType is what is needed to restore a field's exact type.
func sourceType(f lakelink.Field) string {
	switch {
	case f.Target:
		return "EntityType"
	case f.Column.Type == lakelink.TypeDateTime && f.Column.Behavior != "":
		return string(f.Column.Type) + "." + string(f.Column.Behavior)
	}
	return string(f.Column.Type)
}

// newSchema is the schema of a table that is made now.
func newSchema(t *lakelink.Table) *schema {
	s := &schema{Type: "struct", Fields: []field{
		newField(idColumn, "string", ""),
		newField(createdColumn, "timestamp", ""),
		newField(modifiedColumn, "timestamp", ""),
	}}
	for _, f := range t.Fields() {
		s.Fields = append(s.Fields, fieldFor(f))
	}
	s.Fields = append(s.Fields, newField(deleteColumn, "boolean", ""), newField(partitionColumn, "string", ""))
	return s
}

// fieldFor makes the field of a column. Delta takes names that differ in case only for the same one:
// a column that is called like one of ours gets a "_" at its end.
func fieldFor(f lakelink.Field) field {
	name := f.Name
	if system(name) {
		name += "_"
	}
	out := newField(name, deltaType(f), sourceType(f))
	if name != f.Name {
		out.Metadata[columnKey] = f.Name
	}
	return out
}

// merge returns the schema with the table's new columns at its end. Columns that went away stay.
// A column whose stored type would change is an error, unless all rows are replaced too.
func (s *schema) merge(t *lakelink.Table, replace bool) (*schema, error) {
	out := &schema{Type: s.Type, Fields: slices.Clone(s.Fields)}
	for _, tf := range t.Fields() {
		want := fieldFor(tf)
		old := out.find(tf.Name)
		switch {
		case old == nil:
			out.Fields = append(out.Fields, want)
		case old.primitive() == want.primitive() && (replace || widens(old.source(), want.source())):
			if old.source() != want.source() {
				*old = want
			}
		case replace:
			*old = want
		default:
			return nil, &typeError{column: tf.Name, from: old.source(), to: want.source()}
		}
	}
	return out, nil
}

// A typeError names a column whose values cannot be read under its new type.
type typeError struct{ column, from, to string }

func (e *typeError) Error() string {
	return fmt.Sprintf("column %s was %s and is %s now", e.column, e.from, e.to)
}

// widens reports whether every value stored for the one source type can be read as the other, given
// that both are stored in the same Delta type.
func widens(from, to string) bool {
	id := func(s string) bool {
		switch lakelink.ColumnType(s) {
		case lakelink.TypeLookup, lakelink.TypeCustomer, lakelink.TypeOwner, lakelink.TypeUniqueidentifier:
			return true
		}
		return false
	}
	if id(to) {
		return id(from)
	}
	if from == string(lakelink.TypeBigInt) {
		return to == from
	}
	return true
}
