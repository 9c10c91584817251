package verify

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/memsource"
)

func compare(t *testing.T, o Options) (delta, csv Result) {
	t.Helper()
	if o.TempDir == "" {
		o.TempDir = t.TempDir()
	}
	results, err := Table(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(o.TempDir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return results[0], results[1]
}

// counts is what a Result comes to.
func counts(r Result) [4]int64 { return [4]int64{r.Missing, r.Extra, r.Different, r.Unsettled} }

func wantCounts(t *testing.T, r Result, want [4]int64) {
	t.Helper()
	if got := counts(r); got != want || r.Error != "" || r.Equal() != (want == [4]int64{}) {
		t.Errorf("%s: missing, extra, different, unsettled = %v, want %v; error %q, equal %v", r.Format, got, want, r.Error, r.Equal())
	}
}

func TestEqual(t *testing.T) {
	for _, rows := range []int{0, 1, 500} {
		for _, memory := range []int64{1, 1 << 12, 0} {
			w := newWorld(t, rows)
			if rows > 1 {
				w.source.Update("account", w.ids[0])
				w.source.Delete("account", w.ids[1])
				w.follow()
				w.source.Recreate("account", w.ids[1])
				w.source.Delete("account", w.ids[2])
			}
			o := w.options("")
			o.MemoryBytes = memory
			delta, csv := compare(t, o)
			wantCounts(t, delta, [4]int64{})
			wantCounts(t, csv, [4]int64{})
			if want := int64(len(w.source.Rows("account"))); delta.Rows != want || csv.Rows != want {
				t.Errorf("%d, %d rows, want %d", delta.Rows, csv.Rows, want)
			}
			if v, _ := w.source.Version(t.Context()); delta.Position.Version != v {
				t.Errorf("position is %+v, want version %d", delta.Position, v)
			}
		}
	}
}

func TestRowIsLost(t *testing.T) {
	w := newWorld(t, 50)
	lost := w.ids[7]
	version := w.source.Row("account", lost)["versionnumber"].(int64)
	delete(w.delta.rows, lost)
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{1, 0, 0, 0})
	wantCounts(t, csv, [4]int64{})
	if diff := cmp.Diff([]Example{{ID: lost, Kind: Missing, SourceVersion: version}}, delta.Examples); diff != "" {
		t.Error(diff)
	}
}

func TestRowIsExtra(t *testing.T) {
	w := newWorld(t, 50)
	row := map[string]any{"accountid": lakelink.ID{1}, "versionnumber": int64(1003), "name": "nobody"}
	w.delta.put(row)
	w.csv.extra = append(w.csv.extra, row)
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 1, 0, 0})
	wantCounts(t, csv, [4]int64{0, 1, 0, 0})
	if diff := cmp.Diff([]Example{{ID: lakelink.ID{1}, Kind: Extra, LakeVersion: 1003}}, csv.Examples); diff != "" {
		t.Error(diff)
	}
}

func TestRowIsThereTwice(t *testing.T) {
	w := newWorld(t, 50)
	again := w.source.Row("account", w.ids[3])
	w.delta.extra = append(w.delta.extra, again, again)
	w.csv.extra = append(w.csv.extra, w.csv.written(again)) // a format with history may repeat itself
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 2, 0, 0})
	wantCounts(t, csv, [4]int64{})
	if len(delta.Examples) != 1 || delta.Examples[0].Kind != Duplicate {
		t.Errorf("examples: %+v", delta.Examples)
	}
}

func TestDeleteIsUndone(t *testing.T) {
	w := newWorld(t, 50)
	row := w.source.Row("account", w.ids[3])
	w.source.Delete("account", w.ids[3])
	w.follow()
	w.delta.put(row)
	row["versionnumber"] = w.csv.position.Version + 1 // above the delete's, or it would not hold
	w.csv.extra = append(w.csv.extra, row)
	w.source.Touch()
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 1, 0, 0})
	wantCounts(t, csv, [4]int64{0, 1, 0, 0})
}

