package incrementalreader

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestLiveMax compares the kept maximum with a fresh walk over all Ids.
func TestLiveMax(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := newTableState()
	c := newCollector()
	version := int64(0)
	for folder := range 500 {
		for range rng.IntN(6) {
			version += 1 + int64(rng.IntN(3))
			id := fmt.Sprint(rng.IntN(8))
			v := version
			if rng.IntN(10) == 0 {
				v -= int64(rng.IntN(20)) // breaks rules; the state must hold all the same
			}
			s.row(c, "x", 1, id, idState{version: v, sink: version, folder: folder, deleted: rng.IntN(2) == 0})
		}
		s.endFolder()
		want, anyLive := int64(0), false
		for _, row := range s.ids {
			if !row.deleted && (!anyLive || row.version > want) {
				want, anyLive = row.version, true
			}
		}
		if s.anyLive != anyLive || anyLive && s.liveMax != want {
			t.Fatalf("folder %d: %d %v, want %d %v", folder, s.liveMax, s.anyLive, want, anyLive)
		}
	}
}

func TestReplaces(t *testing.T) {
	base := idState{version: 5, sink: 10, folder: 1}
	for _, test := range []struct {
		name string
		next idState
		want bool
	}{
		{"greater version, earlier sink", idState{version: 6, sink: 1}, true},
		{"smaller version, later sink", idState{version: 4, sink: 99, folder: 9}, false},
		{"tie, later sink", idState{version: 5, sink: 11, folder: 0}, true},
		{"tie, earlier sink", idState{version: 5, sink: 9, folder: 2}, false},
		{"full tie, later folder", idState{version: 5, sink: 10, folder: 2}, true},
		{"full tie, delete", idState{version: 5, sink: 10, folder: 1, deleted: true}, true},
	} {
		if got := test.next.replaces(base); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	deleted := base
	deleted.deleted = true
	if base.replaces(deleted) {
		t.Error("within a folder a delete comes after an upsert")
	}
}
