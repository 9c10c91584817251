package incrementalreader

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// scan walks the root and reports what is wrong with the names there and with
// changelog.info: L1, L2, L4, L5, L6, L10 and the times of M3.
func (r *Reader) scan(c *collector) (*lake, error) {
	lk := &lake{}
	open, openErr := r.readOpen()
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := e.Name()
		_, isBatch := parseBatchName(name)
		switch {
		case !e.IsDir():
			if name != modelFile {
				c.add("L10", name, "unknown file at the root")
			}
		case isBatch:
			b, err := r.scanBatch(name)
			if err != nil {
				return nil, err
			}
			lk.batches = append(lk.batches, b)
		default:
			lk.rootDirs = append(lk.rootDirs, name)
			checkRootName(c, name)
		}
	}
	slices.SortFunc(lk.batches, func(x, y *batch) int { return strings.Compare(x.name, y.name) })
	for i := 1; i < len(lk.batches); i++ {
		older, _ := parseBatchName(lk.batches[i-1].name)
		newer, _ := parseBatchName(lk.batches[i].name)
		if !older.Before(newer) {
			c.add("L2", lk.batches[i].name, "name order and time order differ")
		}
	}
	r.checkOpen(c, lk, open, openErr)
	return lk, nil
}

func checkRootName(c *collector, name string) {
	switch {
	case reservedDirs[name]:
	case looksLikeTime(name):
		c.add("L6", name, "a folder that is not a batch parses as a timestamp")
	case batchName.MatchString(name), datePrefix.MatchString(name):
		c.add("L1", name, "not a valid yyyy-MM-ddTHH.mm.ssZ instant")
	case strings.HasPrefix(name, "_"):
	case strings.EqualFold(name, changelogDir):
		c.add("L4", name, "the folder is spelled %s", changelogDir)
	default:
		c.add("L10", name, "neither a batch, a reserved name nor a side folder starting with _")
	}
}

// checkOpen checks L4, L5 and M3, and decides which batches are closed.
func (r *Reader) checkOpen(c *collector, lk *lake, open string, openErr error) {
	anyMarked := slices.ContainsFunc(lk.batches, (*batch).marked)
	if openErr != nil {
		if !r.Live || anyMarked || !errors.Is(openErr, fs.ErrNotExist) {
			c.add("L4", changelogFile, "%v", openErr)
		}
		// Without it, all marked folders and all but the newest count as closed.
		for i, b := range lk.batches {
			b.closed = b.marked() || i < len(lk.batches)-1
		}
	} else {
		lk.open = open
		found := false
		for _, b := range lk.batches {
			b.closed = b.name < open
			switch {
			case b.name == open:
				found = true
				r.checkOpenBatch(c, b)
			case b.name > open && !(r.Live && prepared(b)):
				c.add("L5", b.name, "newer than the open folder %s", open)
			}
		}
		if !found {
			c.add("L5", open, "named in %s but missing", changelogFile)
		}
	}
	for _, b := range lk.batches {
		if !b.closed {
			continue
		}
		marker, ok := b.file(modelFile)
		switch {
		case !ok:
			c.add("L5", b.name, "closed folder without %s", modelFile)
		case marker.size == 0:
			c.add("M3", b.name+"/"+modelFile, "zero bytes in a closed folder")
		case r.Times:
			for _, f := range b.files {
				if f.time.After(marker.time) {
					c.add("M3", b.name+"/"+f.rel, "written after the marker")
				}
			}
		}
	}
}

func (r *Reader) checkOpenBatch(c *collector, b *batch) {
	if len(b.files) == 0 {
		c.add("L5", b.name, "the open folder holds no file")
	}
	if b.marked() && !r.Live {
		c.add("M3", b.name+"/"+modelFile, "the open folder already has its marker")
	}
}

// prepared tells whether a folder is the next one, before changelog.info
// names it: nothing but choice files in it (§14.2).
func prepared(b *batch) bool {
	for _, f := range b.files {
		if !strings.HasPrefix(f.rel, choiceDir+"/") && f.size > 0 {
			return false
		}
	}
	return true
}

// checkWildcards checks L2a: readers that glob */model.json, */<table>/*.csv
// and */OptionsetMetadata/*.csv must meet batch folders only.
func (r *Reader) checkWildcards(c *collector, lk *lake, root *model) {
	names := map[string]bool{choiceDir: true}
	for _, t := range lk.tables() {
		names[t] = true
	}
	if root != nil {
		for _, e := range root.entities {
			names[e.name] = true
		}
	}
	for _, d := range lk.rootDirs {
		entries, err := os.ReadDir(filepath.Join(r.dir, d))
		if err != nil {
			c.add("IO", d, "%v", err)
			continue
		}
		for _, e := range entries {
			switch {
			case !e.IsDir() && e.Name() == modelFile:
				c.add("L2a", d+"/"+modelFile, "only batch folders may hold a %s", modelFile)
			case e.IsDir() && names[e.Name()]:
				c.add("L2a", d+"/"+e.Name(), "only batch folders may hold a folder of this name")
			}
		}
	}
}
