package sample

import (
	"time"

	"lakelink/internal/devserver/store"
)

// A pool is the rows of a table that others may point to, by place.
type pool struct {
	fixed []store.ID
	space idSpace
	n     int // rows of space
}

func (p pool) len() int { return len(p.fixed) + p.n }

func (p pool) at(i int) store.ID {
	if i < len(p.fixed) {
		return p.fixed[i]
	}
	return p.space.at(i - len(p.fixed))
}

// A cast is all rows there are to point to, and the time they live in.
type cast struct {
	pools map[string]pool // by table
	now   time.Time
	// missing are columns that a recipe names and the schema lacks: an environment may have lost
	// some; with the standard schema there are none.
	missing map[string]bool
}

// began is when the company began.
var began = time.Date(2015, 1, 1, 8, 0, 0, 0, time.UTC)

// newCast lists the rows to come, and the environment's own.
func newCast(st *store.Store, o Options) *cast {
	c := &cast{pools: map[string]pool{}, now: o.Now.UTC().Truncate(time.Second), missing: map[string]bool{}}
	counts := plan(o.Rows)
	for i := range recipes {
		name := recipes[i].table
		if st.Schema().Table(name) != nil {
			c.pools[name] = pool{space: newIDSpace(o.RandomSeed, name), n: counts[name]}
		}
	}
	env := st.Environment()
	for table, id := range map[string]store.ID{"businessunit": env.BusinessUnitID, "transactioncurrency": env.CurrencyID} {
		p := c.pools[table]
		p.fixed = []store.ID{id}
		c.pools[table] = p
	}
	// The rows of owner are the users again, under the same ids.
	if p, ok := c.pools["owner"]; ok {
		p.space = newIDSpace(o.RandomSeed, "systemuser")
		c.pools["owner"] = p
	}
	return c
}
