package cdm

import (
	"bytes"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"lakelink"
)

// newField makes the function that appends a cell, which is not empty, to a column.
func newField(to array.Builder) func(cell []byte) error {
	switch to := to.(type) {
	case *array.FixedSizeBinaryBuilder:
		return func(cell []byte) error {
			var id lakelink.ID
			if !id.Set(string(cell)) {
				return fmt.Errorf("%q is not a GUID", cell)
			}
			to.Append(id[:])
			return nil
		}
	case *array.StringBuilder:
		return func(cell []byte) error {
			to.BinaryBuilder.Append(cell)
			return nil
		}
	case *array.Int32Builder:
		return func(cell []byte) error {
			v, err := strconv.ParseInt(string(cell), 10, 32)
			to.Append(int32(v))
			return err
		}
	case *array.Int64Builder:
		return func(cell []byte) error {
			v, err := strconv.ParseInt(string(cell), 10, 64)
			to.Append(v)
			return err
		}
	case *array.BooleanBuilder:
		return func(cell []byte) error {
			v, err := parseBool(cell)
			to.Append(v)
			return err
		}
	case *array.Float64Builder:
		return func(cell []byte) error {
			v, err := strconv.ParseFloat(string(cell), 64)
			to.Append(v)
			return err
		}
	case *array.Decimal128Builder:
		scale := to.Type().(*arrow.Decimal128Type).Scale
		return func(cell []byte) error {
			v, err := parseDecimal(string(cell), int(scale))
			to.Append(v)
			return err
		}
	case *array.TimestampBuilder:
		return func(cell []byte) error {
			v, err := parseTime(cell)
			to.Append(arrow.Timestamp(v))
			return err
		}
	case *array.Date32Builder:
		return func(cell []byte) error {
			v, err := parseTime(cell)
			day, _ := splitDay(v)
			to.Append(arrow.Date32(day))
			return err
		}
	}
	return func([]byte) error { return fmt.Errorf("no column type for %s", to.Type()) }
}

func parseBool(cell []byte) (bool, error) {
	switch {
	case bytes.EqualFold(cell, []byte("true")):
		return true, nil
	case bytes.EqualFold(cell, []byte("false")):
		return false, nil
	}
	return false, fmt.Errorf("%q is neither True nor False", cell)
}

// parseDecimal reads a decimal without exponent, exactly.
func parseDecimal(s string, scale int) (decimal128.Num, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > scale {
		return decimal128.Num{}, fmt.Errorf("%q has more than %d decimals", s, scale)
	}
	if n := whole + frac; len(n)+scale-len(frac) <= 18 {
		v, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return decimal128.Num{}, fmt.Errorf("%q is not a decimal", s)
		}
		return decimal128.FromI64(v * int64(powersOf10[scale-len(frac)])), nil
	}
	v, ok := new(big.Int).SetString(whole+frac+strings.Repeat("0", scale-len(frac)), 10)
	if !ok || v.BitLen() > 127 {
		return decimal128.Num{}, fmt.Errorf("%q is not a decimal of 38 digits", s)
	}
	return decimal128.FromBigInt(v), nil
}

// timeShape is what all date-times have in common, before the zone.
const timeShape = "0000-00-00T00:00:00.0000000"

// parseTime reads the forms that appendTime writes. All zones that occur are UTC or none.
func parseTime(cell []byte) (micros int64, err error) {
	if len(cell) < len(timeShape) {
		return 0, notATime(cell)
	}
	if zone := string(cell[len(timeShape):]); zone != "" && zone != "Z" && zone != "+00:00" {
		return 0, notATime(cell)
	}
	for i := range timeShape {
		digit := cell[i] >= '0' && cell[i] <= '9'
		if (timeShape[i] == '0') != digit || (!digit && cell[i] != timeShape[i]) {
			return 0, notATime(cell)
		}
	}
	n := func(from, to int) (v int) {
		for _, c := range cell[from:to] {
			v = v*10 + int(c-'0')
		}
		return v
	}
	year, month, day := n(0, 4), n(5, 7), n(8, 10)
	days := daysFrom(year, month, day)
	if y, m, d := civil(days); y != year || m != month || d != day {
		return 0, notATime(cell)
	}
	h, m, s, frac := n(11, 13), n(14, 16), n(17, 19), n(20, 27)
	if h > 23 || m > 59 || s > 59 {
		return 0, notATime(cell)
	}
	return days*microsPerDay + int64(h*3600+m*60+s)*microsPerSecond + int64(frac/10), nil
}

func notATime(cell []byte) error { return fmt.Errorf("%q is not a date-time", cell) }
