package store

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"lakelink/internal/devserver/schema"
)

// A body holds the columns of a row that are not null, but for the primary key and the version:
//
//	body  = { entry }                       by ascending column number
//	entry = uvarint(number) uvarint(len(value)) value
//	value = JSON literal                    as it goes over the wire, or
//	      | '@' byte(len(table)) table JSON literal     for lookups

// Entry takes the first entry off a body. The value of a lookup still has its table; see SplitRef.
// It returns number 0 at the end, and for a body that is damaged.
func Entry(body []byte) (number int, value, rest []byte) {
	num, n := binary.Uvarint(body)
	if n <= 0 {
		return 0, nil, nil
	}
	size, m := binary.Uvarint(body[n:])
	if m <= 0 || size > uint64(len(body)-n-m) {
		return 0, nil, nil
	}
	end := n + m + int(size)
	return int(num), body[n+m : end], body[end:]
}

// SplitRef splits the value of a lookup into the table it points to and the JSON literal. For
// any other value table is nil.
func SplitRef(value []byte) (table, literal []byte) {
	if len(value) < 2 || value[0] != '@' {
		return nil, value
	}
	end := 2 + int(value[1])
	if end > len(value) {
		return nil, nil
	}
	return value[2:end], value[end:]
}

// appendEntry appends one column to a body. scratch is working space.
func appendEntry(body, scratch []byte, c *schema.Column, v Value) (grown, reuse []byte, err error) {
	scratch, err = appendValue(scratch[:0], c, v)
	if err != nil {
		return body, scratch, err
	}
	body = binary.AppendUvarint(body, uint64(c.Number))
	body = binary.AppendUvarint(body, uint64(len(scratch)))
	return append(body, scratch...), scratch, nil
}

// scaleOf is how many decimals numbers of a column have on the wire.
func scaleOf(c *schema.Column) int {
	if c.Type == schema.Money {
		return 4
	}
	return 10
}

const wireTime = "2006-01-02T15:04:05Z"

func appendValue(b []byte, c *schema.Column, v Value) ([]byte, error) {
	switch v := v.(type) {
	case string:
		switch c.Type {
		case schema.String, schema.Memo, schema.EntityName:
			return jsontext.AppendQuote(b, strings.ToValidUTF8(v, "\uFFFD"))
		}
	case int64:
		return appendInt(b, c, v)
	case int:
		return appendInt(b, c, int64(v))
	case bool:
		if c.Type == schema.Boolean {
			return strconv.AppendBool(b, v), nil
		}
	case Decimal:
		switch c.Type {
		case schema.Money, schema.Decimal:
			return appendDecimal(b, string(v), scaleOf(c))
		case schema.Double:
			f, err := strconv.ParseFloat(string(v), 64)
			if err != nil {
				return b, fmt.Errorf("column %s: %q is not a number", c.LogicalName, v)
			}
			return appendFloat(b, c, f)
		}
	case float64:
		if c.Type == schema.Double {
			return appendFloat(b, c, v)
		}
	case time.Time:
		if c.Type == schema.DateTime && c.Behavior != schema.DateOnly {
			return append(v.UTC().AppendFormat(append(b, '"'), wireTime), '"'), nil
		}
	case Date:
		if c.Type == schema.DateTime && c.Behavior == schema.DateOnly {
			return append(append(append(b, '"'), v...), '"'), nil
		}
	case ID:
		if c.Type == schema.Uniqueidentifier {
			return append(v.AppendText(append(b, '"')), '"'), nil
		}
	case Ref:
		if c.IsLookup() && len(v.Table) < 256 {
			b = append(b, '@', byte(len(v.Table)))
			b = append(b, v.Table...)
			return append(v.ID.AppendText(append(b, '"')), '"'), nil
		}
	case MultiSelect:
		if c.Type == schema.MultiSelectPicklist {
			return append(v.appendText(append(b, '"')), '"'), nil
		}
	}
	return b, fmt.Errorf("column %s of type %s cannot hold %T", c.LogicalName, c.Type, v)
}

