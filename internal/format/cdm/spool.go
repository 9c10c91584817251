package cdm

import (
	"bytes"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"lakelink"
)

// A budget bounds what the spools of one writer hold in memory and on the local disk.
type budget struct {
	memory, disk     int64 // bounds
	inMemory, onDisk atomic.Int64
	dir              string
}

// A spool holds frames until they are shown or staged: in memory while the writer's budget lasts,
// then in a local file. It is used by one goroutine at a time.
type spool struct {
	budget *budget
	segs   []*segment // by year; deletes are under deleteYear
	file   *os.File
	end    int64 // of the file
	mem    int64 // what of the budget it holds

	// Known once it was committed.
	pos     lakelink.Position
	deletes int64 // the version of deletes that have none
}

// A segment is the part of a spool that goes into one file.
type segment struct {
	year  int
	rows  int64
	mem   []byte
	spilt []extent
}

type extent struct{ at, n int64 }

// deleteYear is the file of deletes, which is the year of their createdon (§3.6).
const deleteYear = 1

func newSpool(b *budget) *spool { return &spool{budget: b} }

func (s *spool) segment(year int) *segment {
	for _, seg := range s.segs {
		if seg.year == year {
			return seg
		}
	}
	seg := &segment{year: year}
	s.segs = append(s.segs, seg)
	slices.SortFunc(s.segs, func(a, b *segment) int { return a.year - b.year })
	return seg
}

func (s *spool) delete(id lakelink.ID, version int64) {
	seg := s.segment(deleteYear)
	h := header{id: id, version: version}
	seg.mem, _ = h.begin(seg.mem)
	seg.rows++
}

func (s *spool) empty() bool {
	for _, seg := range s.segs {
		if seg.rows > 0 {
			return false
		}
	}
	return true
}

// settle accounts for what was added, and moves it to disk where memory is used up.
func (s *spool) settle() error {
	var mem int64
	for _, seg := range s.segs {
		mem += int64(cap(seg.mem))
	}
	total := s.budget.inMemory.Add(mem - s.mem)
	s.mem = mem
	if total <= s.budget.memory {
		return nil
	}
	return s.spill()
}

func (s *spool) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.budget.dir, "incremental-*.spool")
		if err != nil {
			return fail("spool", "", err)
		}
		os.Remove(f.Name()) // where the system lets us: nothing is left when the process dies
		s.file = f
	}
	for _, seg := range s.segs {
		if len(seg.mem) == 0 {
			continue
		}
		n := int64(len(seg.mem))
		if s.budget.onDisk.Load()+n > s.budget.disk {
			return &lakelink.Error{Op: "spool", Kind: lakelink.KindFull,
				Hint: "close the interval, or give the spool more room"}
		}
		if _, err := s.file.WriteAt(seg.mem, s.end); err != nil {
			return fail("spool", "", err)
		}
		s.budget.onDisk.Add(n)
		seg.spilt = append(seg.spilt, extent{s.end, n})
		s.end += n
		s.budget.inMemory.Add(-int64(cap(seg.mem)))
		s.mem -= int64(cap(seg.mem))
		seg.mem = nil
	}
	return nil
}

// release gives back memory and disk. It may be called again.
func (s *spool) release() {
	s.budget.inMemory.Add(-s.mem)
	s.budget.onDisk.Add(-s.end)
	if s.file != nil {
		s.file.Close()
		os.Remove(s.file.Name())
	}
	s.file, s.segs, s.mem, s.end = nil, nil, 0, 0
}

// read opens a segment's frames.
func (s *spool) read(seg *segment) io.Reader {
	var parts []io.Reader
	for _, e := range seg.spilt {
		parts = append(parts, io.NewSectionReader(s.file, e.at, e.n))
	}
	return io.MultiReader(append(parts, bytes.NewReader(seg.mem))...)
}
