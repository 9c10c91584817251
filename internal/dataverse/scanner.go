package dataverse

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"unicode/utf8"
)

const (
	windowSize = 128 << 10
	// maxToken bounds one text. The longest column holds 1,048,576 UTF-16 units, six bytes each
	// when escaped.
	maxToken = 16 << 20
	maxDepth = 64 // of values that are skipped
)

// A scanner reads JSON from a stream through a window of bytes. It validates what it reads (RFC
// 8259, UTF-8 included) and hands out texts and numbers as they stand on the wire, so that nothing
// is rounded on the way. It is written for pages of rows: docs/decisions/page-decoder.md has the
// measurements that speak for it.
//
// Methods report failure by returning false; the first failure stays in err.
type scanner struct {
	src  io.Reader
	buf  []byte // buf[pos:end] is read, not consumed; buf[end] is 0, a byte no JSON has outside texts
	pos  int
	end  int
	keep int   // where the token in hand starts, which must stay in the window; -1: none
	gone int64 // bytes that have left the window
	err  error
	late error  // what src said together with its last bytes
	text []byte // unescaped form of the last text
}

// A syntaxError says that what came is not JSON, or ended too early.
type syntaxError struct {
	at   int64
	want string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("not JSON at byte %d: want %s", e.at, e.want)
}

// A shapeError says that a value is not of the type that its column has.
type shapeError struct{ property, want string }

func (e *shapeError) Error() string {
	return fmt.Sprintf("column %s: the value is not %s", e.property, e.want)
}

// A lossError says that a value would have lost something in its column.
type lossError struct{ property, why string }

func (e *lossError) Error() string { return fmt.Sprintf("column %s: %s", e.property, e.why) }

func (s *scanner) reset(src io.Reader) {
	if s.buf == nil || len(s.buf) > 8*windowSize { // a rare long value has made it grow
		s.buf = make([]byte, windowSize)
	}
	*s = scanner{src: src, buf: s.buf, text: s.text[:0], keep: -1}
	s.buf[0] = 0
}

// offset is how many bytes have been consumed.
func (s *scanner) offset() int64 { return s.gone + int64(s.pos) }

