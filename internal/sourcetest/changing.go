package sourcetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"lakelink"
)

// loaded makes n rows and reads them.
func (e *env) loaded(t *testing.T, n int) ([]lakelink.ID, replica, lakelink.Position) {
	t.Helper()
	ids := e.Create(e.table.Name, n)
	r := e.read(t, e.table, lakelink.Position{}, nil)
	rep := replica{}
	rep.apply(r)
	return ids, rep, r.end
}

func testNoChanges(t *testing.T, e *env) {
	_, _, at := e.loaded(t, e.several())
	for range 3 {
		r := e.read(t, e.table, stored(t, at), nil)
		checkSet(t, "changes", append(r.ids(), r.deletes...), nil)
		if r.batches[0].Load {
			t.Error("a read of changes says that it is a load")
		}
		at = r.end
	}
}

func testChanges(t *testing.T, e *env) {
	ids, rep, at := e.loaded(t, e.several())
	for range 3 { // however many edits, one entry
		for _, id := range ids[1:] {
			e.Update(e.table.Name, id)
		}
	}
	made := e.Create(e.table.Name, e.PageRows())
	e.Update(e.table.Name, made[0])
	r := e.read(t, e.table, at, nil)
	checkSet(t, "changed rows", r.ids(), append(slices.Clone(ids[1:]), made...))
	checkSet(t, "deletes", r.deletes, nil)
	rep.apply(r)
	e.checkReplica(t, e.table, rep)
	if len(r.batches) < 3 {
		t.Errorf("%d changes came in %d batches, and a page has %d", len(r.rows), len(r.batches), e.PageRows())
	}
}

func testDeletes(t *testing.T, e *env) {
	ids, rep, at := e.loaded(t, e.several())
	e.Update(e.table.Name, ids[0])
	e.Update(e.table.Name, ids[1])
	e.Delete(e.table.Name, ids[0])
	e.Delete(e.table.Name, ids[2])
	e.Update(e.table.Name, ids[3])
	r := e.restart().read(t, e.table, stored(t, at), nil)
	checkSet(t, "changed rows", r.ids(), []lakelink.ID{ids[1], ids[3]})
	checkSet(t, "deletes", r.deletes, []lakelink.ID{ids[0], ids[2]})
	rep.apply(r)
	e.checkReplica(t, e.table, rep)
	checkSet(t, "deletes told again", e.read(t, e.table, r.end, nil).deletes, nil)
}

func testManyDeletes(t *testing.T, e *env) {
	ids, _, at := e.loaded(t, e.several())
	for _, id := range ids {
		e.Delete(e.table.Name, id)
	}
	r := e.read(t, e.table, at, nil)
	checkSet(t, "changed rows", r.ids(), nil)
	checkSet(t, "deletes", r.deletes, ids)
	if len(r.batches) < 3 {
		t.Errorf("%d deletes came in %d batches, and a page has %d", len(ids), len(r.batches), e.PageRows())
	}
}

// A row that came and went between two reads may be told as a delete or not at all.
func testCreatedAndDeleted(t *testing.T, e *env) {
	_, rep, at := e.loaded(t, 1)
	id := e.Create(e.table.Name, 1)[0]
	e.Delete(e.table.Name, id)
	r := e.read(t, e.table, at, nil)
	checkSet(t, "changed rows", r.ids(), nil)
	for _, gone := range r.deletes {
		if gone != id {
			t.Errorf("delete of %s, which was not deleted", gone)
		}
	}
	rep.apply(r)
	e.checkReplica(t, e.table, rep)
}

func testRecreated(t *testing.T, e *env) {
	ids, rep, at := e.loaded(t, e.several())
	for _, id := range ids {
		e.Delete(e.table.Name, id)
	}
	e.Recreate(e.table.Name, ids[0])
	e.Recreate(e.table.Name, ids[1])
	e.Update(e.table.Name, ids[1])
	r := e.read(t, e.table, at, nil)
	checkSet(t, "changed rows", r.ids(), ids[:2])
	checkSet(t, "deletes", r.deletes, ids[2:])
	rep.apply(r)
	e.checkReplica(t, e.table, rep)
}

