package incrementalreader

import (
	"path"
	"slices"
	"strings"
)

// checkBatchLayout checks what lies in one batch folder: L3, L7, L8, L9, L10.
func checkBatchLayout(c *collector, b *batch) {
	known := func(table string) bool { return b.model == nil || b.model.entity(table) != nil }
	for _, d := range b.dirs {
		p := b.name + "/" + d
		top, rest, deep := strings.Cut(d, "/")
		_, nested := parseBatchName(path.Base(d))
		switch {
		case nested:
			c.add("L3", p, "a batch folder inside a batch folder")
		case top == choiceDir, top == trickleDir:
			if deep {
				c.add("L10", p, "unknown folder")
			}
		case !known(top):
			if !deep {
				c.add("L7", p, "no entity of this name in %s", modelFile)
			}
		case deep:
			c.add("L7", p, "a folder %q inside a table folder", rest)
		case !slices.ContainsFunc(b.files, func(f file) bool { return strings.HasPrefix(f.rel, d+"/") }):
			if b.closed {
				c.add("L9", p, "empty table folder")
			}
		}
	}
	for _, f := range b.files {
		checkBatchFile(c, b, f.rel, known)
	}
}

func checkBatchFile(c *collector, b *batch, rel string, known func(string) bool) {
	p := b.name + "/" + rel
	dir, base := path.Split(rel)
	dir = strings.TrimSuffix(dir, "/")
	ext := path.Ext(base)
	isJSON := ext == ".json"
	switch {
	case dir == "":
		if rel != modelFile && !(isJSON && strings.HasPrefix(base, "_")) {
			c.add("L10", p, "unknown file in a batch folder")
		}
	case dir == trickleDir:
		if !isJSON {
			c.add("L10", p, "only JSON belongs here")
		}
	case dir == choiceDir:
		if _, ok := choiceColumns[base]; !ok {
			c.add("L10", p, "not one of the five choice files")
		}
	case strings.Contains(dir, "/"):
		c.add("L7", p, "nested below a table folder")
	case ext != ".csv":
		c.add("L7", p, "a table folder holds <int>.csv only")
	case !known(dir):
		c.add("L7", p, "no entity %q in %s", dir, modelFile)
	default:
		if _, ok := fileNumber(strings.TrimSuffix(base, ext)); !ok {
			c.add("L8", p, "the file name is not a base-10 int")
		}
	}
}
