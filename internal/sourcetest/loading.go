package sourcetest

import (
	"testing"

	"lakelink"
)

func testLoad(t *testing.T, e *env) {
	ids := e.Create(e.table.Name, e.several())
	e.Create(e.other.Name, 2)
	r := e.read(t, e.table, lakelink.Position{}, nil)
	checkSet(t, "load", r.ids(), ids)
	if len(r.batches) < 3 {
		t.Errorf("%d rows came in %d batches, and a page has %d rows", len(ids), len(r.batches), e.PageRows())
	}
	seen := map[lakelink.Checkpoint]bool{}
	for i, b := range r.batches {
		if b.NumRows() > e.PageRows() {
			t.Errorf("batch %d has %d rows, and a page has %d", i, b.NumRows(), e.PageRows())
		}
		if seen[b.Next.Checkpoint] {
			t.Errorf("batch %d leads to where an earlier one led", i)
		}
		seen[b.Next.Checkpoint] = true
	}
}

func testLoadOfOnePage(t *testing.T, e *env) {
	ids := e.Create(e.table.Name, e.PageRows())
	r := e.read(t, e.table, lakelink.Position{}, nil)
	checkSet(t, "load", r.ids(), ids)
}

func testEmptyLoad(t *testing.T, e *env) {
	r := e.read(t, e.table, lakelink.Position{}, nil)
	checkSet(t, "load", r.ids(), nil)
	ids := e.Create(e.table.Name, 1)
	checkSet(t, "changes", e.read(t, e.table, stored(t, r.end), nil).ids(), ids)
}

func testLoadAfterDeletes(t *testing.T, e *env) {
	ids := e.Create(e.table.Name, e.several())
	e.Delete(e.table.Name, ids[0])
	e.Delete(e.table.Name, ids[1])
	e.Recreate(e.table.Name, ids[1])
	r := e.read(t, e.table, lakelink.Position{}, nil)
	checkSet(t, "load", r.ids(), ids[1:])
}

func testLoadResumes(t *testing.T, e *env) {
	ids := e.Create(e.table.Name, e.several()+e.PageRows())
	whole := e.read(t, e.table, lakelink.Position{}, nil)
	var before []lakelink.ID
	for i, b := range whole.batches[:len(whole.batches)-1] {
		for _, row := range imagesOf(e.table, b) {
			before = append(before, row.id)
		}
		rest := e.restart().read(t, e.table, stored(t, b.Next), nil)
		if !rest.batches[0].Load {
			t.Errorf("going on after page %d is no load", i+1)
		}
		checkSet(t, "load in two parts", append(rest.ids(), before...), ids)
	}
}

func testChangesDuringLoad(t *testing.T, e *env) {
	ids := e.Create(e.table.Name, e.several())
	rep := replica{}
	r := e.read(t, e.table, lakelink.Position{}, func(page int) {
		if page == 1 {
			e.changeAll(ids)
		}
	})
	rep.apply(r)
	changes := e.read(t, e.table, stored(t, r.end), nil)
	rep.apply(changes)
	e.checkReplica(t, e.table, rep)
	e.checkAllTold(t, changes, ids)
}

func testChangesDuringResumedLoad(t *testing.T, e *env) {
	ids := e.Create(e.table.Name, e.several())
	rep := replica{}
	next := lakelink.Position{}
	for b, err := range e.Feed(t.Context(), e.table, "") {
		if err != nil {
			t.Fatal(err)
		}
		rep.apply(reading{rows: imagesOf(e.table, b)})
		next = stored(t, b.Next)
		break
	}
	e.changeAll(ids)
	rest := e.restart().read(t, e.table, next, nil)
	rep.apply(rest)
	changes := e.read(t, e.table, stored(t, rest.end), nil)
	rep.apply(changes)
	e.checkReplica(t, e.table, rep)
	e.checkAllTold(t, changes, ids)
}

// changeAll touches every row: the even ones are updated, the odd ones deleted.
func (e *env) changeAll(ids []lakelink.ID) {
	for i, id := range ids {
		if i%2 == 0 {
			e.Update(e.table.Name, id)
		} else {
			e.Delete(e.table.Name, id)
		}
	}
	e.Create(e.table.Name, 1)
}

// checkAllTold checks that changes tell all that changeAll did.
func (e *env) checkAllTold(t *testing.T, changes reading, ids []lakelink.ID) {
	t.Helper()
	told := map[lakelink.ID]bool{}
	for _, id := range append(changes.ids(), changes.deletes...) {
		told[id] = true
	}
	for _, id := range ids {
		if !told[id] {
			t.Errorf("row %s changed during the load and is not in the changes after it", id)
		}
	}
	if len(told) != len(ids)+1 {
		t.Errorf("%d ids changed during the load, %d were told", len(ids)+1, len(told))
	}
}
