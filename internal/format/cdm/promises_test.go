package cdm

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/format/writertest"
	"lakelink/internal/lake/memlake"
)

func folders(t *testing.T, lake lakelink.Lake) []folder {
	t.Helper()
	all, err := foldersBefore(t.Context(), lake, "", "9999")
	ok(t, err)
	return all
}

func commit(t *testing.T, tw lakelink.TableWriter, pos lakelink.Position, batches ...*lakelink.Batch) {
	t.Helper()
	for _, b := range batches {
		ok(t, tw.Write(t.Context(), b))
	}
	ok(t, tw.Commit(t.Context(), pos))
}

// loaded opens a lake with three contacts in it.
func loaded(t *testing.T) (*memlake.Lake, *clock, *Writer, lakelink.TableWriter, *lakelink.Table) {
	lake, c, def := memlake.New(), newClock(), writertest.Contact()
	w := openAt(t, lake, c, def)
	tw := mustTable(t, w, def)
	loadRows(t, tw, writertest.At(10), writertest.Rows(def, writertest.Contacts(5, 1, 2, 3)...))
	ok(t, w.CloseInterval(t.Context()))
	return lake, c, w, tw, def
}

func wantRows(t *testing.T, lake lakelink.Lake, def *lakelink.Table, pos lakelink.Position, rows ...writertest.Row) {
	t.Helper()
	got, at, err := writertest.Read(t.Context(), NewReader(lake), def)
	ok(t, err)
	if at != pos {
		t.Errorf("the lake is at %v, want %v", at, pos)
	}
	if len(got) != len(rows) {
		t.Errorf("%d rows, want %d", len(got), len(rows))
	}
	for _, r := range rows {
		id := r[def.PrimaryKey].(lakelink.ID)
		if got[id][lakelink.VersionColumn] != r[lakelink.VersionColumn] {
			t.Errorf("row %s has version %v, want %v", id, got[id][lakelink.VersionColumn], r[lakelink.VersionColumn])
		}
	}
}

// Folder names and times grow though the clock steps back, or stands still (L2, O9).
func TestNamesGrowWhenTheClockStepsBack(t *testing.T) {
	lake, c, w, tw, def := loaded(t)
	for i, step := range []time.Duration{-time.Hour, 0, 0, 3 * time.Second, -time.Minute, 2 * time.Hour} {
		c.now = c.now.Add(step)
		v := int64(20 + i)
		commit(t, tw, writertest.At(v), writertest.Rows(def, writertest.Contacts(v, 1)...))
		ok(t, w.CloseInterval(t.Context()))
		w.Close()
		w = openAt(t, lake, c, def) // the new process has nothing but the lake
		tw = mustTable(t, w, def)
	}
	if n := len(folders(t, lake)); n != 8 {
		t.Errorf("%d folders, want 8", n)
	}
	check(t, lake, false)
}

func TestNothingPendingMakesNoFolder(t *testing.T) {
	lake, c, w, tw, _ := loaded(t)
	before := len(names(t, lake))
	c.now = c.now.Add(time.Minute)
	commit(t, tw, writertest.At(30))
	if w.Pending() {
		t.Error("pending, though nothing was written")
	}
	ok(t, w.CloseInterval(t.Context()))
	if after := len(names(t, lake)); after != before {
		t.Errorf("%d files became %d", before, after)
	}
	if tw.Position() != writertest.At(30) {
		t.Errorf("the position is %v", tw.Position())
	}
}

// The position of an idle table is written down when the one in the lake is an hour old.
func TestIdlePositionBecomesDurable(t *testing.T) {
	lake, c, w, tw, def := loaded(t)
	commit(t, tw, writertest.At(10+3599))
	w.Close()
	w = openAt(t, lake, c, def)
	tw = mustTable(t, w, def)
	if tw.Position() != writertest.At(10) {
		t.Errorf("the position is %v, want the one in the folder", tw.Position())
	}
	late := writertest.At(10 + 3600)
	commit(t, tw, late)
	w.Close()
	wantRows(t, lake, def, late, writertest.Contacts(5, 1, 2, 3)...)
	w = openAt(t, lake, c, def)
	tw = mustTable(t, w, def)
	if tw.Position() != late {
		t.Errorf("the position is %v, want the one in the side file", tw.Position())
	}
	commit(t, tw, writertest.At(4000), writertest.Rows(def, writertest.Contacts(3999, 1)...))
	ok(t, w.CloseInterval(t.Context()))
	wantRows(t, lake, def, writertest.At(4000), append(writertest.Contacts(3999, 1), writertest.Contacts(5, 2, 3)...)...)
}

