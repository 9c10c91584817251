package incrementalreader

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestFolders(t *testing.T) {
	closed, open, err := Open(goodLake().write(t)).Folders()
	if err != nil || open != f3 || !slices.Equal(closed, []string{f1, f2}) {
		t.Error(closed, open, err)
	}
}

func TestCurrent(t *testing.T) {
	r := Open(goodLake().write(t))
	rows, columns, err := r.Current("account")
	if err != nil {
		t.Fatal(err)
	}
	if len(columns) != 14 || columns[0] != "Id" || columns[13] != "tickersymbol" {
		t.Error(columns)
	}
	ids := slices.Sorted(maps.Keys(rows))
	if !slices.Equal(ids, []string{idOf(1), idOf(3)}) {
		t.Error(ids)
	}
	want := []string{
		idOf(1), "11/22/2026 9:30:04 AM", "11/22/2026 9:30:04 AM", "0", "2f0c5d1e-0000-4c1a-9c7e-000000000001", "1250.5", "True",
		`Adventure "Works", no. 1`, "-3.25", "120", "2024-03-01T10:00:00.0000000+00:00", "2026-11-22T09:14:58.0000000Z", "", "A\nB",
	}
	if !slices.Equal(rows[idOf(1)], want) {
		t.Errorf("%q", rows[idOf(1)])
	}
	if got := rows[idOf(3)]; len(got) != 14 || got[9] != "101" || got[13] != "" {
		t.Errorf("%q", got)
	}
	if got := r.Versions("account"); !reflect.DeepEqual(got, map[string]int64{idOf(1): 120, idOf(3): 101}) {
		t.Error(got)
	}
	if got := r.Tombstones("account"); !reflect.DeepEqual(got, map[string]int64{idOf(2): 130}) {
		t.Error(got)
	}
	if rows, _, err := r.Current("contact"); err != nil || len(rows) != 2 || rows[idOf(1)][3] != "Ünal" {
		t.Error(rows, err)
	}
	if _, _, err := r.Current("lead"); err == nil {
		t.Error("unknown table without error")
	}
	if r.Versions("lead") != nil {
		t.Error("unknown table with versions")
	}
}

// TestCurrentOrder: the reduction goes by version, not by folder.
func TestCurrentOrder(t *testing.T) {
	for name, test := range map[string]struct {
		change func(l tinyLake)
		want   map[string]int64
	}{
		"older version later":     {func(l tinyLake) { l.sub(a2, ",120,", ",80,") }, map[string]int64{idOf(1): 90, idOf(3): 101}},
		"delete not greater":      {func(l tinyLake) { l.sub(a2del, ",130,", ",99,") }, map[string]int64{idOf(1): 120, idOf(2): 100, idOf(3): 101}},
		"delete ties, later sink": {func(l tinyLake) { l.sub(a2del, ",130,", ",100,") }, map[string]int64{idOf(1): 120, idOf(3): 101}},
		"open folder is not read": {func(l tinyLake) { l["Changelog/changelog.info"] = f2 }, map[string]int64{idOf(1): 90, idOf(2): 100, idOf(3): 101}},
		"re-created":              {func(l tinyLake) { closeThird(l, upsert(2, 140, "11/22/2026 9:46:00 AM")) }, map[string]int64{idOf(1): 120, idOf(2): 140, idOf(3): 101}},
	} {
		t.Run(name, func(t *testing.T) {
			l := goodLake()
			test.change(l)
			r := Open(l.write(t))
			if got := r.Versions("account"); !reflect.DeepEqual(got, test.want) {
				t.Error(got)
			}
		})
	}
}

func TestCurrentErrors(t *testing.T) {
	for name, change := range map[string]func(l tinyLake){
		"no marker":       func(l tinyLake) { l.drop(m1) },
		"broken quote":    func(l tinyLake) { l[a1] += `"` },
		"no version":      func(l tinyLake) { l.sub(a1, ",100,", ",,") },
		"no sink":         func(l tinyLake) { l[a1] = strings.ReplaceAll(l[a1], "AM", "") },
		"too wide":        func(l tinyLake) { l[a1] = strings.ReplaceAll(l[a1], "\n", ",,\n") },
		"no changelog":    func(l tinyLake) { l.drop("Changelog") },
		"changelog of \\": func(l tinyLake) { l["Changelog/changelog.info"] = "\\" },
	} {
		t.Run(name, func(t *testing.T) {
			l := goodLake()
			change(l)
			if rows, _, err := Open(l.write(t)).Current("account"); err == nil {
				t.Error("no error", rows)
			}
		})
	}
}

