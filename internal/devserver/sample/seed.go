package sample

import (
	"context"
	"fmt"
	"time"

	"lakelink/internal/devserver/store"
)

// DefaultNow is the time Seed takes for the present if it is given none: the same data today and
// tomorrow.
var DefaultNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// Options of Seed.
type Options struct {
	// Rows is how many rows to add over all tables, activitypointer's counterparts of activities
	// included. Every table gets at least one, so that few may become some more. Tables of the
	// platform itself (organization, sdkmessage, serviceendpoint ...) get none.
	Rows int
	// RandomSeed chooses among environments of the same size.
	RandomSeed int64
	// Now is the newest a row can be; DefaultNow if zero.
	Now time.Time
	// Progress, if set, is told from time to time how many rows of how many are in.
	Progress func(done, total int)
}

// batch is how many rows go into one transaction: enough to make its cost small, few enough that
// other writers need not wait long.
const batch = 5000

// Seed adds a company's data to an environment. Tables that the schema lacks are left out. It
// fails with store.ErrExists where an environment has been seeded with the same seed before.
func Seed(ctx context.Context, st *store.Store, o Options) error {
	if o.Now.IsZero() {
		o.Now = DefaultNow
	}
	c := newCast(st, o)
	done, total := 0, Total(o.Rows)
	for i := range recipes {
		r := &recipes[i]
		table := st.Schema().Table(r.table)
		if table == nil {
			continue
		}
		n := c.pools[r.table].n
		b := newBuilder(c, table, o.RandomSeed, n)
		space := c.pools[r.table].space
		for from := 0; from < n; from += batch {
			to := min(from+batch, n)
			err := st.Update(ctx, func(tx *store.Tx) error {
				return insert(ctx, tx, b, r, space, from, to)
			})
			if err != nil {
				return fmt.Errorf("sample data for %s: %w", r.table, err)
			}
			done += (to - from) * r.size()
			if o.Progress != nil {
				o.Progress(done, total)
			}
		}
	}
	return nil
}

// Total is how many rows Seed adds when asked for rows.
func Total(rows int) int {
	counts, total := plan(rows), 0
	for i := range recipes {
		total += counts[recipes[i].table] * recipes[i].size()
	}
	return total
}

// insert makes the rows at places from up to to.
func insert(ctx context.Context, tx *store.Tx, b *builder, r *recipe, space idSpace, from, to int) error {
	for i := from; i < to; i++ {
		b.begin(space.at(i), i)
		r.fill(b, i)
		if _, err := tx.Insert(b.table, b.finish()); err != nil {
			return err
		}
	}
	return ctx.Err()
}
