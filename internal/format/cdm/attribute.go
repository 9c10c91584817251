package cdm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lakelink"
)

// The data types of model.json that are written (§4.5, M11).
const (
	typeGUID     = "guid"
	typeString   = "string"
	typeInt64    = "int64"
	typeDecimal  = "decimal"
	typeBoolean  = "boolean"
	typeDateTime = "dateTime"
	typeOffset   = "dateTimeOffset"
)

// The columns that every table has beside its own (§3.4).
const (
	idAttribute          = "Id"
	sinkCreatedAttribute = "SinkCreatedOn"
	sinkModAttribute     = "SinkModifiedOn"
	deleteAttribute      = "IsDelete"
	createdColumn        = "createdon"
	ownerColumn          = "ownerid"
)

// sinkAttributes is how many columns come before those that a frame holds: Id and the two times.
const sinkAttributes = 3

// An attribute is one column of a table's CSV files. Their order is the contract with readers
// (§3.3), so the list of a table only ever grows at its end (M12).
type attribute struct {
	name  string
	kind  string // data type of model.json
	limit int    // string: maxLength; decimal: scale
}

// Memo columns, and texts of a length that breaks a reader (M9), are written with this length, which
// readers take for unlimited.
const unlimited = 9999

const (
	entityNameLength  = 128
	multiSelectLength = 4000
)

// String is the form of the manifest, such as "name string 160".
func (a attribute) String() string {
	if a.kind == typeString || a.kind == typeDecimal {
		return a.name + " " + a.kind + " " + strconv.Itoa(a.limit)
	}
	return a.name + " " + a.kind
}

// MarshalText writes the form of String.
func (a attribute) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (a *attribute) UnmarshalText(b []byte) error {
	parts := strings.Split(string(b), " ")
	if len(parts) < 2 || len(parts) > 3 {
		return fmt.Errorf("%q is not an attribute", b)
	}
	*a = attribute{name: parts[0], kind: parts[1]}
	if len(parts) == 3 {
		n, err := strconv.Atoi(parts[2])
		if err != nil {
			return fmt.Errorf("%q is not an attribute", b)
		}
		a.limit = n
	}
	return nil
}

// attributeName is the name of a field's attribute. A column that differs from one of ours only in
// case gets a "_" (C13).
func attributeName(field string) string {
	for _, own := range []string{idAttribute, sinkCreatedAttribute, sinkModAttribute, deleteAttribute} {
		if strings.EqualFold(field, own) {
			return field + "_"
		}
	}
	return field
}

// attributeOf describes the attribute of a field.
func attributeOf(f lakelink.Field) attribute {
	a := attribute{name: attributeName(f.Name), kind: typeString}
	if f.Target {
		a.limit = entityNameLength
		return a
	}
	c := f.Column
	switch c.Type {
	case lakelink.TypeLookup, lakelink.TypeCustomer, lakelink.TypeOwner, lakelink.TypeUniqueidentifier:
		a.kind = typeGUID
	case lakelink.TypeInteger, lakelink.TypeBigInt, lakelink.TypeChoice, lakelink.TypeState, lakelink.TypeStatus:
		a.kind = typeInt64
	case lakelink.TypeDecimal, lakelink.TypeMoney:
		a.kind, a.limit = typeDecimal, int(c.Scale())
	case lakelink.TypeDouble:
		a.kind, a.limit = typeDecimal, max(int(c.Scale()), floatScale)
	case lakelink.TypeBoolean, lakelink.TypeManagedProperty:
		a.kind = typeBoolean
	case lakelink.TypeDateTime:
		a.kind = typeDateTime
		if c.Name == createdColumn && c.Behavior != lakelink.DateOnly && c.Behavior != lakelink.TimeZoneIndependent {
			a.kind = typeOffset
		}
	case lakelink.TypeMemo:
		a.limit = unlimited
	case lakelink.TypeMultiChoice:
		a.limit = multiSelectLength
	case lakelink.TypeEntityName:
		a.limit = entityNameLength
	default:
		a.limit = textLimit(c.MaxLength)
	}
	return a
}

// textLimit is the maxLength of a text column: -1 where it is unknown, never 4001 to 7999 (M9).
func textLimit(n int) int {
	switch {
	case n <= 0:
		return -1
	case n > 4000 && n < 8000:
		return unlimited
	}
	return n
}

// place is the group of the order in which a column of a first export comes (§3.3).
func place(c *lakelink.Column) int {
	switch {
	case c.Type == lakelink.TypeState:
		return 0
	case c.Type == lakelink.TypeStatus:
		return 1
	case c.Type == lakelink.TypeChoice:
		return 2
	case c.Type == lakelink.TypeBoolean || c.Type == lakelink.TypeManagedProperty:
		return 3
	case c.IsLookup() && c.Name != ownerColumn:
		return 4
	case c.IsLookup():
		return 5
	case c.Type == lakelink.TypeMoney:
		return 6
	}
	return 7
}

// layout lists the attributes of a table that is exported for the first time.
func layout(t *lakelink.Table) []attribute {
	fields := t.Fields()
	slices.SortStableFunc(fields, func(a, b lakelink.Field) int { return place(a.Column) - place(b.Column) })
	out := []attribute{
		{name: idAttribute, kind: typeGUID},
		{name: sinkCreatedAttribute, kind: typeDateTime},
		{name: sinkModAttribute, kind: typeDateTime},
	}
	for _, f := range fields {
		out = append(out, attributeOf(f))
	}
	return append(out, attribute{name: deleteAttribute, kind: typeBoolean})
}

// extend returns have with the columns of t that it lacks at its end, in a new slice. Columns that
// went away stay, and are empty from then on (§8.8). A changed type cannot be told to readers.
func extend(have []attribute, t *lakelink.Table) ([]attribute, error) {
	want := layout(t)
	if len(have) == 0 {
		return want, nil
	}
	out := slices.Clone(have)
	index := make(map[string]int, len(out))
	for i, a := range out {
		index[a.name] = i
	}
	for _, a := range want {
		i, ok := index[a.name]
		if !ok {
			out = append(out, a)
			continue
		}
		if out[i].kind != a.kind {
			return nil, &lakelink.Error{Op: "take schema", Table: t.Name, Kind: lakelink.KindInvalid,
				Err: fmt.Errorf("column %s was %s and is %s now, which this format cannot follow",
					a.name, out[i].kind, a.kind),
				Hint: "give the column another name, or link the table to another lake"}
		}
		out[i].limit = widest(out[i].limit, a.limit)
	}
	return out, nil
}

// widest is the larger of two lengths, of which -1 is the largest.
func widest(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return max(a, b)
}

// startsWith reports whether the names of prefix are the first ones of list.
func startsWith(list, prefix []attribute) bool {
	if len(prefix) > len(list) {
		return false
	}
	for i := range prefix {
		if list[i].name != prefix[i].name || list[i].kind != prefix[i].kind {
			return false
		}
	}
	return true
}
