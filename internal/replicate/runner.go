package replicate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lakelink"
)

// A runner keeps one link going: it opens the link's source and writers, starts a follower per
// table and closes the intervals. When the link itself fails, it starts over after a while.
type runner struct {
	link    lakelink.Link
	opts    *Options
	loads   chan struct{}
	changed func()
	save    func(lakelink.TableStatus)
	known   map[lakelink.TableName]lakelink.TableStatus // from the store
	pushed  atomic.Bool                                 // the environment was asked for hints
	proven  atomic.Bool                                 // and they come

	removing atomic.Bool // the link is being deleted

	cancel context.CancelFunc
	done   chan struct{}

	mu        sync.Mutex
	conn      *Connection
	writers   []lakelink.Writer
	followers []*follower
	problem   *lakelink.Problem
}

// Run keeps the link going until ctx ends. Everything that it started has ended when it returns.
func (r *runner) Run(ctx context.Context) {
	retry := backoff{min: r.opts.RetryMin, max: r.opts.RetryMax}
	var failing time.Time
	for {
		err := r.attempt(ctx, func() {
			retry.reset()
			failing = time.Time{}
			r.setProblem(nil)
		})
		if ctx.Err() != nil {
			return
		}
		if failing.IsZero() {
			failing = r.opts.Now()
		}
		wait := retry.after(asked(err))
		p := lakelink.ProblemOf(err, failing)
		p.Tries, p.Next = retry.tries, r.opts.Now().Add(wait)
		r.setProblem(p)
		if r.opts.Events.Failed != nil {
			r.opts.Events.Failed(r.link.Name, "", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// attempt opens the link and follows its tables until something fails that concerns all of them.
func (r *runner) attempt(ctx context.Context, healthy func()) (err error) {
	conn, err := r.opts.Open(ctx, r.link)
	if err != nil {
		return err
	}
	defer func() {
		r.mu.Lock()
		r.conn, r.writers = nil, nil
		r.mu.Unlock()
		if cerr := conn.Close(); err == nil {
			err = cerr
		}
	}()
	if _, err := conn.Claim(ctx, r.link); err != nil {
		return err
	}
	writers, err := conn.Writers(ctx, r.link, r.describe(ctx, conn.Source))
	if err != nil {
		return err
	}
	defer func() {
		for _, w := range writers {
			if cerr := w.Close(); err == nil {
				err = cerr
			}
		}
	}()
	r.mu.Lock()
	r.conn, r.writers = conn, writers
	r.hear()
	r.followers = nil
	for _, name := range r.link.Tables {
		var known *lakelink.TableStatus
		if s, ok := r.known[name]; ok {
			known = &s
		}
		r.followers = append(r.followers, newFollower(r, name, known))
	}
	followers := slices.Clone(r.followers)
	r.mu.Unlock()
	healthy()

	g, ctx := errgroup.WithContext(ctx)
	for _, f := range followers {
		g.Go(func() error { f.Run(ctx); return nil })
	}
	for _, w := range writers {
		if iw, ok := w.(lakelink.IntervalWriter); ok {
			g.Go(func() error { return r.closeIntervals(ctx, iw) })
		}
	}
	if conn.Push != nil {
		g.Go(func() error { r.push(ctx, conn); return nil })
	}
	return g.Wait()
}

// hear takes over what the followers know, for those that come after them. The lock is held.
func (r *runner) hear() {
	for _, f := range r.followers {
		s := f.Status()
		s.Settled = lakelink.Position{}
		r.known[f.name] = s
	}
}

// Resync orders tables to be read anew, all of them or none.
func (r *runner) Resync(tables []lakelink.TableName) error {
	chosen, err := r.order(tables)
	if err != nil {
		return err
	}
	for _, f := range chosen {
		f.Resync()
	}
	return nil
}

// order marks the followers of the tables. It holds the lock, so that none of them is replaced by one that
// does not know.
func (r *runner) order(tables []lakelink.TableName) ([]*follower, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var chosen []*follower
	for _, t := range tables {
		i := slices.IndexFunc(r.followers, func(f *follower) bool { return f.name == t })
		if !slices.Contains(r.link.Tables, t) {
			return nil, &lakelink.Error{Op: "resync", Link: r.link.Name, Table: t, Kind: lakelink.KindNotFound,
				Err: errors.New("the link has no such table"), Hint: "see `lakelink table list`"}
		}
		if i < 0 {
			return nil, &lakelink.Error{Op: "resync", Link: r.link.Name, Table: t, Kind: lakelink.KindTransient,
				Err: errors.New("the link has not started yet"), Hint: "try again in a moment, or see `lakelink link show`"}
		}
		chosen = append(chosen, r.followers[i])
	}
	for _, f := range chosen {
		f.mark()
	}
	return chosen, nil
}

// describing is how long a table may take to be described before its link starts without it.
const describing = time.Minute

// describe asks for the schema of every table. One that cannot be described is left out here and
// reported by its own follower.
func (r *runner) describe(ctx context.Context, source lakelink.Source) []*lakelink.Table {
	tables := make([]*lakelink.Table, len(r.link.Tables))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i, name := range r.link.Tables {
		g.Go(func() error {
			// One that hangs must not keep the others from starting.
			ctx, cancel := context.WithTimeout(ctx, describing)
			defer cancel()
			if t, err := source.Table(ctx, name); err == nil && t.Validate() == nil {
				tables[i] = t
			}
			return nil
		})
	}
	_ = g.Wait() // none of them returns an error
	return slices.DeleteFunc(tables, func(t *lakelink.Table) bool { return t == nil })
}

// push asks for hints until that works or turns out to be impossible.
func (r *runner) push(ctx context.Context, conn *Connection) {
	retry := backoff{min: r.opts.RetryMin, max: r.opts.PollPushed}
	defer r.pushed.Store(false)
	for {
		ok, err := conn.Push(ctx, r.link, r.link.Tables)
		if ctx.Err() != nil || err == nil && !ok {
			return
		}
		if err == nil {
			r.pushed.Store(true)
			r.changed()
			<-ctx.Done()
			return
		}
		if r.opts.Events.Failed != nil {
			r.opts.Events.Failed(r.link.Name, "", fmt.Errorf("webhook, polling instead: %w", err))
		}
		timer := time.NewTimer(retry.after(asked(err)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Followers returns the running followers.
func (r *runner) Followers() []*follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.followers)
}

func (r *runner) follower(t lakelink.TableName) *follower {
	for _, f := range r.Followers() {
		if f.name == t {
			return f
		}
	}
	return nil
}

func (r *runner) connection() *Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conn
}

func (r *runner) setProblem(p *lakelink.Problem) {
	r.mu.Lock()
	r.problem = p
	r.mu.Unlock()
	r.changed()
}

// Status composes how the link stands.
func (r *runner) Status(now time.Time) lakelink.LinkStatus {
	r.mu.Lock()
	s := lakelink.LinkStatus{Link: r.link, Problem: r.problem, Push: r.pushed.Load()}
	followers := r.followers
	if len(followers) == 0 {
		for _, t := range r.link.Tables {
			known := r.known[t]
			known.Table, known.State = t, lakelink.StateWaiting
			s.Tables = append(s.Tables, known)
		}
	}
	r.mu.Unlock()
	for _, f := range followers {
		s.Tables = append(s.Tables, f.Status())
	}
	summarize(&s, now)
	return s
}

// summarize works out the link's state and how far it is complete from those of its tables.
func summarize(s *lakelink.LinkStatus, now time.Time) {
	s.State = lakelink.StateUpToDate
	worse := func(st lakelink.State) { s.State = worst(s.State, st) }
	synced := false
	for _, t := range s.Tables {
		synced = synced || t.State != lakelink.StateWaiting && t.State != lakelink.StateInitialSync
	}
	for _, t := range s.Tables {
		switch t.State {
		case lakelink.StateNeedsYou, lakelink.StateCatchingUp:
			worse(t.State)
		case lakelink.StateWaiting, lakelink.StateInitialSync:
			if !synced {
				worse(lakelink.StateInitialSync)
			}
			s.NotCounted = append(s.NotCounted, t.Table)
			continue
		case lakelink.StatePaused:
			s.NotCounted = append(s.NotCounted, t.Table)
			continue
		}
		at := t.CompleteThrough()
		if at.IsZero() { // loaded, but not shown yet by every format, or not looked at since
			s.NotCounted = append(s.NotCounted, t.Table)
			continue
		}
		if s.HeldBackBy == "" || at.Before(s.CompleteThrough) {
			s.CompleteThrough, s.HeldBackBy = at, t.Table
		}
	}
	if p := s.Problem; p != nil {
		worse(lakelink.StateCatchingUp)
		if p.Kind.Permanent() || now.Sub(p.Since) > 15*time.Minute {
			worse(lakelink.StateNeedsYou)
		}
	}
	if s.Link.Paused {
		s.State = lakelink.StatePaused
	}
}

// worst is the one that a link shows of two states of its tables.
func worst(a, b lakelink.State) lakelink.State {
	order := []lakelink.State{lakelink.StateNeedsYou, lakelink.StateCatchingUp, lakelink.StateInitialSync}
	for _, s := range order {
		if a == s || b == s {
			return s
		}
	}
	return a
}
