package delta_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/format/delta"
	"lakelink/internal/format/writertest"
	"lakelink/internal/lake/memlake"
)

// A clock that tests move.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Now()} }

func (c *clock) Now() time.Time { return c.now }

func open(t testing.TB, o delta.Options, table *lakelink.Table) (lakelink.Writer, lakelink.TableWriter) {
	t.Helper()
	if o.LinkID == "" {
		o.LinkID = "1"
	}
	if o.IndexDir == "" {
		o.IndexDir = t.TempDir()
	}
	w := delta.New(o)
	t.Cleanup(func() { w.Close() })
	tw, err := w.Table(t.Context(), table)
	must(t, err)
	return w, tw
}

func load(t testing.TB, tw lakelink.TableWriter, at int64, batches ...*lakelink.Batch) {
	t.Helper()
	l, err := tw.Load(t.Context())
	must(t, err)
	for _, b := range batches {
		must(t, l.Write(t.Context(), b))
	}
	must(t, l.Finish(t.Context(), writertest.At(at)))
}

func commit(t testing.TB, tw lakelink.TableWriter, at int64, batches ...*lakelink.Batch) {
	t.Helper()
	for _, b := range batches {
		must(t, tw.Write(t.Context(), b))
	}
	must(t, tw.Commit(t.Context(), writertest.At(at)))
}

func names(t testing.TB, lake lakelink.Lake, prefix string) []string {
	t.Helper()
	var out []string
	for info, err := range lake.List(context.Background(), prefix, false) {
		must(t, err)
		out = append(out, info.Name)
	}
	return out
}

func get(t testing.TB, lake lakelink.Lake, name string) []byte {
	t.Helper()
	r, _, err := lake.Get(t.Context(), name)
	must(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	must(t, err)
	return b
}

func put(t testing.TB, lake lakelink.Lake, name, content string) {
	t.Helper()
	_, err := lake.Put(t.Context(), name, strings.NewReader(content))
	must(t, err)
}

func count(t testing.TB, lake lakelink.Lake, table *lakelink.Table) int {
	t.Helper()
	rows, _, err := writertest.Read(t.Context(), delta.NewReader(lake), table)
	must(t, err)
	return len(rows)
}

const root = "deltalake/contact_partitioned/"

// TestReplayCommitsNothing: a commit that changes nothing leaves the lake as it is, until the
// position has grown old.
func TestReplayCommitsNothing(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake}, table)
	load(t, tw, 5, writertest.Rows(table, writertest.Contacts(1, 1, 2)...))
	before := len(names(t, lake, root))
	commit(t, tw, 6, writertest.Rows(table, writertest.Contacts(1, 1, 2)...), writertest.Deletes(table, writertest.ID(9)))
	if n := len(names(t, lake, root)); n != before {
		t.Errorf("a replay has left %d objects where %d were", n, before)
	}
	late := writertest.At(7)
	late.At = late.At.Add(2 * time.Hour)
	must(t, tw.Commit(t.Context(), late))
	if n := len(names(t, lake, root)); n != before+1 {
		t.Errorf("an old position has left %d objects where %d were", n, before)
	}
}

// TestFilesStayFew: however many small commits come, a partition keeps a bounded number of files.
func TestFilesStayFew(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake}, table)
	for v := int64(1); v <= 300; v++ {
		commit(t, tw, v, writertest.Rows(table, writertest.Contacts(v, 5*int(v))...))
	}
	v, err := delta.Files(t.Context(), lake, table.Name)
	must(t, err)
	if len(v.Files) > 16 {
		t.Errorf("%d files after 300 commits of a row each", len(v.Files))
	}
	if n := count(t, lake, table); n != 300 {
		t.Errorf("%d rows", n)
	}
}

// TestStateWithoutHelp: the table is read without _last_checkpoint, with a pointer to nowhere, and
// with a damaged checkpoint.
func TestStateWithoutHelp(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake, CheckpointEvery: 4}, table)
	for v := int64(1); v <= 30; v++ {
		commit(t, tw, v, writertest.Rows(table, writertest.Contacts(v, int(v))...))
	}
	log := root + "_delta_log/"
	for name, spoil := range map[string]func(){
		"untouched":          func() {},
		"pointer to nowhere": func() { put(t, lake, log+"_last_checkpoint", `{"version":999,"size":1}`) },
		"damaged pointer":    func() { put(t, lake, log+"_last_checkpoint", `{`) },
		"damaged checkpoint": func() {
			for _, n := range names(t, lake, log) {
				if strings.HasSuffix(n, ".checkpoint.parquet") {
					put(t, lake, n, "PAR1")
				}
			}
		},
		"no pointer": func() { must(t, lake.Delete(t.Context(), log+"_last_checkpoint")) },
	} {
		t.Run(name, func(t *testing.T) {
			spoil()
			if n := count(t, lake, table); n != 30 {
				t.Errorf("%d rows", n)
			}
		})
	}
}

