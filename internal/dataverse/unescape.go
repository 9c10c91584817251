package dataverse

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape resolves the escapes of a text. Half a surrogate pair, which .NET lets pass, becomes
// U+FFFD: Arrow's texts are UTF-8.
func (s *scanner) unescape(raw []byte) ([]byte, bool) {
	out := s.text[:0]
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			s.text = append(out, raw...)
			return s.text, true
		}
		out = append(out, raw[:i]...)
		raw = raw[i+1:] // str has seen to it that something follows
		c := raw[0]
		raw = raw[1:]
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := hex4(raw)
			if !ok {
				return nil, s.syntax("four hexadecimal digits")
			}
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
					low, _ = hex4(raw[2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					raw = raw[6:]
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, s.syntax("an escape")
		}
	}
}

func hex4(raw []byte) (rune, bool) {
	if len(raw) < 4 {
		return -1, false
	}
	var r rune
	for _, c := range raw[:4] {
		n := nibbles[c]
		if n > 15 {
			return -1, false
		}
		r = r<<4 | rune(n)
	}
	return r, true
}

// nibbles maps a hexadecimal digit to its value, anything else to 255.
var nibbles = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()
