package sample

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"golang.org/x/time/rate"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// TrafficOptions of NewTraffic.
type TrafficOptions struct {
	// PerSecond is how many changes to make in a second, on average; see Traffic.Run.
	PerSecond float64
	// RandomSeed chooses among courses of events.
	RandomSeed int64
}

// A Traffic changes an environment as a day's work of its users would: mostly updates, of few and
// recent rows, then creates, then deletes; now and then a row that is deleted comes back, and now
// and then an import or a bulk edit changes several hundred rows at once. It deletes only rows
// that no other row points to.
//
// Its changes depend on its seed and on the rows it finds. Apply and Run must not be called at the
// same time; Stats may be called at any time.
type Traffic struct {
	store   *store.Store
	options TrafficOptions
	r       *rand.Rand
	cast    *cast
	stocks  map[string]*stock
	ids     idSpace
	made    int // rows created so far

	mu    sync.Mutex
	stats Stats
}

// A stock is the rows of one table that traffic changes.
type stock struct {
	table   *schema.Table
	builder *builder
	fill    func(*builder, int)
	pairs   *pairs     // N:N tables only
	known   []store.ID // oldest first
	spares  []spare    // rows that may go, oldest first
}

// A spare is a row with those made for it, which go with it.
type spare struct {
	id      store.ID
	parties []store.ID
}

// mostKnown is how many of a table's newest rows are changed; older ones rest.
const mostKnown = 20_000

// NewTraffic looks at what there is to change. It needs an environment filled by Seed.
func NewTraffic(ctx context.Context, st *store.Store, o TrafficOptions) (*Traffic, error) {
	t := &Traffic{
		store: st, options: o, r: random(o.RandomSeed, "traffic"), stocks: map[string]*stock{},
		cast: &cast{pools: map[string]pool{}, missing: map[string]bool{}},
	}
	if err := st.Read(ctx, t.look); err != nil {
		return nil, fmt.Errorf("look for rows to change: %w", err)
	}
	if len(t.stocks["account"].known) == 0 || len(t.stocks["contact"].known) == 0 {
		return nil, errors.New("the environment has no accounts or contacts to work with; fill it with sample data first")
	}
	return t, nil
}

// look lists the newest rows of every table that is changed or pointed to.
func (t *Traffic) look(snap *store.Snapshot) error {
	// Ids differ from those of every earlier traffic, because the version does.
	t.ids = newIDSpace(t.options.RandomSeed^snap.Version(), "traffic")
	for i := range recipes {
		r := &recipes[i]
		table := t.store.Table(r.table)
		if table == nil {
			continue
		}
		known, err := newest(snap, table)
		if err != nil {
			return err
		}
		t.cast.pools[r.table] = pool{fixed: known}
		h := &stock{table: table.Table, fill: r.fill, known: append([]store.ID(nil), known...)}
		h.builder = newBuilder(t.cast, table.Table, t.options.RandomSeed, 1)
		h.builder.live = true
		if h.pairs, err = newPairs(snap, t.store.Schema(), table); err != nil {
			return err
		}
		t.stocks[r.table] = h
		if leaves[r.table] {
			for _, id := range known {
				h.spares = append(h.spares, spare{id: id})
			}
		}
	}
	// The environment's own unit and currency are pointed to like others.
	for table, id := range map[string]store.ID{"businessunit": t.store.Environment().BusinessUnitID, "transactioncurrency": t.store.Environment().CurrencyID} {
		p := t.cast.pools[table]
		p.fixed = withFirst(p.fixed, id)
		t.cast.pools[table] = p
	}
	return nil
}

func withFirst(ids []store.ID, first store.ID) []store.ID {
	sorted := []store.ID{first}
	for _, id := range ids {
		if id != first {
			sorted = append(sorted, id)
		}
	}
	return sorted
}

// newest returns the ids of a table's most recently changed rows, in the order of the changes.
func newest(snap *store.Snapshot, table *store.Table) ([]store.ID, error) {
	ctx := context.Background()
	var ids []store.ID
	rows, err := snap.Changed(ctx, table, 0, snap.Version(), -1)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		ids = append(ids, rows.ID())
	}
	if len(ids) > mostKnown {
		ids = ids[len(ids)-mostKnown:]
	}
	return ids, rows.Err()
}

// Stats tells what has been done so far.
func (t *Traffic) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// Run makes changes at the chosen rate until ctx ends, and then returns nil. After a pause, such
// as a slow disk makes, it catches up on at most one second's changes.
func (t *Traffic) Run(ctx context.Context) error {
	if t.options.PerSecond <= 0 {
		<-ctx.Done()
		return nil
	}
	limit := rate.NewLimiter(rate.Limit(t.options.PerSecond), max(1, int(t.options.PerSecond)))
	for {
		n, err := t.step(ctx, mostInBurst)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for n > 0 {
			part := min(n, limit.Burst())
			if limit.WaitN(ctx, part) != nil {
				return nil
			}
			n -= part
		}
	}
}

// Run is NewTraffic and Traffic.Run in one.
func Run(ctx context.Context, st *store.Store, o TrafficOptions) error {
	t, err := NewTraffic(ctx, st, o)
	if err != nil {
		return err
	}
	return t.Run(ctx)
}

// Apply makes exactly n changes, as fast as it can. Those it misses count too.
func (t *Traffic) Apply(ctx context.Context, n int) error {
	for n > 0 {
		done, err := t.step(ctx, n)
		if err != nil {
			return err
		}
		n -= done
	}
	return nil
}

// step runs one transaction of at most so many changes and returns how many it made.
func (t *Traffic) step(ctx context.Context, most int) (int, error) {
	p := t.next(most)
	var s Stats
	err := t.store.Update(ctx, func(tx *store.Tx) error {
		s = Stats{Transactions: 1}
		t.cast.now = tx.Now()
		if ref, ok := t.stocks["account"].builder.user().(store.Ref); ok {
			tx.SetCaller(ref.ID)
		}
		return p.run(t, tx, &s)
	})
	if err != nil {
		return 0, fmt.Errorf("sample traffic: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.add(s)
	return int(s.Changes() + s.Missed), nil
}

// newID is the id of the next row.
func (t *Traffic) newID() store.ID {
	t.made++
	return t.ids.at(t.made)
}
