// Package verify proves that the lake holds what the environment holds, or shows where it does not.
//
// It compares contents, not counts: every row of the source, as an (id, version, digest) record,
// with the row that a reader of the lake sees. Both sides go through sorted runs on disk, so memory
// does not grow with the table. Tables that change meanwhile are compared all the same: what
// disagrees and has changed since is looked at again, until it agrees or stands still.
//
// Read verify.go for the way of one comparison, judge.go for what counts as a difference, digest.go
// for what a row is reduced to, run.go and sorter.go for the records on disk.
// docs/decisions/verify.md says why it is done so.
package verify

import (
	"context"
	"fmt"
	"os"
	"slices"

	"lakelink"
)

// Options say what to compare.
type Options struct {
	Source  lakelink.Source
	Table   *lakelink.Table
	Readers []lakelink.Reader // one per format

	// Wait returns when readers of every format see all changes of the table through version. Nil:
	// nothing is being written, and all formats are complete.
	Wait func(ctx context.Context, version int64) error

	TempDir     string // for the sorted runs, about 41 bytes per row and side; "" is the system's
	MemoryBytes int64  // for records, 64 MiB if 0
	Examples    int    // differing rows to describe per format
	MaxRounds   int    // how often to look at rows that keep changing, 5 if 0
}

// The defaults of Options.
const (
	defaultMemory = 64 << 20
	defaultRounds = 5
)

// Table compares one table with all formats, in one read of the source. A format that cannot be
// read is a Result with an Error; an error from Table means that the source could not be read or
// the formats did not get as far as the source.
func Table(ctx context.Context, o Options) ([]Result, error) {
	if o.Source == nil || o.Table == nil || len(o.Readers) == 0 {
		return nil, &lakelink.Error{Op: "verify", Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("nothing to compare: a source, a table and at least one format are needed")}
	}
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = defaultMemory
	}
	if o.MaxRounds <= 0 {
		o.MaxRounds = defaultRounds
	}
	dir, err := os.MkdirTemp(o.TempDir, "lakelink-verify-*")
	if err != nil {
		return nil, o.failed("make room for sorting", err)
	}
	defer os.RemoveAll(dir)
	c := newComparison(o, dir)
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	return c.results(), nil
}

func (o *Options) failed(op string, err error) error {
	return &lakelink.Error{Op: op, Table: o.Table.Name, Err: err}
}

// A comparison is one call of Table.
type comparison struct {
	Options
	dir   string
	share share
	sides []*side
	rules []rule // that the formats need, each once
	start lakelink.Position
	at    lakelink.Position // the point of the source that is being compared with
}

func newComparison(o Options, dir string) *comparison {
	c := &comparison{Options: o, dir: dir}
	for _, r := range o.Readers {
		s := newSide(c, r)
		c.sides = append(c.sides, s)
		if !slices.Contains(c.rules, s.rule) {
			c.rules = append(c.rules, s.rule)
		}
	}
	c.share = shareOut(o.MemoryBytes, len(c.rules), len(c.sides))
	return c
}

// run reads the source in full, then goes round: wait for the lake, compare, read what changed
// meanwhile, judge. The first round compares all rows, each further one those left open.
func (c *comparison) run(ctx context.Context) error {
	source, err := c.readSource(ctx)
	if err != nil {
		return err
	}
	defer source.close()
	for round := 1; ; round++ {
		if err := c.wait(ctx); err != nil {
			return err
		}
		for _, s := range c.sides {
			s.compare(ctx, source)
		}
		if err := ctx.Err(); err != nil {
			return c.failed("verify", err)
		}
		if !c.disagree() {
			break
		}
		if err := c.settle(ctx); err != nil {
			return err
		}
		if round == c.MaxRounds || !c.open() {
			break
		}
	}
	c.explain(ctx)
	if err := ctx.Err(); err != nil {
		return c.failed("verify", err)
	}
	return nil
}

func (c *comparison) wait(ctx context.Context) error {
	if c.Wait == nil {
		return nil
	}
	if err := c.Wait(ctx, c.at.Version); err != nil {
		return c.failed(fmt.Sprintf("wait for the lake to reach version %d", c.at.Version), err)
	}
	return nil
}

// settle reads what changed in the source since the point compared with, judges the disagreements
// by it and moves the point.
func (c *comparison) settle(ctx context.Context) error {
	changes, err := c.readChanges(ctx)
	if err != nil {
		return err
	}
	defer changes.close()
	for _, s := range c.sides {
		if err := s.judge(changes); err != nil {
			return c.failed("compare", err)
		}
	}
	c.at = changes.end
	return nil
}

func (c *comparison) disagree() bool {
	for _, s := range c.sides {
		if s.pairs.len() > 0 {
			return true
		}
	}
	return false
}

func (c *comparison) open() bool {
	for _, s := range c.sides {
		if s.open.len() > 0 {
			return true
		}
	}
	return false
}

func (c *comparison) results() []Result {
	all := make([]Result, len(c.sides))
	for i, s := range c.sides {
		all[i] = s.result
		all[i].Position = c.start
		all[i].Unsettled = int64(s.open.len())
	}
	return all
}