func TestUnchanged(t *testing.T) {
	write := func(dir, path, content string) {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(dir, path string) {
		if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		change func(dir string)
		purge  bool
		bad    string // path of the violation, "" for none
	}{
		"nothing":              {func(string) {}, false, ""},
		"open folder grows":    {func(dir string) { write(dir, f3+"/account/2024.csv", "x") }, false, ""},
		"rewritten the same":   {func(dir string) { write(dir, a1, goodLake()[a1]) }, false, ""},
		"changed":              {func(dir string) { write(dir, a1, "x") }, false, a1},
		"added":                {func(dir string) { write(dir, f1+"/_late.json", "") }, false, f1 + "/_late.json"},
		"gone":                 {func(dir string) { remove(dir, a1) }, false, a1},
		"folder gone":          {func(dir string) { remove(dir, f1) }, false, f1},
		"purged":               {func(dir string) { remove(dir, f1) }, true, ""},
		"purged all":           {func(dir string) { remove(dir, f1); remove(dir, f2) }, true, ""},
		"purged the newer one": {func(dir string) { remove(dir, f2) }, true, f2},
		"open again":           {func(dir string) { write(dir, "Changelog/changelog.info", f2); remove(dir, m2) }, false, f2},
		"changelog broken":     {func(dir string) { write(dir, "Changelog/changelog.info", "") }, false, "."},
	} {
		t.Run(name, func(t *testing.T) {
			dir := goodLake().write(t)
			r := Open(dir)
			r.AllowPurge = test.purge
			before, err := r.Snapshot()
			if err != nil || len(before) != 2 {
				t.Fatal(before, err)
			}
			test.change(dir)
			got := r.CheckUnchanged(before)
			switch {
			case test.bad == "":
				wantNone(t, got)
			case len(got) != 1 || got[0].Path != test.bad || got[0].Rule != "O5" && test.bad != ".":
				t.Error(got)
			}
		})
	}
}

// TestSnapshotMarked: a folder with its marker is frozen before the switch.
func TestSnapshotMarked(t *testing.T) {
	l := goodLake()
	closeThird(l, upsert(3, 140, "11/22/2026 9:46:00 AM"))
	l["Changelog/changelog.info"] = f3
	got, err := Open(l.write(t)).Snapshot()
	if err != nil || len(got) != 3 || len(got[f3]) != 8 {
		t.Error(got, err)
	}
	if got, err := Open(t.TempDir()).Snapshot(); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

func TestPoll(t *testing.T) {
	l := goodLake()
	dir := l.write(t)
	r := Open(dir)
	for since, want := range map[string][]string{"": {f1, f2}, f1: {f2}, f2: nil, f3: nil} {
		if got, err := r.Poll(since); err != nil || !slices.Equal(got, want) {
			t.Error(since, got, err)
		}
	}
	closeThird(l, upsert(3, 140, "11/22/2026 9:46:00 AM"))
	after := l.write(t)
	r.dir = after
	if got, err := r.Poll(f2); err != nil || !slices.Equal(got, []string{f3}) {
		t.Error(got, err)
	}
	if got := r.PollViolations(); got != nil {
		t.Error(got)
	}
}

func TestPollFindsPartialFolders(t *testing.T) {
	for name, test := range map[string]struct {
		rule   string
		change func(l tinyLake)
		ready  []string
	}{
		"no marker":           {"L5", func(l tinyLake) { l.drop(m2) }, []string{f1}},
		"no marker, first":    {"L5", func(l tinyLake) { l.drop(m1) }, nil},
		"zero-byte marker":    {"M3", func(l tinyLake) { l[m2] = "" }, []string{f1}},
		"half a marker":       {"M1", func(l tinyLake) { l[m2] = l[m2][:100] }, []string{f1}},
		"file missing":        {"M5", func(l tinyLake) { l.drop(a2del) }, []string{f1}},
		"file not listed":     {"M5", func(l tinyLake) { l[f2+"/account/2020.csv"] = "" }, []string{f1}},
		"row cut off":         {"3.1", func(l tinyLake) { l[a2] = l[a2][:100] }, []string{f1}},
		"choice file missing": {"K1", func(l tinyLake) { l.drop(f2 + "/OptionsetMetadata/StatusMetadata.csv") }, []string{f1}},
		"table model missing": {"M14", func(l tinyLake) { l.drop(t2) }, []string{f1}},
		"changelog partial":   {"L4", func(l tinyLake) { l["Changelog/changelog.info"] = f3[:10] }, nil},
		"open folder missing": {"L5", func(l tinyLake) { l.drop(f3) }, []string{f1, f2}},
	} {
		t.Run(name, func(t *testing.T) {
			l := goodLake()
			test.change(l)
			r := Open(l.write(t))
			got, err := r.Poll("")
			if !slices.Equal(got, test.ready) {
				t.Error(got)
			}
			var poll *PollError
			if !errors.As(err, &poll) || !strings.Contains(err.Error(), test.rule) {
				t.Fatal(err)
			}
			wantRule(t, poll.Violations, test.rule)
			wantRule(t, r.PollViolations(), test.rule)
			_, _ = r.Poll("")
			if n := len(r.PollViolations()); n != len(poll.Violations) {
				t.Errorf("%d violations after the second poll", n)
			}
		})
	}
}

// TestPollRemembers: what is wrong only in comparison with an earlier poll.
func TestPollRemembers(t *testing.T) {
	for name, test := range map[string]struct {
		rule   string
		change func(l tinyLake)
	}{
		"changelog went back":   {"L5", func(l tinyLake) { l["Changelog/changelog.info"] = f2 }},
		"changelog gone":        {"L4", func(l tinyLake) { l.drop("Changelog/changelog.info") }},
		"folder behind the row": {"L5", func(l tinyLake) { l["2026-11-22T09.20.03Z/OptionsetMetadata/StateMetadata.csv"] = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			l := goodLake()
			r := Open(l.write(t))
			if _, err := r.Poll(""); err != nil {
				t.Fatal(err)
			}
			test.change(l)
			r.dir = l.write(t)
			_, err := r.Poll(f2)
			var poll *PollError
			if !errors.As(err, &poll) {
				t.Fatal(err)
			}
			wantRule(t, poll.Violations, test.rule)
		})
	}
	t.Run("purged folder", func(t *testing.T) {
		l := goodLake()
		r := Open(l.write(t))
		if _, err := r.Poll(""); err != nil {
			t.Fatal(err)
		}
		l.drop(f1)
		r.dir = l.write(t)
		if got, err := r.Poll(""); err != nil || !slices.Equal(got, []string{f2}) {
			t.Error(got, err)
		}
	})
}