// TestMaintenance: old files, old commits and what crashes left go; the position and the rows stay.
func TestMaintenance(t *testing.T) {
	lake, table, c := memlake.New(), writertest.Contact(), newClock()
	o := delta.Options{Lake: lake, CheckpointEvery: 5, Now: c.Now}
	w, tw := open(t, o, table)
	for v := int64(1); v <= 40; v++ {
		commit(t, tw, v, writertest.Rows(table, writertest.Contacts(v, 5, int(v))...))
	}
	put(t, lake, root+"PartitionId=2020/part-left-by-a-crash.parquet", "x")
	before := len(names(t, lake, root))
	c.now = c.now.Add(40 * 24 * time.Hour)
	for v := int64(41); v <= 60; v++ {
		commit(t, tw, v, writertest.Rows(table, writertest.Contacts(v, 5, int(v))...))
	}
	must(t, delta.Vacuum(t.Context(), w, table.Name))
	after := names(t, lake, root)
	if len(after) >= before {
		t.Errorf("%d objects became %d", before, len(after))
	}
	live, err := delta.Files(t.Context(), lake, table.Name)
	must(t, err)
	if len(after) > len(live.Files)+70 {
		t.Errorf("%d objects for %d files", len(after), len(live.Files))
	}
	for _, n := range after {
		if strings.Contains(n, "left-by-a-crash") || strings.HasSuffix(n, "00000000000000000000.json") {
			t.Errorf("%s is still there", n)
		}
	}
	if n := count(t, lake, table); n != 60 {
		t.Errorf("%d rows", n)
	}
	_, tw = open(t, o, table)
	if p := tw.Position(); p.Version != 60 {
		t.Errorf("the position is %+v", p)
	}
}

// TestStagedFilesAreNotVacuumed: a load that takes long keeps what it has staged.
func TestStagedFilesAreNotVacuumed(t *testing.T) {
	lake, table, c := memlake.New(), writertest.Contact(), newClock()
	w, tw := open(t, delta.Options{Lake: lake, Now: c.Now}, table)
	load(t, tw, 1, writertest.Rows(table, writertest.Contacts(1, 1)...))
	l, err := tw.Load(t.Context())
	must(t, err)
	must(t, l.Write(t.Context(), writertest.Rows(table, writertest.Contacts(2, 1, 2, 3)...)))
	must(t, l.Stage(t.Context(), writertest.At(3)))
	c.now = c.now.Add(30 * 24 * time.Hour)
	must(t, delta.Vacuum(t.Context(), w, table.Name))
	must(t, l.Finish(t.Context(), writertest.At(3)))
	if n := count(t, lake, table); n != 3 {
		t.Errorf("%d rows", n)
	}
}

// TestLostStagedFile: a staged file that is gone costs its stage and the later ones, not the load.
func TestLostStagedFile(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake}, table)
	l, err := tw.Load(t.Context())
	must(t, err)
	var first []string
	for i := 1; i <= 3; i++ {
		must(t, l.Write(t.Context(), writertest.Rows(table, writertest.Contacts(2, i)...)))
		must(t, l.Stage(t.Context(), lakelink.Position{Checkpoint: lakelink.Checkpoint(fmt.Sprint(i))}))
		if i == 1 {
			first = names(t, lake, root)
		}
	}
	for _, n := range names(t, lake, root) {
		if n != first[0] {
			must(t, lake.Delete(t.Context(), n))
		}
	}
	_, tw = open(t, delta.Options{Lake: lake}, table)
	l, err = tw.Load(t.Context())
	must(t, err)
	if s := l.Staged(); len(s) != 1 || s[0].Checkpoint != "1" {
		t.Errorf("staged: %+v", s)
	}
}

// TestDamage: what is not as it was written is named.
func TestDamage(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake}, table)
	load(t, tw, 5, writertest.Rows(table, writertest.Contacts(1, 1, 2, 3, 4, 5)...))
	v, err := delta.Files(t.Context(), lake, table.Name)
	must(t, err)
	name := v.Files[0].Name
	whole := get(t, lake, name)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/3] ^= 1
	for what, spoil := range map[string]func(){
		"flipped bit": func() { put(t, lake, name, string(flipped)) },
		"cut short":   func() { put(t, lake, name, string(whole[:len(whole)-1])) },
		"longer":      func() { put(t, lake, name, string(whole)+"x") },
		"missing":     func() { must(t, lake.Delete(t.Context(), name)) },
	} {
		spoil()
		_, _, err := writertest.Read(t.Context(), delta.NewReader(lake), table)
		if !lakelink.IsKind(err, lakelink.KindDamaged) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want KindDamaged with the name %s", what, err, name)
		}
	}
	put(t, lake, root+"_delta_log/00000000000000000001.json", "{not json\n")
	if _, err := delta.NewReader(lake).Snapshot(t.Context(), table); !lakelink.IsKind(err, lakelink.KindDamaged) {
		t.Errorf("a damaged commit: %v", err)
	}
}

