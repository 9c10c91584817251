package cluster

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/minio/highwayhash"
)

// checkBlocks reads the JetStream's message files through before it does, and changes nothing. Where
// their checksums are wrong, the JetStream would cut off what follows, or count on without end to a
// sequence number that was never given.
func checkBlocks(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "nats", "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return openFailure(dir, err)
		}
		h, err := blockHash(path)
		if err != nil {
			return err
		}
		if at, ok := checkBlock(data, h); !ok {
			return damaged(dir, fmt.Sprintf("%s is not what was written from byte %d on", path, at))
		}
	}
	return nil
}

// blockHash makes the hash that the JetStream keys with a stream's name and a block's number.
func blockHash(path string) (hash.Hash64, error) {
	stream := filepath.Base(filepath.Dir(filepath.Dir(path)))
	block := strings.TrimSuffix(filepath.Base(path), ".blk")
	key := sha256.Sum256([]byte(stream + "-" + block))
	return highwayhash.New64(key[:])
}

// A record of a block: its length (the highest bit says that it has headers), sequence number, time,
// the subject's length, the subject, then with headers their length, headers and message, and the
// hash of all but the lengths.
const (
	recordHeader = 4 + 8 + 8 + 2
	recordHash   = 8
	headerBit    = 1 << 31
)

// checkBlock reports the first record that is not whole. One at the end that was not written to its end
// is of a process that died before it was acknowledged.
func checkBlock(data []byte, h hash.Hash64) (at int, ok bool) {
	for at < len(data) {
		rest := data[at:]
		if len(rest) < recordHeader {
			return at, true
		}
		length := binary.LittleEndian.Uint32(rest)
		headers := length&headerBit != 0
		n := int(length &^ headerBit)
		subject := int(binary.LittleEndian.Uint16(rest[20:]))
		body := recordHeader + subject
		if headers {
			body += 4
		}
		if n < body+recordHash || n > maxRecord {
			return at, false
		}
		if n > len(rest) {
			return at, true
		}
		h.Reset()
		h.Write(rest[4:20])
		h.Write(rest[recordHeader : recordHeader+subject])
		h.Write(rest[body : n-recordHash])
		if !bytes.Equal(h.Sum(nil), rest[n-recordHash:n]) {
			return at, false
		}
		at += n
	}
	return at, true
}

// maxRecord is more than the JetStream takes in one message.
const maxRecord = 32 << 20
