package delta

import (
	"encoding/binary"
	"math/bits"

	"lakelink"
)

// A filter is a split-block Bloom filter, as Parquet has it: an id sets eight bits within one block of
// 32 bytes, so that asking costs one cache miss. With 12 bits to an id about one in 250 ids that are
// not there is taken for one that is.
type filter []byte

const (
	filterBlock = 32
	filterBits  = 12 // to an id
)

var filterSalt = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

func newFilter(ids int) filter {
	return make(filter, filterBlock*max(1, (ids*filterBits+8*filterBlock-1)/(8*filterBlock)))
}

// place hashes an id: ids that were made one after another differ in a few bits only.
func (f filter) place(id lakelink.ID) (block []byte, h uint32) {
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(id[:])^0xa0761d6478bd642f, binary.LittleEndian.Uint64(id[8:])^0xe7037ed1a0b428db)
	hi, lo = bits.Mul64(hi^lo, 0x8ebc6af09c88c6e3)
	x := hi ^ lo
	n, _ := bits.Mul64(x, uint64(len(f)/filterBlock))
	return f[n*filterBlock : (n+1)*filterBlock], uint32(x)
}

func (f filter) add(id lakelink.ID) {
	block, h := f.place(id)
	for i, salt := range filterSalt {
		bit := h * salt >> 27
		block[4*i+int(bit>>3)] |= 1 << (bit & 7)
	}
}

func (f filter) has(id lakelink.ID) bool {
	block, h := f.place(id)
	for i, salt := range filterSalt {
		bit := h * salt >> 27
		if block[4*i+int(bit>>3)]&(1<<(bit&7)) == 0 {
			return false
		}
	}
	return true
}
