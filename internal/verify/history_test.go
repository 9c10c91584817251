package verify

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lakelink"
)

// draw lets a random history happen to the source: at each step one row changes or the lake follows.
func draw(t *rapid.T, w *world, steps int) {
	for range steps {
		live := slices.Collect(maps.Keys(w.source.Rows("account")))
		slices.SortFunc(live, compareIDs)
		id := rapid.SampledFrom(w.ids).Draw(t, "row")
		switch what := rapid.SampledFrom([]string{"create", "update", "update", "delete", "follow"}).Draw(t, "what"); {
		case what == "follow":
			w.follow()
		case what == "create":
			w.ids = append(w.ids, w.source.Create("account", 1)...)
		case !slices.Contains(live, id):
			w.source.Recreate("account", id)
		case what == "delete":
			w.source.Delete("account", id)
		default:
			w.source.Update("account", id)
		}
	}
}

// drawDamage damages the delta lake, which is up to date, and reports whether that made it wrong.
func drawDamage(t *rapid.T, w *world) (kind DifferenceKind) {
	ids := slices.SortedFunc(maps.Keys(w.delta.rows), compareIDs)
	what := rapid.SampledFrom([]string{"none", "lose", "add", "repeat", "cell", "version"}).Draw(t, "damage")
	if len(ids) == 0 && what != "add" {
		return ""
	}
	id := lakelink.ID{1}
	if what != "add" && what != "none" {
		id = rapid.SampledFrom(ids).Draw(t, "damaged")
	}
	row := maps.Clone(w.delta.rows[id])
	switch what {
	case "lose":
		delete(w.delta.rows, id)
		return Missing
	case "add":
		w.delta.put(map[string]any{"accountid": id, "versionnumber": rapid.Int64Range(1, 2000).Draw(t, "version")})
		return Extra
	case "repeat":
		w.delta.extra = append(w.delta.extra, row)
		return Duplicate
	case "cell":
		f := rapid.SampledFrom(w.table.Fields()[2:]).Draw(t, "field")
		row[f.Name] = rapid.SampledFrom(damage(f, row[f.Name])).Draw(t, "value")
	case "version":
		row["versionnumber"] = row["versionnumber"].(int64) + rapid.SampledFrom([]int64{-3, -1, 1, 1000}).Draw(t, "by")
	default:
		return ""
	}
	w.delta.put(row)
	return Different
}

// TestFoundIfAndOnlyIfDamaged: whatever happened, what a writer made is equal, and what was damaged is
// not, also while other rows change.
func TestFoundIfAndOnlyIfDamaged(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, rapid.IntRange(0, 25).Draw(rt, "rows"))
		w.ids = append(w.ids, w.source.Create("account", 1)...)
		draw(rt, w, rapid.IntRange(0, 25).Draw(rt, "steps"))
		w.follow()
		kind := drawDamage(rt, w)
		o := w.options(dir)
		o.MemoryBytes = rapid.SampledFrom([]int64{1, 1 << 11, 1 << 20}).Draw(rt, "memory")
		if rapid.Bool().Draw(rt, "moving") {
			moving(rt, w, kind == "")
		}
		results, err := Table(t.Context(), o)
		if err != nil {
			rt.Fatal(err)
		}
		delta, csv := results[0], results[1]
		if !csv.Equal() {
			rt.Errorf("the format that was not damaged: %+v", csv)
		}
		want := [4]int64{}
		switch kind {
		case Missing:
			want[0] = 1
		case Extra, Duplicate:
			want[1] = 1
		case Different:
			want[2] = 1
		}
		if counts(delta) != want || delta.Equal() != (kind == "") || delta.Error != "" {
			rt.Errorf("damage %q: %+v", kind, delta)
		}
		if kind != "" && (len(delta.Examples) != 1 || delta.Examples[0].Kind != kind) {
			rt.Errorf("damage %q: examples %+v", kind, delta.Examples)
		}
	})
}

// moving lets the source change while it is compared, until it comes to rest. Where rows may change
// that are there, they do; otherwise only new ones come, so that no change heals the damage.
func moving(t *rapid.T, w *world, any bool) {
	left := rapid.IntRange(1, 20).Draw(t, "changes on the way")
	step := func() {
		if left--; left < 0 {
			return
		}
		if any {
			ids := w.ids
			draw(t, w, 1)
			w.ids = ids
		} else {
			w.source.Create("account", 1)
		}
	}
	inside := false // following inside a page of another Feed must not step again
	guarded := func() {
		if !inside {
			inside = true
			step()
			inside = false
		}
	}
	w.source.BetweenPages(func(lakelink.TableName, int) { guarded() })
	w.delta.before, w.csv.before = guarded, guarded
}
