package writertest

import (
	"math/rand/v2"

	"lakelink"
)

// randomChanges compares the table with a map through a few hundred commits of random rows and
// deletes, old and new, with reopenings and resyncs in between.
func randomChanges(x *session) {
	t := Contact()
	rng := rand.New(rand.NewPCG(x.suite.seed, 2))
	model := map[lakelink.ID]Row{}
	w := x.table(t)
	version := int64(10)
	resync := func() {
		var rows []Row
		for _, r := range model {
			rows = append(rows, r)
		}
		half := len(rows) / 2
		x.load(w, At(version), Rows(t, rows[:half]...), Rows(t, rows[half:]...))
	}
	for n := range 120 {
		for _, r := range Contacts(1, n) {
			model[ID(n)] = r
		}
	}
	resync()
	for i := range 150 {
		var batches []*lakelink.Batch
		touched := map[int]bool{}
		for range 1 + rng.IntN(3) {
			var rows []Row
			var gone []lakelink.ID
			for range rng.IntN(8) {
				n := rng.IntN(160)
				if rng.IntN(4) > 0 {
					n /= 10 // some rows are hot
				}
				if touched[n] {
					continue
				}
				touched[n] = true
				version++
				switch old := model[ID(n)]; {
				case rng.IntN(5) == 0:
					gone = append(gone, ID(n))
					delete(model, ID(n))
				case old != nil && rng.IntN(6) == 0: // a replay
					rows = append(rows, old)
				default:
					r := contact(n, version)
					rows = append(rows, r)
					model[ID(n)] = r
				}
			}
			batches = append(batches, Rows(t, rows...), Deletes(t, gone...))
		}
		version++
		x.commit(w, At(version), batches...)
		switch {
		case i%31 == 30:
			x.reopen()
			w = x.table(t)
		case i%67 == 66:
			version++
			resync()
		}
		if i%5 == 0 {
			x.wantModel(t, model, i)
		}
	}
	x.wantModel(t, model, -1)
}

func (x *session) wantModel(t *lakelink.Table, model map[lakelink.ID]Row, step int) {
	x.Helper()
	got, _ := x.rows(t)
	if diff := x.diff(t, model, got); diff != "" {
		x.Fatalf("step %d: the table is not as the model (-want +got):\n%s", step, diff)
	}
}