// more reads on, and reports whether there was anything. Indices into buf are void afterwards,
// except pos and keep.
func (s *scanner) more() bool {
	if s.err != nil {
		return false
	}
	from := s.pos
	if s.keep >= 0 {
		from, s.keep = s.keep, 0
	}
	copy(s.buf, s.buf[from:s.end])
	s.gone += int64(from)
	s.pos -= from
	s.end -= from
	if s.end == len(s.buf)-1 {
		if len(s.buf) >= maxToken {
			s.err = &lossError{"", "a value is longer than any Dataverse column"}
			return false
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	defer func() { s.buf[s.end] = 0 }()
	for tries := 0; s.late == nil && tries < 100; tries++ {
		n, err := s.src.Read(s.buf[s.end : len(s.buf)-1])
		s.end += n
		s.late = err
		if n > 0 {
			return true
		}
	}
	switch s.late {
	case nil:
		s.err = io.ErrNoProgress
	case io.EOF:
		s.err = io.ErrUnexpectedEOF
	default:
		s.err = s.late
	}
	return false
}

// next returns the next byte that is not white space without consuming it; 0 at the end.
func (s *scanner) next() byte {
	for {
		switch c := s.buf[s.pos]; {
		case c > ' ':
			return c
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			s.pos++
		case s.pos < s.end || !s.more():
			return 0
		}
	}
}

// atEnd reports whether nothing but white space is left.
func (s *scanner) atEnd() bool {
	if s.next() != 0 {
		return s.syntax("the end")
	}
	if s.pos < s.end {
		return s.syntax("the end")
	}
	if s.err == io.ErrUnexpectedEOF && s.late == io.EOF {
		s.err = nil
	}
	return s.err == nil
}

func (s *scanner) syntax(want string) bool {
	if s.err == nil {
		s.err = &syntaxError{s.offset(), want}
	}
	return false
}

// shape reports a value of another type than want; where no value starts at all, it is the syntax
// that is wrong.
func (s *scanner) shape(want string) bool {
	switch c := s.next(); {
	case s.err != nil:
	case c == '"' || c == '{' || c == '[' || c == '-' || '0' <= c && c <= '9' || c == 't' || c == 'f' || c == 'n':
		s.err = &shapeError{"", want}
	default:
		s.syntax("a value")
	}
	return false
}

// byte consumes c.
func (s *scanner) byte(c byte) bool {
	if s.next() != c {
		return s.syntax("'" + string(rune(c)) + "'")
	}
	s.pos++
	return true
}

// word consumes a literal such as null.
func (s *scanner) word(w string) bool {
	for s.end-s.pos < len(w) {
		if !s.more() {
			return false
		}
	}
	if string(s.buf[s.pos:s.pos+len(w)]) != w {
		return s.syntax(w)
	}
	s.pos += len(w)
	return true
}

// has consumes raw if it is next and in the window.
func (s *scanner) has(raw string) bool {
	if n := len(raw); s.end-s.pos >= n && string(s.buf[s.pos:s.pos+n]) == raw {
		s.pos += n
		return true
	}
	return false
}

// ahead tries to have n bytes in the window. That there are fewer is no failure yet.
func (s *scanner) ahead(n int) bool {
	for s.end-s.pos < n {
		if s.late != nil || !s.more() {
			if s.err == io.ErrUnexpectedEOF {
				s.err = nil
			}
			return false
		}
	}
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// str consumes a text and returns it unescaped. It is valid until the scanner moves on.
func (s *scanner) str() ([]byte, bool) {
	if s.next() != '"' {
		return nil, s.shape("a text")
	}
	s.pos++
	s.keep = s.pos
	i := s.pos
	high, escaped := uint64(0), false
	for {
		for i+8 <= s.end {
			w := binary.LittleEndian.Uint64(s.buf[i:])
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			stop := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & highs
			high |= w
			if stop != 0 {
				i += bits.TrailingZeros64(stop) >> 3
				break
			}
			i += 8
		}
		switch c := s.buf[i]; {
		case c == '"':
			raw := s.buf[s.keep:i]
			s.pos, s.keep = i+1, -1
			if high&highs != 0 && !utf8.Valid(raw) {
				return nil, s.syntax("valid UTF-8")
			}
			if escaped {
				return s.unescape(raw)
			}
			return raw, true
		case c == '\\' && i+1 < s.end:
			escaped = true
			i += 2 // what follows is judged when the text is unescaped
		case c >= ' ' && c != '\\':
			high |= uint64(c)
			i++
		case i < s.end && c != '\\':
			s.pos = i
			return nil, s.syntax("no control character in a text")
		default:
			at := i - s.keep
			if !s.more() {
				return nil, false
			}
			i = s.keep + at
		}
	}
}

// num consumes a number and returns it as it stands. It is valid until the scanner moves on.
func (s *scanner) num() ([]byte, bool) {
	if c := s.next(); c != '-' && (c < '0' || c > '9') {
		return nil, s.shape("a number")
	}
	s.keep = s.pos
	i := s.pos
	for {
		c := s.buf[i]
		if '0' <= c && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E' {
			i++
			continue
		}
		if i < s.end {
			break
		}
		at := i - s.keep
		if !s.more() {
			return nil, false
		}
		i = s.keep + at
	}
	raw := s.buf[s.keep:i]
	s.pos, s.keep = i, -1
	if !isNumber(raw) {
		return nil, s.syntax("a number")
	}
	return raw, true
}

// isNumber reports whether raw is a number under JSON's grammar.
func isNumber(raw []byte) bool {
	raw = trimByte(raw, '-')
	n := digits(raw)
	if n == 0 || n > 1 && raw[0] == '0' {
		return false
	}
	raw = raw[n:]
	if len(raw) > 0 && raw[0] == '.' {
		if n = digits(raw[1:]); n == 0 {
			return false
		}
		raw = raw[1+n:]
	}
	if len(raw) == 0 {
		return true
	}
	if raw[0]|0x20 != 'e' {
		return false
	}
	raw = raw[1:]
	if len(raw) > 0 && (raw[0] == '+' || raw[0] == '-') {
		raw = raw[1:]
	}
	n = digits(raw)
	return n > 0 && n == len(raw)
}

func trimByte(raw []byte, c byte) []byte {
	if len(raw) > 0 && raw[0] == c {
		return raw[1:]
	}
	return raw
}

func digits(raw []byte) int {
	for i, c := range raw {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(raw)
}

// skip consumes a value of any type.
func (s *scanner) skip() bool { return s.skipIn(0) }

func (s *scanner) skipIn(depth int) bool {
	if depth > maxDepth {
		return s.syntax("less depth")
	}
	switch c := s.next(); {
	case c == '"':
		_, ok := s.str()
		return ok
	case c == '{':
		return s.object(func([]byte) bool { return s.skipIn(depth + 1) })
	case c == '[':
		return s.array(func() bool { return s.skipIn(depth + 1) })
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case c == '-' || '0' <= c && c <= '9':
		_, ok := s.num()
		return ok
	}
	return s.syntax("a value")
}

// object consumes an object; member consumes the value of each member.
func (s *scanner) object(member func(name []byte) bool) bool {
	if s.next() != '{' {
		return s.shape("an object")
	}
	s.pos++
	if s.next() == '}' {
		s.pos++
		return true
	}
	for {
		if s.next() != '"' {
			return s.syntax("a name")
		}
		name, ok := s.str()
		if !ok {
			return false
		}
		name = append([]byte(nil), name...)
		if !s.byte(':') || !member(name) {
			return false
		}
		if s.next() == '}' {
			s.pos++
			return true
		}
		if !s.byte(',') {
			return false
		}
	}
}

// array consumes an array; element consumes each element.
func (s *scanner) array(element func() bool) bool {
	if s.next() != '[' {
		return s.shape("an array")
	}
	s.pos++
	if s.next() == ']' {
		s.pos++
		return true
	}
	for {
		if !element() {
			return false
		}
		if s.next() == ']' {
			s.pos++
			return true
		}
		if !s.byte(',') {
			return false
		}
	}
}
