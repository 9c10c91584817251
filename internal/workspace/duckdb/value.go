//go:build !noduckdb && cgo

package duckdb

import (
	"fmt"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// A decimal is a number with all digits that its type has.
type decimal string

func (d decimal) exactDigits() string { return string(d) }

// plain turns a value as the driver gives it into one that encoders know.
func plain(v any, typ string) any {
	switch v := v.(type) {
	case duckdb.Decimal:
		return decimal(digits(v))
	case time.Time:
		switch typ {
		case "DATE":
			return v.UTC().Format("2006-01-02")
		case "TIME":
			return v.UTC().Format("15:04:05.999999")
		case "TIMESTAMP":
			return v.UTC().Format("2006-01-02T15:04:05.999999")
		}
	case []byte:
		if typ == "UUID" && len(v) == 16 {
			return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
		}
	case duckdb.Interval:
		return fmt.Sprintf("P%dM%dDT%gS", v.Months, v.Days, float64(v.Micros)/1e6)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i], strings.TrimSuffix(typ, "[]"))
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plain(v[k], "")
		}
		return out
	}
	return v
}

// digits writes a decimal with as many digits after the point as its type has.
func digits(d duckdb.Decimal) string {
	s := d.Value.String()
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	if d.Scale == 0 {
		return sign + s
	}
	if missing := int(d.Scale) + 1 - len(s); missing > 0 {
		s = strings.Repeat("0", missing) + s
	}
	return sign + s[:len(s)-int(d.Scale)] + "." + s[len(s)-int(d.Scale):]
}
