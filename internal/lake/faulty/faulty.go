// Package faulty wraps a lake whose operations fail, or whose process dies, at a chosen place, so
// that tests can visit every such place:
//
//	for failAt := 1; ; failAt++ {
//		l := &faulty.Lake{Lake: inner, FailAt: failAt}
//		replicateUntilError(t, source, l)
//		replicate(t, source, inner) // the restart
//		verify.Same(t, source, inner)
//		if l.Writes() < failAt {
//			break // the whole run met no failure
//		}
//	}
package faulty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync/atomic"

	"lakelink"
)

// A Mode is where in an operation the failure comes.
type Mode int

// The modes.
const (
	Before Mode = iota // nothing has been done
	During             // some bytes were read or written, or some names listed
	After              // all was done, but the caller is told otherwise
)

func (m Mode) String() string { return [...]string{"before", "during", "after"}[m] }

// A Point is a place at which a process may die. Points are numbered from 1 in the order in which they
// are reached; every operation that counts has three.
type Point struct {
	N    int
	Op   string // "get", "stat", "list", "put", "put new", "put match" or "delete"
	Name string // of the object, or the prefix
	Mode Mode
}

func (p Point) String() string { return fmt.Sprintf("%d: %s %s %s", p.N, p.Mode, p.Op, p.Name) }

// A Lake passes everything on to Lake, except for the failures that are asked for. Its fields are
// set before it is used. The zero values ask for none.
type Lake struct {
	Lake lakelink.Lake

	FailAt int   // the operation that fails, counted from 1; 0 is none
	Mode   Mode  // how it fails
	Err    error // what the caller is told; by default of KindTransient
	Reads  bool  // reads count too, not only writes
	Sticky bool  // every operation after the failed one fails too, as if the lake were gone

	// Kill, where set, is called at every Point. It may end the process.
	Kill func(Point)

	operations, writes, points atomic.Int64
}

// ErrFault is in the chain of the default Err.
var ErrFault = errors.New("fault switched on by a test")

// Unwrap returns the lake inside.
func (l *Lake) Unwrap() lakelink.Lake { return l.Lake }

// Writes is how many Puts of any kind and Deletes there have been.
func (l *Lake) Writes() int { return int(l.writes.Load()) }

// Operations is how many operations there have been, reads included.
func (l *Lake) Operations() int { return int(l.operations.Load()) }

// Points is how many Points have been reached.
func (l *Lake) Points() int { return int(l.points.Load()) }

// URL is that of the lake inside.
func (l *Lake) URL() string { return l.Lake.URL() }

// Get may fail; During fails after the first bytes were read.
func (l *Lake) Get(ctx context.Context, name string) (io.ReadCloser, lakelink.ObjectInfo, error) {
	var info lakelink.ObjectInfo
	r, err := l.read("get", name, func() (r io.ReadCloser, err error) {
		r, info, err = l.Lake.Get(ctx, name)
		return r, err
	})
	return r, info, err
}

// GetRange may fail as Get does.
func (l *Lake) GetRange(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	return l.read("get", name, func() (io.ReadCloser, error) { return l.Lake.GetRange(ctx, name, off, n) })
}

// Stat may fail.
func (l *Lake) Stat(ctx context.Context, name string) (lakelink.ObjectInfo, error) {
	o := l.begin("stat", name, false)
	if err := o.reach(Before); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	info, err := l.Lake.Stat(ctx, name)
	return info, o.finish(err)
}

// Put may fail; During fails when some of r has been taken.
func (l *Lake) Put(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.write("put", name, r, func(r io.Reader) (lakelink.ObjectInfo, error) { return l.Lake.Put(ctx, name, r) })
}

// PutNew may fail as Put does.
func (l *Lake) PutNew(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.write("put new", name, r, func(r io.Reader) (lakelink.ObjectInfo, error) { return l.Lake.PutNew(ctx, name, r) })
}

// PutMatch may fail as Put does.
func (l *Lake) PutMatch(ctx context.Context, name, etag string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.write("put match", name, r, func(r io.Reader) (lakelink.ObjectInfo, error) { return l.Lake.PutMatch(ctx, name, etag, r) })
}

// List may fail; During and After fail once something was listed.
func (l *Lake) List(ctx context.Context, prefix string, dirs bool) iter.Seq2[lakelink.ObjectInfo, error] {
	return func(yield func(lakelink.ObjectInfo, error) bool) {
		o := l.begin("list", prefix, false)
		err := o.reach(Before)
		if err == nil {
			for info, innerErr := range l.Lake.List(ctx, prefix, dirs) {
				if !yield(info, innerErr) || innerErr != nil {
					return
				}
				if err = o.reach(During); err != nil {
					break
				}
			}
		}
		if err == nil {
			err = o.finish(nil)
		}
		if err != nil {
			yield(lakelink.ObjectInfo{}, err)
		}
	}
}

// Delete may fail; During is Before.
func (l *Lake) Delete(ctx context.Context, name string) error {
	o := l.begin("delete", name, true)
	if err := o.reach(Before); err != nil {
		return err
	}
	if err := o.reach(During); err != nil {
		return err
	}
	return o.finish(l.Lake.Delete(ctx, name))
}

func (l *Lake) read(op, name string, get func() (io.ReadCloser, error)) (io.ReadCloser, error) {
	o := l.begin(op, name, false)
	if err := o.reach(Before); err != nil {
		return nil, err
	}
	r, err := get()
	if err == nil && o.fails(After) {
		r.Close()
	}
	if err = o.finish(err); err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&interrupted{o: o, r: r}, r}, nil
}

func (l *Lake) write(op, name string, r io.Reader, put func(io.Reader) (lakelink.ObjectInfo, error)) (lakelink.ObjectInfo, error) {
	o := l.begin(op, name, true)
	if err := o.reach(Before); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	info, err := put(&interrupted{o: o, r: r})
	if err = o.finish(err); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	return info, nil
}
