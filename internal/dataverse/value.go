package dataverse

import (
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"lakelink"
)

// The functions of this file read one value from the wire (§2.3, §2.4). Null is dealt with before.

func readInt32(s *scanner) (int32, bool) {
	n, ok := readInt64(s)
	if ok && int64(int32(n)) != n {
		s.err = &shapeError{"", "a whole number of 32 bits"}
		return 0, false
	}
	return int32(n), ok
}

func readInt64(s *scanner) (int64, bool) {
	raw, ok := s.num()
	if !ok {
		return 0, false
	}
	n, ok := parseInt(raw)
	if !ok {
		s.err = &shapeError{"", "a whole number of 64 bits"}
	}
	return n, ok
}

func parseInt(raw []byte) (int64, bool) {
	text := trimByte(raw, '-')
	if len(text) == 0 || len(text) > 18 { // the few longest are left to the library
		n, err := strconv.ParseInt(string(raw), 10, 64)
		return n, err == nil
	}
	n := int64(0)
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(text) < len(raw) {
		n = -n
	}
	return n, true
}

func readFloat(s *scanner) (float64, bool) {
	raw, ok := s.num()
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		s.err = &lossError{"", "the number is out of range"}
	}
	return f, err == nil
}

// decimalReader reads numbers of that scale. More digits than the scale keeps are an error: a
// replica must not round.
func decimalReader(scale int32) func(*scanner) (decimal128.Num, bool) {
	return func(s *scanner) (decimal128.Num, bool) {
		raw, ok := s.num()
		if !ok {
			return decimal128.Num{}, false
		}
		n, why := parseDecimal(raw, int(scale))
		if why != "" {
			s.err = &lossError{"", why}
		}
		return n, why == ""
	}
}

// parseDecimal reads a JSON number exactly, as raw times 10^scale. A reason is given if it cannot.
func parseDecimal(raw []byte, scale int) (n decimal128.Num, why string) {
	text := trimByte(raw, '-')
	var hi, lo uint64
	significant, zeros := 0, 0 // zeros are held back: those at the end cost nothing
	frac, point := 0, false
	exponent := 0
scan:
	for i, c := range text {
		switch {
		case c == '.':
			point = true
			continue
		case c|0x20 == 'e':
			var err error
			if exponent, err = strconv.Atoi(string(text[i+1:])); err != nil || exponent > 400 || exponent < -400 {
				return n, "the number is out of range"
			}
			break scan
		}
		if point {
			frac++
		}
		if c == '0' {
			if significant > 0 {
				zeros++
			}
			continue
		}
		if significant += zeros + 1; significant > 38 {
			return n, "the number has more than 38 digits"
		}
		hi, lo = timesTen(hi, lo, zeros+1)
		zeros = 0
		var carry uint64
		lo, carry = bits.Add64(lo, uint64(c-'0'), 0)
		hi += carry
	}
	if significant == 0 {
		return n, ""
	}
	up := scale - (frac - zeros) + exponent
	switch {
	case up < 0:
		return n, "the number has more than " + strconv.Itoa(scale) + " digits after the point"
	case significant+up > 38:
		return n, "the number has more than 38 digits"
	}
	hi, lo = timesTen(hi, lo, up)
	n = decimal128.New(int64(hi), lo)
	if len(text) < len(raw) {
		n = n.Negate()
	}
	return n, ""
}

var tens = func() (t [20]uint64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1] * 10
	}
	return t
}()

// timesTen multiplies by 10^n. The caller sees to it that 128 bits hold the result.
func timesTen(hi, lo uint64, n int) (uint64, uint64) {
	for n > 0 {
		k := min(n, 19)
		carry, low := bits.Mul64(lo, tens[k])
		hi, lo = hi*tens[k]+carry, low
		n -= k
	}
	return hi, lo
}

// readID reads a GUID.
func readID(s *scanner, id *lakelink.ID) bool {
	if s.next() == '"' && s.ahead(38) && s.buf[s.pos+37] == '"' && setID(id, s.buf[s.pos+1:s.pos+37]) {
		s.pos += 38
		return true
	}
	if _, ok := s.str(); ok {
		s.err = &shapeError{"", "an id of 36 characters"}
	}
	return false
}

