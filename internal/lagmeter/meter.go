package lagmeter

import (
	"context"
	"sync"
	"time"
)

// pollEvery is how often the logs are looked at: what a measured lag may be too long by.
const pollEvery = 20 * time.Millisecond

// A Meter compares what an environment says it has committed with what a lake lets read. It is
// safe for concurrent use.
type Meter struct {
	tables []*table
	byName map[string]*table
	now    func() time.Time

	mu      sync.Mutex // guards what follows, and the rows of the tables
	lags    histogram
	waiting int // changes in the tables' rows
	dropped int // changes that found no room there
}

// Stats tell what was measured so far.
type Stats struct {
	Count       int64 // changes that became readable
	Outstanding int   // changes that have not yet
	// P50 and P99 are at most one percent more than half and 99 of a hundred of the lags.
	P50, P99, Max time.Duration
}

// New makes a meter of the tables in the lake at dir. It sees what is committed to the lake from
// now on, so it must be made before the first call of Changed.
func New(dir string, tables []string) *Meter {
	m := &Meter{byName: map[string]*table{}, now: time.Now}
	for _, name := range tables {
		t := newTable(dir, name)
		m.tables = append(m.tables, t)
		m.byName[name] = t
	}
	return m
}

// maxWaiting bounds the memory of a meter of a lake that has stopped. Changes beyond it count as
// outstanding for good.
const maxWaiting = 1 << 20

// Changed says that a row got a version, or was deleted with it, at that time. Versions of a table
// come in ascending order. Tables that the meter does not know are ignored.
func (m *Meter) Changed(table string, id [16]byte, version int64, at time.Time, deleted bool) {
	t := m.byName[table]
	if t == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting == maxWaiting {
		m.dropped++
		return
	}
	m.waiting++
	t.rows.add(id, version, at, deleted)
}

// Run follows the lake until ctx ends, and then returns nil. An error means that a commit cannot be
// read, as no reader could.
func (m *Meter) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		for _, t := range m.tables {
			if err := m.poll(ctx, t); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Stats returns what was measured so far.
func (m *Meter) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Stats{Count: m.lags.count, Outstanding: m.waiting + m.dropped,
		P50: m.lags.quantile(0.50), P99: m.lags.quantile(0.99), Max: m.lags.max}
}

// poll reads all commits that a table has got since the last time.
func (m *Meter) poll(ctx context.Context, t *table) error {
	for ctx.Err() == nil {
		c, err := t.next()
		if c == nil || err != nil {
			return err
		}
		for _, f := range c.files {
			if err := m.read(ctx, t, f); err != nil {
				return err
			}
		}
		m.through(t, c.position)
	}
	return ctx.Err()
}

// read sees the rows of a data file. A file that has none of the versions waited for is not opened.
func (m *Meter) read(ctx context.Context, t *table, f dataFile) error {
	m.mu.Lock()
	oldest, some := t.rows.oldest()
	m.mu.Unlock()
	if !some || f.maxVersion < oldest {
		return nil
	}
	return t.keys(ctx, f, func(id [16]byte, version int64) {
		if version < oldest {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.readable(t.rows.seen(id, version))
	})
}

// through sees that a commit includes everything through a version: deletes are known by it alone.
func (m *Meter) through(t *table, version int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.readable(t.rows.through(version))
}

// readable notes changes that can be read from now on.
func (m *Meter) readable(changes []change) {
	for _, c := range changes {
		m.lags.add(m.now().Sub(c.at))
	}
	m.waiting -= len(changes)
}
