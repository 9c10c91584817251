package delta

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"lakelink"
)

// A key is a row of a data file, as its index keeps it.
type key struct {
	id      lakelink.ID
	version int64
	row     uint32
}

// The key index of a data file is a file of the same name on this machine (docs/format/keyindex.md):
// a header; the ids in ascending order; their versions; their row numbers; a Bloom filter; a checksum.
// It never changes, as the data file never does, and is made anew where it is missing or damaged.
const (
	indexMagic  = "LLKEYS01"
	indexHeader = 32 // magic, rows, size of the data file, blocks of the filter: 8 bytes each
	indexSuffix = ".keys"
)

var errDamagedIndex = errors.New("damaged key index")

// A keyIndex is an index that is open. It is safe for concurrent use.
type keyIndex struct {
	n        int
	ids      []byte
	versions []byte
	rows     []byte
	filter   filter
	unmap    func() error
}

// encodeIndex makes the index of a data file of that size. It sorts keys.
func encodeIndex(keys []key, dataSize int64) []byte {
	byID := func(a, b key) int { return compareKeys(&a, &b) }
	if !slices.IsSortedFunc(keys, byID) {
		slices.SortFunc(keys, byID)
	}
	f := newFilter(len(keys))
	out := make([]byte, 0, indexHeader+28*len(keys)+len(f)+4)
	out = append(out, indexMagic...)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(keys)))
	out = binary.LittleEndian.AppendUint64(out, uint64(dataSize))
	out = binary.LittleEndian.AppendUint64(out, uint64(len(f)/filterBlock))
	for i := range keys {
		out = append(out, keys[i].id[:]...)
		f.add(keys[i].id)
	}
	for i := range keys {
		out = binary.LittleEndian.AppendUint64(out, uint64(keys[i].version))
	}
	for i := range keys {
		out = binary.LittleEndian.AppendUint32(out, keys[i].row)
	}
	out = append(out, f...)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

func compareKeys(a, b *key) int {
	if c := bytes.Compare(a.id[:], b.id[:]); c != 0 {
		return c
	}
	return int(int64(a.row) - int64(b.row))
}

// openIndex opens the index file of a data file of that size.
func openIndex(name string, dataSize int64) (*keyIndex, error) {
	b, unmap, err := mapFile(name)
	if err != nil {
		return nil, err
	}
	x, err := decodeIndex(b, dataSize)
	if err != nil {
		unmap()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	x.unmap = unmap
	return x, nil
}

func decodeIndex(b []byte, dataSize int64) (*keyIndex, error) {
	if len(b) < indexHeader+4 || string(b[:8]) != indexMagic {
		return nil, errDamagedIndex
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	n, size, blocks := binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	if n > uint64(len(b)) || blocks > uint64(len(b)) || uint64(len(body)) != indexHeader+28*n+filterBlock*blocks ||
		size != uint64(dataSize) || crc32.Checksum(body, castagnoli) != sum {
		return nil, errDamagedIndex
	}
	x := &keyIndex{n: int(n)}
	rest := body[indexHeader:]
	x.ids, rest = rest[:16*n], rest[16*n:]
	x.versions, rest = rest[:8*n], rest[8*n:]
	x.rows, x.filter = rest[:4*n], filter(rest[4*n:])
	return x, nil
}

func (x *keyIndex) close() {
	if x.unmap != nil {
		x.unmap()
		x.unmap = nil
	}
}

func (x *keyIndex) id(i int) []byte     { return x.ids[16*i : 16*i+16] }
func (x *keyIndex) version(i int) int64 { return int64(binary.LittleEndian.Uint64(x.versions[8*i:])) }
func (x *keyIndex) row(i int) uint32    { return binary.LittleEndian.Uint32(x.rows[4*i:]) }

// find returns the place of the first key with that id, and whether there is one.
func (x *keyIndex) find(id lakelink.ID) (int, bool) {
	if !x.filter.has(id) {
		return 0, false
	}
	i := sort.Search(x.n, func(i int) bool { return bytes.Compare(x.id(i), id[:]) >= 0 })
	return i, i < x.n && bytes.Equal(x.id(i), id[:])
}

// writeIndexFile writes an index so that it is there whole or not at all. It need not survive a crash.
func writeIndexFile(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
