package incrementalreader

import "hash/maphash"

// idState is what is known of one Id after the rows read so far.
type idState struct {
	version int64
	sink    int64 // SinkModifiedOn in Unix seconds
	hash    uint64
	folder  int // ordinal of the last batch the Id was in
	deleted bool
}

// replaces is the reduction of §5.4.6: greatest version, ties by
// SinkModifiedOn; of what is still equal the later one, where within a folder
// deletes come after upserts.
func (s idState) replaces(old idState) bool {
	switch {
	case s.version != old.version:
		return s.version > old.version
	case s.sink != old.sink:
		return s.sink > old.sink
	case s.folder != old.folder:
		return s.folder > old.folder
	}
	return s.deleted || !old.deleted
}

// tableState carries one table's Ids from folder to folder for the rules on
// order: C12, O1, O7, O8, O9.
type tableState struct {
	seed maphash.Seed
	ids  map[string]idState

	// liveMax is the greatest version of a live row after the folders before
	// this one: what ADF reads with MAX(versionnumber).
	liveMax int64
	anyLive bool

	newMax           int64 // greatest upsert of this folder
	anyNew           bool
	lostOld, lostNew bool // the row with liveMax resp. newMax was replaced
}

func newTableState() *tableState {
	return &tableState{seed: maphash.MakeSeed(), ids: map[string]idState{}}
}

func (s *tableState) row(c *collector, path string, line int, id string, row idState) {
	prev, known := s.ids[id]
	repeat := known && prev.version == row.version && prev.hash == row.hash && prev.deleted == row.deleted
	if known {
		if prev.folder == row.folder {
			c.add("O8", path, "line %d: Id %s is in this folder already", line, id)
		} else if row.sink <= prev.sink {
			c.add("O9", path, "line %d: Id %s: SinkModifiedOn is not later than in the earlier folder", line, id)
		}
		switch {
		case row.deleted && !prev.deleted && row.version <= prev.version:
			c.add("O1", path, "line %d: Id %s: delete has version %d, the last upsert %d", line, id, row.version, prev.version)
		case row.version < prev.version && row.folder != prev.folder:
			c.add("O1", path, "line %d: Id %s: version %d after %d", line, id, row.version, prev.version)
		case row.version == prev.version && !repeat:
			c.add("C12", path, "line %d: Id %s: version %d again with other values", line, id, row.version)
		}
	}
	if s.anyLive && row.version <= s.liveMax && !repeat {
		c.add("O7", path, "line %d: Id %s: version %d, a live row of an earlier folder has %d", line, id, row.version, s.liveMax)
	}
	if known && !row.replaces(prev) {
		prev.folder, prev.sink = row.folder, max(prev.sink, row.sink)
		s.ids[id] = prev
		return
	}
	if known && !prev.deleted {
		s.lostOld = s.lostOld || s.anyLive && prev.version == s.liveMax
		s.lostNew = s.lostNew || s.anyNew && prev.version == s.newMax
	}
	if !row.deleted && (!s.anyNew || row.version >= s.newMax) {
		s.newMax, s.anyNew, s.lostNew = row.version, true, false
	}
	s.ids[id] = row
}

// endFolder moves liveMax on; it walks all Ids only when the row that held the
// maximum is gone.
func (s *tableState) endFolder() {
	overtaken := s.anyNew && !s.lostNew && (!s.anyLive || s.newMax >= s.liveMax)
	switch {
	case overtaken:
		s.liveMax, s.anyLive = s.newMax, true
	case s.lostOld || s.lostNew || s.anyNew && !s.anyLive:
		s.liveMax, s.anyLive = 0, false
		for _, row := range s.ids {
			if !row.deleted && (!s.anyLive || row.version > s.liveMax) {
				s.liveMax, s.anyLive = row.version, true
			}
		}
	}
	s.newMax, s.anyNew, s.lostOld, s.lostNew = 0, false, false, false
}
