package verify

import (
	"context"

	"lakelink"
)

// A side is one format of the lake under comparison.
type side struct {
	c        *comparison
	reader   lakelink.Reader
	rule     rule
	result   Result
	snapshot lakelink.Snapshot // the one compared last
	// open are the source's records that further rounds compare, in order of their ids; nil before
	// the first round, which compares all.
	open *spool
	// pairs are the records that disagree in this round, the source's and the lake's in turn.
	pairs    *spool
	examples []finding
}

// A finding is a difference that is to be described.
type finding struct {
	id   lakelink.ID
	kind DifferenceKind
}

func newSide(c *comparison, r lakelink.Reader) *side {
	return &side{c: c, reader: r, rule: ruleOf(r.Format()),
		result: Result{Table: c.Table.Name, Format: r.Format(), NotCompared: notCompared(c.Table)}}
}

// compare reads the format as it is now and keeps where it disagrees with the source. Failing to
// read it ends the comparison of this format alone.
func (s *side) compare(ctx context.Context, source *sourceRecords) {
	if s.result.Error != "" || s.open != nil && s.open.len() == 0 {
		return
	}
	if err := s.compareOnce(ctx, source); err != nil {
		s.result.Error = err.Error()
		s.discard()
	}
}

func (s *side) compareOnce(ctx context.Context, source *sourceRecords) error {
	lake, err := s.readLake(ctx)
	if err != nil {
		return err
	}
	defer lake.close()
	s.pairs = newSpool(s.c.dir, s.c.share.spool)
	want := source.sorters[s.rule].current()
	first := s.open == nil
	if !first {
		want = s.open.all()
	}
	for pair, err := range join(want, lake.current()) {
		if err != nil {
			return err
		}
		if first && pair[0].live() {
			s.result.Rows++
		}
		if !first && pair[0].state == absent {
			continue // not open
		}
		if first {
			s.countCopies(pair[1])
		}
		if err := s.comparePair(pair[0], pair[1]); err != nil {
			return err
		}
	}
	_ = s.open.close()
	s.open = newSpool(s.c.dir, 0) // what is still open is among the pairs
	return nil
}

// countCopies counts further live rows of an id. In a format that keeps no history they are wrong
// whatever the source has.
func (s *side) countCopies(lake record) {
	if lake.copies > 0 && !keepsHistory(s.reader.Format()) {
		s.result.Extra += int64(lake.copies)
		s.find(lake.id, Duplicate)
	}
}

// comparePair keeps a pair that disagrees.
func (s *side) comparePair(source, lake record) error {
	if agree(source, lake) {
		return nil
	}
	if err := s.pairs.add(source); err != nil {
		return err
	}
	return s.pairs.add(lake)
}

// readLake reads the format's rows, in later rounds only those still open if their ids fit into
// memory.
func (s *side) readLake(ctx context.Context) (*sorter, error) {
	wanted, err := s.openIDs()
	if err != nil {
		return nil, err
	}
	if s.snapshot, err = s.reader.Snapshot(ctx, s.c.Table); err != nil {
		return nil, err
	}
	lake := newSorter(s.c.dir, s.c.share.lake)
	d := newDigester(s.c.Table, s.rule)
	keep := func(r record) error {
		if wanted != nil && !wanted[r.id] {
			return nil
		}
		return lake.add(r)
	}
	for b, err := range s.snapshot.Batches(ctx) {
		if err == nil {
			err = d.each(b, s.snapshot.Position().Version, keep)
		}
		if err != nil {
			lake.close()
			return nil, err
		}
	}
	return lake, nil
}

// openIDs returns the ids that are open, nil for all or too many.
func (s *side) openIDs() (map[lakelink.ID]bool, error) {
	if s.open == nil || s.open.len() > s.c.share.filter {
		return nil, nil
	}
	ids := make(map[lakelink.ID]bool, s.open.len())
	for r, err := range s.open.all() {
		if err != nil {
			return nil, err
		}
		ids[r.id] = true
	}
	return ids, nil
}

// discard drops what a failed comparison has kept.
func (s *side) discard() {
	_ = s.pairs.close()
	_ = s.open.close()
	s.pairs, s.open = nil, newSpool(s.c.dir, 0)
	s.result.Rows, s.result.Missing, s.result.Extra, s.result.Different = 0, 0, 0, 0
	s.examples = nil
}