func appendInt(b []byte, c *schema.Column, v int64) ([]byte, error) {
	switch c.Type {
	case schema.Integer, schema.BigInt, schema.Picklist, schema.State, schema.Status:
		return strconv.AppendInt(b, v, 10), nil
	case schema.Money, schema.Decimal:
		return appendDecimal(b, strconv.FormatInt(v, 10), scaleOf(c))
	case schema.Double:
		return appendFloat(b, c, float64(v))
	}
	return b, fmt.Errorf("column %s of type %s cannot hold %T", c.LogicalName, c.Type, v)
}

func appendFloat(b []byte, c *schema.Column, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, fmt.Errorf("column %s cannot hold %v", c.LogicalName, f)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64), nil
}

// appendDecimal writes a number with exactly scale decimals, rounding half away from zero.
func appendDecimal(b []byte, s string, scale int) ([]byte, error) {
	if plainDecimal(s) {
		_, fraction, _ := strings.Cut(s, ".")
		if missing := scale - len(fraction); missing >= 0 {
			b = append(b, s...)
			if fraction == "" {
				b = append(b, '.')
			}
			for range missing {
				b = append(b, '0')
			}
			return b, nil
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || strings.Contains(s, "/") {
		return b, fmt.Errorf("%q is not a number", s)
	}
	return append(b, r.FloatString(scale)...), nil
}

// plainDecimal says whether s is digits, perhaps a sign, perhaps a point followed by digits, and
// no needless leading zero.
func plainDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" || len(whole) > 1 && whole[0] == '0' || point && fraction == "" {
		return false
	}
	for _, part := range [...]string{whole, fraction} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return false
			}
		}
	}
	return true
}

// decodeBody returns the columns of a body by ascending number.
func (t *Table) decodeBody(body []byte) (Row, error) {
	row := make(Row, 0, 48)
	for len(body) > 0 {
		number, value, rest := Entry(body)
		if number == 0 {
			return nil, fmt.Errorf("table %s: damaged row", t.LogicalName)
		}
		body = rest
		if number >= len(t.byNumber) || t.byNumber[number] == nil {
			continue // a column that the schema no longer has
		}
		c := t.byNumber[number]
		v, err := decodeValue(c, value)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.LogicalName, err)
		}
		row = append(row, Field{c, v})
	}
	return row, nil
}

// decodeValue is the reverse of appendValue.
func decodeValue(c *schema.Column, value []byte) (Value, error) {
	table, literal := SplitRef(value)
	text := string(literal)
	if len(literal) > 0 && literal[0] == '"' {
		text = unquote(literal)
	}
	switch c.Type {
	case schema.String, schema.Memo, schema.EntityName:
		return text, nil
	case schema.Integer, schema.BigInt, schema.Picklist, schema.State, schema.Status:
		return strconv.ParseInt(text, 10, 64)
	case schema.Boolean:
		return text == "true", nil
	case schema.Money, schema.Decimal:
		return Decimal(text), nil
	case schema.Double:
		return strconv.ParseFloat(text, 64)
	case schema.DateTime:
		if c.Behavior == schema.DateOnly {
			return Date(text), nil
		}
		return time.Parse(wireTime, text)
	case schema.Uniqueidentifier:
		return ParseID(text)
	case schema.Lookup, schema.Customer, schema.Owner:
		id, err := ParseID(text)
		return Ref{string(table), id}, err
	case schema.MultiSelectPicklist:
		return parseMultiSelect(text), nil
	}
	return nil, fmt.Errorf("column %s: type %s has no values", c.LogicalName, c.Type)
}

// unquote returns the text of a JSON string literal.
func unquote(literal []byte) string {
	for _, ch := range literal {
		if ch == '\\' {
			text, _ := jsontext.AppendUnquote(nil, literal)
			return string(text)
		}
	}
	if len(literal) < 2 {
		return ""
	}
	return string(literal[1 : len(literal)-1])
}