// An id comes once per folder, as what happened to it last (O8).
func TestOneEntryPerIDAndFolder(t *testing.T) {
	lake, c, w, tw, def := loaded(t)
	c.now = c.now.Add(time.Minute)
	commit(t, tw, writertest.At(20), writertest.Rows(def, writertest.Contacts(15, 1, 4)...))
	commit(t, tw, writertest.At(30), writertest.Deletes(def, writertest.ID(1), writertest.ID(2), writertest.ID(4)))
	commit(t, tw, writertest.At(40), writertest.Rows(def, writertest.Contacts(35, 2)...))
	ok(t, tw.Write(t.Context(), writertest.Rows(def, writertest.Contacts(45, 9)...))) // not committed
	ok(t, w.CloseInterval(t.Context()))
	last := folders(t, lake)[1]
	m, err := readManifest(t.Context(), lake, last)
	ok(t, err)
	if e := m.Tables[def.Name]; e.Rows != 1 || e.Deletes != 2 {
		t.Errorf("%d rows and %d deletes, want 1 and 2", e.Rows, e.Deletes)
	}
	wantRows(t, lake, def, writertest.At(40), append(writertest.Contacts(35, 2), writertest.Contacts(5, 3)...)...)
	commit(t, tw, writertest.At(50))
	ok(t, w.CloseInterval(t.Context()))
	wantRows(t, lake, def, writertest.At(50), append(writertest.Contacts(35, 2), append(writertest.Contacts(5, 3), writertest.Contacts(45, 9)...)...)...)
	check(t, lake, false)
}

// A table that leaves the link and comes back loses the rows that went meanwhile (O10), and keeps
// the order of its columns (M12).
func TestTableComesBack(t *testing.T) {
	lake, c, w, _, def := loaded(t)
	c.now = c.now.Add(time.Minute)
	other := writertest.Account()
	ta := mustTable(t, w, other)
	ok(t, w.Forget(t.Context(), def.Name))
	if _, err := NewReader(lake).Snapshot(t.Context(), def); !isNotFound(err) {
		t.Errorf("the forgotten table reads as %v", err)
	}
	loadRows(t, ta, writertest.At(30), writertest.Rows(other, writertest.Row{"accountid": writertest.ID(1), "versionnumber": int64(11)}))
	ok(t, w.CloseInterval(t.Context()))
	w.Close()

	c.now = c.now.Add(time.Minute)
	front := *def
	front.Columns = append([]lakelink.Column{{Name: "contoso_active", Type: lakelink.TypeBoolean}}, def.Columns...)
	w = openAt(t, lake, c, &front, other)
	tw := mustTable(t, w, &front)
	if !tw.Position().IsZero() {
		t.Errorf("the position is %v, want none", tw.Position())
	}
	loadRows(t, tw, writertest.At(50), writertest.Rows(&front, writertest.Contacts(45, 2, 8)...))
	ok(t, w.CloseInterval(t.Context()))
	wantRows(t, lake, &front, writertest.At(50), writertest.Contacts(45, 2, 8)...)
	check(t, lake, false, string(def.Name))
}

// A load takes no more memory than the budget, however large it is, and neither do its ids.
func TestLoadLargerThanMemory(t *testing.T) {
	lake, def := memlake.New(), writertest.Contact()
	const memory = 64 << 10
	w, err := New(t.Context(), Options{Lake: lake, LinkID: "link-1", Tables: []*lakelink.Table{def},
		SpoolDir: t.TempDir(), MemoryBudget: memory, LocationBase: "https://lake.example/c"})
	ok(t, err)
	defer w.Close()
	const rows, steps = 5000, 4
	for resync := range 2 {
		tw, err := w.Table(t.Context(), def)
		ok(t, err)
		l, err := tw.Load(t.Context())
		ok(t, err)
		for i := range steps {
			for j := range 5 {
				var ns []int
				for n := range rows / 5 {
					ns = append(ns, (i*5+j)*rows/5+n+resync*rows)
				}
				ok(t, l.Write(t.Context(), writertest.Rows(def, writertest.Contacts(int64(5+10*resync), ns...)...)))
				if got := w.(*Writer).budget.inMemory.Load(); got > memory {
					t.Fatalf("%d bytes in memory, the budget is %d", got, memory)
				}
			}
			if i < steps-1 {
				ok(t, l.Stage(t.Context(), lakelink.Position{Checkpoint: lakelink.Checkpoint(strings.Repeat("p", i+1))}))
			}
		}
		ok(t, l.Finish(t.Context(), writertest.At(int64(10+10*resync))))
		ok(t, w.CloseInterval(t.Context()))
	}
	got, _, err := writertest.Read(t.Context(), NewReader(lake), def)
	ok(t, err)
	if len(got) != rows*steps || got[writertest.ID(0)] != nil {
		t.Errorf("%d rows, want %d without the first", len(got), rows*steps)
	}
	b := w.(*Writer).budget
	if b.inMemory.Load() != 0 || b.onDisk.Load() != 0 {
		t.Errorf("%d bytes in memory and %d on disk are not given back", b.inMemory.Load(), b.onDisk.Load())
	}
	check(t, lake, false)
}

