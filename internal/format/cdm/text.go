package cdm

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// The functions here append one value in the form of §3.2. They do not allocate but to grow dst.

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86_400 * microsPerSecond
)

// appendQuoted appends a string. Null and the empty string look alike, and an empty cell is never
// quoted (C14).
func appendQuoted(dst []byte, s string) []byte {
	if s == "" {
		return dst
	}
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		dst = append(append(dst, s[:i+1]...), '"')
		s = s[i+1:]
	}
	dst = append(dst, s...)
	return append(dst, '"')
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, "True"...)
	}
	return append(dst, "False"...)
}

// civil turns days since 1970-01-01 into a date of the proleptic Gregorian calendar.
func civil(days int64) (year, month, day int) {
	z := days + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

// daysFrom is the inverse of civil.
func daysFrom(year, month, day int) int64 {
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + int64(day) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func splitDay(micros int64) (day, rest int64) {
	day, rest = micros/microsPerDay, micros%microsPerDay
	if rest < 0 {
		day, rest = day-1, rest+microsPerDay
	}
	return day, rest
}

// yearOf is the year of an instant in UTC.
func yearOf(micros int64) int {
	day, _ := splitDay(micros)
	y, _, _ := civil(day)
	return y
}

// appendTime appends a quoted date-time with seven digits of a second and what marks its zone.
func appendTime(dst []byte, micros int64, zone string) []byte {
	day, rest := splitDay(micros)
	year, month, dom := civil(day)
	sec := rest / microsPerSecond
	frac := rest % microsPerSecond
	h, m, s := int(sec/3600), int(sec/60%60), int(sec%60)
	dst = append(dst, '"',
		digit(year/1000), digit(year/100), digit(year/10), digit(year), '-',
		digit(month/10), digit(month), '-', digit(dom/10), digit(dom), 'T',
		digit(h/10), digit(h), ':', digit(m/10), digit(m), ':', digit(s/10), digit(s), '.')
	if frac == 0 {
		dst = append(dst, "0000000"...)
	} else {
		f := int(frac)
		dst = append(dst, digit(f/100000), digit(f/10000), digit(f/1000), digit(f/100), digit(f/10), digit(f), '0')
	}
	dst = append(dst, zone...)
	return append(dst, '"')
}

func digit(n int) byte { return '0' + byte(n%10) }

// plausibleTime reports whether an instant's year has four digits, which all date forms need.
func plausibleTime(micros int64) bool {
	return micros >= -62135596800*microsPerSecond && micros < 253402300800*microsPerSecond
}

var powersOf10 = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// appendDecimal appends a decimal without exponent and without zeros at its end.
func appendDecimal(dst []byte, n decimal128.Num, scale int) []byte {
	if n.HighBits() < 0 {
		dst = append(dst, '-')
		n = n.Negate()
	}
	if n.HighBits() != 0 || scale >= len(powersOf10) {
		return trimFraction(append(dst, n.ToString(int32(scale))...), len(dst))
	}
	unit := powersOf10[scale]
	dst = strconv.AppendUint(dst, n.LowBits()/unit, 10)
	frac := n.LowBits() % unit
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit /= 10; frac > 0; unit /= 10 {
		dst = append(dst, '0'+byte(frac/unit))
		frac %= unit
	}
	return dst
}

// floatScale is the scale under which floating point columns are declared as decimals (§14.7). It
// covers every digit of values from 0.0001 to 10^18; those of Dataverse have five decimals. The text
// is exact beyond it, too.
const floatScale = 20

// appendFloat appends a floating point number as a decimal: the shortest one that reads back as f.
func appendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0') // also for -0
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

func plausibleFloat(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// trimFraction drops the zeros after the last digit of the number that starts at from.
func trimFraction(dst []byte, from int) []byte {
	if bytes.IndexByte(dst[from:], '.') < 0 {
		return dst
	}
	dst = bytes.TrimRight(dst, "0")
	return bytes.TrimSuffix(dst, []byte{'.'})
}
