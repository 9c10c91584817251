// Package incrementalreader reads and checks a lake in the incremental folder
// layout the way the known consumers do. It is written from the layout's
// specification alone and shares no code with the writer: whatever both agree
// on is agreed on because the specification says so.
//
// Rule ids (L1, M5a, C12, O7, K3 …) are those of the specification's §12. Where
// a statement about bytes has no id of its own there, the section is the rule:
// "3.1" (dialect, what is quoted), "3.2" (value formats) and "3.4" (system
// columns). "IO" stands for a file that could not be read.
package incrementalreader

import "fmt"

// Violation is one broken statement of the specification.
type Violation struct {
	Rule   string // id in §12, or a section number
	Path   string // slash-separated, relative to the lake root
	Detail string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s %s: %s", v.Rule, v.Path, v.Detail)
}

// Reader is an independent consumer of one lake. It is not safe for concurrent
// use; open as many as needed, they hold no lock and write nothing.
type Reader struct {
	// Live accepts the states that a correct writer passes through while it
	// closes a batch (§14.2), and that a crash may therefore leave: the folder
	// named in changelog.info already has its marker, a newer folder without
	// data files or marker is prepared, or (before the first announcement)
	// changelog.info is missing while nothing is closed yet. With Live, Check
	// may also run beside the writer, as long as nothing is purged meanwhile.
	Live bool

	// Times adds the part of M3 that only file times show: nothing in a closed
	// folder is younger than its model.json. Off by default because copied
	// lakes do not keep the times.
	Times bool

	// Removed names tables that were taken out of the profile at some time
	// (and possibly added again): folders and the root model may lack them
	// (M4, M13).
	Removed []string

	// AllowPurge accepts in CheckUnchanged that closed folders are gone as a
	// whole (§14.11), as long as no older one is left.
	AllowPurge bool

	dir  string
	poll pollState
}

// Open returns a reader over the lake whose root is the local folder dir. It
// touches nothing; a missing folder shows at the first call.
func Open(dir string) *Reader {
	return &Reader{dir: dir}
}

// Check walks the lake and returns everything that breaks a statement of §12
// that files can show. Per rule and path only the first few findings are kept.
func (r *Reader) Check() []Violation {
	c := newCollector()
	lk, err := r.scan(c)
	for range 10 {
		// Beside a working writer the folder may change while it is listed.
		if again, _ := r.readOpen(); err != nil || again == lk.open {
			break
		}
		c = newCollector()
		lk, err = r.scan(c)
	}
	if err != nil {
		c.add("IO", ".", "%v", err)
		return c.list
	}
	root := r.checkModels(c, lk)
	r.checkWildcards(c, lk, root)
	for _, b := range lk.batches {
		checkBatchLayout(c, b)
	}
	r.checkSchemas(c, lk, root)
	for _, table := range lk.tables() {
		r.checkTable(c, lk, table)
	}
	r.checkChoices(c, lk)
	return c.list
}

// maxPerRuleAndPath keeps a thoroughly broken file from flooding a test log.
const maxPerRuleAndPath = 5

type collector struct {
	list  []Violation
	count map[[2]string]int
}

func newCollector() *collector {
	return &collector{count: map[[2]string]int{}}
}

func (c *collector) add(rule, path, format string, args ...any) {
	key := [2]string{rule, path}
	c.count[key]++
	switch n := c.count[key]; {
	case n < maxPerRuleAndPath:
		c.list = append(c.list, Violation{rule, path, fmt.Sprintf(format, args...)})
	case n == maxPerRuleAndPath:
		c.list = append(c.list, Violation{rule, path, fmt.Sprintf(format, args...) + " (more of this kind are not listed)"})
	}
}
