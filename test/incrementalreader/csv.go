package incrementalreader

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxRecord bounds the memory for one record; longer ones are a broken quote.
const maxRecord = 64 << 20

// cell is one field of a record. A reader that keeps quotedness can tell ""
// from nothing.
type cell struct {
	text   []byte
	quoted bool
}

// syntaxError ends the reading of a file: after it nothing can be trusted.
type syntaxError struct {
	rule string
	line int
	text string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

// csvReader is a strict streaming RFC 4180 tokenizer (C2, C14, §3.1). What it
// can read over goes to warn: CR LF, a BOM, text that is not UTF-8, a last
// record without line end.
type csvReader struct {
	in    *bufio.Reader
	warn  func(rule string, line int, text string)
	line  int // physical line the next byte is on
	start int // line the last record began on
	buf   []byte
	ends  []fieldEnd
	cells []cell
}

type fieldEnd struct {
	at     int
	quoted bool
}

func newCSVReader(in io.Reader, warn func(rule string, line int, text string)) *csvReader {
	c := &csvReader{in: bufio.NewReaderSize(in, 1<<16), warn: warn, line: 1}
	if bom, _ := c.in.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		warn("3.1", 1, "begins with a byte order mark")
		_, _ = c.in.Discard(3)
	}
	return c
}

// next returns the next record, or io.EOF. The cells are valid until the next
// call. A blank line is a record of one empty unquoted cell.
func (c *csvReader) next() ([]cell, error) {
	const (
		fieldStart = iota
		bare
		inQuotes
		afterQuote
	)
	c.buf, c.ends, c.start = c.buf[:0], c.ends[:0], c.line
	state := fieldStart
	fail := func(rule, text string) ([]cell, error) {
		return nil, &syntaxError{rule, c.line, text}
	}
	endField := func() {
		c.ends = append(c.ends, fieldEnd{len(c.buf), state == afterQuote})
		state = fieldStart
	}
	for {
		b, err := c.in.ReadByte()
		if err == io.EOF {
			switch {
			case state == inQuotes:
				return fail("C14", "unterminated quote at the end of the file")
			case state == fieldStart && len(c.ends) == 0:
				return nil, io.EOF
			}
			c.warn("3.1", c.line, "the last record has no line end")
			endField()
			return c.finish(), nil
		}
		if err != nil {
			return nil, err
		}
		if len(c.buf) > maxRecord {
			return fail("C2", "a record of more than 64 MiB")
		}
		if state == inQuotes {
			switch b {
			case '"':
				state = afterQuote
				continue
			case '\n':
				c.line++
			}
			c.buf = append(c.buf, b)
			continue
		}
		switch b {
		case ',':
			endField()
		case '\r':
			if after, _ := c.in.Peek(1); len(after) == 0 || after[0] != '\n' {
				return fail("C2", "a bare CR outside quotes")
			}
			c.warn("3.1", c.line, "the record ends with CR LF")
		case '\n':
			endField()
			c.line++
			return c.finish(), nil
		case '"':
			switch state {
			case fieldStart:
				state = inQuotes
			case afterQuote:
				state = inQuotes
				c.buf = append(c.buf, '"')
			default:
				return fail("C2", "a quote inside an unquoted field")
			}
		default:
			if state == afterQuote {
				return fail("C2", "text after a closing quote")
			}
			state = bare
			c.buf = append(c.buf, b)
		}
	}
}

func (c *csvReader) finish() []cell {
	if !utf8.Valid(c.buf) {
		c.warn("3.1", c.start, "not valid UTF-8")
	}
	c.cells = c.cells[:0]
	from := 0
	for _, e := range c.ends {
		c.cells = append(c.cells, cell{c.buf[from:e.at], e.quoted})
		from = e.at
	}
	return c.cells
}
