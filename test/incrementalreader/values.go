package incrementalreader

import (
	"bytes"
	"strconv"
	"time"
)

// number reads n digits at s[at:], -1 when something else stands there.
func number(s []byte, at, n int) int {
	if at < 0 || at+n > len(s) || n == 0 {
		return -1
	}
	v := 0
	for _, b := range s[at : at+n] {
		if b < '0' || b > '9' {
			return -1
		}
		v = v*10 + int(b-'0')
	}
	return v
}

func validDate(year, month, day int) bool {
	if year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// parseSink reads M/d/yyyy h:mm:ss tt: en-US, 12-hour clock, no zero padding
// (C5). The result is in Unix seconds.
func parseSink(s []byte) (int64, bool) {
	datePart, rest, ok := bytes.Cut(s, []byte(" "))
	clock, half, ok2 := bytes.Cut(rest, []byte(" "))
	if !ok || !ok2 || string(half) != "AM" && string(half) != "PM" {
		return 0, false
	}
	d := bytes.Split(datePart, []byte("/"))
	t := bytes.Split(clock, []byte(":"))
	if len(d) != 3 || len(t) != 3 || len(d[2]) != 4 || len(t[1]) != 2 || len(t[2]) != 2 {
		return 0, false
	}
	for _, short := range [][]byte{d[0], d[1], t[0]} {
		if len(short) < 1 || len(short) > 2 || short[0] == '0' {
			return 0, false
		}
	}
	month, day, year := number(d[0], 0, len(d[0])), number(d[1], 0, len(d[1])), number(d[2], 0, 4)
	hour, minute, second := number(t[0], 0, len(t[0])), number(t[1], 0, 2), number(t[2], 0, 2)
	if !validDate(year, month, day) || hour < 1 || hour > 12 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false
	}
	hour %= 12
	if half[0] == 'P' {
		hour += 12
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC).Unix(), true
}

// isoTime checks yyyy-MM-ddTHH:mm:ss with no or seven fraction digits and
// returns what follows.
func isoTime(s []byte) (fraction bool, zone string, ok bool) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return false, "", false
	}
	hour, minute, second := number(s, 11, 2), number(s, 14, 2), number(s, 17, 2)
	if !validDate(number(s, 0, 4), number(s, 5, 2), number(s, 8, 2)) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return false, "", false
	}
	rest := s[19:]
	if len(rest) > 0 && rest[0] == '.' {
		if number(rest, 1, 7) < 0 {
			return false, "", false
		}
		fraction, rest = true, rest[8:]
	}
	return fraction, string(rest), true
}

// validDateTime is C6 for dateTime columns other than Sink*.
func validDateTime(s []byte) bool {
	_, zone, ok := isoTime(s)
	return ok && (zone == "" || zone == "Z")
}

// validDateTimeOffset is C6 for dateTimeOffset columns.
func validDateTimeOffset(s []byte) bool {
	fraction, zone, ok := isoTime(s)
	return ok && (zone == "Z" || fraction && (zone == "" || zone == "+00:00"))
}

// validGUID is 36 characters, lower case, no braces (§3.2).
func validGUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i, b := range s {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if b != '-' {
				return false
			}
		} else if (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return true
}

// validInt is C8 for int64: digits and a sign, within 64 bits.
func validInt(s []byte) bool {
	if len(s) == 0 || s[0] == '+' {
		return false
	}
	_, err := strconv.ParseInt(string(s), 10, 64)
	return err == nil
}

// splitDecimal cuts a decimal in plain notation (no exponent) into the digits
// before and after its point.
func splitDecimal(s []byte) (whole, fraction []byte, ok bool) {
	s = bytes.TrimPrefix(s, []byte("-"))
	whole, fraction, point := bytes.Cut(s, []byte("."))
	digits := func(b []byte) bool {
		for _, x := range b {
			if x < '0' || x > '9' {
				return false
			}
		}
		return len(b) > 0
	}
	return whole, fraction, digits(whole) && (!point || digits(fraction))
}

// checkDecimal is C8 for decimals, with the attribute's precision and scale,
// and §3.2: no padding to the scale. It returns the broken rule or "".
func checkDecimal(s []byte, a attribute) string {
	whole, fraction, ok := splitDecimal(s)
	if !ok {
		return "C8"
	}
	whole = bytes.TrimLeft(whole, "0")
	if a.precision > 0 && (len(fraction) > a.scale || len(whole) > a.precision-a.scale) {
		return "C8"
	}
	if len(fraction) > 0 && fraction[len(fraction)-1] == '0' {
		return "3.2"
	}
	return ""
}

// validDouble is a number with . as separator.
func validDouble(s []byte) bool {
	for _, b := range s {
		switch {
		case b >= '0' && b <= '9', b == '.', b == '-', b == '+', b == 'e', b == 'E':
		default:
			return false
		}
	}
	_, err := strconv.ParseFloat(string(s), 64)
	return err == nil
}

// checkValue checks one non-null cell against its column and returns the
// broken rule, or "". Sink* columns are checked where their time is needed.
func checkValue(s []byte, a attribute) string {
	switch a.dataType {
	case "guid":
		if !validGUID(s) {
			return "3.2"
		}
	case "int64":
		if !validInt(s) {
			return "C8"
		}
	case "decimal":
		return checkDecimal(s, a)
	case "double":
		if !validDouble(s) {
			return "C8"
		}
	case "boolean":
		if v := string(s); v != "True" && v != "False" {
			return "C7"
		}
	case "dateTime":
		if isSink(a.name) {
			if _, ok := parseSink(s); !ok {
				return "C5"
			}
		} else if !validDateTime(s) {
			return "C6"
		}
	case "dateTimeOffset":
		if !validDateTimeOffset(s) {
			return "C6"
		}
	}
	return ""
}

func isSink(column string) bool {
	return column == "SinkCreatedOn" || column == "SinkModifiedOn"
}

// quotedType tells which columns' values stand in quotes (§3.1).
func quotedType(dataType string) bool {
	switch dataType {
	case "string", "dateTime", "dateTimeOffset":
		return true
	}
	return false
}
