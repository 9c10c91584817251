package sample_test

import (
	"context"
	"slices"
	"testing"

	"lakelink/internal/devserver/sample"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

func traffic(t testing.TB, st *store.Store, o sample.TrafficOptions) *sample.Traffic {
	t.Helper()
	tr, err := sample.NewTraffic(t.Context(), st, o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// A recorder is told of every change.
type recorder struct {
	seen         []store.Change
	transactions []int // how many changes each had
	after        func()
}

func (r *recorder) Wants(table *schema.Table, _ store.Message) bool {
	return table.LogicalName != "activitypointer"
}

func (r *recorder) Committed(changes []store.Change) {
	r.seen = append(r.seen, changes...)
	r.transactions = append(r.transactions, len(changes))
	if r.after != nil {
		r.after()
	}
}

func TestSameSeedSameTraffic(t *testing.T) {
	course := func(seed int64) string {
		st := seeded(t, 1000, 1)
		if err := traffic(t, st, sample.TrafficOptions{RandomSeed: seed}).Apply(t.Context(), 1500); err != nil {
			t.Fatal(err)
		}
		return digest(t, st)
	}
	if first, second := course(1), course(1); first != second {
		t.Error("the same seed took another course")
	}
	if course(1) == course(2) {
		t.Error("another seed took the same course")
	}
}

func TestApplyMakesExactlySoManyChanges(t *testing.T) {
	st := seeded(t, 3000, 1)
	r := &recorder{}
	defer st.Subscribe(r)()
	tr := traffic(t, st, sample.TrafficOptions{RandomSeed: 3})
	want := 0
	for _, n := range []int{0, 1, 2, 3, 700, 1500} {
		if err := tr.Apply(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		want += n
		if got := tr.Stats(); int(got.Changes()) != want || len(r.seen) != want || int(got.Transactions) != len(r.transactions) {
			t.Fatalf("after %d: %+v; %d changes seen in %d transactions", want, got, len(r.seen), len(r.transactions))
		}
	}
}

func TestTrafficLeavesNothingDangling(t *testing.T) {
	st := seeded(t, 1500, 1)
	for seed := range int64(2) { // the second finds what the first has left
		tr := traffic(t, st, sample.TrafficOptions{RandomSeed: seed})
		if err := tr.Apply(t.Context(), 3000); err != nil {
			t.Fatal(err)
		}
	}
	checkRows(t, st)
	checkPairs(t, st)
}

func TestTrafficIsMostlyUpdatesOfFewRows(t *testing.T) {
	st := seeded(t, 4000, 1)
	r := &recorder{}
	defer st.Subscribe(r)()
	tr := traffic(t, st, sample.TrafficOptions{RandomSeed: 1})
	if err := tr.Apply(t.Context(), 10_000); err != nil {
		t.Fatal(err)
	}
	s := tr.Stats()
	t.Logf("%+v", s)
	if s.Updates < 6000 || s.Creates < 1500 || s.Deletes < 500 || s.Recreates < 20 || s.Bursts == 0 || s.Missed != 0 {
		t.Errorf("%+v", s)
	}
	if most := slices.Max(r.transactions); most < 200 {
		t.Errorf("the largest transaction has %d changes", most)
	}
	updates := map[store.ID]int{}
	for _, c := range r.seen {
		if c.Message == store.Update {
			updates[c.ID]++
		}
	}
	often := 0
	for _, n := range updates {
		if n > 3 {
			often += n
		}
	}
	if often < 1000 {
		t.Errorf("only %d updates of %d rows come back to a row", often, len(updates))
	}
}

func TestRowsComeBackUnderTheirID(t *testing.T) {
	st := seeded(t, 3000, 1)
	r := &recorder{}
	defer st.Subscribe(r)()
	tr := traffic(t, st, sample.TrafficOptions{RandomSeed: 1})
	if err := tr.Apply(t.Context(), 3000); err != nil {
		t.Fatal(err)
	}
	gone, back := map[store.ID]bool{}, 0
	for _, c := range r.seen {
		switch {
		case c.Message == store.Delete:
			gone[c.ID] = true
		case c.Message == store.Create && gone[c.ID]:
			back++
		}
	}
	if int64(back) != tr.Stats().Recreates || back == 0 {
		t.Errorf("%d came back, %+v", back, tr.Stats())
	}
}

func TestTrafficGoesOnWhenOthersDeleteItsRows(t *testing.T) {
	st := seeded(t, 2000, 1)
	tr := traffic(t, st, sample.TrafficOptions{RandomSeed: 1})
	for _, table := range []string{"contact", "annotation", "new_device", "opportunity"} {
		var ids []store.ID
		each(t, st, st.Schema().Table(table), func(id store.ID, _ store.Row) { ids = append(ids, id) })
		if err := st.Update(t.Context(), func(tx *store.Tx) error {
			for _, id := range ids {
				if err := tx.Delete(st.Schema().Table(table), id); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.Apply(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	if s := tr.Stats(); s.Missed == 0 || s.Changes()+s.Missed != 1000 {
		t.Errorf("%+v", s)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	st := seeded(t, 1000, 1)
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{}
	r.after = func() {
		if len(r.seen) > 300 {
			cancel()
		}
	}
	defer st.Subscribe(r)()
	if err := sample.Run(ctx, st, sample.TrafficOptions{PerSecond: 1e9}); err != nil {
		t.Errorf("got %v", err)
	}
	if len(r.seen) <= 300 {
		t.Errorf("%d changes", len(r.seen))
	}
}

func TestTrafficNeedsSampleData(t *testing.T) {
	if _, err := sample.NewTraffic(t.Context(), open(t), sample.TrafficOptions{}); err == nil {
		t.Error("an empty environment was accepted")
	}
}

func BenchmarkTraffic(b *testing.B) {
	st := seeded(b, 100_000, 1)
	tr := traffic(b, st, sample.TrafficOptions{RandomSeed: 1})
	b.ResetTimer()
	if err := tr.Apply(b.Context(), b.N); err != nil {
		b.Fatal(err)
	}
}
