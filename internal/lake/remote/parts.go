package remote

import (
	"context"
	"io"
	"slices"

	"lakelink/internal/lake"
)

// Parts cuts a stream into parts of one size, of which only the last may be smaller.
type Parts struct {
	r     io.Reader
	size  int
	ahead []byte // a byte that was read to learn whether there is more
}

// NewParts cuts r, which ends with ctx.
func NewParts(ctx context.Context, r io.Reader, size int) *Parts {
	return &Parts{r: lake.Reader(ctx, r), size: size}
}

// Next reads the next part into buf, which it grows as far as need be, and tells whether it is the last.
func (p *Parts) Next(buf []byte) (part []byte, last bool, err error) {
	buf = append(buf[:0], p.ahead...)
	p.ahead = nil
	for len(buf) < p.size {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, min(max(len(buf), 16<<10), p.size-len(buf)))
		}
		n, err := p.r.Read(buf[len(buf):min(cap(buf), p.size)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, true, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	one := make([]byte, 1)
	switch _, err := io.ReadFull(p.r, one); err {
	case nil:
		p.ahead = one
		return buf, false, nil
	case io.EOF:
		return buf, true, nil
	default:
		return nil, false, err
	}
}
