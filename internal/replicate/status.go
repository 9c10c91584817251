package replicate

import (
	"maps"
	"time"

	"lakelink"
)

// Status returns how the table stands now.
func (f *follower) Status() lakelink.TableStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.Positions = maps.Clone(f.status.Positions)
	if s.Problem != nil {
		p := *s.Problem
		s.Problem = &p
	}
	now := f.opts.Now()
	switch {
	case !f.hinted.IsZero():
		s.Lag = lakelink.Duration(now.Sub(f.hinted))
	case !f.unshown.IsZero():
		s.Lag = lakelink.Duration(now.Sub(f.unshown))
	}
	if s.State == lakelink.StateUpToDate && time.Duration(s.Lag) > f.objective {
		s.State = lakelink.StateCatchingUp
	}
	return s
}

// update changes the status under the lock, and tells of it when the state has changed.
func (f *follower) update(change func(s *lakelink.TableStatus)) {
	f.mu.Lock()
	from := f.status.State
	change(&f.status)
	to := f.status.State
	f.mu.Unlock()
	f.changed()
	if from == to {
		return
	}
	s := f.remember()
	if f.opts.Events.TableState != nil {
		f.opts.Events.TableState(f.link, s, from)
	}
}

// remember saves the status, and returns it.
func (f *follower) remember() lakelink.TableStatus {
	f.saving.Lock()
	defer f.saving.Unlock()
	s := f.Status()
	f.save(s)
	return s
}

// opened remembers the writers of the table. What the ones before were given and had not shown may be gone,
// so nothing is settled any more.
func (f *follower) opened(t *lakelink.Table, tables []lakelink.TableWriter) {
	f.described, f.fed = f.opts.Now(), false
	f.update(func(s *lakelink.TableStatus) {
		f.tables = tables
		s.DisplayName, s.Settled = t.DisplayName, lakelink.Position{}
		s.Positions = f.positions()
	})
}

// positions asks the writers. It is called by the goroutine that uses them; those of interval
// formats may be asked by any.
func (f *follower) positions() map[lakelink.Format]lakelink.Position {
	m := make(map[lakelink.Format]lakelink.Position, len(f.tables))
	for i, w := range f.tables {
		m[f.writers[i].Format()] = w.Position()
	}
	return m
}

// loading says that a load waits for its turn or runs. After a failure the cause stays on the screen
// until a try has come further.
func (f *follower) loading(state, kind lakelink.State) {
	if kind == lakelink.StateResync {
		state = kind // the old rows stay readable, which is what people want to know
	}
	f.update(func(s *lakelink.TableStatus) {
		if s.Problem == nil {
			s.State = state
		}
		s.Settled = lakelink.Position{}
		s.Rows, s.Expected = 0, 0
		f.hinted = time.Time{}
	})
}

// progress counts a batch of a load.
func (f *follower) progress(b *lakelink.Batch, state lakelink.State) {
	f.update(func(s *lakelink.TableStatus) {
		s.State, s.Problem = state, nil
		s.Rows += int64(b.NumRows())
		if b.Expected > 0 {
			s.Expected = b.Expected
		}
	})
}

// loaded says that a load is finished. An order that came while another kind of load ran still holds.
func (f *follower) loaded(state lakelink.State) {
	f.update(func(s *lakelink.TableStatus) {
		s.State, s.Problem, s.Expected = lakelink.StateUpToDate, nil, 0
		s.Resync = s.Resync && state != lakelink.StateResync
		s.Positions = f.positions()
		f.shown()
	})
}

// reading says that a read begins which answers all hints so far.
func (f *follower) reading() {
	f.mu.Lock()
	f.answering, f.hinted = f.hinted, time.Time{}
	f.mu.Unlock()
}

// committed says that a cycle was handed to all formats.
func (f *follower) committed(rows, deletes, pages int, pos lakelink.Position) {
	f.update(func(s *lakelink.TableStatus) {
		if pages == 1 {
			s.Settled = pos
		}
		s.State, s.Problem = lakelink.StateUpToDate, nil
		s.Positions = f.positions()
		f.fed = f.fed || rows > 0
		if rows+deletes > 0 {
			now := f.opts.Now()
			s.Changes += int64(rows + deletes)
			s.LastChange = now
			if f.unshown.IsZero() {
				f.unshown = now
				if !f.answering.IsZero() {
					f.unshown = f.answering
				}
			}
		}
		f.answering = time.Time{}
		f.shown()
	})
}

// shown forgets since when something is unreadable, if nothing is. The lock is held.
func (f *follower) shown() {
	var top int64
	for _, p := range f.status.Positions {
		top = max(top, p.Version)
	}
	for _, p := range f.status.Positions {
		if p.Version < top {
			return
		}
	}
	f.unshown = time.Time{}
}

// closed takes over the position of an interval format once its interval was closed.
func (f *follower) closed(format lakelink.Format) {
	f.update(func(s *lakelink.TableStatus) {
		for i, w := range f.tables {
			if f.writers[i].Format() == format {
				s.Positions[format] = w.Position()
			}
		}
		f.shown()
	})
}

// park says that the last try failed and when the next one is.
func (f *follower) park(err error, since time.Time, tries int, next time.Time) {
	f.update(func(s *lakelink.TableStatus) {
		s.State = lakelink.StateRetrying
		if lakelink.KindOf(err).Permanent() || f.opts.Now().Sub(since) > 15*time.Minute+f.objective {
			s.State = lakelink.StateNeedsYou
		}
		s.Problem = lakelink.ProblemOf(err, since)
		s.Problem.Tries, s.Problem.Next = tries, next
		if !f.answering.IsZero() { // the older one
			f.hinted = f.answering
		}
		f.answering = time.Time{}
	})
	if f.opts.Events.Failed != nil {
		f.opts.Events.Failed(f.link, f.name, err)
	}
}
