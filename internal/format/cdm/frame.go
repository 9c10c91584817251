package cdm

import (
	"bufio"
	"encoding/binary"
	"io"

	"lakelink"
)

// A frame holds one row on its way into a folder: a header, and the row's CSV line after its first
// three columns, without the line end. Those three are the id and the times, which are known only
// when the folder is closed. A delete is a frame without text.
//
// The header is the length of the text (4 bytes), the number of attributes that the table had
// (2 bytes), the row's version (8 bytes), all little endian, and the id. docs/format/incremental.md
// has it, because frames are staged in the lake.
type header struct {
	id      lakelink.ID
	version int64
	width   int
}

const headerBytes = 30

// begin appends the header of a frame whose length endFrame fills in.
func (h *header) begin(dst []byte) ([]byte, int) {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.width))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.version))
	return append(dst, h.id[:]...), start
}

func endFrame(b []byte, start int) {
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-headerBytes))
}

// A frameReader reads frames one after the other.
type frameReader struct {
	r    *bufio.Reader
	head [headerBytes]byte
	text []byte
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 128<<10)}
}

// next returns the next frame, whose text is good until the call after. io.EOF ends them.
func (f *frameReader) next() (h header, text []byte, err error) {
	n, err := f.header(&h)
	if err != nil {
		return h, nil, err
	}
	if cap(f.text) < n {
		f.text = make([]byte, n+n/2)
	}
	text = f.text[:n]
	if _, err := io.ReadFull(f.r, text); err != nil {
		return h, nil, noEOF(err)
	}
	return h, text, nil
}

// skip returns the next frame's header and passes over its text.
func (f *frameReader) skip() (h header, err error) {
	n, err := f.header(&h)
	if err != nil {
		return h, err
	}
	_, err = f.r.Discard(n)
	return h, noEOF(err)
}

func (f *frameReader) header(h *header) (int, error) {
	if _, err := io.ReadFull(f.r, f.head[:]); err != nil {
		return 0, err
	}
	h.width = int(binary.LittleEndian.Uint16(f.head[4:]))
	h.version = int64(binary.LittleEndian.Uint64(f.head[6:]))
	copy(h.id[:], f.head[14:])
	return int(binary.LittleEndian.Uint32(f.head[:])), nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
