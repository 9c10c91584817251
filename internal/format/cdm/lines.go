package cdm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strconv"
	"time"

	"lakelink"
)

// A form is what the lines of one table in one folder have in common.
type form struct {
	attrs []attribute
	sink  string // `,"<time>","<time>"`

	// The text of a delete: around its version, which is followed by the line end.
	deleteHead, deleteTail string
}

func newForm(attrs []attribute, sink time.Time) *form {
	f := &form{attrs: attrs, sink: `,"` + sinkText(sink) + `","` + sinkText(sink) + `"`}
	text := &f.deleteHead
	for _, a := range attrs[sinkAttributes:] {
		*text += ","
		switch {
		case a.name == lakelink.VersionColumn:
			text = &f.deleteTail
		case a.name == createdColumn:
			*text += `"0001-01-03T00:00:00.0000000"`
		case a.name == deleteAttribute:
			*text += "True"
		}
	}
	return f
}

// row appends the line of a row. One that was encoded before columns were added is widened (C4).
func (f *form) row(dst []byte, h header, text []byte) []byte {
	dst = h.id.Append(dst)
	dst = append(dst, f.sink...)
	dst = append(dst, text...)
	for n := h.width; n < len(f.attrs); n++ {
		dst = append(dst, ',')
	}
	return append(dst, '\n')
}

// delete appends the line of a delete (§3.6).
func (f *form) delete(dst []byte, id lakelink.ID, version int64) []byte {
	dst = id.Append(dst)
	dst = append(dst, f.sink...)
	dst = append(dst, f.deleteHead...)
	dst = strconv.AppendInt(dst, version, 10)
	dst = append(dst, f.deleteTail...)
	return append(dst, '\n')
}

// lines is the content of one data file, made while it is read.
type lines struct {
	ctx   context.Context
	form  *form
	parts []part
	skip  []bitset

	closer io.Closer
	frames *frameReader
	part   part
	leave  bitset
	index  int64
	buf    []byte
	at     int
	err    error

	rows, bytes int64
	hash        hash.Hash
}

const lineBuffer = 256 << 10

func newLines(ctx context.Context, f *form, parts []part, skip []bitset) *lines {
	return &lines{ctx: ctx, form: f, parts: parts, skip: skip, hash: sha256.New(),
		buf: make([]byte, 0, lineBuffer+64<<10)}
}

// Read returns the file's next bytes.
func (l *lines) Read(p []byte) (int, error) {
	for l.at == len(l.buf) {
		if l.err != nil {
			return 0, l.err
		}
		l.buf, l.at = l.buf[:0], 0
		l.err = l.fill()
		l.hash.Write(l.buf)
		l.bytes += int64(len(l.buf))
	}
	n := copy(p, l.buf[l.at:])
	l.at += n
	return n, nil
}

func (l *lines) fill() error {
	for len(l.buf) < lineBuffer {
		if l.frames == nil {
			if err := l.open(); err != nil {
				return err
			}
		}
		h, text, err := l.frames.next()
		if err == io.EOF {
			l.close()
			continue
		}
		if err != nil {
			return err
		}
		if l.index++; l.leave.has(l.index - 1) {
			continue
		}
		l.rows++
		if l.part.year != deleteYear {
			l.buf = l.form.row(l.buf, h, text)
			continue
		}
		if h.version == 0 {
			h.version = l.part.deletes
		}
		l.buf = l.form.delete(l.buf, h.id, h.version)
	}
	return l.ctx.Err()
}

func (l *lines) open() error {
	if len(l.parts) == 0 {
		return io.EOF
	}
	r, err := l.parts[0].open(l.ctx)
	if err != nil {
		return err
	}
	l.part, l.leave, l.index = l.parts[0], l.skip[0], 0
	l.parts, l.skip = l.parts[1:], l.skip[1:]
	l.closer, l.frames = r, newFrameReader(r)
	return nil
}

func (l *lines) close() {
	if l.closer != nil {
		l.closer.Close()
	}
	l.closer, l.frames = nil, nil
}

// file describes what was read.
func (l *lines) file(year int) file {
	return file{Name: strconv.Itoa(year) + ".csv", Rows: l.rows, Bytes: l.bytes,
		SHA256: hex.EncodeToString(l.hash.Sum(nil))}
}