// idBytes holds where the bytes of a GUID stand in its 36 characters.
var idBytes = [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// setID is lakelink.ID.Set for the hot path.
func setID(id *lakelink.ID, raw []byte) bool {
	if len(raw) != 36 {
		return false
	}
	raw = raw[:36]
	bad := byte(0)
	for i, at := range idBytes {
		hi, lo := nibbles[raw[at]], nibbles[raw[at+1]]
		bad |= hi | lo
		id[i] = hi<<4 | lo
	}
	return bad <= 15 && raw[8] == '-' && raw[13] == '-' && raw[18] == '-' && raw[23] == '-'
}

// readInstant reads 2026-03-01T12:30:00Z as microseconds since 1970. For a TimeZoneIndependent
// column the same text means a wall clock reading; its Z says nothing (§2.4).
func readInstant(s *scanner) (arrow.Timestamp, bool) {
	raw, ok := s.str()
	if !ok {
		return 0, false
	}
	t, ok := parseInstant(raw)
	if !ok {
		s.err = &shapeError{"", "a date and time"}
	}
	return arrow.Timestamp(t), ok
}

// readDay reads 2026-03-01 as days since 1970. A time after it, which older environments send, is
// left out.
func readDay(s *scanner) (arrow.Date32, bool) {
	raw, ok := s.str()
	if !ok {
		return 0, false
	}
	day, ok := parseDay(raw)
	if ok && len(raw) > 10 {
		_, ok = parseInstant(raw)
	}
	if !ok {
		s.err = &shapeError{"", "a date"}
	}
	return arrow.Date32(day), ok
}

func parseInstant(raw []byte) (micros int64, ok bool) {
	if len(raw) < 19 || raw[10]|0x20 != 't' || raw[13] != ':' || raw[16] != ':' {
		return 0, false
	}
	day, ok := parseDay(raw)
	h, ok1 := two(raw[11:])
	m, ok2 := two(raw[14:])
	sec, ok3 := two(raw[17:])
	if !ok || !ok1 || !ok2 || !ok3 || h > 24 || m > 59 || sec > 59 {
		return 0, false
	}
	micros = ((int64(day)*24+int64(h))*60+int64(m))*60 + int64(sec)
	micros *= 1e6
	raw = raw[19:]
	if len(raw) == 1 && raw[0] == 'Z' {
		return micros, true
	}
	if len(raw) > 0 && raw[0] == '.' {
		n := digits(raw[1:])
		if n == 0 {
			return 0, false
		}
		unit := int64(1e5)
		for _, c := range raw[1 : 1+min(n, 6)] {
			micros += int64(c-'0') * unit
			unit /= 10
		}
		raw = raw[1+n:]
	}
	switch {
	case len(raw) == 0, len(raw) == 1 && raw[0]|0x20 == 'z':
		return micros, true
	case len(raw) == 6 && raw[3] == ':' && (raw[0] == '+' || raw[0] == '-'):
		h, ok1 := two(raw[1:])
		m, ok2 := two(raw[4:])
		shift := int64(h*60+m) * 60e6
		if raw[0] == '-' {
			shift = -shift
		}
		return micros - shift, ok1 && ok2
	}
	return 0, false
}

// parseDay reads the date that raw starts with as days since 1970.
func parseDay(raw []byte) (int, bool) {
	if len(raw) < 10 || raw[4] != '-' || raw[7] != '-' {
		return 0, false
	}
	y1, ok1 := two(raw)
	y2, ok2 := two(raw[2:])
	m, ok3 := two(raw[5:])
	d, ok4 := two(raw[8:])
	y := y1*100 + y2
	if !ok1 || !ok2 || !ok3 || !ok4 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	// Days are counted in years that start in March, so that the leap day comes last.
	if m <= 2 {
		y--
		m += 12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 1 - 719468, true
}

func daysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func two(raw []byte) (int, bool) {
	a, b := raw[0]-'0', raw[1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}
