package faulty

import (
	"fmt"
	"io"

	"lakelink"
)

// An operation is one call, and whether it is to fail.
type operation struct {
	lake     *Lake
	op, name string
	counts   bool
	doomed   bool // this is the one that fails
	dead     bool // one before it failed for good
	reached  [After + 1]bool
}

func (l *Lake) begin(op, name string, write bool) *operation {
	n := l.operations.Add(1)
	if write {
		writes := l.writes.Add(1)
		if !l.Reads {
			n = writes
		}
	} else if !l.Reads {
		n = l.writes.Load() + 1 // stands after the writes so far, and is none itself
	}
	at := int64(l.FailAt)
	counts := write || l.Reads
	return &operation{
		lake: l, op: op, name: name, counts: counts,
		doomed: counts && at > 0 && n == at,
		dead:   l.Sticky && at > 0 && n > at,
	}
}

func (o *operation) fails(m Mode) bool { return o.doomed && o.lake.Mode == m }

// reach comes to a place in the operation for the first time: the process may die there, or the
// operation fail.
func (o *operation) reach(m Mode) error {
	if o.dead {
		return o.fault(m)
	}
	if o.reached[m] {
		return nil
	}
	o.reached[m] = true
	if o.counts {
		n := o.lake.points.Add(1)
		if o.lake.Kill != nil {
			o.lake.Kill(Point{N: int(n), Op: o.op, Name: o.name, Mode: m})
		}
	}
	if o.fails(m) {
		return o.fault(m)
	}
	return nil
}

// finish ends an operation of the lake inside. One that failed by itself has no After.
func (o *operation) finish(err error) error {
	if err != nil {
		return err
	}
	return o.reach(After)
}

func (o *operation) fault(m Mode) error {
	if o.lake.Err != nil {
		return o.lake.Err
	}
	return &lakelink.Error{Op: o.op, Kind: lakelink.KindTransient, Err: fmt.Errorf("%s: %w (%s)", o.name, ErrFault, m)}
}

// An interrupted reader reaches During between its first read and the next: the other side has got
// some bytes, and does not know yet whether they are all.
type interrupted struct {
	o    *operation
	r    io.Reader
	read bool
}

func (i *interrupted) Read(p []byte) (int, error) {
	if i.read {
		if err := i.o.reach(During); err != nil {
			return 0, err
		}
		return i.r.Read(p)
	}
	n, err := i.r.Read(p)
	i.read = n > 0
	if err == io.EOF && n > 0 {
		err = nil // it comes again
	}
	if err == io.EOF {
		if fault := i.o.reach(During); fault != nil { // there was nothing to get
			err = fault
		}
	}
	return n, err
}