// TestKeyIndexesAreACache: a table goes on without them, and with damaged ones.
func TestKeyIndexesAreACache(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	for i, spoil := range []func(string){
		func(string) {},
		func(f string) { must(t, os.Remove(f)) },
		func(f string) { must(t, os.Truncate(f, 40)) },
		func(f string) {
			b, err := os.ReadFile(f)
			must(t, err)
			b[len(b)/2] ^= 4
			must(t, os.WriteFile(f, b, 0o644))
		},
	} {
		dir := t.TempDir()
		w, tw := open(t, delta.Options{Lake: lake, IndexDir: dir}, table)
		load(t, tw, 5, writertest.Rows(table, writertest.Contacts(1, 1, 2, 3, 4, 5, 6, 7)...))
		w.Close()
		files, err := filepath.Glob(filepath.Join(dir, "contact", "*.keys"))
		must(t, err)
		if len(files) == 0 {
			t.Fatal("no key indexes")
		}
		for _, f := range files {
			spoil(f)
		}
		_, tw = open(t, delta.Options{Lake: lake, IndexDir: dir}, table)
		commit(t, tw, int64(10+i), writertest.Rows(table, writertest.Contacts(int64(10+i), 2, 3)...), writertest.Deletes(table, writertest.ID(4)))
		if n := count(t, lake, table); n != 6 {
			t.Errorf("case %d: %d rows", i, n)
		}
	}
}

// TestTypeChange: an incompatible column is refused by name, and a load takes it.
func TestTypeChange(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake}, table)
	load(t, tw, 5, writertest.Rows(table, writertest.Contacts(1, 1, 2)...))
	changed := writertest.Contact()
	changed.Columns[3].Type = lakelink.TypeInteger // fullname
	row := writertest.Row{"contactid": writertest.ID(1), "versionnumber": 7, "fullname": 12}

	err := tw.SetTable(t.Context(), changed)
	if !lakelink.IsKind(err, lakelink.KindInvalid) || !strings.Contains(err.Error(), "fullname") || !strings.Contains(err.Error(), "resync") {
		t.Errorf("SetTable: %v", err)
	}
	_, tw = open(t, delta.Options{Lake: lake}, changed)
	if p := tw.Position(); p.Version != 5 {
		t.Errorf("the position is %+v", p)
	}
	if err := tw.Write(t.Context(), writertest.Rows(changed, row)); !lakelink.IsKind(err, lakelink.KindInvalid) {
		t.Errorf("Write: %v", err)
	}
	if n := count(t, lake, table); n != 2 {
		t.Errorf("%d rows", n)
	}
	load(t, tw, 8, writertest.Rows(changed, row))
	commit(t, tw, 9, writertest.Rows(changed, writertest.Row{"contactid": writertest.ID(2), "versionnumber": 9, "fullname": 13}))
	rows, _, err := writertest.Read(t.Context(), delta.NewReader(lake), changed)
	must(t, err)
	if len(rows) != 2 || rows[writertest.ID(1)]["fullname"] != int32(12) {
		t.Errorf("rows: %v", rows)
	}
}

// TestOthersInTheLog: a commit of somebody else is taken in when the table is opened, and noticed when
// it comes in between; the position stays ours.
func TestOthersInTheLog(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake}, table)
	load(t, tw, 5, writertest.Rows(table, writertest.Contacts(1, 1, 2)...))
	put(t, lake, root+"_delta_log/00000000000000000001.json",
		`{"commitInfo":{"timestamp":1,"operation":"OPTIMIZE","operationParameters":{"x":"y"},"other":{"a":[1]}}}`+"\n"+`{"unknown":{}}`+"\n")
	must(t, tw.Write(t.Context(), writertest.Rows(table, writertest.Contacts(6, 1)...)))
	if err := tw.Commit(t.Context(), writertest.At(6)); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Errorf("a commit behind the log: %v", err)
	}
	if err := tw.Write(t.Context(), writertest.Rows(table, writertest.Contacts(6, 1)...)); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Errorf("a write after a conflict: %v", err)
	}
	_, tw = open(t, delta.Options{Lake: lake}, table)
	if p := tw.Position(); p.Version != 5 {
		t.Errorf("the position is %+v", p)
	}
	commit(t, tw, 6, writertest.Rows(table, writertest.Contacts(6, 1)...))

	put(t, lake, root+"_delta_log/00000000000000000003.json", `{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}`+"\n")
	if _, err := delta.NewReader(lake).Snapshot(t.Context(), table); !lakelink.IsKind(err, lakelink.KindInvalid) {
		t.Errorf("a raised protocol: %v", err)
	}
}

