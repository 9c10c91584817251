package dataverse

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"lakelink"
)

// hash spreads ids over a table whose size is a power of two. Ids made by SQL Server in sequence
// differ in few bytes, so that every byte must count.
func hash(id *lakelink.ID) uint64 {
	h := (binary.LittleEndian.Uint64(id[:8]) ^ 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	h ^= h >> 32
	h = (h ^ binary.LittleEndian.Uint64(id[8:])) * 0xc4ceb9fe1a85ec53
	return h ^ h>>29
}

// A rowIndex finds the row of an id within one page.
type rowIndex struct {
	rows []int32 // row+1; 0 where free
	used int
}

func (x *rowIndex) reset() {
	clear(x.rows)
	x.used = 0
}

// put notes that row holds its id, and returns the row that held it before, if any.
func (x *rowIndex) put(keys *idVector, row int) (old int, twice bool) {
	if 2*x.used >= len(x.rows) {
		x.grow(keys)
	}
	at := x.find(keys, row)
	old = int(x.rows[at]) - 1
	x.rows[at] = int32(row) + 1
	if old < 0 {
		x.used++
	}
	return old, old >= 0
}

// set makes row the holder of its id again.
func (x *rowIndex) set(keys *idVector, row int) { x.rows[x.find(keys, row)] = int32(row) + 1 }

func (x *rowIndex) find(keys *idVector, row int) uint64 {
	id := keys.at(row)
	mask := uint64(len(x.rows) - 1)
	at := hash(id) & mask
	for x.rows[at] != 0 && *keys.at(int(x.rows[at]) - 1) != *id {
		at = (at + 1) & mask
	}
	return at
}

func (x *rowIndex) grow(keys *idVector) {
	old := x.rows
	x.rows = make([]int32, max(256, 2*len(old)))
	for _, r := range old {
		if r != 0 {
			x.set(keys, int(r)-1)
		}
	}
}

// without copies a record and leaves rows out.
func without(rec arrow.RecordBatch, rows []int) arrow.RecordBatch {
	slices.Sort(rows)
	columns := make([]arrow.Array, rec.NumCols())
	for i, col := range rec.Columns() {
		var parts []arrow.Array
		from := int64(0)
		for _, r := range append(slices.Clone(rows), int(rec.NumRows())) {
			if int64(r) > from {
				parts = append(parts, array.NewSlice(col, from, int64(r)))
			}
			from = int64(r) + 1
		}
		whole, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			panic(err) // slices of one array always fit together
		}
		columns[i] = whole
	}
	return array.NewRecordBatch(rec.Schema(), columns, rec.NumRows()-int64(len(rows)))
}

// An idSet holds ids, up to a bound.
type idSet struct {
	bound int
	slots []lakelink.ID // the zero id where free
	used  int
	zero  bool // whether the zero id is in it
	full  bool // whether an id had to be left out
}

// add takes an id, or notes that the set is full.
func (s *idSet) add(id lakelink.ID) {
	if id == (lakelink.ID{}) {
		s.zero = true
		return
	}
	if 4*s.used >= 3*len(s.slots) {
		if s.used >= s.bound {
			s.full = s.full || !s.has(id)
			return
		}
		old := s.slots
		s.slots, s.used = make([]lakelink.ID, max(64, 2*len(old))), 0
		for _, o := range old {
			if o != (lakelink.ID{}) {
				s.add(o)
			}
		}
	}
	if at := s.find(id); s.slots[at] != id {
		s.slots[at] = id
		s.used++
	}
}

// has reports whether the set holds id.
func (s *idSet) has(id lakelink.ID) bool {
	if id == (lakelink.ID{}) {
		return s.zero
	}
	return len(s.slots) > 0 && s.slots[s.find(id)] == id
}

func (s *idSet) find(id lakelink.ID) uint64 {
	mask := uint64(len(s.slots) - 1)
	at := hash(&id) & mask
	for s.slots[at] != (lakelink.ID{}) && s.slots[at] != id {
		at = (at + 1) & mask
	}
	return at
}
