package devserver

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// wrongType is the refusal of a value that is not of its column's type.
func wrongType(c *schema.Column, v any) error {
	return &apiError{http.StatusBadRequest, codePayload, fmt.Sprintf(
		"An error occurred while validating input parameters: Cannot convert the value '%v' of property '%s' to the expected type.", v, c.LogicalName)}
}

// outOfRange is the refusal of a value beyond its column's limits.
func outOfRange(t *store.Table, c *schema.Column, code, v string) error {
	accepted := c.MinValue + " to " + c.MaxValue
	if len(c.Options) > 0 {
		values := make([]string, len(c.Options))
		for i, o := range c.Options {
			values[i] = strconv.Itoa(o.Value)
		}
		accepted = strings.Join(values, ",")
	}
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(
		"A validation error occurred. The value %s of '%s' on record of type '%s' is outside the valid range. Accepted Values: %s",
		v, c.LogicalName, t.LogicalName, accepted)}
}

// value turns a decoded JSON value into a value of a column that is no lookup.
func value(t *store.Table, c *schema.Column, v any) (store.Value, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if c.Type == schema.Boolean {
			return v, nil
		}
	case json.Number:
		return numberValue(t, c, v.String())
	case string:
		return textValue(t, c, v)
	}
	return nil, wrongType(c, v)
}

func numberValue(t *store.Table, c *schema.Column, s string) (store.Value, error) {
	switch c.Type {
	case schema.Integer, schema.BigInt:
		bits := 32
		if c.Type == schema.BigInt {
			bits = 64
		}
		n, err := strconv.ParseInt(s, 10, bits)
		if err != nil {
			return nil, wrongType(c, s)
		}
		return n, inRange(t, c, s)
	case schema.Picklist, schema.State, schema.Status:
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, wrongType(c, s)
		}
		if len(c.Options) > 0 && !c.HasOption(n) {
			return nil, outOfRange(t, c, codePicklist, s)
		}
		return int64(n), nil
	case schema.Decimal, schema.Money:
		r, ok := parseNumber(s)
		if !ok {
			return nil, wrongType(c, s)
		}
		return store.Decimal(r.FloatString(c.Precision)), inRange(t, c, s)
	case schema.Double:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, wrongType(c, s)
		}
		return f, inRange(t, c, s)
	}
	return nil, wrongType(c, s)
}

// maxExponent keeps numbers such as 1e1000000000 from being written out.
const maxExponent = 400

func parseNumber(s string) (*big.Rat, bool) {
	if _, exponent, ok := strings.Cut(strings.ToLower(s), "e"); ok {
		if n, err := strconv.Atoi(exponent); err != nil || n > maxExponent || n < -maxExponent {
			return nil, false
		}
	}
	return new(big.Rat).SetString(s)
}

func inRange(t *store.Table, c *schema.Column, s string) error {
	v, ok := parseNumber(s)
	if !ok {
		return outOfRange(t, c, codeArgument, s)
	}
	if low, ok := parseNumber(c.MinValue); ok && v.Cmp(low) < 0 {
		return outOfRange(t, c, codeArgument, s)
	}
	if high, ok := parseNumber(c.MaxValue); ok && v.Cmp(high) > 0 {
		return outOfRange(t, c, codeArgument, s)
	}
	return nil
}

func textValue(t *store.Table, c *schema.Column, s string) (store.Value, error) {
	switch c.Type {
	case schema.String, schema.Memo:
		if c.MaxLength > 0 && len(s) > c.MaxLength && len(utf16.Encode([]rune(s))) > c.MaxLength {
			return nil, &apiError{http.StatusBadRequest, codeTooLong, fmt.Sprintf(
				"A validation error occurred. The length of the '%s' attribute of the '%s' entity exceeded the maximum allowed length of '%d'.",
				c.LogicalName, t.LogicalName, c.MaxLength)}
		}
		if s == "" {
			return nil, nil // the platform keeps no empty texts
		}
		return s, nil
	case schema.EntityName:
		return s, nil
	case schema.Uniqueidentifier:
		id, err := store.ParseID(s)
		if err != nil {
			return nil, wrongType(c, s)
		}
		return id, nil
	case schema.MultiSelectPicklist:
		return multiSelect(t, c, s)
	case schema.DateTime:
		return dateValue(c, s)
	}
	return nil, wrongType(c, s)
}

func multiSelect(t *store.Table, c *schema.Column, s string) (store.Value, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var m store.MultiSelect
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return nil, wrongType(c, s)
		}
		if !c.HasOption(n) {
			return nil, outOfRange(t, c, codePicklist, strconv.Itoa(n))
		}
		m = append(m, n)
	}
	return m, nil
}

// firstDay is the earliest moment the platform can hold.
var firstDay = time.Date(1753, 1, 1, 0, 0, 0, 0, time.UTC)

func dateValue(c *schema.Column, s string) (store.Value, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05"} {
		at, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if at.Before(firstDay) {
			return nil, &apiError{http.StatusBadRequest, codeArgument, "DateTime is less than minumum value supported by CrmDateTime. Actual value: " + s}
		}
		if c.Behavior == schema.DateOnly {
			return store.Date(at.Format(time.DateOnly)), nil
		}
		return at.UTC(), nil
	}
	return nil, wrongType(c, s)
}