// TestOwned: the table of another link, and one that is not ours, are refused.
func TestOwned(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake, LinkID: "mine"}, table)
	load(t, tw, 5, writertest.Rows(table, writertest.Contacts(1, 1)...))
	other := delta.New(delta.Options{Lake: lake, LinkID: "other", IndexDir: t.TempDir()})
	if _, err := other.Table(t.Context(), table); !lakelink.IsKind(err, lakelink.KindOwned) {
		t.Errorf("another link's table: %v", err)
	}
	foreign := memlake.New()
	put(t, foreign, root+"_delta_log/00000000000000000000.json", `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}
`)
	w := delta.New(delta.Options{Lake: foreign, LinkID: "mine", IndexDir: t.TempDir()})
	if _, err := w.Table(t.Context(), table); !lakelink.IsKind(err, lakelink.KindOwned) {
		t.Errorf("somebody's table: %v", err)
	}
}

// TestSystemNames: columns that are called like ours are stored under another name.
func TestSystemNames(t *testing.T) {
	lake := memlake.New()
	table := writertest.With(writertest.Contact(), lakelink.Column{Name: "isdelete", Type: lakelink.TypeBoolean},
		lakelink.Column{Name: "partitionid", Type: lakelink.TypeString})
	_, tw := open(t, delta.Options{Lake: lake}, table)
	row := writertest.Contacts(1, 1)[0]
	row["isdelete"], row["partitionid"] = true, "mine"
	load(t, tw, 5, writertest.Rows(table, row))
	rows, _, err := writertest.Read(t.Context(), delta.NewReader(lake), table)
	must(t, err)
	if r := rows[writertest.ID(1)]; r["isdelete"] != true || r["partitionid"] != "mine" {
		t.Errorf("row: %v", r)
	}
	v, err := delta.Files(t.Context(), lake, table.Name)
	must(t, err)
	var columns []string
	for _, c := range v.Columns {
		columns = append(columns, c.Name)
	}
	want := "Id SinkCreatedOn SinkModifiedOn contactid versionnumber createdon fullname isdelete_ partitionid_ IsDelete PartitionId"
	if got := strings.Join(columns, " "); got != want {
		t.Errorf("columns: %s\nwant     %s", got, want)
	}
}

// TestLargeFile: a file of many chunks holds what was written, and the log its true bounds.
func TestLargeFile(t *testing.T) {
	lake, table := memlake.New(), writertest.Account()
	_, tw := open(t, delta.Options{Lake: lake}, table)
	const n = 40_000
	want := make([]writertest.Row, n)
	for i := range want {
		want[i] = writertest.Row{"accountid": writertest.ID(i), "versionnumber": i + 1, "name": fmt.Sprintf("%05d", (i*7919)%n),
			"revenue": fmt.Sprintf("%d.0000", (i*7919)%n-100), "ownerid": writertest.ID(i % 10), "ownerid_entitytype": "team"}
		if i%3 == 0 {
			want[i]["numberofemployees"] = i
		}
	}
	load(t, tw, n+1, writertest.Rows(table, want...))
	rows, _, err := writertest.Read(t.Context(), delta.NewReader(lake), table)
	must(t, err)
	for i, w := range want {
		got := rows[w["accountid"].(lakelink.ID)]
		if got["name"] != w["name"] || got["revenue"] != w["revenue"] || got["ownerid"] != w["ownerid"] ||
			(i%3 == 0) != (got["numberofemployees"] == int32(i)) {
			t.Fatalf("row %d is %v, want %v", i, got, w)
		}
	}
	log := string(get(t, lake, "deltalake/account_partitioned/_delta_log/00000000000000000000.json"))
	for _, bound := range []string{`\"numRecords\":40000`, `\"name\":\"00000\"`, `\"name\":\"39999\"`, `\"revenue\":-100.0000`,
		`\"revenue\":39899.0000`, `\"versionnumber\":1}`, `\"versionnumber\":40000`, `\"numberofemployees\":26666`} {
		if !strings.Contains(log, bound) {
			t.Errorf("the log has no %s", bound)
		}
	}
}
