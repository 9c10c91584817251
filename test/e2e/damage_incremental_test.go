package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lakelink"
)

// folders lists the closed folders, oldest first.
func (c *lakeCopy) folders() []string {
	c.t.Helper()
	var out []string
	for _, name := range c.files("2") {
		if path.Base(name) == "_lakelink.json" {
			out = append(out, path.Dir(name))
		}
	}
	return out
}

// setManifest changes a folder's manifest.
func (c *lakeCopy) setManifest(folder string, change func(m object)) {
	c.t.Helper()
	var m object
	decode(c.t, c.read(folder+"/_lakelink.json"), &m)
	change(m)
	c.write(folder+"/_lakelink.json", encode(c.t, m))
}

// lines reads a data file's records, each with its line end. Those that are looked at have no line end inside.
func (c *lakeCopy) lines(name string) []string {
	c.t.Helper()
	return slices.Collect(strings.Lines(string(c.read(name))))
}

// setLines writes a data file and tells the manifest, so that only the content is wrong.
func (c *lakeCopy) setLines(folder string, table lakelink.TableName, file string, lines []string) {
	c.t.Helper()
	b := []byte(strings.Join(lines, ""))
	more := len(lines) - len(c.lines(folder+"/"+string(table)+"/"+file)) // texts have line ends, too
	c.write(folder+"/"+string(table)+"/"+file, b)
	c.setManifest(folder, func(m object) {
		for _, f := range m["tables"].(object)[string(table)].(object)["files"].([]any) {
			if f := f.(object); f["name"] == file {
				sum := sha256.Sum256(b)
				rows, err := f["rows"].(json.Number).Int64()
				if err != nil {
					c.t.Fatal(err)
				}
				f["rows"], f["bytes"], f["sha256"] = int(rows)+more, len(b), hex.EncodeToString(sum[:])
			}
		}
	})
}

// lineOf finds the record of an id in a data file, and its place.
func (c *lakeCopy) lineOf(name string, id lakelink.ID) (lines []string, i int) {
	c.t.Helper()
	lines = c.lines(name)
	i = slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, id.String()+",") })
	if i < 0 {
		c.t.Fatalf("%s has no row %s", name, id)
	}
	return lines, i
}

// changeCell replaces a cell of a line that has no commas in its texts.
func (c *lakeCopy) changeCell(folder, line, column string, change func(string) string) string {
	c.t.Helper()
	at := -1
	var m object
	decode(c.t, c.read(folder+"/_lakelink.json"), &m)
	attributes := m["tables"].(object)["account"].(object)["attributes"].([]any)
	for i, a := range attributes {
		if name, _, _ := strings.Cut(a.(string), " "); name == column {
			at = i
		}
	}
	cells := strings.Split(strings.TrimSuffix(line, "\n"), ",")
	if at < 0 || len(cells) != len(attributes) {
		c.t.Fatalf("%d cells for %d columns, %s is number %d", len(cells), len(attributes), column, at)
	}
	cells[at] = change(cells[at])
	return strings.Join(cells, ",") + "\n"
}

