package delta_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/format/delta"
	"lakelink/internal/format/writertest"
	"lakelink/internal/lake/memlake"
)

// dying is a lake whose Deletes fail after so many.
type dying struct {
	lakelink.Lake
	deletes int
}

func (d *dying) Delete(ctx context.Context, name string) error {
	if d.deletes--; d.deletes < 0 {
		return errors.New("dead")
	}
	return d.Lake.Delete(ctx, name)
}

// TestForgetThatDies: what is left of a table's log is a table as it was earlier, or none. A table that
// is made in its place meets nothing of it.
func TestForgetThatDies(t *testing.T) {
	for n := range 12 {
		lake, table := memlake.New(), writertest.Contact()
		w, tw := open(t, delta.Options{Lake: &dying{lake, n}, CheckpointEvery: 4}, table)
		for v := int64(1); v <= 6; v++ {
			commit(t, tw, v, writertest.Rows(table, writertest.Contacts(v, int(v))...))
		}
		if w.Forget(t.Context(), table.Name) == nil {
			t.Fatalf("%d deletes are enough", n)
		}
		_, tw = open(t, delta.Options{Lake: lake}, table)
		load(t, tw, 10, writertest.Rows(table, writertest.Contacts(10, 50)...))
		for v := int64(11); v <= 20; v++ {
			commit(t, tw, v, writertest.Rows(table, writertest.Contacts(v, 50)...))
		}
		if got := count(t, lake, table); got != 1 {
			t.Errorf("%d rows after %d deletes, want 1", got, n)
		}
	}
}

// TestLogWithoutABeginning: a log that cannot be read is damage, and not a table that is not there.
// A new one in its place would meet the commits of the old one.
func TestLogWithoutABeginning(t *testing.T) {
	lake, table := memlake.New(), writertest.Contact()
	_, tw := open(t, delta.Options{Lake: lake}, table)
	for v := int64(1); v <= 3; v++ {
		commit(t, tw, v, writertest.Rows(table, writertest.Contacts(v, int(v))...))
	}
	must(t, lake.Delete(t.Context(), root+"_delta_log/00000000000000000000.json"))
	if _, err := delta.NewReader(lake).Snapshot(t.Context(), table); !lakelink.IsKind(err, lakelink.KindDamaged) {
		t.Errorf("a log without its first commit: %v, want KindDamaged", err)
	}
}

// TestTypeChangeDuringALoad: what was staged under a column's old type is not taken for the new one.
func TestTypeChangeDuringALoad(t *testing.T) {
	first := writertest.With(writertest.Contact(), lakelink.Column{Name: "size", Type: lakelink.TypeString})
	then := writertest.With(writertest.Contact(), lakelink.Column{Name: "size", Type: lakelink.TypeInteger})
	text := writertest.Contacts(1, 1)
	text[0]["size"] = "large"
	number := writertest.Contacts(2, 2)
	number[0]["size"] = 42
	for _, loaded := range []bool{false, true} {
		lake := memlake.New()
		_, tw := open(t, delta.Options{Lake: lake}, first)
		if loaded {
			load(t, tw, 1, writertest.Rows(first, text...))
		}
		l, err := tw.Load(t.Context())
		must(t, err)
		must(t, l.Write(t.Context(), writertest.Rows(first, text...)))
		must(t, l.Stage(t.Context(), writertest.At(2)))

		_, tw = open(t, delta.Options{Lake: lake}, then)
		l, err = tw.Load(t.Context())
		must(t, err)
		if n := len(l.Staged()); n != 0 {
			t.Errorf("%d positions are staged under another type", n)
		}
		must(t, l.Write(t.Context(), writertest.Rows(then, number...)))
		must(t, l.Finish(t.Context(), writertest.At(3)))
		rows, _, err := writertest.Read(t.Context(), delta.NewReader(lake), then)
		must(t, err)
		if len(rows) != 1 || rows[writertest.ID(2)]["size"] != int32(42) {
			t.Errorf("the table is %v", rows)
		}

		_, tw = open(t, delta.Options{Lake: memlake.New()}, first)
		l, err = tw.Load(t.Context())
		must(t, err)
		must(t, l.Write(t.Context(), writertest.Rows(first, text...)))
		must(t, l.Stage(t.Context(), writertest.At(2)))
		must(t, tw.SetTable(t.Context(), then))
		must(t, l.Write(t.Context(), writertest.Rows(then, number...)))
		if err := l.Finish(t.Context(), writertest.At(3)); !lakelink.IsKind(err, lakelink.KindConflict) {
			t.Errorf("a load of two types: %v, want KindConflict", err)
		}
	}
}

// TestVacuumKnowsEscapedPaths: the paths of the log are percent-encoded, the names in the lake are not;
// and folders that start with "_" are other programs'.
func TestVacuumKnowsEscapedPaths(t *testing.T) {
	lake, table, c := memlake.New(), writertest.Contact(), newClock()
	o := delta.Options{Lake: lake, Now: c.Now}
	w, tw := open(t, o, table)
	load(t, tw, 5, writertest.Rows(table, writertest.Contacts(1, 1)...))
	others := []string{root + "PartitionId=2020/part é.parquet", root + "_symlink_format_manifest/manifest"}
	for _, name := range others {
		put(t, lake, name, "x")
	}
	put(t, lake, root+"_delta_log/00000000000000000001.json", `{"add":{"path":"PartitionId=2020/part%20%C3%A9.parquet",`+
		`"partitionValues":{"PartitionId":"2020"},"size":1,"modificationTime":1,"dataChange":true}}`+"\n")
	c.now = c.now.Add(30 * 24 * time.Hour)
	must(t, delta.Vacuum(t.Context(), w, table.Name))
	for _, name := range others {
		if !slices.Contains(names(t, lake, root), name) {
			t.Errorf("%s was vacuumed", name)
		}
	}
}

// TestIndexesOfFilesThatCameAndWent: what a commit has written and written anew leaves nothing on this
// machine.
func TestIndexesOfFilesThatCameAndWent(t *testing.T) {
	lake, table, dir := memlake.New(), writertest.Contact(), t.TempDir()
	_, tw := open(t, delta.Options{Lake: lake, IndexDir: dir, Budget: 1}, table)
	for v := int64(1); v <= 30; v++ { // each spills, and replaces what the one before has spilled
		must(t, tw.Write(t.Context(), writertest.Rows(table, writertest.Contacts(v, 1)...)))
	}
	must(t, tw.Commit(t.Context(), writertest.At(30)))
	files, err := filepath.Glob(filepath.Join(dir, "contact", "*"))
	must(t, err)
	if len(files) != 1 {
		t.Errorf("%d key indexes for a table of one row", len(files))
	}
}
