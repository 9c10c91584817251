package delta

import (
	"bytes"
	"container/heap"
)

// killRepeats finds ids that are in the draft's files more than once and kills all but the highest
// version, the later of two equal ones. It goes through all indexes at once, in the order of ids.
func (d *draft) killRepeats() {
	var h cursors
	for n, f := range d.files {
		if f.index.n > 0 {
			h = append(h, cursor{file: f, n: n})
		}
	}
	heap.Init(&h)
	var last cursor
	for len(h) > 0 {
		c := h[0]
		if last.file != nil && bytes.Equal(last.id(), c.id()) {
			if c.file.index.version(c.i) >= last.file.index.version(last.i) {
				last.kill()
				last = c
			} else {
				c.kill()
			}
		} else {
			last = c
		}
		if h[0].i++; h[0].i == c.file.index.n {
			heap.Pop(&h)
		} else {
			heap.Fix(&h, 0)
		}
	}
}

// A cursor is a place in one file's index.
type cursor struct {
	file *draftFile
	n    int // number of the file
	i    int
}

func (c *cursor) id() []byte { return c.file.index.id(c.i) }
func (c *cursor) kill()      { c.file.kill(c.file.index.row(c.i)) }

// cursors is a heap by id, then by the order in which the rows were written.
type cursors []cursor

func (h cursors) Len() int      { return len(h) }
func (h cursors) Swap(a, b int) { h[a], h[b] = h[b], h[a] }
func (h cursors) Less(a, b int) bool {
	if c := bytes.Compare(h[a].id(), h[b].id()); c != 0 {
		return c < 0
	}
	return h[a].n < h[b].n
}
func (h *cursors) Push(x any) { *h = append(*h, x.(cursor)) }
func (h *cursors) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// foldSmall adds the files of full lower tiers to the jobs: a load that was staged often has many.
func (d *draft) foldSmall(jobs []job) []job {
	busy := map[*draftFile]bool{}
	for _, j := range jobs {
		for _, f := range j.files {
			busy[f] = true
		}
	}
	for p, tiers := range d.fullTiers(busy) {
		for _, files := range tiers[:hotTiers] {
			if len(files) > tierFiles {
				jobs = append(jobs, job{partition: p, files: files})
			}
		}
	}
	return jobs
}
