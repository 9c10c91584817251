package sourcetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"lakelink"
)

func testExpired(t *testing.T, e *env) {
	ids, _, at := e.loaded(t, e.several())
	e.Delete(e.table.Name, ids[0])
	e.Expire(e.table.Name)
	n, err := e.firstError(t.Context(), e.table, at.Checkpoint)
	if !lakelink.IsKind(err, lakelink.KindExpired) || n > 0 {
		t.Errorf("Feed: %d batches, then %v; want %s at once", n, err, lakelink.KindExpired)
	}
	fresh := e.read(t, e.table, lakelink.Position{}, nil)
	checkSet(t, "load anew", fresh.ids(), ids[1:])
	e.Update(e.table.Name, ids[1])
	checkSet(t, "changes after it", e.read(t, e.table, fresh.end, nil).ids(), ids[1:2])
}

func testCancel(t *testing.T, e *env) {
	e.Create(e.table.Name, e.several())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	batches := 0
	var last error
	for _, err := range e.Feed(ctx, e.table, "") {
		if err != nil {
			last = err
			continue // ranging has to end by itself
		}
		batches++
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("Feed after cancel ended with %v, want %v", last, context.Canceled)
	}
	// A page that was on its way already may still come.
	if batches > 2 {
		t.Errorf("%d batches came, and ctx was canceled after the first", batches)
	}
	if n, err := e.firstError(ctx, e.table, ""); n > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Feed under a canceled context: %d batches, then %v", n, err)
	}
	if _, err := e.Version(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Version under a canceled context: %v", err)
	}
}

func testStopEarly(t *testing.T, e *env) {
	ids := e.Create(e.table.Name, e.several())
	feed := e.Feed(t.Context(), e.table, "")
	for range 3 {
		for _, err := range feed {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	checkSet(t, "load", e.read(t, e.table, lakelink.Position{}, nil).ids(), ids)
}

// testConcurrent reads two tables several times each while they change. Which changes a reader
// meets is open; what it has at the end is not.
func testConcurrent(t *testing.T, e *env) {
	ids := map[*lakelink.Table][]lakelink.ID{}
	for _, def := range []*lakelink.Table{e.table, e.other} {
		ids[def] = e.Create(def.Name, e.several())
	}
	const readers = 3
	replicas := make(chan func(), 2*readers)
	var wg sync.WaitGroup
	for _, def := range []*lakelink.Table{e.table, e.other} {
		for range readers {
			wg.Go(func() {
				rep, at, err := e.follow(t.Context(), def, 4)
				if err != nil {
					t.Errorf("following %s: %v", def.Name, err)
					return
				}
				replicas <- func() {
					rep.apply(e.read(t, def, at, nil))
					e.checkReplica(t, def, rep)
				}
			})
		}
	}
	for def, rows := range ids {
		for i, id := range rows {
			if i%3 == 0 {
				e.Delete(def.Name, id)
			} else {
				e.Update(def.Name, id)
			}
		}
		e.Create(def.Name, 2)
	}
	wg.Wait()
	close(replicas)
	for check := range replicas {
		check()
	}
}

// follow loads a table and reads its changes a number of times.
func (e *env) follow(ctx context.Context, def *lakelink.Table, cycles int) (replica, lakelink.Position, error) {
	rep, at := replica{}, lakelink.Position{}
	for range cycles {
		var r reading
		for b, err := range e.Feed(ctx, def, at.Checkpoint) {
			if err != nil {
				return nil, at, err
			}
			r.rows = append(r.rows, imagesOf(def, b)...)
			for _, d := range b.Deletes {
				r.deletes = append(r.deletes, d.ID)
			}
			r.end = b.Next
		}
		rep.apply(r)
		at = r.end
	}
	return rep, at, nil
}
