package cluster

import (
	"fmt"
	"strconv"
	"strings"
)

// encode makes a name one token of a NATS subject: letters, digits, "-" and "_" stand for
// themselves, every other byte is "=" and two hexadecimal digits.
func encode(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// decode is the reverse of encode; false where token cannot come from it.
func decode(token string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		switch c := token[i]; {
		case plain(c):
			b.WriteByte(c)
		case c == '=' && i+2 < len(token):
			n, err := strconv.ParseUint(token[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			return "", false
		}
	}
	return b.String(), true
}
