package verify

import (
	"bytes"
	"cmp"
	"encoding/binary"

	"lakelink"
)

// A digest stands for a row's values: two rows of equal digests are taken to be equal.
type digest [16]byte

// A record is what is kept of a row, or of its absence.
type record struct {
	id      lakelink.ID
	version int64
	digest  digest
	order   uint32 // of arrival within a run; not stored
	copies  uint16 // further live rows of the same id that were met; not stored
	state   state
}

// A state says what a record tells about its row.
type state uint8

const (
	absent  state = iota // this side tells nothing of such a row
	live                 // there is such a row
	deleted              // there was such a row
	unseen               // looked for and not found, but it may have been missed
)

const (
	recordMemory = 48 // bytes of a record in memory
	recordBytes  = 41 // and on disk
)

func (r record) live() bool { return r.state == live }

// encode appends the stored form of a record.
func (r record) encode(dst []byte) []byte {
	dst = append(dst, r.id[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.version))
	dst = append(dst, r.digest[:]...)
	return append(dst, byte(r.state))
}

// decode is the inverse of encode.
func decode(b []byte) record {
	return record{
		id:      lakelink.ID(b[0:16]),
		version: int64(binary.LittleEndian.Uint64(b[16:24])),
		digest:  digest(b[24:40]),
		state:   state(b[40]),
	}
}

func compareIDs(a, b lakelink.ID) int { return bytes.Compare(a[:], b[:]) }

// compareRecords orders records by id, then version: the last one of an id is its current one.
func compareRecords(a, b record) int {
	if c := compareIDs(a.id, b.id); c != 0 {
		return c
	}
	return cmp.Compare(a.version, b.version)
}
