package verify

import (
	"testing"

	"lakelink"
)

func TestTableChangesDuringEverything(t *testing.T) {
	w := newWorld(t, 60)
	step := 0
	change := func() {
		if step++; step > 400 {
			return // let it come to rest
		}
		switch id := w.ids[step%len(w.ids)]; {
		case w.source.Row("account", id) == nil:
			w.source.Recreate("account", id)
		case step%7 == 0:
			w.source.Delete("account", id)
		default:
			w.source.Update("account", id)
		}
		w.source.Create("account", 1)
	}
	o := w.options("")
	o.MaxRounds = 50
	w.source.BetweenPages(func(lakelink.TableName, int) { change() })
	// Now and then a format has an image that the source is never seen with.
	hot := w.source.Create("account", 1)[0]
	around := func(l *fakeLake) func() {
		return func() {
			change()
			if l.read < 4 {
				w.source.Update("account", hot)
				l.follow()
				w.source.Update("account", hot)
			}
		}
	}
	w.delta.before, w.csv.before = around(w.delta), around(w.csv)
	delta, csv := compare(t, o)
	wantCounts(t, delta, [4]int64{})
	wantCounts(t, csv, [4]int64{})
	if w.delta.read < 3 || w.csv.read < 3 {
		t.Errorf("the formats were read %d and %d times: the test is too calm", w.delta.read, w.csv.read)
	}
}

// A row that changes between any two pages falls out of every cycle of several pages.
func TestRowFallsOutOfCycle(t *testing.T) {
	w := newWorld(t, 60)
	hot := w.ids[0]
	w.source.BetweenPages(func(lakelink.TableName, int) { w.source.Update("account", hot) })
	w.delta.before = func() {
		if w.delta.read == 0 {
			for _, id := range w.ids[1:40] {
				w.source.Update("account", id)
			}
		}
		w.source.Update("account", hot)
		w.delta.follow()
	}
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{})
	wantCounts(t, csv, [4]int64{})
}

// No cycle of changes is ever a single page: nothing that is not told proves anything, and what
// disagrees stays open instead of being called wrong.
func TestSourceThatNeverRests(t *testing.T) {
	moving := unsettledOfRestless(t, func(*world) {})
	for name, damage := range map[string]func(*world){
		"lost":  func(w *world) { delete(w.delta.rows, w.ids[30]) },
		"extra": func(w *world) { w.delta.put(map[string]any{"accountid": lakelink.ID{1}, "versionnumber": int64(1)}) },
	} {
		if got := unsettledOfRestless(t, damage); got != moving+1 {
			t.Errorf("%s: %d rows unsettled, want one more than %d", name, got, moving)
		}
	}
}

func unsettledOfRestless(t *testing.T, damage func(*world)) int64 {
	t.Helper()
	w := newWorld(t, 60)
	damage(w)
	w.source.BetweenPages(func(lakelink.TableName, int) {
		for _, id := range w.ids[1:21] {
			w.source.Update("account", id)
		}
	})
	w.delta.before = func() {
		w.source.Update("account", w.ids[1])
		w.source.Create("account", 6)
	}
	o := w.options(t.TempDir())
	o.Readers, o.Wait, o.MaxRounds = []lakelink.Reader{w.delta}, nil, 3
	results, err := Table(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if c := counts(results[0]); c[0]+c[1]+c[2] > 0 {
		t.Errorf("missing, extra, different, unsettled = %v, want only the last", c)
	}
	return results[0].Unsettled
}

func TestRowThatAlwaysChangesIsUnsettled(t *testing.T) {
	w := newWorld(t, 30)
	w.delta.before = func() {
		w.source.Update("account", w.ids[0])
		w.delta.follow() // the lake has an image that the source is never seen with
		w.source.Update("account", w.ids[0])
	}
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 0, 0, 1})
	wantCounts(t, csv, [4]int64{})
	if w.delta.read != defaultRounds {
		t.Errorf("the lake was read %d times", w.delta.read)
	}
}

// The lake is ahead of the full read, at an image that the source is seen with later.
func TestLakeAheadIsEqual(t *testing.T) {
	w := newWorld(t, 30)
	first := true
	w.delta.before = func() {
		if !first {
			return
		}
		first = false
		w.source.Update("account", w.ids[0])
		w.source.Delete("account", w.ids[1])
		w.source.Create("account", 1)
		w.delta.follow()
	}
	delta, _ := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{})
	if w.delta.read != 1 {
		t.Errorf("the lake was read %d times, though once tells it all", w.delta.read)
	}
}

// An update that the lake lost is never called equal, even if the row changes in every round.
func TestStaleRowThatAlwaysChanges(t *testing.T) {
	w := newWorld(t, 30)
	stale := w.source.Row("account", w.ids[0])
	w.source.Update("account", w.ids[0])
	w.follow()
	w.delta.before = func() {
		w.delta.put(stale)
		w.source.Update("account", w.ids[0])
	}
	delta, _ := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 0, 0, 1})
}

// A delete that the lake loses while it is compared is found where the row disagrees in any round.
func TestDeleteLostMeanwhile(t *testing.T) {
	w := newWorld(t, 30)
	row := w.source.Row("account", w.ids[0])
	w.delta.before = func() {
		switch w.delta.read {
		case 0: // the lake has an image that is never seen
			w.source.Update("account", w.ids[0])
			w.delta.follow()
			w.source.Update("account", w.ids[0])
		case 1:
			w.source.Update("account", w.ids[0])
			w.delta.follow()
			w.source.Delete("account", w.ids[0])
		default:
			w.delta.put(row)
		}
	}
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 1, 0, 0})
	wantCounts(t, csv, [4]int64{})
}

func TestMissingRowThatChangesLater(t *testing.T) {
	w := newWorld(t, 30)
	w.delta.before = func() {
		delete(w.delta.rows, w.ids[0])
		if w.delta.read < 2 {
			w.source.Update("account", w.ids[0])
		}
	}
	delta, _ := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{1, 0, 0, 0})
	if w.delta.read != 3 {
		t.Errorf("the lake was read %d times, want 3", w.delta.read)
	}
}

// More rows are open than there is memory for their ids.
func TestManyRowsOpen(t *testing.T) {
	w := newWorld(t, 60)
	w.delta.before = func() {
		if w.delta.read > 0 {
			return
		}
		for range 2 { // the lake has images in between
			for _, id := range w.ids[:40] {
				w.source.Update("account", id)
			}
			w.delta.follow()
		}
		for _, id := range w.ids[:40] {
			w.source.Update("account", id)
		}
		w.source.SetPageRows(1000)
	}
	w.delta.extra = append(w.delta.extra, map[string]any{"accountid": lakelink.ID{1}, "versionnumber": int64(1)})
	delta, csv := compare(t, w.options(""))
	wantCounts(t, delta, [4]int64{0, 1, 0, 0})
	wantCounts(t, csv, [4]int64{})
	if w.delta.read != 2 {
		t.Errorf("the lake was read %d times, want 2", w.delta.read)
	}
}
