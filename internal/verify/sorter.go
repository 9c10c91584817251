package verify

import (
	"cmp"
	"errors"
	"os"
	"slices"
)

// A sorter takes records in any order and gives them back by id and version, equal ones in the
// order in which they came. It holds limit records in memory and the others in sorted runs. Runs of
// a level are merged into one of the next when there are fanIn of them, so that few are ever open.
type sorter struct {
	dir   string
	limit int
	held  []record
	runs  []run // oldest first, levels never rising
}

type run struct {
	name  string
	level int
}

const fanIn = 16

func newSorter(dir string, limit int) *sorter { return &sorter{dir: dir, limit: max(limit, 1)} }

func (s *sorter) add(r record) error {
	if len(s.held) == s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	r.order = uint32(len(s.held))
	s.held = append(s.held, r)
	return nil
}

func (s *sorter) sortHeld() {
	slices.SortFunc(s.held, func(a, b record) int {
		if c := compareRecords(a, b); c != 0 {
			return c
		}
		return cmp.Compare(a.order, b.order)
	})
}

// spill moves what is held to a run.
func (s *sorter) spill() error {
	s.sortHeld()
	name, err := writeRun(s.dir, listed(s.held))
	if err != nil {
		return err
	}
	s.held = s.held[:0]
	s.runs = append(s.runs, run{name: name})
	for n := len(s.runs); n >= fanIn && s.runs[n-fanIn].level == s.runs[n-1].level; n = len(s.runs) {
		if err := s.mergeLast(fanIn); err != nil {
			return err
		}
	}
	return nil
}

// mergeLast replaces the last n runs by one of the next level.
func (s *sorter) mergeLast(n int) error {
	last := s.runs[len(s.runs)-n:]
	name, err := writeRun(s.dir, merge(readRuns(last)))
	if err != nil {
		return err
	}
	merged := run{name: name, level: last[0].level + 1}
	err = removeRuns(last)
	s.runs = append(s.runs[:len(s.runs)-n], merged)
	return err
}

// sorted returns all records; it can be ranged over again. No record is added after it.
func (s *sorter) sorted() records {
	s.sortHeld()
	return merge(append(readRuns(s.runs), listed(s.held)))
}

// current returns the current record of each id, which may be a deleted one.
func (s *sorter) current() records { return currentOf(s.sorted()) }

func (s *sorter) close() {
	s.held = nil
	_ = removeRuns(s.runs) // their folder goes anyway
	s.runs = nil
}

func readRuns(runs []run) []records {
	all := make([]records, len(runs))
	for i, r := range runs {
		all[i] = readRun(r.name)
	}
	return all
}

func removeRuns(runs []run) error {
	var errs []error
	for _, r := range runs {
		errs = append(errs, os.Remove(r.name))
	}
	return errors.Join(errs...)
}
