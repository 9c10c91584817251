package verify

import (
	"container/heap"
	"iter"
)

// merge merges sorted records; of equal ones those of an earlier part come first.
func merge(parts []records) records {
	if len(parts) == 1 {
		return parts[0]
	}
	return func(yield func(record, error) bool) {
		var h cursors
		for i, part := range parts {
			next, stop := iter.Pull2(part)
			defer stop()
			c := &cursor{part: i, next: next}
			ok, err := c.advance()
			if err != nil {
				yield(record{}, err)
				return
			}
			if ok {
				h = append(h, c)
			}
		}
		heap.Init(&h)
		for len(h) > 0 {
			if !yield(h[0].record, nil) {
				return
			}
			ok, err := h[0].advance()
			switch {
			case err != nil:
				yield(record{}, err)
				return
			case ok:
				heap.Fix(&h, 0)
			default:
				heap.Pop(&h)
			}
		}
	}
}

// A cursor is a place in one part of a merge.
type cursor struct {
	record record
	part   int
	next   func() (record, error, bool)
}

func (c *cursor) advance() (ok bool, err error) {
	c.record, err, ok = c.next()
	return ok && err == nil, err
}

// cursors is a heap with the next record on top.
type cursors []*cursor

func (h cursors) Len() int      { return len(h) }
func (h cursors) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *cursors) Push(c any)   { *h = append(*h, c.(*cursor)) }
func (h *cursors) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (h cursors) Less(i, j int) bool {
	if c := compareRecords(h[i].record, h[j].record); c != 0 {
		return c < 0
	}
	return h[i].part < h[j].part
}

// currentOf keeps the last record of each id of sorted records, and counts the other live ones.
func currentOf(sorted records) records {
	return func(yield func(record, error) bool) {
		var last record
		for r, err := range sorted {
			if err != nil {
				yield(record{}, err)
				return
			}
			if last.state != absent && last.id == r.id {
				r.copies = last.copies
				if last.live() && r.copies < 1<<16-1 {
					r.copies++
				}
			} else if last.state != absent && !yield(last, nil) {
				return
			}
			last = r
		}
		if last.state != absent {
			yield(last, nil)
		}
	}
}

// join pairs sorted records of two sides by id. A side that has none of an id gives an absent
// record.
func join(a, b records) iter.Seq2[[2]record, error] {
	return func(yield func([2]record, error) bool) {
		nextA, stopA := iter.Pull2(a)
		defer stopA()
		nextB, stopB := iter.Pull2(b)
		defer stopB()
		ra, errA, okA := nextA()
		rb, errB, okB := nextB()
		for okA || okB {
			if errA != nil || errB != nil {
				yield([2]record{}, firstOf(errA, errB))
				return
			}
			order := 0
			switch {
			case !okB:
				order = -1
			case !okA:
				order = 1
			default:
				order = compareIDs(ra.id, rb.id)
			}
			pair := [2]record{{id: rb.id}, {id: ra.id}}
			if order <= 0 {
				pair[0] = ra
				ra, errA, okA = nextA()
			}
			if order >= 0 {
				pair[1] = rb
				rb, errB, okB = nextB()
			}
			if !yield(pair, nil) {
				return
			}
		}
	}
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
