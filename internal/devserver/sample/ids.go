package sample

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"

	"lakelink/internal/devserver/store"
)

// idSpace makes the ids of one table's rows from their places, so that a row can be pointed to
// before it is made. Ids look like Dataverse's own and grow with the place, which keeps the
// index on keys compact.
type idSpace struct {
	first uint32
	tail  [12]byte
}

func newIDSpace(seed int64, name string) idSpace {
	r := random(seed, "ids of "+name)
	s := idSpace{first: r.Uint32() &^ 0xf00fffff} // leaves room to count up
	binary.LittleEndian.PutUint64(s.tail[:], r.Uint64())
	s.tail[2], s.tail[3] = s.tail[2]&0x0f|0xe0, 0x11
	s.tail[4] = s.tail[4]&0x3f | 0x80
	copy(s.tail[6:], []byte{0x00, 0x0d, 0x3a})
	tail := r.Uint32()
	s.tail[9], s.tail[10], s.tail[11] = byte(tail), byte(tail>>8), byte(tail>>16)
	return s
}

func (s idSpace) at(n int) store.ID {
	var id store.ID
	binary.BigEndian.PutUint32(id[:4], s.first+uint32(n))
	copy(id[4:], s.tail[:])
	return id
}

// random is a source of numbers that depends on the seed and what it is for, so that one table's
// rows do not change when another's generator does.
func random(seed int64, what string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(what))
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64()))
}