func TestFullSpoolIsAnError(t *testing.T) {
	def := writertest.Contact()
	w, err := New(t.Context(), Options{Lake: memlake.New(), LinkID: "l", SpoolDir: t.TempDir(), MemoryBudget: 1, SpoolLimit: 1000})
	ok(t, err)
	defer w.Close()
	tw, err := w.Table(t.Context(), def)
	ok(t, err)
	ok(t, tw.Write(t.Context(), writertest.Rows(def, writertest.Contacts(5, 1)...)))
	err = tw.Write(t.Context(), writertest.Rows(def, writertest.Contacts(5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)...))
	if !lakelink.IsKind(err, lakelink.KindFull) {
		t.Errorf("%v, want KindFull", err)
	}
}

// The writer that is behind learns of it and harms nothing; opened anew, it goes on.
func TestTheSlowerOfTwoWritersIsShutOut(t *testing.T) {
	lake, c, w, tw, def := loaded(t)
	commit(t, tw, writertest.At(20), writertest.Rows(def, writertest.Contacts(15, 1)...))
	c.now = c.now.Add(time.Minute)
	other := openAt(t, lake, c, def)
	to := mustTable(t, other, def)
	commit(t, to, writertest.At(30), writertest.Rows(def, writertest.Contacts(15, 1)...), writertest.Rows(def, writertest.Contacts(25, 2)...))
	ok(t, other.CloseInterval(t.Context()))
	if err := w.CloseInterval(t.Context()); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Fatalf("%v, want KindConflict", err)
	}
	if err := tw.Commit(t.Context(), writertest.At(21)); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Fatalf("%v, want KindConflict", err)
	}
	tw = mustTable(t, w, def)
	if tw.Position() != writertest.At(30) {
		t.Errorf("the position is %v, want the other's", tw.Position())
	}
	c.now = c.now.Add(time.Minute)
	commit(t, tw, writertest.At(40), writertest.Deletes(def, writertest.ID(3)))
	ok(t, w.CloseInterval(t.Context()))
	wantRows(t, lake, def, writertest.At(40), append(writertest.Contacts(15, 1), writertest.Contacts(25, 2)...)...)
	check(t, lake, false)
}

// pausing stops a writer right before it makes an object of that name.
type pausing struct {
	lakelink.Lake
	name  string
	pause func()
}

func (p *pausing) PutNew(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	if strings.HasSuffix(name, p.name) && p.pause != nil {
		pause := p.pause
		p.pause = nil
		pause()
	}
	return p.Lake.PutNew(ctx, name, r)
}

// Another instance takes over while this one is between its data files and its decision: the
// folder holds nothing half, and this one's files go.
func TestTakenOverInTheMiddleOfAClose(t *testing.T) {
	for _, at := range []string{manifestFile, "2022.csv", "2023.csv", "/" + markerFile} {
		lake, c, w, _, def := loaded(t)
		w.Close()
		p := &pausing{Lake: lake, name: at}
		slow := openAt(t, p, c, def)
		tw := mustTable(t, slow, def)
		commit(t, tw, writertest.At(20), writertest.Rows(def, writertest.Contacts(15, 1, 2, 3)...))
		p.pause = func() {
			quick := openAt(t, lake, c, def)
			tq := mustTable(t, quick, def)
			v := max(tq.Position().Version, 15)
			commit(t, tq, writertest.At(v+10), writertest.Rows(def, writertest.Contacts(v+5, 1, 2)...))
			ok(t, quick.CloseInterval(t.Context()))
		}
		c.now = c.now.Add(time.Minute)
		err := slow.CloseInterval(t.Context())
		if !lakelink.IsKind(err, lakelink.KindConflict) {
			t.Errorf("%s: %v, want KindConflict", at, err)
		}
		tw = mustTable(t, slow, def)
		pos := tw.Position()
		commit(t, tw, writertest.At(pos.Version+10), writertest.Rows(def, writertest.Contacts(pos.Version+5, 3)...))
		ok(t, slow.CloseInterval(t.Context()))
		wantRows(t, lake, def, writertest.At(pos.Version+10),
			append(writertest.Contacts(pos.Version-5, 1, 2), writertest.Contacts(pos.Version+5, 3)...)...)
		check(t, lake, false)
		if t.Failed() {
			t.Fatalf("taken over before %s", at)
		}
	}
}

