package cdm

import (
	"context"
	"io"
	"iter"

	"lakelink"
)

// A part is a piece of what goes into one file: a segment of a spool, or a staged object.
type part struct {
	year    int
	rows    int64
	deletes int64 // the version of deletes that have none
	open    func(context.Context) (io.ReadCloser, error)
}

func (s *spool) parts() (out []part) {
	for _, seg := range s.segs {
		out = append(out, part{year: seg.year, rows: seg.rows, deletes: s.deletes,
			open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(s.read(seg)), nil }})
	}
	return out
}

// A shown is an entry of an id that the lake already shows.
type shown struct {
	id      lakelink.ID
	version int64
	deleted bool
}

// A plan leaves each id one entry (O8).
type plan struct {
	skip  []bitset      // per part: the frames to leave out
	left  map[int]int64 // per year: how many stay
	extra *spool        // deletes of a load: ids that the lake shows and the load has not (O10)
}

// The kinds of entries, in the top bits of record.tail. The other bits say where the frame is: of two
// entries of one version the one that was committed later wins, as a delete moves no version by itself. In
// one commit it is the row, as deletes are the first part of a spool.
const (
	shownDelete = iota
	shownRow
	own
)

const indexBits = 40 // frames of a part

func tail(kind, part int, index int64) uint64 {
	return uint64(kind)<<62 | uint64(part)<<indexBits | uint64(index)
}

// A planner makes a plan.
type planner struct {
	dir    string
	memory int64
	// through leaves rows of a higher version out: they come with the changes after a load.
	through int64
	// load says that the parts are a whole table, whose ids are compared with the shown ones.
	load   bool
	shown  iter.Seq2[shown, error] // may be nil
	budget *budget
}

func (p planner) make(ctx context.Context, parts []part) (*plan, error) {
	ids := newSorter(p.dir, p.memory)
	defer ids.close()
	out := &plan{left: map[int]int64{}, extra: newSpool(p.budget)}
	for i, part := range parts {
		out.skip = append(out.skip, newBitset(part.rows))
		out.left[part.year] += part.rows
		if err := collect(ctx, ids, i, part); err != nil {
			return nil, err
		}
	}
	if p.shown != nil {
		for s, err := range p.shown {
			if err != nil {
				return nil, err
			}
			kind := shownRow
			if s.deleted {
				kind = shownDelete
			}
			if err := ids.add(newRecord(s.id, s.version, tail(kind, 0, 0))); err != nil {
				return nil, err
			}
		}
	}
	if err := p.decide(ids, parts, out); err != nil {
		out.extra.release()
		return nil, err
	}
	return out, nil
}

// collect adds the ids of a part.
func collect(ctx context.Context, ids *sorter, i int, part part) error {
	r, err := part.open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	frames := newFrameReader(r)
	for index := int64(0); ; index++ {
		h, err := frames.skip()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if part.year == deleteYear && h.version == 0 {
			h.version = part.deletes
		}
		if err := ids.add(newRecord(h.id, h.version, tail(own, i, index))); err != nil {
			return err
		}
		if index&0xffff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// decide goes through the entries, id by id, the latest of each last.
func (p planner) decide(ids *sorter, parts []part, out *plan) error {
	partOf := func(tail uint64) int { return int(tail << 2 >> 2 >> indexBits) }
	leave := func(tail uint64) {
		at := partOf(tail)
		out.skip[at].set(int64(tail & (1<<indexBits - 1)))
		out.left[parts[at].year]--
	}
	isRow := func(tail uint64) bool { return tail>>62 == own && parts[partOf(tail)].year != deleteYear }
	var id record
	var best uint64 // tail of the entry that stays so far; 0 is none
	live, alive := false, false
	end := func() error {
		if p.load && best != 0 && !isRow(best) {
			leave(best)
		}
		if p.load && live && !alive && !isRow(best) {
			out.extra.delete(id.id(), p.through)
			return out.extra.settle()
		}
		return nil
	}
	for r, err := range ids.sorted() {
		if err != nil {
			return err
		}
		if !r.sameID(id) {
			if err := end(); err != nil {
				return err
			}
			id, best, live, alive = r, 0, false, false
		}
		switch kind := r.tail >> 62; {
		case kind == shownRow:
			live = true
		case kind == shownDelete:
			live = false
		case r.version > p.through && isRow(r.tail):
			alive = true
			leave(r.tail)
		default:
			if best != 0 {
				leave(best)
			}
			best = r.tail
		}
	}
	return end()
}

// A bitset marks frames of a part.
type bitset []uint64

func newBitset(n int64) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int64)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int64) bool { return b[i/64]&(1<<(i%64)) != 0 }