func incrementalCases(t *testing.T, p *patient) {
	run := func(name string, do func(c *lakeCopy, folders []string)) {
		t.Run(name, func(t *testing.T) { c := p.copy(t); do(c, c.folders()) })
	}
	broken := func(parts ...string) finding {
		return finding{table: "account", format: lakelink.Incremental, error: parts}
	}
	plus := func(s string) string {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		return strconv.Itoa(n + 1)
	}
	const data = "/account/2026.csv"
	const deletes = "/account/1.csv"

	// Data files. The sum in the manifest finds any change; with the manifest changed too, the content does.
	run("a line is removed", func(c *lakeCopy, folders []string) {
		lines, i := c.lineOf(folders[0]+data, p.steady[0])
		c.write(folders[0]+data, []byte(strings.Join(slices.Delete(lines, i, i+1), "")))
		c.want(broken(folders[0] + data))
	})
	run("a line is removed, and the manifest knows", func(c *lakeCopy, folders []string) {
		lines, i := c.lineOf(folders[0]+data, p.steady[0])
		c.setLines(folders[0], "account", "2026.csv", slices.Delete(lines, i, i+1))
		c.want(finding{table: "account", format: lakelink.Incremental, missing: 1, ids: p.steady[:1]})
	})
	run("a line comes again in a higher version", func(c *lakeCopy, folders []string) {
		lines, i := c.lineOf(folders[0]+data, p.steady[0])
		again := c.changeCell(folders[0], lines[i], "versionnumber", plus)
		c.write(folders[0]+data, []byte(strings.Join(append(lines, again), "")))
		c.want(broken(folders[0] + data))
	})
	run("a line comes again in a higher version, and the manifest knows", func(c *lakeCopy, folders []string) {
		lines, i := c.lineOf(folders[0]+data, p.steady[0])
		again := c.changeCell(folders[0], lines[i], "versionnumber", plus)
		c.setLines(folders[0], "account", "2026.csv", append(lines, again))
		c.want(finding{table: "account", format: lakelink.Incremental, different: 1, ids: p.steady[:1], columns: []string{"versionnumber"}})
	})
	run("a row that was deleted comes again, and the manifest knows", func(c *lakeCopy, folders []string) {
		lines, i := c.lineOf(folders[0]+data, p.gone[0])
		again := c.changeCell(folders[0], lines[i], "versionnumber", func(string) string { return "99999999" })
		c.setLines(folders[0], "account", "2026.csv", append(lines, again))
		c.want(finding{table: "account", format: lakelink.Incremental, extra: 1, ids: p.gone})
	})
	changeTelephone := func(s string) string { return strings.Replace(s, "0199", "0198", 1) }
	run("a cell is changed", func(c *lakeCopy, folders []string) {
		lines, i := c.lineOf(folders[2]+data, p.changed[0])
		lines[i] = c.changeCell(folders[2], lines[i], "telephone2", changeTelephone)
		c.write(folders[2]+data, []byte(strings.Join(lines, "")))
		c.want(broken(folders[2]+data, "other content"))
	})
	run("a cell is changed, and the manifest knows", func(c *lakeCopy, folders []string) {
		lines, i := c.lineOf(folders[2]+data, p.changed[0])
		lines[i] = c.changeCell(folders[2], lines[i], "telephone2", changeTelephone)
		c.setLines(folders[2], "account", "2026.csv", lines)
		c.want(finding{table: "account", format: lakelink.Incremental, different: 1, ids: p.changed[:1], columns: []string{"telephone2"}})
	})
	run("a cell is emptied, and the manifest knows", func(c *lakeCopy, folders []string) {
		lines, i := c.lineOf(folders[2]+data, p.changed[0])
		lines[i] = c.changeCell(folders[2], lines[i], "telephone2", func(string) string { return "" })
		c.setLines(folders[2], "account", "2026.csv", lines)
		c.want(finding{table: "account", format: lakelink.Incremental, different: 1, ids: p.changed[:1], columns: []string{"telephone2"}})
	})
	run("an older image is changed, and the manifest knows", func(c *lakeCopy, folders []string) {
		// Another image of the row holds: no reader that follows the versions sees it.
		lines, i := c.lineOf(folders[1]+data, p.changed[0])
		lines[i] = c.changeCell(folders[1], lines[i], "telephone2", func(s string) string { return strings.Replace(s, "0100", "0101", 1) })
		c.setLines(folders[1], "account", "2026.csv", lines)
		c.wantEqual("account")
	})
	run("the deletes are removed", func(c *lakeCopy, folders []string) {
		c.remove(folders[2] + deletes)
		c.want(broken(folders[2]+deletes, "gone"))
	})
	run("the deletes are removed, and the manifest knows", func(c *lakeCopy, folders []string) {
		c.remove(folders[2] + deletes)
		c.setManifest(folders[2], func(m object) {
			e := m["tables"].(object)["account"].(object)
			e["files"] = slices.DeleteFunc(e["files"].([]any), func(f any) bool { return f.(object)["name"] == "1.csv" })
		})
		c.want(broken(folders[2]+"/model.json", "other files")) // consumers are still sent to it

		var m object
		decode(c.t, c.read(folders[2]+"/model.json"), &m)
		for _, e := range m["entities"].([]any) {
			e := e.(object)
			e["partitions"] = slices.DeleteFunc(e["partitions"].([]any), func(p any) bool { return p.(object)["name"] == "1" })
		}
		c.write(folders[2]+"/model.json", encode(c.t, m))
		c.want(finding{table: "account", format: lakelink.Incremental, extra: 1, ids: p.gone})
	})
	run("a data file is truncated", func(c *lakeCopy, folders []string) {
		b := c.read(folders[0] + data)
		c.write(folders[0]+data, b[:len(b)/2])
		c.want(broken(folders[0]+data, "bytes"))
	})
	run("a data file is cut off within a line, and the manifest knows", func(c *lakeCopy, folders []string) {
		lines := c.lines(folders[0] + data)
		last := &lines[len(lines)-1]
		*last = (*last)[:len(*last)-5]
		c.setLines(folders[0], "account", "2026.csv", lines)
		c.want(broken(folders[0] + data))
	})
	run("two data files have changed places", func(c *lakeCopy, folders []string) {
		c.rename(folders[0]+"/account/2015.csv", "x")
		c.rename(folders[0]+"/account/2016.csv", folders[0]+"/account/2015.csv")
		c.rename("x", folders[0]+"/account/2016.csv")
		c.want(broken(folders[0] + "/account/201"))
	})

	// What announces them.
	for _, file := range []string{"model.json", "_lakelink.json"} {
		for name, do := range map[string]func(c *lakeCopy, name string){
			"emptied": func(c *lakeCopy, name string) { c.write(name, nil) },
			"cut off": func(c *lakeCopy, name string) { b := c.read(name); c.write(name, b[:len(b)/2]) },
			"garbage": func(c *lakeCopy, name string) { c.write(name, bytes.Repeat([]byte{0xa5}, 100)) },
			"removed": func(c *lakeCopy, name string) { c.remove(name) },
		} {
			for i, of := range []string{"first", "middle", "newest"} {
				run(file+" of the "+of+" folder is "+name, func(c *lakeCopy, folders []string) {
					do(c, folders[i]+"/"+file)
					if i == 1 { // another table's chain of folders does not lead through this one
						c.wantEqual("opportunity")
					}
					c.want(broken(folders[i]))
				})
			}
		}
	}
	run("the root model.json is emptied", func(c *lakeCopy, _ []string) {
		c.write("model.json", nil)
		c.want(broken("model.json"))
	})
	run("the root model.json is removed", func(c *lakeCopy, _ []string) {
		c.remove("model.json")
		c.want(broken("model.json", "gone"))
	})
	run("a column has another name in the root model.json", func(c *lakeCopy, _ []string) {
		c.write("model.json", bytes.Replace(c.read("model.json"), []byte(`"telephone2"`), []byte(`"telephone4"`), 1))
		c.want(broken("model.json", "account", "columns"))
	})
	run("a choice file has another label", func(c *lakeCopy, folders []string) {
		name := folders[2] + "/OptionsetMetadata/StatusMetadata.csv"
		c.write(name, bytes.Replace(c.read(name), []byte("Inactive"), []byte("inactive"), 1))
		c.want(broken(name, "other content"))
	})
	run("the first folder is removed", func(c *lakeCopy, folders []string) {
		c.remove(folders[0])
		c.want(broken(folders[0]+"/_lakelink.json", "gone"))
	})
	run("the middle folder is removed", func(c *lakeCopy, folders []string) {
		c.remove(folders[1])
		c.wantEqual("opportunity", "new_device_contact") // one table's trouble is its own
		c.want(broken(folders[1]+"/_lakelink.json", "gone"))
	})
	run("the newest folder is removed", func(c *lakeCopy, folders []string) {
		c.remove(folders[2])
		c.want(broken("Changelog/changelog.info"))
	})
	run("folders have changed places", func(c *lakeCopy, folders []string) {
		c.rename(folders[0], "x")
		c.rename(folders[1], folders[0])
		c.rename("x", folders[1])
		c.want(broken("_lakelink.json", "not of this folder"))
	})
	const changelog = "Changelog/changelog.info"
	run("changelog.info is emptied", func(c *lakeCopy, _ []string) {
		c.write(changelog, nil)
		c.want(broken(changelog))
	})
	run("changelog.info is garbage", func(c *lakeCopy, _ []string) {
		c.write(changelog, []byte("yesterday"))
		c.want(broken(changelog, "yesterday"))
	})
	run("changelog.info is removed", func(c *lakeCopy, _ []string) {
		c.remove(changelog)
		c.want(broken("the lake does not hold the table"))
	})
	run("changelog.info names a folder that is not there", func(c *lakeCopy, _ []string) {
		c.write(changelog, []byte("2031-01-01T00.00.00Z"))
		c.want(broken(changelog, "2031-01-01T00.00.00Z"))
	})
	run("changelog.info names a time between two folders", func(c *lakeCopy, folders []string) {
		c.write(changelog, []byte("2020-01-01T00.00.00Z"))
		c.want(broken("the lake does not hold the table"))
	})
	run("changelog.info names the folder before", func(c *lakeCopy, folders []string) {
		// That is how a lake looks when a close died before its last step, but for the folder after: the
		// reader cannot tell, and shows what the folder holds.
		c.write(changelog, []byte(folders[1]))
		results, err := c.verify("account")
		if err != nil {
			c.t.Fatal(err)
		}
		if r := results[lakelink.Incremental]; r.Equal() {
			c.t.Error(text(r))
		}
	})
}
