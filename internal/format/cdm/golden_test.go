package cdm

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/format/writertest"
	"lakelink/internal/lake/memlake"
)

var rewrite = flag.Bool("rewrite", false, "write what the golden tests make into testdata")

// account is a table with a column of every type, and with choices.
func account() *lakelink.Table {
	t := writertest.Account()
	label := func(s string) []lakelink.Label {
		return []lakelink.Label{{Language: 1033, Text: s}, {Language: 1031, Text: s + ", deutsch"}}
	}
	t.Choices = []lakelink.ChoiceSet{
		{Column: "statecode", Type: lakelink.TypeState, Options: []lakelink.Option{{Value: 1, Labels: label("Inactive")}, {Value: 0, Labels: label("Active")}}},
		{Column: "statuscode", Type: lakelink.TypeStatus, Options: []lakelink.Option{{Value: 2, State: 1, Labels: label("Inactive")}, {Value: 1, Labels: label("Active")}}},
		{Column: "industrycode", Type: lakelink.TypeChoice, Options: []lakelink.Option{{Value: 7, Labels: label(`"Brokers"`)}, {Value: 8}}},
		{Column: "markets", Type: lakelink.TypeMultiChoice, Global: "contoso_markets", Options: []lakelink.Option{{Value: 1, Labels: label("North")}}},
		{Column: "creditonhold", Type: lakelink.TypeBoolean, Options: []lakelink.Option{{Value: 0, Labels: label("No")}, {Value: 1, Labels: label("Yes")}}},
	}
	return t
}

// A clock is a time that tests set.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 22, 9, 15, 3, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

// numbered makes ids that are the same in every run.
func numbered() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("id%06d", n) }
}

func openAt(t *testing.T, lake lakelink.Lake, c *clock, tables ...*lakelink.Table) *Writer {
	t.Helper()
	w, err := newWriter(t.Context(), Options{Lake: lake, LinkID: "link-1", Tables: tables, Now: c.Now,
		LocationBase: "https://lake.example:443/container", SpoolDir: t.TempDir()}, numbered())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contents reads a whole lake.
func contents(t *testing.T, lake lakelink.Lake) map[string]string {
	t.Helper()
	out := map[string]string{}
	for o, err := range lake.List(context.Background(), "", false) {
		ok(t, err)
		r, _, err := lake.Get(context.Background(), o.Name)
		ok(t, err)
		b, err := io.ReadAll(r)
		r.Close()
		ok(t, err)
		out[o.Name] = string(b)
	}
	return out
}

func mustTable(t *testing.T, w *Writer, def *lakelink.Table) lakelink.TableWriter {
	t.Helper()
	tw, err := w.Table(t.Context(), def)
	ok(t, err)
	return tw
}

func loadRows(t *testing.T, tw lakelink.TableWriter, pos lakelink.Position, b *lakelink.Batch) {
	t.Helper()
	l, err := tw.Load(t.Context())
	ok(t, err)
	ok(t, l.Write(t.Context(), b))
	ok(t, l.Finish(t.Context(), pos))
}

// goldenLake is a small story: two loads, then a change, a delete and a new column.
func goldenLake(t *testing.T) lakelink.Lake {
	lake, c := memlake.New(), newClock()
	a, contact := account(), writertest.Contact()
	w := openAt(t, lake, c, a, contact)
	ta, tc := mustTable(t, w, a), mustTable(t, w, contact)
	c.now = c.now.Add(time.Minute)
	day := time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)
	loadRows(t, ta, writertest.At(10), writertest.Rows(a,
		writertest.Row{"accountid": writertest.ID(1), "versionnumber": int64(5), "createdon": day,
			"modifiedon": day.Add(1500 * time.Millisecond), "name": `Adventure "Works"`, "description": "two\nlines, and more",
			"numberofemployees": int32(-3), "sequence": int64(1) << 60, "exchangerate": "1.25", "revenue": "1250.5",
			"revenue_base": "-0.0001", "address1_latitude": 47.61234, "creditonhold": true, "industrycode": int32(7),
			"statecode": int32(0), "statuscode": int32(1), "markets": "1,2", "foundedon": time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC),
			"opensat": time.Date(2026, 1, 1, 8, 30, 0, 0, time.UTC), "ownerid": writertest.ID(9), "ownerid_entitytype": "systemuser"},
		writertest.Row{"accountid": writertest.ID(2), "versionnumber": int64(6), "createdon": day.AddDate(1, 0, 0), "creditonhold": false},
		writertest.Row{"accountid": writertest.ID(3), "versionnumber": int64(7)}))
	loadRows(t, tc, writertest.At(10), writertest.Rows(contact, writertest.Contacts(3, 1, 2)...))
	ok(t, w.CloseInterval(t.Context()))

	c.now = c.now.Add(time.Minute)
	wide := writertest.With(a, lakelink.Column{Name: "contoso_color", Type: lakelink.TypeString, MaxLength: 20})
	ok(t, ta.Write(t.Context(), writertest.Rows(a, writertest.Row{"accountid": writertest.ID(2), "versionnumber": int64(12)})))
	ok(t, ta.SetTable(t.Context(), wide))
	ok(t, ta.Write(t.Context(), writertest.Rows(wide, writertest.Row{"accountid": writertest.ID(4), "versionnumber": int64(13), "contoso_color": "red"})))
	ok(t, ta.Write(t.Context(), writertest.Deletes(wide, writertest.ID(1))))
	ok(t, ta.Commit(t.Context(), writertest.At(20)))
	ok(t, w.CloseInterval(t.Context()))
	return lake
}

// TestLakeStaysAsItIs compares a whole lake with testdata, byte for byte.
func TestLakeStaysAsItIs(t *testing.T) {
	got := contents(t, goldenLake(t))
	if *rewrite {
		ok(t, os.RemoveAll("testdata/lake"))
		for name, text := range got {
			path := filepath.Join("testdata/lake", filepath.FromSlash(name))
			ok(t, os.MkdirAll(filepath.Dir(path), 0o755))
			ok(t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
	want := map[string]string{}
	ok(t, filepath.WalkDir("testdata/lake", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		want[strings.TrimPrefix(filepath.ToSlash(path), "testdata/lake/")] = string(b)
		return err
	}))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the lake has changed (-testdata +now); rewrite it with -rewrite if that is meant:\n%s", d)
	}
}

// names lists what a lake holds, without what Lakelink keeps beside the folders.
func names(t *testing.T, lake lakelink.Lake) []string {
	var out []string
	for name := range contents(t, lake) {
		if !strings.HasPrefix(name, "_") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
