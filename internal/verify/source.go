package verify

import (
	"context"
	"fmt"

	"lakelink"
)

// sourceRecords are the source's records, once per rule.
type sourceRecords struct {
	end     lakelink.Position
	sorters map[rule]*sorter
	// complete: no row that changed since the start is missing. Without it, an id that is not
	// among changes may have changed all the same.
	complete bool
}

func (s *sourceRecords) close() {
	for _, sorter := range s.sorters {
		sorter.close()
	}
}

func (c *comparison) newSourceRecords(limit int) *sourceRecords {
	s := &sourceRecords{sorters: map[rule]*sorter{}}
	for _, r := range c.rules {
		s.sorters[r] = newSorter(c.dir, limit)
	}
	return s
}

// readSource reads the whole table.
func (c *comparison) readSource(ctx context.Context) (*sourceRecords, error) {
	s := c.newSourceRecords(c.share.source)
	if _, err := c.read(ctx, s, lakelink.Position{}); err != nil {
		return nil, c.failed("read the source", err)
	}
	c.start, c.at = s.end, s.end
	return s, nil
}

// maxCycles is how many cycles readChanges reads at most for one that is a single page.
const maxCycles = 8

// readChanges reads what changed since the point compared with.
//
// A row that changes again while a cycle of several pages is read may fall out of the cycle and
// into the next one. So it reads on until a cycle is a single page, which is told as of one moment:
// what fell out of an earlier cycle has a version that is in this one.
func (c *comparison) readChanges(ctx context.Context) (*sourceRecords, error) {
	s := c.newSourceRecords(c.share.changes)
	s.end = c.at
	for range maxCycles {
		pages, err := c.read(ctx, s, s.end)
		if err != nil {
			s.close()
			return nil, c.failed("read the source's changes", err)
		}
		if s.complete = pages == 1; s.complete {
			break
		}
	}
	return s, nil
}

// read reads one load or cycle. Deletes get the version of where it starts: that is above the
// versions of earlier rows of their ids, and below those of later ones.
func (c *comparison) read(ctx context.Context, s *sourceRecords, since lakelink.Position) (pages int, err error) {
	digesters := map[rule]*digester{}
	for r := range s.sorters {
		digesters[r] = newDigester(c.Table, r)
	}
	done := false
	for b, err := range c.Source.Feed(ctx, c.Table, since.Checkpoint) {
		if err != nil {
			return pages, err
		}
		for r, d := range digesters {
			if err := d.each(b, since.Version, s.sorters[r].add); err != nil {
				return pages, err
			}
		}
		pages++
		s.end, done = b.Next, b.Done
	}
	if !done {
		return pages, fmt.Errorf("the read ended before its end after %d pages", pages)
	}
	return pages, nil
}
