package duckdb

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lakelink"
)

// NewEncoder makes the encoder of that name: "table" (aligned text, for people), "csv" (RFC 4180) or
// "json" (an array of objects).
func NewEncoder(name string, w io.Writer) (Encoder, error) {
	switch name {
	case "table":
		return &tableEncoder{w: bufio.NewWriter(w)}, nil
	case "csv":
		return &csvEncoder{w: bufio.NewWriter(w)}, nil
	case "json":
		return &jsonEncoder{w: bufio.NewWriter(w)}, nil
	}
	return nil, fail(lakelink.KindInvalid, "choose table, csv or json", "%q is not a form of output", name)
}

// tableRows is how many rows are looked at for the widths of a table's columns. Later rows that are
// wider shift what is right of them.
const tableRows = 1000

// tableEncoder writes aligned text.
type tableEncoder struct {
	w      *bufio.Writer
	names  []string
	right  []bool // numbers
	widths []int
	held   [][]string
	begun  bool
	n      int64
}

func (e *tableEncoder) Columns(columns []ResultColumn) error {
	for _, c := range columns {
		e.names = append(e.names, printable(c.Name))
		e.right = append(e.right, numeric(c.Type))
		e.widths = append(e.widths, width(printable(c.Name)))
	}
	return nil
}

func numeric(t string) bool {
	switch t {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE":
		return true
	}
	return strings.HasPrefix(t, "DECIMAL")
}

func (e *tableEncoder) Row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		if v != nil {
			cells[i] = printable(text(v))
		}
	}
	e.n++
	if e.begun {
		return e.line(cells)
	}
	if e.held = append(e.held, cells); len(e.held) < tableRows {
		return nil
	}
	return e.begin()
}

func (e *tableEncoder) begin() error {
	e.begun = true
	for _, cells := range e.held {
		for i, c := range cells {
			e.widths[i] = max(e.widths[i], width(c))
		}
	}
	if err := e.line(e.names); err != nil {
		return err
	}
	rule := make([]string, len(e.widths))
	for i, w := range e.widths {
		rule[i] = strings.Repeat("-", w)
	}
	if err := e.line(rule); err != nil {
		return err
	}
	for _, cells := range e.held {
		if err := e.line(cells); err != nil {
			return err
		}
	}
	e.held = nil
	return nil
}

func (e *tableEncoder) line(cells []string) error {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", max(0, e.widths[i]-width(c)))
		if e.right[i] {
			b.WriteString(pad + c)
		} else {
			b.WriteString(c + pad)
		}
	}
	_, err := e.w.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	return err
}

func (e *tableEncoder) Close() error {
	if !e.begun {
		if err := e.begin(); err != nil {
			return err
		}
	}
	rows := "rows"
	if e.n == 1 {
		rows = "row"
	}
	fmt.Fprintf(e.w, "(%d %s)\n", e.n, rows)
	return e.w.Flush()
}

// printable keeps a cell in one line, and control characters from the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
}

// width is how many columns of a terminal a text takes, nearly: two for the wide scripts and for
// pictures, none for marks that are put on other characters.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
			r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
			r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd):
			n += 2
		default:
			n++
		}
	}
	return n
}

// csvEncoder writes RFC 4180: lines end in CRLF, a null is nothing, an empty text is "".
type csvEncoder struct{ w *bufio.Writer }

func (e *csvEncoder) Columns(columns []ResultColumn) error {
	for i, c := range columns {
		if i > 0 {
			e.w.WriteByte(',')
		}
		e.cell(c.Name)
	}
	_, err := e.w.WriteString("\r\n")
	return err
}

func (e *csvEncoder) Row(values []any) error {
	for i, v := range values {
		if i > 0 {
			e.w.WriteByte(',')
		}
		if v != nil {
			e.cell(text(v))
		}
	}
	_, err := e.w.WriteString("\r\n")
	return err
}

func (e *csvEncoder) cell(s string) {
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") {
		e.w.WriteString(s)
		return
	}
	e.w.WriteString(`"` + strings.ReplaceAll(s, `"`, `""`) + `"`)
}

func (e *csvEncoder) Close() error { return e.w.Flush() }

// jsonEncoder writes an array with an object for each row. Numbers are exact: those that a reader
// with 64-bit floats would spoil are texts.
type jsonEncoder struct {
	w    *bufio.Writer
	keys [][]byte
	n    int
}

func (e *jsonEncoder) Columns(columns []ResultColumn) error {
	for _, c := range columns {
		e.keys = append(e.keys, append(jsonText(c.Name), ':'))
	}
	_, err := e.w.WriteString("[")
	return err
}

func (e *jsonEncoder) Row(values []any) error {
	if e.n > 0 {
		e.w.WriteByte(',')
	}
	e.n++
	e.w.WriteString("\n{")
	for i, v := range values {
		if i > 0 {
			e.w.WriteByte(',')
		}
		e.w.Write(e.keys[i])
		e.w.Write(jsonValue(v))
	}
	_, err := e.w.WriteString("}")
	return err
}

func (e *jsonEncoder) Close() error {
	if e.n > 0 {
		e.w.WriteByte('\n')
	}
	e.w.WriteString("]\n")
	return e.w.Flush()
}

func jsonValue(v any) []byte {
	switch v := v.(type) {
	case nil:
		return []byte("null")
	case bool:
		return strconv.AppendBool(nil, v)
	case float32:
		return jsonFloat(float64(v), 32)
	case float64:
		return jsonFloat(v, 64)
	case int8, int16, int32, uint8, uint16, uint32:
		return fmt.Append(nil, v)
	case int64, uint64, int, uint, *big.Int, exact:
		return jsonNumber(text(v))
	case []any:
		out := []byte{'['}
		for i, x := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, jsonValue(x)...)
		}
		return append(out, ']')
	case map[string]any:
		if b, err := json.Marshal(v); err == nil {
			return b
		}
	}
	return jsonText(text(v))
}

func jsonFloat(f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return jsonText(strconv.FormatFloat(f, 'g', -1, bits))
	}
	return strconv.AppendFloat(nil, f, 'g', -1, bits)
}

// jsonNumber writes a number as one where 15 digits hold it, which every reader keeps.
func jsonNumber(s string) []byte {
	digits := 0
	for _, c := range s {
		if '0' <= c && c <= '9' {
			digits++
		}
	}
	if digits <= 15 {
		return []byte(s)
	}
	return jsonText(s)
}

func jsonText(s string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// An exact is a decimal number with its digits.
type exact interface{ exactDigits() string }

// text is a value as people and CSV readers expect it; not for nil.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return hex.EncodeToString(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999Z")
	case exact:
		return v.exactDigits()
	case fmt.Stringer:
		return v.String()
	case []any, map[string]any:
		return string(jsonValue(v))
	}
	return fmt.Sprint(v)
}
