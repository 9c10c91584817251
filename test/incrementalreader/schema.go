package incrementalreader

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// readModel reads and parses a model file; a missing one is nil without a
// violation.
func (r *Reader) readModel(c *collector, path string, kind modelKind) *model {
	raw, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		c.add("IO", path, "%v", err)
		return nil
	}
	return parseModel(c, raw, path, kind)
}

// checkModels reads the model of every batch that has its marker, and the root
// model. It checks M5 (partitions and files), M14 and K2.
func (r *Reader) checkModels(c *collector, lk *lake) (root *model) {
	for _, b := range lk.batches {
		if !b.marked() {
			continue
		}
		b.model = r.readModel(c, b.name+"/"+modelFile, batchModel)
		if b.model != nil {
			checkPartitions(c, b)
			r.checkTableModels(c, b.name+"/"+trickleDir, b.model, true)
			checkOrphans(c, b)
		}
	}
	root = r.readModel(c, modelFile, rootModel)
	if root != nil {
		r.checkTableModels(c, trickleDir, root, false)
	}
	return root
}

// checkPartitions compares a model's partitions with the files, both ways (M5).
func checkPartitions(c *collector, b *batch) {
	path := b.name + "/" + modelFile
	for _, e := range b.model.entities {
		listed := map[string]bool{}
		for _, p := range e.partitions {
			listed[p.name] = true
			rel := e.name + "/" + p.name + ".csv"
			if _, ok := b.file(rel); !ok {
				c.add("M5", path, "%s: partition %q has no file %s", e.name, p.name, rel)
			}
			u, err := url.Parse(p.location)
			if want := "/" + b.name + "/" + rel; err == nil && !strings.HasSuffix(u.Path, want) {
				c.add("M5", path, "%s: location %q does not end in %s", e.name, p.location, want)
			} else if err == nil && strings.Trim(strings.TrimSuffix(u.Path, want), "/") == "" {
				c.add("M5", path, "%s: location %q names no container", e.name, p.location)
			}
		}
		for _, name := range b.dataFiles(e.name) {
			if !listed[name] {
				c.add("M5", path, "%s: file %s.csv is no partition", e.name, name)
			}
		}
	}
}

// checkTableModels checks the <table>-model.json and <table>-EntityMetadata.json
// files of one folder (M14, K2). In a batch every table with data has the first.
func (r *Reader) checkTableModels(c *collector, dir string, whole *model, inBatch bool) {
	for i := range whole.entities {
		e := &whole.entities[i]
		path := dir + "/" + e.name + "-model.json"
		m := r.readModel(c, path, tableModel)
		switch {
		case m == nil:
			if inBatch && len(e.partitions) > 0 {
				c.add("M14", path, "missing or unreadable")
			}
		case len(m.entities) != 1 || m.entities[0].name != e.name:
			c.add("M14", path, "does not describe the one table %s", e.name)
		default:
			got := &m.entities[0]
			if len(got.attributes) != len(e.attributes) || !isPrefix(got, e) {
				c.add("M14", path, "attributes differ from those in %s", modelFile)
			}
		}
		r.checkEntityMetadata(c, dir+"/"+e.name+"-EntityMetadata.json")
	}
}

// checkOrphans finds tables that have a model file of their own and are not in
// the batch's model, as after a truncated one (M14).
func checkOrphans(c *collector, b *batch) {
	for _, f := range b.files {
		name, inside := strings.CutPrefix(f.rel, trickleDir+"/")
		table, isModel := strings.CutSuffix(name, "-model.json")
		if inside && isModel && b.model.entity(table) == nil {
			c.add("M14", b.name+"/"+f.rel, "table %s is not in %s", table, modelFile)
		}
	}
}

// metadataArrays are the six arrays of EntityMetadata.json (§4.2).
var metadataArrays = []string{
	"AttributeMetadata", "OptionSetMetadata", "GlobalOptionSetMetadata",
	"StateMetadata", "StatusMetadata", "TargetMetadata",
}

func (r *Reader) checkEntityMetadata(c *collector, path string) {
	raw, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	o, ok := asObject(raw)
	if err != nil || !ok {
		c.add("K2", path, "not one JSON object")
		return
	}
	for _, name := range metadataArrays {
		if _, ok := asArray(o[name]); !ok {
			c.add("K2", path, "no array %s", name)
		}
	}
}

// isPrefix tells whether the columns of short begin those of long, with names
// and types (M12).
func isPrefix(short, long *entity) bool {
	if len(short.attributes) > len(long.attributes) {
		return false
	}
	for i, a := range short.attributes {
		if b := long.attributes[i]; a.name != b.name || a.dataType != b.dataType {
			return false
		}
	}
	return true
}

// checkSchemas compares the models of the committed batches with each other
// and with the root model: M4, M12, M13.
func (r *Reader) checkSchemas(c *collector, lk *lake, root *model) {
	removed := map[string]bool{}
	for _, t := range r.Removed {
		removed[t] = true
	}
	batches := lk.committed()
	if root == nil && len(batches) > 0 {
		c.add("M13", modelFile, "the root model is missing or unreadable")
	}
	last := map[string]*entity{} // newest schema so far
	from := map[string]string{}
	for _, b := range batches {
		path := b.name + "/" + modelFile
		for i := range b.model.entities {
			e := &b.model.entities[i]
			if prev := last[e.name]; prev != nil && !isPrefix(prev, e) {
				c.add("M12", path, "%s: the columns of %s are no prefix", e.name, from[e.name])
			}
			last[e.name], from[e.name] = e, b.name
			if root == nil {
				continue
			}
			if top := root.entity(e.name); top != nil && !isPrefix(e, top) {
				c.add("M13", modelFile, "%s: the columns of %s are no prefix", e.name, b.name)
			} else if top == nil && b == batches[len(batches)-1] && !removed[e.name] {
				c.add("M13", modelFile, "table %s of %s is missing", e.name, b.name)
			}
		}
		for table := range last {
			// A table that left the root model has left the profile.
			if b.model.entity(table) == nil && !removed[table] && root.entity(table) != nil {
				c.add("M4", path, "table %s, listed in %s, is missing", table, from[table])
			}
		}
	}
}
