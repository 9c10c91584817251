package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lakelink"
	"lakelink/test/incrementalreader"
)

// randomCases change one byte of one file of the lake at a time. verify must find it, or there must be a
// reason why nobody who reads the data is told anything else: harmless knows those.
func randomCases(t *testing.T, p *patient) {
	const trials, seed = 165, 20261123
	t.Logf("%d trials, seed %d", trials, seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := p.copy(t)
	healthy := c.check()
	if len(healthy) > 0 {
		t.Errorf("the lake breaks rules before it is damaged: %s", strings.Join(healthy, "\n"))
	}
	byKind := map[string][]string{}
	for _, name := range c.files("") {
		if len(c.read(name)) > 0 {
			byKind[fileKind(name)] = append(byKind[fileKind(name)], name)
		}
	}
	kinds := slices.Sorted(maps.Keys(byKind))
	tally := map[string]int{}
	for i := range trials {
		of := byKind[kinds[i%len(kinds)]] // each kind of file has its turn: most files are data files
		name := of[r.IntN(len(of))]
		old := c.read(name)
		b := bytes.Clone(old)
		at, mask := r.IntN(len(b)), byte(1+r.IntN(255))
		b[at] ^= mask
		what := fmt.Sprintf("%s: byte %d of %d from %q to %q", name, at, len(b), old[at], b[at])
		c.must(os.WriteFile(c.path(name), b, 0o600))
		if c.found(name) {
			tally["found: "+fileKind(name)]++
		} else {
			reason := c.harmless(name, old, b)
			violations := healthy
			if !remark(name) && !strings.HasPrefix(name, "deltalake/") {
				violations = c.check()
			}
			if reason == "" || !slices.Equal(violations, healthy) {
				t.Errorf("trial %d, not found: %s\n%s", i, what, strings.Join(violations, "\n"))
			}
			tally["harmless: "+reason]++
		}
		c.must(os.WriteFile(c.path(name), old, 0o600))
	}
	for _, k := range slices.Sorted(maps.Keys(tally)) {
		t.Logf("%4d %s", tally[k], k)
	}
}

// fileKind sorts the files of a lake by what they are.
func fileKind(name string) string {
	switch base := path.Base(name); {
	case strings.HasPrefix(name, "_lakelink"):
		return "what only Lakelink reads"
	case base == "_lakelink.json", base == "changelog.info", base == "_last_checkpoint":
		return base
	case name == base:
		return "root " + base
	case base == "model.json":
		return base
	case strings.HasSuffix(base, ".checkpoint.parquet"):
		return "checkpoint"
	case strings.HasPrefix(name, deltaFolder("contact")) && strings.Contains(name, "/_delta_log/") && base <= "00000000000000000020.json":
		return "commit in a checkpoint"
	case strings.Contains(name, "/_delta_log/"):
		return "commit"
	case strings.Contains(name, "/OptionsetMetadata/"):
		return "choice file"
	case strings.Contains(name, "TrickleFeedService"):
		return "description"
	}
	return path.Ext(name)
}

// found tells whether verify finds anything in the tables and the format that a file concerns.
func (c *lakeCopy) found(name string) bool {
	tables := damaged
	for _, t := range damaged {
		if strings.Contains(name, "/"+string(t)+"/") || strings.Contains(name, "/"+string(t)+"_partitioned/") {
			tables = []lakelink.TableName{t}
		}
	}
	format := lakelink.Incremental
	if strings.HasPrefix(name, "deltalake/") {
		format = lakelink.Delta
	}
	for _, t := range tables {
		results, err := c.verify(t, format)
		if err != nil {
			return true
		}
		for _, r := range results {
			if !r.Equal() {
				return true
			}
		}
	}
	return false
}

// check lists what the independent reader finds in the incremental folders.
func (c *lakeCopy) check() []string {
	var out []string
	for _, v := range incrementalreader.Open(c.dir).Check() {
		out = append(out, v.String())
	}
	slices.Sort(out)
	return out
}

// remark tells whether a file may also break rules of the independent reader where verify finds nothing in it:
// descriptions and the labels of folders before the newest, as nothing says what was written; remarks in the root
// model.json, which may be ahead of the newest folder; and a folder's tables that have no rows in it.
func remark(name string) bool {
	return slices.Contains([]string{"description", "choice file", "model.json", "root model.json"}, fileKind(name))
}

// harmless says why a change that verify did not find changes nothing that is read as data, or "".
func (c *lakeCopy) harmless(name string, old, now []byte) string {
	switch kind := fileKind(name); kind {
	case "what only Lakelink reads":
		return "it is no data: claims, positions and locks are for Lakelink alone"
	case "_lakelink.json":
		return "a manifest is for Lakelink alone, and the rows it leads to are the same"
	case "description":
		return "it describes columns to people; the columns are in model.json"
	case "choice file":
		folders := c.folders()
		switch folder := strings.Split(name, "/")[0]; {
		case folder > folders[len(folders)-1]:
			return "the folder is not closed: its choice files are written again"
		case folder < folders[len(folders)-1]:
			return "labels of an earlier folder; those of the newest are compared"
		}
	case "model.json":
		if reflect.DeepEqual(modelData(old, false), modelData(now, false)) {
			return "it is about no table that has rows in the folder"
		}
	case "root model.json":
		if reflect.DeepEqual(modelData(old, true), modelData(now, true)) {
			return "a remark on a table, and no column"
		}
	case "checkpoint":
		return "GAP: a checkpoint has no checksum; the rows that it leads to are the same"
	case "_last_checkpoint":
		return "a pointer, and the log it leads to is the same"
	case "commit in a checkpoint":
		return "a checkpoint has taken the commit in"
	case "commit":
		if reflect.DeepEqual(logData(old), logData(now)) {
			return "an action's history: nothing that engines read rows by"
		}
	case ".parquet":
		table := lakelink.TableName(strings.TrimSuffix(strings.Split(name, "/")[1], "_partitioned"))
		if c.live(table)[strings.TrimPrefix(name, deltaFolder(table))] == nil {
			return "the data file is no longer in the table"
		}
	}
	return ""
}

// modelData is what consumers take from a model.json: the columns, in the root of all tables and else of those that
// have files, and these.
func modelData(b []byte, root bool) any {
	var m object
	if json.Unmarshal(b, &m) != nil {
		return string(b)
	}
	var out []any
	entities, _ := m["entities"].([]any)
	for _, e := range entities {
		e, _ := e.(object)
		if files, _ := e["partitions"].([]any); root || len(files) > 0 {
			out = append(out, e["name"], e["attributes"], e["partitions"])
		}
	}
	return out
}

// logData is what engines take from a commit.
func logData(b []byte) any {
	var out []any
	for line := range bytes.Lines(b) {
		var a object
		if json.Unmarshal(line, &a) != nil {
			return string(b)
		}
		part := func(kind string, keys ...string) {
			if of, ok := a[kind].(object); ok {
				out = append(out, kind)
				for _, k := range keys {
					out = append(out, of[k])
				}
			}
		}
		part("protocol", "minReaderVersion", "minWriterVersion")
		part("metaData", "format", "schemaString", "partitionColumns", "configuration")
		part("add", "path", "partitionValues", "size", "stats")
		part("remove", "path")
	}
	return out
}