func TestAnothersLakeIsRefused(t *testing.T) {
	lake, _, _, _, _ := loaded(t)
	_, err := New(t.Context(), Options{Lake: lake, LinkID: "link-2"})
	if !lakelink.IsKind(err, lakelink.KindOwned) {
		t.Errorf("%v, want KindOwned", err)
	}
	foreign := memlake.New()
	for name, text := range map[string]string{changelogName: "2026-11-22T09.20.03Z",
		"2026-11-22T09.15.03Z/model.json": "{}", "2026-11-22T09.20.03Z/account/2024.csv": "x"} {
		_, err := foreign.Put(t.Context(), name, strings.NewReader(text))
		ok(t, err)
	}
	if _, err = New(t.Context(), Options{Lake: foreign, LinkID: "link-2"}); !lakelink.IsKind(err, lakelink.KindOwned) {
		t.Errorf("%v, want KindOwned", err)
	}
}

// Whatever happens to a data file or a manifest, reading says so and names it.
func TestDamageIsNamed(t *testing.T) {
	lake, _, _, _, def := loaded(t)
	f := folders(t, lake)[0]
	for what, change := range map[string]func([]byte) []byte{
		"gone": nil, "cut": func(b []byte) []byte { return b[:len(b)-10] },
		"changed":  func(b []byte) []byte { return bytes.Replace(b, []byte("Contact"), []byte("Kontakt"), 1) },
		"no guid":  func(b []byte) []byte { return append([]byte("zz"), b[2:]...) },
		"no quote": func(b []byte) []byte { return bytes.Replace(b, []byte(`"`), []byte("x"), 1) },
		"narrow":   func(b []byte) []byte { return bytes.Replace(b, []byte(`,`), []byte("x"), 1) },
	} {
		for _, name := range []string{f.data(def.Name, "2022.csv"), f.path(manifestFile)} {
			if name == f.path(manifestFile) && what != "cut" {
				continue
			}
			good, _, err := readAll(t.Context(), lake, name)
			ok(t, err)
			if change == nil {
				ok(t, lake.Delete(t.Context(), name))
			} else {
				_, err = lake.Put(t.Context(), name, bytes.NewReader(change(bytes.Clone(good))))
				ok(t, err)
			}
			_, _, err = writertest.Read(t.Context(), NewReader(lake), def)
			if !lakelink.IsKind(err, lakelink.KindDamaged) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %s reads as: %v", name, what, err)
			}
			_, err = lake.Put(t.Context(), name, bytes.NewReader(good))
			ok(t, err)
		}
	}
	wantRows(t, lake, def, writertest.At(10), writertest.Contacts(5, 1, 2, 3)...)
}

// A staged part that is damaged costs the load, and nothing else.
func TestDamagedLoadIsReadAgain(t *testing.T) {
	lake, c, w, tw, def := loaded(t)
	c.now = c.now.Add(time.Minute)
	loadRows(t, tw, writertest.At(20), writertest.Rows(def, writertest.Contacts(15, 1)...))
	for name := range contents(t, lake) {
		if strings.HasSuffix(name, ".part") {
			_, err := lake.Put(t.Context(), name, strings.NewReader("nonsense"))
			ok(t, err)
		}
	}
	if err := w.CloseInterval(t.Context()); !lakelink.IsKind(err, lakelink.KindDamaged) {
		t.Fatalf("%v, want KindDamaged", err)
	}
	ok(t, w.CloseInterval(t.Context()))
	tw = mustTable(t, w, def)
	loadRows(t, tw, writertest.At(20), writertest.Rows(def, writertest.Contacts(15, 1)...))
	ok(t, w.CloseInterval(t.Context()))
	wantRows(t, lake, def, writertest.At(20), writertest.Contacts(15, 1)...)
	check(t, lake, false)
}

