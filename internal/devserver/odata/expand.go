package odata

import "strings"

// An Expand is one item of $expand: a navigation property with options of its own.
type Expand struct {
	Name    string
	Options map[string]string // by name, such as "$select"
}

// Expands reads $expand.
func Expands(option string) ([]Expand, error) {
	var items []Expand
	parts, ok := splitTop(option, ',')
	if !ok {
		return nil, &SyntaxError{Option: option, At: len(option)}
	}
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, rest, nested := strings.Cut(part, "(")
		item := Expand{Name: strings.TrimSpace(name), Options: map[string]string{}}
		if nested {
			rest, closed := strings.CutSuffix(rest, ")")
			options, ok := splitTop(rest, ';')
			if !closed || !ok {
				return nil, &SyntaxError{Option: option, At: strings.Index(option, part)}
			}
			for _, o := range options {
				key, value, _ := strings.Cut(o, "=")
				item.Options[strings.TrimSpace(key)] = value
			}
		}
		items = append(items, item)
	}
	return items, nil
}

// splitTop splits at separators that stand outside of parentheses and quotes, and says whether
// both are balanced.
func splitTop(s string, separator byte) ([]string, bool) {
	var parts []string
	depth, quoted, start := 0, false, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == separator && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:]), depth == 0 && !quoted
}
