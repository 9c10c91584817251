package config

import (
	"encoding"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A field is a key of the file and what takes its value.
type field struct {
	key string
	set setter
}

type setter func(n *yaml.Node) error

// A mistake says on which line something is wrong. Outer levels pass it on as it is.
type mistake struct {
	line int
	path string
	err  error
}

func (m *mistake) Error() string {
	if m.path == "" {
		return fmt.Sprintf("%d: %v", m.line, m.err)
	}
	return fmt.Sprintf("%d: %s: %v", m.line, m.path, m.err)
}

func (m *mistake) Unwrap() error { return m.err }

func at(n *yaml.Node, path string, err error) error {
	if err == nil {
		return nil
	}
	if m, ok := err.(*mistake); ok {
		return m
	}
	return &mistake{n.Line, path, err}
}

// decodeMap hands every key's value to its field. Keys that no field has are mistakes, and so is one
// that comes twice.
func decodeMap(n *yaml.Node, path string, fields []field) error {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return at(n, path, fmt.Errorf("keys and values are expected here, such as %s: …", fields[0].key))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f, ok := find(fields, key.Value)
		if !ok {
			return at(key, path, unknown(key.Value, fields))
		}
		if seen[f.key] {
			return at(key, path, fmt.Errorf("%s is given twice", f.key))
		}
		seen[f.key] = true
		if err := f.set(value); err != nil {
			return at(value, join(path, f.key), err)
		}
	}
	return nil
}

func find(fields []field, key string) (field, bool) {
	for _, f := range fields {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// scalar is the text of a single value. An empty one is a mistake: to leave a key at its default, leave
// it out.
func scalar(n *yaml.Node) (string, error) {
	n = resolve(n)
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", fmt.Errorf("a single value is expected here")
	case n.Tag == "!!null" || n.Value == "":
		return "", fmt.Errorf("it has no value; give one or leave the key out")
	}
	return n.Value, nil
}

func text[T ~string](to *T) setter {
	return func(n *yaml.Node) error {
		s, err := scalar(n)
		*to = T(s)
		return err
	}
}

func texts[T ~string](to *[]T) setter {
	return list("", to, func(n *yaml.Node, _ string) (T, error) {
		s, err := scalar(n)
		return T(s), err
	})
}

func parsed(to encoding.TextUnmarshaler) setter {
	return func(n *yaml.Node) error {
		s, err := scalar(n)
		if err != nil {
			return err
		}
		return to.UnmarshalText([]byte(s))
	}
}

func number(to *int) setter {
	return func(n *yaml.Node) error {
		if _, err := scalar(n); err != nil {
			return err
		}
		if n.Decode(to) != nil {
			return fmt.Errorf("%q is not a whole number", n.Value)
		}
		return nil
	}
}

func flag(to *bool) setter {
	return func(n *yaml.Node) error {
		if _, err := scalar(n); err != nil {
			return err
		}
		if n.Decode(to) != nil {
			return fmt.Errorf("%q is neither true nor false", n.Value)
		}
		return nil
	}
}

func group(path string, fields []field) setter {
	return func(n *yaml.Node) error { return decodeMap(n, path, fields) }
}

func list[T any](path string, to *[]T, item func(n *yaml.Node, path string) (T, error)) setter {
	return func(n *yaml.Node) error {
		n = resolve(n)
		if n.Kind != yaml.SequenceNode {
			return fmt.Errorf("a list is expected here")
		}
		*to = nil
		for i, in := range n.Content {
			v, err := item(in, fmt.Sprintf("%s[%d]", path, i))
			if err != nil {
				return err
			}
			*to = append(*to, v)
		}
		return nil
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
