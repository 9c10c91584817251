package memsource

import (
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"lakelink"
)

// normal turns a value into the type that Row returns for the field; nil stays nil.
func normal(f lakelink.Field, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	var out any
	var ok bool
	switch typ := f.ArrowType().(type) {
	case *arrow.FixedSizeBinaryType:
		out, ok = normalID(v)
	case *arrow.StringType:
		out, ok = v.(string)
	case *arrow.Int32Type:
		n, isInt := whole(v)
		out, ok = int32(n), isInt && math.MinInt32 <= n && n <= math.MaxInt32
	case *arrow.Int64Type:
		out, ok = whole(v)
	case *arrow.Float64Type:
		out, ok = normalFloat(v)
	case *arrow.BooleanType:
		out, ok = v.(bool)
	case *arrow.Decimal128Type:
		out, ok = normalDecimal(v, typ.Scale)
	case *arrow.TimestampType:
		out, ok = normalTime(v, time.RFC3339Nano, time.Microsecond)
	case *arrow.Date32Type:
		out, ok = normalTime(v, time.DateOnly, 24*time.Hour)
	}
	if !ok {
		return nil, fmt.Errorf("field %s of type %s cannot hold %T %v", f.Name, f.ArrowType(), v, v)
	}
	return out, nil
}

func normalID(v any) (lakelink.ID, bool) {
	switch v := v.(type) {
	case lakelink.ID:
		return v, true
	case string:
		id, err := lakelink.ParseID(v)
		return id, err == nil
	}
	return lakelink.ID{}, false
}

func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func normalFloat(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	n, ok := whole(v)
	return float64(n), ok
}

// normalDecimal writes a decimal with all digits of its scale.
func normalDecimal(v any, scale int32) (string, bool) {
	text, ok := v.(string)
	if n, isInt := whole(v); isInt {
		text, ok = fmt.Sprint(n), true
	}
	if !ok {
		return "", false
	}
	n, ok := unscaled(text, scale)
	if !ok {
		return "", false
	}
	return n.ToString(scale), true
}

// unscaled reads a decimal exactly, unless it has more digits than the scale or the type holds.
func unscaled(text string, scale int32) (decimal128.Num, bool) {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return decimal128.Num{}, false
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	if !r.IsInt() || r.Num().BitLen() > 126 {
		return decimal128.Num{}, false
	}
	n := decimal128.FromBigInt(r.Num())
	return n, n.FitsInPrecision(38)
}

func normalTime(v any, layout string, unit time.Duration) (time.Time, bool) {
	t, ok := v.(time.Time)
	if text, isText := v.(string); isText {
		var err error
		t, err = time.Parse(layout, text)
		ok = err == nil
	}
	return t.UTC().Truncate(unit), ok
}