func TestUpdateIsLost(t *testing.T) {
	w := newWorld(t, 50)
	old := w.source.Row("account", w.ids[3])
	w.source.Update("account", w.ids[3])
	w.follow()
	w.delta.put(old)
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 0, 1, 0})
	wantCounts(t, csv, [4]int64{})
	if e := delta.Examples[0]; e.LakeVersion != old["versionnumber"] || e.SourceVersion <= e.LakeVersion {
		t.Errorf("example: %+v", e)
	}
}

func TestOldVersionWithSameValues(t *testing.T) {
	w := newWorld(t, 10)
	row := w.source.Row("account", w.ids[3])
	row["versionnumber"] = row["versionnumber"].(int64) - 1
	w.delta.put(row)
	delta, _ := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 0, 1, 0})
	if c := delta.Examples[0].Columns; len(c) != 1 || c[0].Column != "versionnumber" {
		t.Errorf("columns: %+v", c)
	}
}

func TestEmptyAndNull(t *testing.T) {
	w := newWorld(t, 0)
	id := w.source.Upsert("account", map[string]any{"name": ""})
	w.follow()
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{})
	wantCounts(t, csv, [4]int64{})

	row := w.source.Row("account", id)
	delete(row, "name")
	w.delta.put(row)
	delta, csv = compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 0, 1, 0})
	wantCounts(t, csv, [4]int64{})
	empty := ""
	if diff := cmp.Diff([]ColumnDifference{{Column: "name", Source: &empty}}, delta.Examples[0].Columns); diff != "" {
		t.Error(diff)
	}

	w.csv.extra = append(w.csv.extra, map[string]any{"accountid": id, "versionnumber": row["versionnumber"], "description": "x"})
	_, csv = compare(t, w.options(""))
	wantCounts(t, csv, [4]int64{0, 0, 1, 0})
	x := "x"
	if diff := cmp.Diff([]ColumnDifference{{Column: "description", Lake: &x}}, csv.Examples[0].Columns); diff != "" {
		t.Error(diff)
	}
}

func TestCalculatedColumnsAreNamedNotCompared(t *testing.T) {
	def := *memsource.SampleTable("account")
	def.Columns[2].Calculated = true // name
	s := memsource.New(&def)
	id := s.Upsert("account", map[string]any{"name": "as it was", "description": "x"})
	l := newFakeLake(t, s, &def, lakelink.Delta)
	row := s.Row("account", id)
	row["name"] = "as it is"
	l.put(row)
	results, err := Table(t.Context(), Options{Source: s, Table: &def, Readers: []lakelink.Reader{l}})
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, results[0], [4]int64{})
	if diff := cmp.Diff([]string{"name"}, results[0].NotCompared); diff != "" {
		t.Error(diff)
	}
}

func TestDamagedFormatIsAResult(t *testing.T) {
	w := newWorld(t, 50)
	w.delta.fail = &lakelink.Error{Op: "read part-1.parquet", Kind: lakelink.KindDamaged}
	delta, csv := compare(t, w.options(""))
	if delta.Equal() || !strings.Contains(delta.Error, "part-1.parquet") || counts(delta) != [4]int64{} {
		t.Errorf("damaged format: %+v", delta)
	}
	wantCounts(t, csv, [4]int64{})

	w.delta.fail, w.delta.missing = nil, true
	delta, csv = compare(t, w.options(""))
	if delta.Equal() || delta.Error == "" {
		t.Errorf("format without the table: %+v", delta)
	}
	wantCounts(t, csv, [4]int64{})
}

func TestOtherSchemaIsDamage(t *testing.T) {
	w := newWorld(t, 5)
	fewer := *w.table
	fewer.Columns = fewer.Columns[:5]
	w.delta.table = &fewer
	for id, row := range w.delta.rows {
		w.delta.rows[id] = map[string]any{"accountid": id, "versionnumber": row["versionnumber"]}
	}
	o := w.options("")
	o.Wait = nil
	delta, _ := compare(t, o)
	if delta.Equal() || !strings.Contains(delta.Error, "fields") {
		t.Errorf("rows of another schema: %+v", delta)
	}
}

