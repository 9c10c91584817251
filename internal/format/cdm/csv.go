package cdm

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// A csvReader reads the records of a data file. A record ends at a line end outside quotes (C2).
type csvReader struct {
	r      *bufio.Reader
	record []byte
	cells  [][]byte
	bytes  int64
}

func newCSVReader(r io.Reader) *csvReader {
	return &csvReader{r: bufio.NewReaderSize(r, 256<<10)}
}

var (
	errTorn  = errors.New("the last record has no end")
	errQuote = errors.New("a quote is where none may be")
)

// next returns the cells of the next record, good until the call after. io.EOF ends them.
func (c *csvReader) next() ([][]byte, error) {
	c.record = c.record[:0]
	for quotes := 0; ; {
		line, err := c.r.ReadSlice('\n')
		c.bytes += int64(len(line))
		c.record = append(c.record, line...)
		if err == bufio.ErrBufferFull {
			quotes += bytes.Count(line, []byte{'"'})
			continue
		}
		if err == io.EOF && len(c.record) > 0 {
			return nil, errTorn
		}
		if err != nil {
			return nil, err
		}
		if quotes += bytes.Count(line, []byte{'"'}); quotes%2 == 0 {
			return c.split(c.record[:len(c.record)-1])
		}
	}
}

// split cuts a record into cells and takes the quotes off in place.
func (c *csvReader) split(b []byte) ([][]byte, error) {
	c.cells = c.cells[:0]
	for {
		if len(b) == 0 || b[0] != '"' {
			cell, rest, more := bytes.Cut(b, []byte{','})
			if bytes.IndexByte(cell, '"') >= 0 {
				return nil, errQuote
			}
			c.cells = append(c.cells, cell)
			if !more {
				return c.cells, nil
			}
			b = rest
			continue
		}
		cell, rest, err := unquote(b[1:])
		if err != nil {
			return nil, err
		}
		c.cells = append(c.cells, cell)
		if len(rest) == 0 {
			return c.cells, nil
		}
		if rest[0] != ',' {
			return nil, errQuote
		}
		b = rest[1:]
	}
}

// unquote returns the text up to the closing quote, and what follows it.
func unquote(b []byte) (cell, rest []byte, err error) {
	out := 0
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return nil, nil, errQuote
		}
		if out != i {
			copy(b[out:], b[i:i+n])
		}
		out, i = out+n, i+n+1
		if i == len(b) || b[i] != '"' {
			return b[:out], b[i:], nil
		}
		b[out] = '"'
		out, i = out+1, i+1
	}
}
