package lagmeter

import (
	"math"
	"time"
)

// rows are those of a table that have changes nobody can read yet.
type rows map[[16]byte]*row

// A row has changes waiting, oldest first, the newest of which tells whether it is there at all.
type row struct {
	changes []change
	deleted bool
}

type change struct {
	version int64
	at      time.Time
}

func (r *row) newest() int64 { return r.changes[len(r.changes)-1].version }

func (rs rows) add(id [16]byte, version int64, at time.Time, deleted bool) {
	r := rs[id]
	if r == nil {
		r = &row{}
		rs[id] = r
	}
	r.changes = append(r.changes, change{version, at})
	r.deleted = deleted
}

// oldest is the lowest version that is waited for.
func (rs rows) oldest() (version int64, some bool) {
	version = math.MaxInt64
	for _, r := range rs {
		version = min(version, r.changes[0].version)
	}
	return version, len(rs) > 0
}

// seen returns the changes that a row read in that version includes: its own and all before.
func (rs rows) seen(id [16]byte, version int64) []change {
	r := rs[id]
	if r == nil {
		return nil
	}
	n := 0
	for n < len(r.changes) && r.changes[n].version <= version {
		n++
	}
	return rs.take(id, r, n)
}

// through returns the changes of rows that were deleted up to a version, with what happened to them
// before. A row that is still there is only readable once it was read: where it is not, its
// change stays outstanding, however far the lake says it is.
func (rs rows) through(version int64) []change {
	var out []change
	for id, r := range rs {
		if r.deleted && r.newest() <= version {
			out = append(out, rs.take(id, r, len(r.changes))...)
		}
	}
	return out
}

func (rs rows) take(id [16]byte, r *row, n int) []change {
	taken := r.changes[:n]
	r.changes = r.changes[n:]
	if len(r.changes) == 0 {
		delete(rs, id)
	}
	return taken
}
