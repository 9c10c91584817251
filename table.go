package lakelink

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// A TableName is a table's logical name, such as "account"; never the display name.
type TableName string

// An ID is the primary key of a row: a GUID as 16 bytes in the order it is printed.
type ID [16]byte

// ParseID reads the 36-character form of a GUID, in either case.
func ParseID(s string) (ID, error) {
	var id ID
	if !id.Set(s) {
		return ID{}, fmt.Errorf("%q is not a GUID of 36 characters", s)
	}
	return id, nil
}

// Set reads the 36-character form into id and reports whether s had it. It does not allocate.
func (id *ID) Set(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	j := 0
	for i := 0; i < 36; i++ {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			continue
		}
		hi, lo := nibble(s[i]), nibble(s[i+1])
		if hi > 15 || lo > 15 {
			return false
		}
		id[j] = hi<<4 | lo
		i++
		j++
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// Append appends the 36-character lower-case form to dst.
func (id ID) Append(dst []byte) []byte {
	var buf [36]byte
	hex.Encode(buf[0:8], id[0:4])
	hex.Encode(buf[9:13], id[4:6])
	hex.Encode(buf[14:18], id[6:8])
	hex.Encode(buf[19:23], id[8:10])
	hex.Encode(buf[24:36], id[10:16])
	buf[8], buf[13], buf[18], buf[23] = '-', '-', '-', '-'
	return append(dst, buf[:]...)
}

// String returns the 36-character lower-case form.
func (id ID) String() string { return string(id.Append(nil)) }

// MarshalText makes an ID print as its 36 characters in JSON.
func (id ID) MarshalText() ([]byte, error) { return id.Append(nil), nil }

// UnmarshalText is the inverse of MarshalText.
func (id *ID) UnmarshalText(b []byte) error {
	var err error
	*id, err = ParseID(string(b))
	return err
}

// A ColumnType is a Dataverse column type: the AttributeTypeName without its "Type" suffix
// (spec/dataverse-web-api.md §2.3). Types that carry no value of their own on the wire (Virtual,
// PartyList, CalendarRules, Image, File) never reach a Table.
type ColumnType string

// The column types that are replicated.
const (
	TypeString           ColumnType = "String"
	TypeMemo             ColumnType = "Memo"
	TypeInteger          ColumnType = "Integer"
	TypeBigInt           ColumnType = "BigInt"
	TypeDecimal          ColumnType = "Decimal"
	TypeDouble           ColumnType = "Double"
	TypeMoney            ColumnType = "Money"
	TypeBoolean          ColumnType = "Boolean"
	TypeDateTime         ColumnType = "DateTime"
	TypeChoice           ColumnType = "Picklist"
	TypeMultiChoice      ColumnType = "MultiSelectPicklist"
	TypeState            ColumnType = "State"
	TypeStatus           ColumnType = "Status"
	TypeLookup           ColumnType = "Lookup"
	TypeCustomer         ColumnType = "Customer"
	TypeOwner            ColumnType = "Owner"
	TypeUniqueidentifier ColumnType = "Uniqueidentifier"
	TypeEntityName       ColumnType = "EntityName"
	TypeManagedProperty  ColumnType = "ManagedProperty"
)

// A DateBehavior says what a date column's value means (spec/dataverse-web-api.md §2.4).
type DateBehavior string

// The three behaviours of date columns.
const (
	UserLocal           DateBehavior = "UserLocal"           // an instant, stored as UTC
	DateOnly            DateBehavior = "DateOnly"            // a calendar day
	TimeZoneIndependent DateBehavior = "TimeZoneIndependent" // a wall clock reading
)

// A Column is one column of a table, as the source describes it.
type Column struct {
	Name       string       `json:"name"`                 // logical name
	ID         string       `json:"id,omitempty"`         // MetadataId: stays when labels change
	Type       ColumnType   `json:"type"`                 //
	MaxLength  int          `json:"maxLength,omitempty"`  // String, Memo: UTF-16 units; 0 if unknown
	Precision  int          `json:"precision,omitempty"`  // Decimal, Double, Money: digits after the point
	Behavior   DateBehavior `json:"behavior,omitempty"`   // DateTime only
	Targets    []TableName  `json:"targets,omitempty"`    // Lookup, Customer, Owner
	BaseTwin   bool         `json:"baseTwin,omitempty"`   // Money: the read-only x_base of a money column
	Calculated bool         `json:"calculated,omitempty"` // calculated or formula: follows its own row only
}

// IsLookup reports whether the column refers to a row of another table. Such a column has two
// Arrow fields: its own name (the id) and its name with EntityTypeSuffix (the target table).
func (c *Column) IsLookup() bool {
	return c.Type == TypeLookup || c.Type == TypeCustomer || c.Type == TypeOwner
}

// IsChoice reports whether the column holds a number with a label.
func (c *Column) IsChoice() bool {
	return c.Type == TypeChoice || c.Type == TypeState || c.Type == TypeStatus
}

// Scale is the number of digits after the point that the column's decimal type keeps:
// at least 4 for money (SQL money) and 10 for decimals, more where the column says so.
func (c *Column) Scale() int32 {
	if c.Type == TypeMoney {
		return int32(max(c.Precision, 4))
	}
	return int32(max(c.Precision, 10))
}

// EntityTypeSuffix follows a lookup's name in the field that names its target table
// (spec/synapse-link.md §3.4).
const EntityTypeSuffix = "_entitytype"

// VersionColumn is the column that holds a row's version in every replicated table.
const VersionColumn = "versionnumber"

// A Label is a text in one language.
type Label struct {
	Language int    `json:"language"` // LCID, such as 1033
	Text     string `json:"text"`
}

// An Option is one value of a choice.
type Option struct {
	Value  int     `json:"value"`
	State  int     `json:"state,omitempty"` // Status columns: the state it belongs to
	Labels []Label `json:"labels,omitempty"`
}

// A ChoiceSet holds the options of one choice, state, status, multi-select or boolean column.
type ChoiceSet struct {
	Column  string     `json:"column"`           // logical name of the column
	Type    ColumnType `json:"type"`             //
	Global  string     `json:"global,omitempty"` // name of the global choice; "" for a local one
	Options []Option   `json:"options"`
}

// A Table is what a source tells about one table. It is immutable once made: a change of schema
// makes a new Table.
type Table struct {
	Name        TableName   `json:"name"`
	ID          string      `json:"id,omitempty"`        // MetadataId
	EntitySet   string      `json:"entitySet,omitempty"` // segment of its URL; never derived from Name
	DisplayName string      `json:"displayName,omitempty"`
	PrimaryKey  string      `json:"primaryKey"` // name of the id column, which is one of Columns
	Tracked     bool        `json:"tracked"`    // the source tracks its changes
	CanTrack    bool        `json:"canTrack"`   // tracking could be switched on
	Intersect   bool        `json:"intersect,omitempty"`
	Columns     []Column    `json:"columns,omitempty"`
	Choices     []ChoiceSet `json:"choices,omitempty"`
}

// Column returns the column of that name, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// A Field is one field of a table's Arrow schema and the column it comes from.
type Field struct {
	Name   string
	Column *Column
	Target bool // the target-table half of a lookup
}

// Fields lists the fields of the Arrow schema in their order: that of Columns, a lookup's
// target-table field right after its id.
func (t *Table) Fields() []Field {
	fields := make([]Field, 0, len(t.Columns)+8)
	for i := range t.Columns {
		c := &t.Columns[i]
		fields = append(fields, Field{Name: c.Name, Column: c})
		if c.IsLookup() {
			fields = append(fields, Field{Name: c.Name + EntityTypeSuffix, Column: c, Target: true})
		}
	}
	return fields
}

// GUIDType is the Arrow type of ids: 16 bytes in printed order.
var GUIDType = &arrow.FixedSizeBinaryType{ByteWidth: 16}

// ArrowType is the Arrow type of a field:
//
//	ids and lookups                     fixed_size_binary[16]
//	target tables, text, multi-select   utf8 (multi-select: codes joined by ",")
//	integer, choice, state, status      int32
//	bigint                              int64
//	decimal, money                      decimal128(38, Scale)
//	double                              float64
//	boolean                             bool
//	date-time                           timestamp[us, UTC]; TimeZoneIndependent: timestamp[us]; DateOnly: date32
func (f Field) ArrowType() arrow.DataType {
	c := f.Column
	if f.Target {
		return arrow.BinaryTypes.String
	}
	switch c.Type {
	case TypeLookup, TypeCustomer, TypeOwner, TypeUniqueidentifier:
		return GUIDType
	case TypeInteger, TypeChoice, TypeState, TypeStatus:
		return arrow.PrimitiveTypes.Int32
	case TypeBigInt:
		return arrow.PrimitiveTypes.Int64
	case TypeDecimal, TypeMoney:
		return &arrow.Decimal128Type{Precision: 38, Scale: c.Scale()}
	case TypeDouble:
		return arrow.PrimitiveTypes.Float64
	case TypeBoolean, TypeManagedProperty:
		return arrow.FixedWidthTypes.Boolean
	case TypeDateTime:
		switch c.Behavior {
		case DateOnly:
			return arrow.FixedWidthTypes.Date32
		case TimeZoneIndependent:
			return &arrow.TimestampType{Unit: arrow.Microsecond}
		}
		return arrow.FixedWidthTypes.Timestamp_us
	}
	return arrow.BinaryTypes.String
}

// ArrowSchema is the schema of the table's batches. Every field but the primary key and the
// version may be null.
func (t *Table) ArrowSchema() *arrow.Schema {
	fields := t.Fields()
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = arrow.Field{Name: f.Name, Type: f.ArrowType(),
			Nullable: f.Name != t.PrimaryKey && f.Name != VersionColumn}
	}
	return arrow.NewSchema(out, nil)
}

// SameColumns reports whether both have the same columns of the same types in the same order,
// that is, whether their batches have the same Arrow schema.
func (t *Table) SameColumns(o *Table) bool { return t.ArrowSchema().Equal(o.ArrowSchema()) }

// Validate reports what makes the table unfit for replication.
func (t *Table) Validate() error {
	if t.Name == "" || strings.ToLower(string(t.Name)) != string(t.Name) {
		return fmt.Errorf("table %q: a logical name is lower case and not empty", t.Name)
	}
	pk := t.Column(t.PrimaryKey)
	if pk == nil || pk.Type != TypeUniqueidentifier {
		return fmt.Errorf("table %s: no primary key column %q of type Uniqueidentifier", t.Name, t.PrimaryKey)
	}
	if v := t.Column(VersionColumn); v == nil || v.Type != TypeBigInt {
		return fmt.Errorf("table %s: no column %s", t.Name, VersionColumn)
	}
	return nil
}