func testRecreatedLater(t *testing.T, e *env) {
	ids, rep, at := e.loaded(t, 2)
	e.Delete(e.table.Name, ids[0])
	gone := e.read(t, e.table, at, nil)
	checkSet(t, "deletes", gone.deletes, ids[:1])
	e.Recreate(e.table.Name, ids[0])
	back := e.read(t, e.table, gone.end, nil)
	checkSet(t, "changed rows", back.ids(), ids[:1])
	if len(back.rows) == 1 && back.rows[0].version <= gone.end.Version {
		t.Errorf("the row made anew has version %d, not above its delete's %d", back.rows[0].version, gone.end.Version)
	}
	rep.apply(gone)
	rep.apply(back)
	e.checkReplica(t, e.table, rep)
}

func testReadAgain(t *testing.T, e *env) {
	ids, _, at := e.loaded(t, e.several())
	e.Update(e.table.Name, ids[0])
	e.Delete(e.table.Name, ids[1])
	first := e.read(t, e.table, at, nil)
	again := e.read(t, e.table, at, nil)
	if !slices.Equal(first.rows, again.rows) || !slices.Equal(first.deletes, again.deletes) {
		t.Errorf("the same position told %v, %v\nand then %v, %v", first.rows, first.deletes, again.rows, again.deletes)
	}
	e.Update(e.table.Name, ids[0])
	e.Update(e.table.Name, ids[2])
	later := e.restart().read(t, e.table, stored(t, at), nil)
	checkSet(t, "changed rows", later.ids(), []lakelink.ID{ids[0], ids[2]})
	checkSet(t, "deletes", later.deletes, []lakelink.ID{ids[1]})
}

func testChangesDuringCycle(t *testing.T, e *env) {
	ids, rep, at := e.loaded(t, 2*e.several())
	half := len(ids) / 2
	for i, id := range ids {
		if i < half {
			e.Update(e.table.Name, id)
		} else {
			e.Delete(e.table.Name, id)
		}
	}
	r := e.read(t, e.table, at, func(page int) {
		switch page {
		case 1:
			e.Delete(e.table.Name, ids[0])
			e.Update(e.table.Name, ids[half-1])
			e.Recreate(e.table.Name, ids[half])
			e.Recreate(e.table.Name, ids[len(ids)-1])
		case 2:
			e.Create(e.table.Name, 1)
		}
	})
	rep.apply(r)
	rep.apply(e.read(t, e.table, r.end, nil))
	e.checkReplica(t, e.table, rep)
}

func testOtherTable(t *testing.T, e *env) {
	_, _, at := e.loaded(t, 1)
	other := e.Create(e.other.Name, e.several())
	e.Delete(e.other.Name, other[0])
	r := e.read(t, e.table, at, nil)
	checkSet(t, "changes", append(r.ids(), r.deletes...), nil)
	if v := e.version(t); r.end.Version > v || r.end.Version < at.Version {
		t.Errorf("position's version is %d, the environment's %d", r.end.Version, v)
	}
}

// testRandomHistory follows a table through a history with a fixed seed and compares.
func testRandomHistory(t *testing.T, e *env) {
	rnd := rand.New(rand.NewPCG(7, 7))
	live, rep, at := e.loaded(t, e.several())
	var gone []lakelink.ID
	step := func() {
		switch i := rnd.IntN(10); {
		case i < 3 || len(live) == 0:
			live = append(live, e.Create(e.table.Name, 1)...)
		case i < 6:
			e.Update(e.table.Name, live[rnd.IntN(len(live))])
		case i < 9 || len(gone) == 0:
			k := rnd.IntN(len(live))
			e.Delete(e.table.Name, live[k])
			gone = append(gone, live[k])
			live = slices.Delete(live, k, k+1)
		default:
			k := rnd.IntN(len(gone))
			e.Recreate(e.table.Name, gone[k])
			live = append(live, gone[k])
			gone = slices.Delete(gone, k, k+1)
		}
	}
	for cycle := range 8 {
		for range rnd.IntN(3 * e.PageRows()) {
			step()
		}
		r := e.restart().read(t, e.table, stored(t, at), func(int) { step() })
		rep.apply(r)
		at = r.end
		if t.Failed() {
			t.Fatal(fmt.Sprint("in cycle ", cycle))
		}
	}
	rep.apply(e.read(t, e.table, at, nil))
	e.checkReplica(t, e.table, rep)
}
