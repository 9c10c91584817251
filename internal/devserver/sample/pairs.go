package sample

import (
	"context"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// pairs are the pairs of rows that an N:N table has or had, so that none is made twice.
type pairs struct {
	rule  *schema.ManyToMany
	taken map[[2]store.ID]bool
}

// newPairs reads an N:N table; it returns nil for any other.
func newPairs(snap *store.Snapshot, s *schema.Schema, table *store.Table) (*pairs, error) {
	for _, m := range s.ManyToMany {
		if m.IntersectEntity != table.LogicalName {
			continue
		}
		p := &pairs{rule: m, taken: map[[2]store.ID]bool{}}
		rows, err := snap.Changed(context.Background(), table, 0, snap.Version(), -1)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := table.Decode(rows.Body())
			if err != nil {
				return nil, err
			}
			first, _ := row.Get(m.Entity1Attribute).(store.ID)
			second, _ := row.Get(m.Entity2Attribute).(store.ID)
			p.taken[[2]store.ID{first, second}] = true
		}
		return p, rows.Err()
	}
	return nil, nil
}

// fill pairs two rows that are not paired yet. It gives up where few such are left.
func (p *pairs) fill(b *builder) bool {
	for range 8 {
		first, ok1 := b.any(p.rule.Entity1).(store.Ref)
		second, ok2 := b.any(p.rule.Entity2).(store.Ref)
		pair := [2]store.ID{first.ID, second.ID}
		if !ok1 || !ok2 || p.taken[pair] {
			continue
		}
		p.taken[pair] = true
		b.set(p.rule.Entity1Attribute, first.ID)
		b.set(p.rule.Entity2Attribute, second.ID)
		return true
	}
	return false
}