func TestFailuresThatEndIt(t *testing.T) {
	down := errors.New("down")
	t.Run("source", func(t *testing.T) {
		w := newWorld(t, 50)
		w.source.BetweenPages(func(_ lakelink.TableName, page int) {
			if page == 3 {
				w.source.FailNext("account", 1, down)
			}
		})
		if _, err := Table(t.Context(), w.options(t.TempDir())); !errors.Is(err, down) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("changes", func(t *testing.T) {
		w := newWorld(t, 50)
		delete(w.delta.rows, w.ids[0])
		w.delta.before = func() { w.source.Expire("account") }
		if _, err := Table(t.Context(), w.options(t.TempDir())); !lakelink.IsKind(err, lakelink.KindExpired) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("wait", func(t *testing.T) {
		w := newWorld(t, 5)
		o := w.options(t.TempDir())
		o.Wait = func(context.Context, int64) error { return down }
		if _, err := Table(t.Context(), o); !errors.Is(err, down) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		w := newWorld(t, 50)
		ctx, cancel := context.WithCancel(t.Context())
		w.delta.before = cancel
		if _, err := Table(ctx, w.options(t.TempDir())); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nothing to compare", func(t *testing.T) {
		if _, err := Table(t.Context(), Options{}); !lakelink.IsKind(err, lakelink.KindInvalid) {
			t.Errorf("got %v", err)
		}
	})
}

func TestExamplesAreLimited(t *testing.T) {
	w := newWorld(t, 50)
	for _, id := range w.ids[:20] {
		delete(w.delta.rows, id)
	}
	delta, _ := compare(t, w.options(""))
	if delta.Missing != 20 || len(delta.Examples) != 3 {
		t.Errorf("%d missing, %d examples", delta.Missing, len(delta.Examples))
	}
	o := w.options("")
	o.Examples = 0
	if delta, _ = compare(t, o); len(delta.Examples) != 0 {
		t.Errorf("%d examples", len(delta.Examples))
	}
}

func TestLongTextsAreCutToTheDifference(t *testing.T) {
	w := newWorld(t, 0)
	long := strings.Repeat("東", 1000)
	id := w.source.Upsert("account", map[string]any{"description": long + "a" + long})
	w.follow()
	row := w.source.Row("account", id)
	row["description"] = long + "b" + long
	w.delta.put(row)
	delta, _ := compare(t, w.options(""))
	c := delta.Examples[0].Columns[0]
	if len(*c.Source) > 300 || !strings.Contains(*c.Source, "東a東") || !strings.Contains(*c.Lake, "東b東") {
		t.Errorf("source %s\nlake %s", *c.Source, *c.Lake)
	}
}

func TestReport(t *testing.T) {
	good := Result{Table: "account", Format: lakelink.Delta, Rows: 3}
	bad := Result{Table: "contact", Format: lakelink.Incremental, Rows: 5, Missing: 1, Extra: 2, Different: 3, Unsettled: 4,
		NotCompared: []string{"total"}, Error: "x", Examples: []Example{{Kind: Missing, SourceVersion: 7}}}
	for _, c := range []struct {
		results []Result
		want    string
	}{
		{nil, `{"equal":false,"tables":[]}`},
		{[]Result{good}, `{"equal":true,"tables":[{"table":"account","format":"delta","rows":3,"missing":0,"extra":0,"different":0}]}`},
		{[]Result{good, bad}, `{"equal":false,"tables":[{"table":"account","format":"delta","rows":3,"missing":0,"extra":0,"different":0},` +
			`{"table":"contact","format":"incremental","rows":5,"missing":1,"extra":2,"different":3,"unsettled":4,"notCompared":["total"],` +
			`"examples":[{"id":"00000000-0000-0000-0000-000000000000","kind":"missing","sourceVersion":7}],"error":"x"}]}`},
	} {
		got, err := json.Marshal(NewReport(c.results))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Error(diff)
		}
	}
}
