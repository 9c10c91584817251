package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/big"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"lakelink"
)

// An object is a JSON object of the lake, whoever wrote it.
type object = map[string]any

func deltaFolder(table lakelink.TableName) string {
	return "deltalake/" + string(table) + "_partitioned/"
}

// commits lists the names of a table's commits, oldest first.
func (c *lakeCopy) commits(table lakelink.TableName) []string {
	return slices.DeleteFunc(c.files(deltaFolder(table)+"_delta_log/"), func(name string) bool { return path.Ext(name) != ".json" })
}

func (c *lakeCopy) newest(table lakelink.TableName) string {
	all := c.commits(table)
	return all[len(all)-1]
}

// commit reads a commit's actions.
func (c *lakeCopy) commit(name string) []object {
	c.t.Helper()
	var actions []object
	for line := range bytes.Lines(c.read(name)) {
		var a object
		decode(c.t, line, &a)
		actions = append(actions, a)
	}
	return actions
}

// setCommit gives the commit no checksum, so that nothing but its content is wrong.
func (c *lakeCopy) setCommit(name string, actions []object) {
	c.t.Helper()
	var b []byte
	for _, a := range actions {
		if info, ok := a["commitInfo"].(object); ok {
			delete(info["lakelink"].(object), "sum")
		}
		b = append(b, encode(c.t, a)...)
	}
	c.write(name, b)
}

// dropAction removes the only action of that kind from a commit, and returns it.
func (c *lakeCopy) dropAction(name, kind string) object {
	c.t.Helper()
	actions := c.commit(name)
	i := slices.IndexFunc(actions, func(a object) bool { return a[kind] != nil })
	if i < 0 {
		c.t.Fatalf("%s has no %s", name, kind)
	}
	gone := actions[i][kind].(object)
	c.setCommit(name, slices.Delete(actions, i, i+1))
	return gone
}

// live lists the paths of a table's data files with their rows. Tables with checkpoints need not apply.
func (c *lakeCopy) live(table lakelink.TableName) map[string]object {
	c.t.Helper()
	files := map[string]object{}
	for _, name := range c.commits(table) {
		for _, a := range c.commit(name) {
			if add, ok := a["add"].(object); ok {
				files[add["path"].(string)] = add
			}
			if gone, ok := a["remove"].(object); ok {
				delete(files, gone["path"].(string))
			}
		}
	}
	return files
}

// setAdd changes the add action of a data file, wherever in the log it is.
func (c *lakeCopy) setAdd(table lakelink.TableName, file string, change func(add object)) {
	c.t.Helper()
	for _, name := range c.commits(table) {
		actions, found := c.commit(name), false
		for _, a := range actions {
			if add, ok := a["add"].(object); ok && add["path"] == file {
				change(add)
				found = true
			}
		}
		if found {
			c.setCommit(name, actions)
			return
		}
	}
	c.t.Fatalf("no commit adds %s", file)
}

// A parquetFile is a data file as rows of JSON, under its own schema.
type parquetFile struct {
	schema *arrow.Schema
	rows   []object
}

func (c *lakeCopy) parquet(name string) parquetFile {
	c.t.Helper()
	pq, err := file.NewParquetReader(bytes.NewReader(c.read(name)))
	if err != nil {
		c.t.Fatal(err)
	}
	defer pq.Close()
	fr, err := pqarrow.NewFileReader(pq, pqarrow.ArrowReadProperties{BatchSize: 1 << 20}, memory.DefaultAllocator)
	if err != nil {
		c.t.Fatal(err)
	}
	rr, err := fr.GetRecordReader(c.t.Context(), nil, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rr.Release()
	f := parquetFile{schema: rr.Schema()}
	for rr.Next() {
		b, err := rr.RecordBatch().MarshalJSON()
		if err != nil {
			c.t.Fatal(err)
		}
		var rows []object
		decode(c.t, b, &rows)
		f.rows = append(f.rows, rows...)
	}
	return f
}

// rewrite replaces a data file by other rows and tells the log, so that only the content is wrong.
func (c *lakeCopy) rewrite(table lakelink.TableName, path string, f parquetFile) {
	c.t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, f.schema, bytes.NewReader(encode(c.t, f.rows)))
	if err != nil {
		c.t.Fatal(err)
	}
	var buf bytes.Buffer
	w, err := pqarrow.NewFileWriter(f.schema, &buf, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy)),
		pqarrow.DefaultWriterProps())
	if err != nil {
		c.t.Fatal(err)
	}
	if err := w.Write(rec); err != nil {
		c.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.write(deltaFolder(table)+path, buf.Bytes())
	c.setAdd(table, path, func(add object) {
		add["size"] = buf.Len()
		add["tags"] = object{"lakelink.crc32c": fmt.Sprintf("%08x", crc32.Checksum(buf.Bytes(), crc32.MakeTable(crc32.Castagnoli)))}
		var stats object
		decode(c.t, []byte(add["stats"].(string)), &stats)
		stats["numRecords"] = len(f.rows)
		add["stats"] = strings.TrimSpace(string(encode(c.t, stats)))
	})
}