// New labels reach the folders that are closed and opened after them.
func TestChangedLabelsAreWritten(t *testing.T) {
	lake, c, def := memlake.New(), newClock(), account()
	w := openAt(t, lake, c, def)
	tw := mustTable(t, w, def)
	renamed := *def
	renamed.Choices = append([]lakelink.ChoiceSet(nil), def.Choices...)
	renamed.Choices[3].Options = []lakelink.Option{{Value: 1, Labels: []lakelink.Label{{Language: 1033, Text: "South"}}}}
	ok(t, tw.SetTable(t.Context(), &renamed))
	loadRows(t, tw, writertest.At(10), writertest.Rows(def))
	ok(t, w.CloseInterval(t.Context()))
	for _, f := range folders(t, lake) {
		b, _, err := readAll(t.Context(), lake, f.path(choiceFolder+"GlobalOptionsetMetadata.csv"))
		ok(t, err)
		if want := "markets,1,False,1033,\"South\",contoso_markets,account,\n"; string(b) != want {
			t.Errorf("%s has %q, want %q", f, b, want)
		}
	}
	check(t, lake, false)
}

func TestSpoolLeavesNoFiles(t *testing.T) {
	dir := t.TempDir()
	def := writertest.Contact()
	w, err := New(t.Context(), Options{Lake: memlake.New(), LinkID: "l", SpoolDir: dir, MemoryBudget: 1})
	ok(t, err)
	tw, err := w.Table(t.Context(), def)
	ok(t, err)
	commit(t, tw, writertest.At(1), writertest.Rows(def, writertest.Contacts(1, 1)...))
	ok(t, w.Close())
	left, err := os.ReadDir(dir)
	ok(t, err)
	if len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

// What else the interval has brought is shown before a large load is copied.
func TestLargeLoadHoldsNothingBack(t *testing.T) {
	lake, c, w, tw, def := loaded(t)
	other := writertest.Account()
	ta := mustTable(t, w, other)
	w.largeLoad = 0
	c.now = c.now.Add(time.Minute)
	loadRows(t, ta, writertest.At(20), writertest.Rows(other, writertest.Row{"accountid": writertest.ID(1), "versionnumber": int64(11)}))
	commit(t, ta, writertest.At(30), writertest.Rows(other, writertest.Row{"accountid": writertest.ID(2), "versionnumber": int64(25)}))
	commit(t, tw, writertest.At(30), writertest.Rows(def, writertest.Contacts(25, 1)...))
	ok(t, w.CloseInterval(t.Context()))
	all := folders(t, lake)
	for i, want := range []string{"", "contact", "account", "account"} {
		m, err := readManifest(t.Context(), lake, all[i])
		ok(t, err)
		for name, e := range m.Tables {
			if i > 0 && (len(e.Files) > 0) != (string(name) == want) {
				t.Errorf("folder %d has %d files of %s", i, len(e.Files), name)
			}
		}
	}
	wantRows(t, lake, def, writertest.At(30), append(writertest.Contacts(25, 1), writertest.Contacts(5, 2, 3)...)...)
	check(t, lake, false)
}

// A table that is opened again and again gives back what its earlier openings held.
func TestReopeningGivesBackMemory(t *testing.T) {
	_, _, w, tw, def := loaded(t)
	for range 3 {
		ok(t, tw.Write(t.Context(), writertest.Rows(def, writertest.Contacts(15, 1, 2)...)))
		l, err := tw.Load(t.Context())
		ok(t, err)
		ok(t, l.Write(t.Context(), writertest.Rows(def, writertest.Contacts(15, 1, 2)...)))
		tw = mustTable(t, w, def)
	}
	if n := w.budget.inMemory.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// A resync repairs a table whose older folder has lost a file.
func TestResyncRepairsAMissingFile(t *testing.T) {
	lake, _, w, tw, def := loaded(t)
	old := folders(t, lake)[0]
	first, err := readManifest(t.Context(), lake, old)
	ok(t, err)
	ok(t, lake.Delete(t.Context(), old.data(def.Name, first.Tables[def.Name].Files[0].Name)))
	if _, _, err := writertest.Read(t.Context(), NewReader(lake), def); !lakelink.IsKind(err, lakelink.KindDamaged) {
		t.Fatalf("a missing file: %v", err)
	}
	loadRows(t, tw, writertest.At(20), writertest.Rows(def, writertest.Contacts(5, 1, 2, 3)...))
	ok(t, w.CloseInterval(t.Context()))
	wantRows(t, lake, def, writertest.At(20), writertest.Contacts(5, 1, 2, 3)...)

	newest := folders(t, lake)[1]
	m, err := readManifest(t.Context(), lake, newest)
	ok(t, err)
	ok(t, lake.Delete(t.Context(), newest.data(def.Name, m.Tables[def.Name].Files[0].Name)))
	if _, _, err := writertest.Read(t.Context(), NewReader(lake), def); !lakelink.IsKind(err, lakelink.KindDamaged) {
		t.Errorf("a file of the resync itself is missing: %v", err)
	}
}
