package devserver

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// An object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	name  string
	value any // nil, bool, int, int64, string, number, object, []object, []string or []any
}

// A number is the text of a JSON number.
type number string

func (o object) get(name string) (any, bool) {
	for _, m := range o {
		if m.name == name {
			return m.value, true
		}
	}
	return nil, false
}

func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return appendQuoted(b, v)
	case number:
		return append(b, v...)
	case object:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, m.name), ':')
			b = appendJSON(b, m.value)
		}
		return append(b, '}')
	case []object:
		return appendArray(b, v)
	case []string:
		return appendArray(b, v)
	case []any:
		return appendArray(b, v)
	}
	panic("devserver: not a JSON value")
}

func appendArray[T any](b []byte, values []T) []byte {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, v)
	}
	return append(b, ']')
}

// appendQuoted writes a string literal. Invalid UTF-8 becomes the replacement character, which
// AppendQuote does besides reporting it.
func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}