// rowWith finds a live row with a value in a column that ok accepts: the file it is in, and its place.
func (c *lakeCopy) rowWith(table lakelink.TableName, column string, ok func(v any) bool) (string, parquetFile, int) {
	c.t.Helper()
	for path := range c.live(table) {
		f := c.parquet(deltaFolder(table) + path)
		for i, row := range f.rows {
			if ok(row[column]) {
				return path, f, i
			}
		}
	}
	c.t.Fatalf("no row of %s suits in column %s", table, column)
	return "", parquetFile{}, 0
}

func rowID(t *testing.T, row object) lakelink.ID {
	t.Helper()
	id, err := lakelink.ParseID(row["Id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// columnOf finds a column of a table that ok accepts and that has a value in some row that fits.
func (c *lakeCopy) columnOf(table lakelink.TableName, ok func(lakelink.Field) bool, fits func(v any) bool) string {
	c.t.Helper()
	for _, f := range c.defs[table].Fields() {
		if !ok(f) || f.Column.Calculated {
			continue
		}
		for path := range c.live(table) {
			if slices.ContainsFunc(c.parquet(deltaFolder(table)+path).rows, func(row object) bool { return fits(row[f.Name]) }) {
				return f.Name
			}
		}
	}
	c.t.Fatalf("no column of %s suits", table)
	return ""
}

func present(v any) bool { return v != nil }

func deltaCases(t *testing.T, p *patient) {
	run := func(name string, do func(c *lakeCopy)) {
		t.Run(name, func(t *testing.T) { do(p.copy(t)) })
	}
	inDelta := func(table lakelink.TableName, parts ...string) finding {
		return finding{table: table, format: lakelink.Delta, error: parts}
	}

	run("a rewritten file with the same rows is no damage", func(c *lakeCopy) {
		for _, table := range []lakelink.TableName{"account", "opportunity", "new_device"} {
			path, f, _ := c.rowWith(table, "Id", present)
			c.rewrite(table, path, f)
		}
		c.wantEqual(damaged...)
	})

	// The log.
	run("an add is dropped from the newest commit", func(c *lakeCopy) {
		add := c.dropAction(c.newest("account"), "add")
		f := c.parquet(deltaFolder("account") + add["path"].(string))
		var ids []lakelink.ID
		for _, row := range f.rows {
			ids = append(ids, rowID(c.t, row))
		}
		c.want(finding{table: "account", format: lakelink.Delta, missing: int64(len(ids)), ids: ids})
	})
	run("a remove is undone", func(c *lakeCopy) {
		old := c.dropAction(c.newest("account"), "remove")
		f := c.parquet(deltaFolder("account") + old["path"].(string))
		var ids []lakelink.ID
		for _, row := range f.rows {
			ids = append(ids, rowID(c.t, row))
		}
		if !slices.Contains(ids, c.gone[0]) {
			c.t.Fatal("the old file has no row that was deleted")
		}
		c.want(finding{table: "account", format: lakelink.Delta, extra: int64(len(ids)), ids: ids})
	})
	run("the newest commit is deleted", func(c *lakeCopy) {
		c.remove(c.newest("account"))
		c.want(finding{table: "account", format: lakelink.Delta, missing: 1, extra: 1, different: 2,
			ids: slices.Concat(c.changed, c.gone, []lakelink.ID{c.added})})
	})
	run("a commit in the middle is deleted", func(c *lakeCopy) {
		// Readers stop at the gap: the table is as it was after the load.
		c.remove(c.commits("account")[1])
		results, err := c.verify("account")
		if err != nil {
			c.t.Fatal(err)
		}
		if r := results[lakelink.Delta]; r.Error == "" && (r.Missing != 1 || r.Extra != 2 || r.Different != 4) {
			c.t.Error(text(r))
		}
	})
	run("the first commit is deleted", func(c *lakeCopy) {
		c.remove(c.commits("opportunity")[0])
		c.want(inDelta("opportunity", "opportunity", "deltalake/opportunity_partitioned/"))
	})
	run("a commit is garbage", func(c *lakeCopy) {
		c.write(c.newest("account"), []byte("{\"commitInfo\":\x00\xff"))
		c.want(inDelta("account", c.newest("account"), "line 1"))
	})
	run("a commit is empty", func(c *lakeCopy) {
		c.write(c.newest("account"), nil)
		c.want(inDelta("account", c.newest("account")))
	})
	run("a commit is cut off in its last line", func(c *lakeCopy) {
		b := c.read(c.newest("account"))
		c.write(c.newest("account"), b[:len(b)-100])
		c.want(inDelta("account", c.newest("account")))
	})
	run("a commit is cut off between two lines", func(c *lakeCopy) {
		b := c.read(c.newest("account"))
		c.write(c.newest("account"), b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1])
		c.want(inDelta("account", c.newest("account"), "checksum"))
	})
	run("a commit has another lower bound of a column", func(c *lakeCopy) {
		// Engines pass over files by these bounds: rows would be missing from their answers.
		b := c.read(c.newest("account"))
		i := bytes.Index(b, []byte(`\"minValues\":{\"Id\":\"`)) + len(`\"minValues\":{\"Id\":\"`)
		b[i] = 'f'
		c.write(c.newest("account"), b)
		c.want(inDelta("account", c.newest("account"), "checksum"))
	})
	run("a commit has an action in capitals", func(c *lakeCopy) {
		c.write(c.newest("account"), bytes.Replace(c.read(c.newest("account")), []byte(`{"add":`), []byte(`{"Add":`), 1))
		c.want(inDelta("account", c.newest("account"), "checksum"))
	})
	run("a file has a size below zero in the log", func(c *lakeCopy) {
		path, _, _ := c.rowWith("account", "Id", present)
		c.setAdd("account", path, func(add object) { add["size"] = -2345 })
		c.want(inDelta("account", path))
	})
	run("a file is in another partition by the log", func(c *lakeCopy) {
		path, _, _ := c.rowWith("account", "Id", present)
		c.setAdd("account", path, func(add object) { add["partitionValues"] = object{"PartitionId": "1999"} })
		c.want(inDelta("account", path, "1999"))
	})
	run("a file has another number of rows by the log", func(c *lakeCopy) {
		path, _, _ := c.rowWith("account", "Id", present)
		c.setAdd("account", path, func(add object) { add["stats"] = `{"numRecords":100}` })
		c.want(inDelta("account", path, "100"))
	})

	// The checkpoint is made from the log: while the log is whole, nothing is lost with it.
	checkpoint := deltaFolder("contact") + "_delta_log/00000000000000000020.checkpoint.parquet"
	for name, do := range map[string]func(c *lakeCopy){
		"deleted":     func(c *lakeCopy) { c.remove(checkpoint) },
		"emptied":     func(c *lakeCopy) { c.write(checkpoint, nil) },
		"truncated":   func(c *lakeCopy) { b := c.read(checkpoint); c.write(checkpoint, b[:len(b)/2]) },
		"overwritten": func(c *lakeCopy) { c.write(checkpoint, bytes.Repeat([]byte{0xa5}, 5000)) },
	} {
		run("a checkpoint is "+name+" and the log is whole", func(c *lakeCopy) {
			do(c)
			c.wantEqual("contact")
		})
	}
	run("a checkpoint is deleted and the log is not whole", func(c *lakeCopy) {
		c.remove(checkpoint)
		c.rename(c.commits("contact")[0], "../removed.json")
		c.want(inDelta("contact", deltaFolder("contact")))
	})
	run("commits that a checkpoint has taken in are garbage", func(c *lakeCopy) {
		for _, name := range c.commits("contact")[:20] {
			c.write(name, []byte("{"))
		}
		c.wantEqual("contact")
	})
	run("the pointer to the checkpoint is garbage", func(c *lakeCopy) {
		c.write(deltaFolder("contact")+"_delta_log/_last_checkpoint", []byte("?"))
		c.wantEqual("contact")
	})

	// Data files.
	run("a data file is deleted", func(c *lakeCopy) {
		path, _, _ := c.rowWith("opportunity", "Id", present)
		c.remove(deltaFolder("opportunity") + path)
		c.want(inDelta("opportunity", deltaFolder("opportunity")+path, "missing"))
	})
	run("a data file is truncated", func(c *lakeCopy) {
		path, _, _ := c.rowWith("opportunity", "Id", present)
		name := deltaFolder("opportunity") + path
		b := c.read(name)
		c.write(name, b[:len(b)-1])
		c.want(inDelta("opportunity", name, "bytes"))
	})
	run("a bit of a data page is flipped", func(c *lakeCopy) {
		path, _, _ := c.rowWith("opportunity", "Id", present)
		name := deltaFolder("opportunity") + path
		b := c.read(name)
		b[len(b)/3] ^= 0x10
		c.write(name, b)
		c.want(inDelta("opportunity", name, "checksum"))
	})
	run("two data files have changed places", func(c *lakeCopy) {
		var names []string
		for p := range c.live("opportunity") {
			names = append(names, deltaFolder("opportunity")+p)
		}
		a, b := c.read(names[0]), c.read(names[1])
		c.write(names[0], b)
		c.write(names[1], a)
		c.want(inDelta("opportunity", "deltalake/opportunity_partitioned/PartitionId="))
	})

	// Rows.
	run("a row is missing", func(c *lakeCopy) {
		path, f, i := c.rowWith("opportunity", "Id", present)
		id := rowID(c.t, f.rows[i])
		f.rows = slices.Delete(f.rows, i, i+1)
		c.rewrite("opportunity", path, f)
		c.want(finding{table: "opportunity", format: lakelink.Delta, missing: 1, ids: []lakelink.ID{id}})
	})
	run("a row is there twice", func(c *lakeCopy) {
		path, f, i := c.rowWith("opportunity", "Id", present)
		id := rowID(c.t, f.rows[i])
		f.rows = append(f.rows, f.rows[i])
		c.rewrite("opportunity", path, f)
		c.want(finding{table: "opportunity", format: lakelink.Delta, extra: 1, ids: []lakelink.ID{id}})
	})
	run("a row has another id", func(c *lakeCopy) {
		path, f, i := c.rowWith("opportunity", "Id", present)
		was := rowID(c.t, f.rows[i])
		now := was
		now[15] ^= 1
		f.rows[i]["Id"], f.rows[i]["opportunityid"] = now.String(), now.String()
		c.rewrite("opportunity", path, f)
		c.want(finding{table: "opportunity", format: lakelink.Delta, missing: 1, extra: 1, ids: []lakelink.ID{was, now}})
	})
	cellCases(t, p)
}

// cellCases change one value of each type in a data file of Delta.
func cellCases(t *testing.T, p *patient) {
	ofType := func(types ...lakelink.ColumnType) func(lakelink.Field) bool {
		return func(f lakelink.Field) bool { return !f.Target && slices.Contains(types, f.Column.Type) }
	}
	date := func(b lakelink.DateBehavior) func(lakelink.Field) bool {
		return func(f lakelink.Field) bool {
			return f.Column.Type == lakelink.TypeDateTime && f.Column.Behavior == b
		}
	}
	number := func(delta int64) func(any) any {
		return func(v any) any {
			n, ok := new(big.Int).SetString(v.(json.Number).String(), 10)
			if !ok {
				panic(v)
			}
			return json.Number(n.Add(n, big.NewInt(delta)).String())
		}
	}
	lastDigit := func(v any) any {
		s := v.(string)
		last := byte('1')
		if s[len(s)-1] == last {
			last = '2'
		}
		return s[:len(s)-1] + string(last)
	}
	later := func(layout string, d time.Duration) func(any) any {
		return func(v any) any {
			at, err := time.Parse(layout, v.(string))
			if err != nil {
				panic(err)
			}
			return at.Add(d).Format(layout)
		}
	}
	long := func(v any) bool { s, ok := v.(string); return ok && len(s) > 3 }

	for _, c := range []struct {
		name   string
		table  lakelink.TableName
		column func(lakelink.Field) bool
		fits   func(v any) bool
		change func(v any) any
	}{
		{"text by a letter", "account", ofType(lakelink.TypeString), long, func(v any) any { s := v.(string); return s[:2] + "#" + s[3:] }},
		{"text by a blank at its end", "account", ofType(lakelink.TypeString), long, func(v any) any { return v.(string) + " " }},
		{"memo", "new_device", ofType(lakelink.TypeMemo), long, func(v any) any { return v.(string) + "." }},
		{"decimal by its last digit", "new_device", ofType(lakelink.TypeDecimal), present, lastDigit},
		{"money by its last digit", "opportunity", ofType(lakelink.TypeMoney), present, lastDigit},
		{"instant by a microsecond", "opportunity", func(f lakelink.Field) bool {
			return date(lakelink.UserLocal)(f) && f.Name != "createdon"
		}, present, later(time.RFC3339Nano, time.Microsecond)},
		{"wall clock by a microsecond", "new_device", date(lakelink.TimeZoneIndependent), present, later(time.RFC3339Nano, time.Microsecond)},
		{"day", "new_device", date(lakelink.DateOnly), present, later("2006-01-02", 24*time.Hour)},
		{"boolean", "opportunity", ofType(lakelink.TypeBoolean), present, func(v any) any { return !v.(bool) }},
		{"choice", "new_device", ofType(lakelink.TypeChoice), present, number(1)},
		{"several choices", "new_device", ofType(lakelink.TypeMultiChoice), func(v any) bool {
			s, ok := v.(string)
			return ok && strings.Contains(s, ",")
		}, func(v any) any { s := v.(string); return s[:strings.LastIndexByte(s, ',')] }},
		{"state", "opportunity", ofType(lakelink.TypeState), present, number(1)},
		{"whole number", "opportunity", ofType(lakelink.TypeInteger), present, number(1)},
		{"version", "opportunity", func(f lakelink.Field) bool { return f.Name == lakelink.VersionColumn }, present, number(-1)},
		{"lookup", "new_device", ofType(lakelink.TypeCustomer), present, lastDigit},
		{"lookup's table", "new_device", func(f lakelink.Field) bool { return f.Target && f.Column.Type == lakelink.TypeCustomer }, present,
			func(v any) any {
				if v == "account" {
					return "contact"
				}
				return "account"
			}},
		{"value by null", "account", ofType(lakelink.TypeString), long, func(any) any { return nil }},
		{"null by an empty text", "account", ofType(lakelink.TypeString), func(v any) bool { return v == nil }, func(any) any { return "" }},
		{"null by false", "account", ofType(lakelink.TypeBoolean), func(v any) bool { return v == nil }, func(any) any { return false }},
		{"null by zero", "account", ofType(lakelink.TypeMoney), func(v any) bool { return v == nil }, func(any) any { return "0" }},
	} {
		t.Run("changed cell, "+c.name, func(t *testing.T) {
			l := p.copy(t)
			column := l.columnOf(c.table, c.column, c.fits)
			path, f, i := l.rowWith(c.table, column, c.fits)
			was := f.rows[i][column]
			f.rows[i][column] = c.change(was)
			l.rewrite(c.table, path, f)
			l.want(finding{table: c.table, format: lakelink.Delta, different: 1, ids: []lakelink.ID{rowID(t, f.rows[i])},
				columns: []string{column}})
		})
	}
}
