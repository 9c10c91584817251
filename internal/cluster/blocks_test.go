package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lakelink"
)

// TestCheckBlock: what the JetStream writes passes, also when its end is missing; any byte that is another
// is found, except in the lengths, which the hash leaves out: those that still fit are found when the
// entries are read.
func TestCheckBlock(t *testing.T) {
	dir := t.TempDir()
	c, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		a := lakelink.Activity{Time: time.Unix(1e9, 0), Link: "a", Text: strings.Repeat("x", 300)}
		if err := c.AppendActivity(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "nats/jetstream/$G/streams/activity/msgs/1.blk")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := blockHash(path)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := checkBlock(data, h); !ok || at != len(data) {
		t.Fatalf("a whole block is refused at %d of %d", at, len(data))
	}
	for n := range data {
		if _, ok := checkBlock(data[:n], h); !ok {
			t.Fatalf("a block that ends at %d is refused", n)
		}
	}
	record := len(data) / 3
	for i := range data {
		if o := i % record; o < 4 || o == 20 || o == 21 {
			continue
		}
		data[i] ^= 0x55
		if at, ok := checkBlock(data, h); ok || at != i/record*record {
			t.Errorf("another byte at %d: found at %d, %v", i, at, ok)
		}
		data[i] ^= 0x55
	}
}
