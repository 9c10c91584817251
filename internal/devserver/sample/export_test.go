package sample

import (
	"maps"
	"slices"
	"testing"

	"lakelink/internal/devserver/store"
)

// Missing makes some rows of every table and tells which columns recipes name in vain.
func Missing(t *testing.T, st *store.Store) []string {
	t.Helper()
	c := newCast(st, Options{Rows: 50_000, Now: DefaultNow})
	for i := range recipes {
		r := &recipes[i]
		b := newBuilder(c, st.Schema().Table(r.table), 1, 300)
		for n := range min(300, c.pools[r.table].n) {
			b.begin(c.pools[r.table].space.at(n), n)
			r.fill(b, n)
			b.finish()
		}
	}
	return slices.Sorted(maps.Keys(c.missing))
}
