package incrementalreader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// pollState is what a polling consumer remembers between two polls.
type pollState struct {
	open       string          // greatest name seen in changelog.info
	seen       map[string]bool // every batch folder ever listed
	violations []Violation
	reported   map[Violation]bool
}

// PollError says that a poll met a lake that a polling consumer cannot use.
type PollError struct{ Violations []Violation }

func (e *PollError) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = v.String()
	}
	return fmt.Sprintf("%d violations: %s", len(lines), strings.Join(lines, "; "))
}

// Poll behaves as a consumer that watches Changelog/changelog.info beside a
// working writer: it returns the folders newer than since ("" for all) that
// are closed by now, in order. Each must be complete at this moment, because
// AFW takes it once and never looks again: the marker parses, partitions and
// files agree, every data file ends with a whole record, and the choice and
// per-table model files are there. Violations come back as *PollError, with
// the folders before the first incomplete one, and stay in PollViolations.
//
// A lake without changelog.info has nothing closed yet.
func (r *Reader) Poll(since string) ([]string, error) {
	c := newCollector()
	open, err := r.readOpen()
	if errors.Is(err, fs.ErrNotExist) {
		if r.poll.open == "" {
			return nil, nil
		}
		c.add("L4", changelogFile, "gone, it named %s before", r.poll.open)
		return nil, r.pollDone(c)
	}
	if err != nil {
		c.add("L4", changelogFile, "%v", err)
		return nil, r.pollDone(c)
	}
	names, err := r.batchNames()
	if err != nil {
		return nil, err
	}
	if open < r.poll.open {
		c.add("L5", changelogFile, "went back from %s to %s", r.poll.open, open)
	}
	if !slices.Contains(names, open) {
		c.add("L5", open, "named in %s but missing", changelogFile)
	}
	// A folder may only appear ahead of those already announced.
	for _, n := range names {
		if r.poll.seen != nil && !r.poll.seen[n] && n < r.poll.open {
			c.add("L5", n, "appeared after %s was announced", r.poll.open)
		}
	}
	r.poll.open = max(r.poll.open, open)
	if r.poll.seen == nil {
		r.poll.seen = map[string]bool{}
	}
	for _, n := range names {
		r.poll.seen[n] = true
	}

	var ready []string
	for _, n := range names {
		if n <= since || n >= open {
			continue
		}
		before := len(c.list)
		if gone := r.checkComplete(c, n); gone {
			continue // purged since it was listed
		}
		if len(c.list) > before {
			break
		}
		ready = append(ready, n)
	}
	return ready, r.pollDone(c)
}

// PollViolations returns everything that any Poll of this reader has found.
// What a writer repairs later stays listed: a consumer has read past it.
func (r *Reader) PollViolations() []Violation {
	return slices.Clone(r.poll.violations)
}

func (r *Reader) pollDone(c *collector) error {
	if len(c.list) == 0 {
		return nil
	}
	if r.poll.reported == nil {
		r.poll.reported = map[Violation]bool{}
	}
	for _, v := range c.list {
		if !r.poll.reported[v] {
			r.poll.reported[v] = true
			r.poll.violations = append(r.poll.violations, v)
		}
	}
	return &PollError{c.list}
}

// checkComplete checks that a closed folder is whole: L5, M1–M5, M14, K1, and
// the last byte of each CSV file. It does not read the rows.
func (r *Reader) checkComplete(c *collector, name string) (gone bool) {
	found := newCollector()
	b, err := r.scanBatch(name)
	if err != nil {
		found.add("IO", name, "%v", err)
	} else {
		r.checkParts(found, b)
	}
	if _, err := os.Stat(filepath.Join(r.dir, name)); errors.Is(err, fs.ErrNotExist) {
		return true
	}
	for _, v := range found.list {
		c.add(v.Rule, v.Path, "%s", v.Detail)
	}
	return false
}

func (r *Reader) checkParts(c *collector, b *batch) {
	marker, ok := b.file(modelFile)
	switch {
	case !ok:
		c.add("L5", b.name, "closed folder without %s", modelFile)
		return
	case marker.size == 0:
		c.add("M3", b.name+"/"+modelFile, "zero bytes in a closed folder")
		return
	}
	if b.model = r.readModel(c, b.name+"/"+modelFile, batchModel); b.model == nil {
		return
	}
	checkPartitions(c, b)
	r.checkTableModels(c, b.name+"/"+trickleDir, b.model, true)
	for _, n := range choiceFiles() {
		if _, ok := b.file(choiceDir + "/" + n); !ok {
			c.add("K1", b.name+"/"+choiceDir+"/"+n, "missing in a closed folder")
		}
	}
	for _, f := range b.files {
		if strings.HasSuffix(f.rel, ".csv") {
			r.checkLastByte(c, b.name+"/"+f.rel)
		}
	}
}

// checkLastByte reports a CSV file that does not end with a line end: one that
// was cut off or is still being written.
func (r *Reader) checkLastByte(c *collector, path string) {
	f, err := os.Open(filepath.Join(r.dir, filepath.FromSlash(path)))
	if err != nil {
		c.add("IO", path, "%v", err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil || last[0] != '\n' {
		c.add("3.1", path, "the last record has no line end")
	}
}
