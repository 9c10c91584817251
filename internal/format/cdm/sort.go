package cdm

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"io"
	"iter"
	"os"
	"slices"

	"lakelink"
)

// A record says that an id has an entry of a version somewhere.
type record struct {
	hi, lo  uint64 // the id
	version int64
	tail    uint64 // what and where; orders entries of one version
}

const recordBytes = 32

func newRecord(id lakelink.ID, version int64, tail uint64) record {
	return record{binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]), version, tail}
}

func (r record) id() (id lakelink.ID) {
	binary.BigEndian.PutUint64(id[:8], r.hi)
	binary.BigEndian.PutUint64(id[8:], r.lo)
	return id
}

func (r record) sameID(o record) bool { return r.hi == o.hi && r.lo == o.lo }

func compareRecords(a, b record) int {
	if c := cmp.Compare(a.hi, b.hi); c != 0 {
		return c
	}
	if c := cmp.Compare(a.lo, b.lo); c != 0 {
		return c
	}
	if c := cmp.Compare(a.version, b.version); c != 0 {
		return c
	}
	return cmp.Compare(a.tail, b.tail)
}

// A sorter orders any number of records by id, version and tail in bounded memory: runs that do
// not fit go to local files and are merged.
type sorter struct {
	dir   string
	limit int // records in memory
	buf   []record
	runs  []*os.File
}

func newSorter(dir string, bytes int64) *sorter {
	return &sorter{dir: dir, limit: int(max(bytes/recordBytes, 1024))}
}

func (s *sorter) add(r record) error {
	s.buf = append(s.buf, r)
	if len(s.buf) < s.limit {
		return nil
	}
	return s.flush()
}

func (s *sorter) flush() error {
	slices.SortFunc(s.buf, compareRecords)
	f, err := os.CreateTemp(s.dir, "incremental-*.sort")
	if err != nil {
		return fail("sort ids", "", err)
	}
	os.Remove(f.Name())
	s.runs = append(s.runs, f)
	w := bufio.NewWriterSize(f, 256<<10)
	var b [recordBytes]byte
	for _, r := range s.buf {
		binary.LittleEndian.PutUint64(b[0:], r.hi)
		binary.LittleEndian.PutUint64(b[8:], r.lo)
		binary.LittleEndian.PutUint64(b[16:], uint64(r.version))
		binary.LittleEndian.PutUint64(b[24:], r.tail)
		if _, err := w.Write(b[:]); err != nil {
			return fail("sort ids", "", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fail("sort ids", "", err)
	}
	s.buf = s.buf[:0]
	return nil
}

// sorted yields the records in order. Nothing may be added afterwards.
func (s *sorter) sorted() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		slices.SortFunc(s.buf, compareRecords)
		heap := []*run{}
		if len(s.buf) > 0 {
			heap = append(heap, &run{head: s.buf[0], rest: s.buf[1:]})
		}
		for _, f := range s.runs {
			r := &run{r: bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 64<<10)}
			if ok, err := r.next(); err != nil {
				yield(record{}, err)
				return
			} else if ok {
				heap = append(heap, r)
			}
		}
		for i := len(heap)/2 - 1; i >= 0; i-- {
			sink(heap, i)
		}
		for len(heap) > 0 {
			if !yield(heap[0].head, nil) {
				return
			}
			ok, err := heap[0].next()
			if err != nil {
				yield(record{}, err)
				return
			}
			if !ok {
				heap[0] = heap[len(heap)-1]
				heap = heap[:len(heap)-1]
			}
			sink(heap, 0)
		}
	}
}

func (s *sorter) close() {
	for _, f := range s.runs {
		f.Close()
		os.Remove(f.Name())
	}
	s.runs, s.buf = nil, nil
}

// A run is one sorted list on its way through the merge.
type run struct {
	head record
	rest []record // in memory, or
	r    *bufio.Reader
}

func (r *run) next() (bool, error) {
	if r.r == nil {
		if len(r.rest) == 0 {
			return false, nil
		}
		r.head, r.rest = r.rest[0], r.rest[1:]
		return true, nil
	}
	var b [recordBytes]byte
	if _, err := io.ReadFull(r.r, b[:]); err == io.EOF {
		return false, nil
	} else if err != nil {
		return false, fail("sort ids", "", err)
	}
	r.head = record{binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:]),
		int64(binary.LittleEndian.Uint64(b[16:])), binary.LittleEndian.Uint64(b[24:])}
	return true, nil
}

// sink lets the run at i find its place in the heap.
func sink(heap []*run, i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(heap) && compareRecords(heap[child].head, heap[least].head) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}
