package replicate

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"lakelink"
)

// A follower keeps one table of a link up to date. Its Run never fails: what goes wrong parks the
// table with its problem, and is tried again.
type follower struct {
	link    lakelink.LinkName
	name    lakelink.TableName
	source  lakelink.Source
	writers []lakelink.Writer
	opts    *Options
	loads   chan struct{} // a slot per load that may run at once, over all links
	changed func()        // told after every change of status
	pushed  *atomic.Bool  // the environment was asked for hints
	proven  *atomic.Bool  // and they come
	save    func(lakelink.TableStatus)

	wake   chan struct{} // a hint; capacity 1
	resync chan struct{} // an order to load anew; capacity 1

	saving    sync.Mutex // held while the status is saved, so that an older one never follows a newer one
	mu        sync.Mutex
	status    lakelink.TableStatus
	tables    []lakelink.TableWriter // open ones, beside writers; nil while none are
	hinted    time.Time              // when the oldest unanswered hint came; zero if none
	described time.Time              // when the table's schema was last asked for
	fed       bool                   // rows came since
	answering time.Time              // the hint that the running read answers
	unshown   time.Time              // since when a format has changes that its readers do not see
	objective time.Duration          // lag that is still fine, with the interval of interval formats
}

func newFollower(r *runner, name lakelink.TableName, known *lakelink.TableStatus) *follower {
	f := &follower{
		link: r.link.Name, name: name, source: r.conn.Source, writers: r.writers, opts: r.opts,
		loads: r.loads, changed: r.changed, pushed: &r.pushed, proven: &r.proven, save: r.save,
		wake: make(chan struct{}, 1), resync: make(chan struct{}, 1),
	}
	f.objective = r.opts.Objective
	for _, w := range r.writers {
		if _, ok := w.(lakelink.IntervalWriter); ok {
			f.objective = max(f.objective, r.opts.Objective+time.Duration(r.link.Interval))
		}
	}
	f.status = lakelink.TableStatus{Table: name, State: lakelink.StateWaiting}
	if known != nil {
		f.status.Rows, f.status.DisplayName = known.Rows, known.DisplayName
		f.status.Resync = known.Resync
	}
	return f
}

// Run follows the table until ctx ends.
func (f *follower) Run(ctx context.Context) {
	retry := backoff{min: f.opts.RetryMin, max: f.opts.RetryMax}
	var failing time.Time // since when
	for {
		err := f.follow(ctx, func() { retry.reset(); failing = time.Time{} })
		if ctx.Err() != nil {
			return
		}
		if lakelink.IsKind(err, lakelink.KindConflict) && retry.tries == 0 {
			retry.tries++ // somebody else committed: open anew at once, but not in a tight loop
			continue
		}
		if failing.IsZero() {
			failing = f.opts.Now()
		}
		atLeast := asked(err)
		if lakelink.KindOf(err).Permanent() {
			atLeast = max(atLeast, f.opts.RetryMax/2)
		}
		wait := retry.after(atLeast)
		f.park(err, failing, retry.tries, f.opts.Now().Add(wait))
		if !f.sleep(ctx, wait) {
			return
		}
	}
}

// sleep waits, and returns early when somebody asks for a try. It is false once ctx has ended.
func (f *follower) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-f.resync:
	}
	return true
}

// follow opens the table, brings it level and follows it until something fails.
func (f *follower) follow(ctx context.Context, healthy func()) error {
	t, err := f.source.Table(ctx, f.name)
	if err != nil {
		return err
	}
	if err := t.Validate(); err != nil {
		return &lakelink.Error{Op: "read schema", Table: f.name, Kind: lakelink.KindInvalid, Err: err}
	}
	if !t.Tracked {
		return untracked(t)
	}
	tables := make([]lakelink.TableWriter, len(f.writers))
	for i, w := range f.writers {
		if tables[i], err = w.Table(ctx, t); err != nil {
			return err
		}
	}
	f.opened(t, tables)
	for {
		pos, loaded, err := f.level(ctx, t, tables)
		if err != nil {
			return err
		}
		// changes returns without an error when the table has to be loaded anew.
		if t, err = f.changes(ctx, t, tables, pos, loaded, healthy); err != nil {
			return err
		}
	}
}

func untracked(t *lakelink.Table) error {
	hint := "choose another table"
	if t.CanTrack {
		hint = "switch on change tracking for it in the environment"
	}
	return &lakelink.Error{Op: "read changes", Table: t.Name, Kind: lakelink.KindUntracked,
		Err: fmt.Errorf("the environment does not track changes of %s", t.Name), Hint: hint}
}

// level loads the formats that hold nothing yet, or all of them where a resync was ordered, and
// returns the position that every format has reached. A format that is ahead of it merely sees
// changes again, which changes nothing. It reports whether there was a load.
func (f *follower) level(ctx context.Context, t *lakelink.Table, tables []lakelink.TableWriter) (lakelink.Position, bool, error) {
	var need []lakelink.TableWriter
	ordered := f.ordered()
	for _, w := range tables {
		if w.Position().IsZero() || ordered {
			need = append(need, w)
		}
	}
	if len(need) > 0 {
		state := lakelink.StateInitialSync
		if ordered {
			state = lakelink.StateResync
		}
		pos, err := f.load(ctx, t, need, state)
		if err != nil {
			return pos, true, err
		}
		if len(need) == len(tables) {
			return pos, true, nil
		}
		// What a load has finished is not in the Position of an interval format before its next
		// folder, so the loaded position stands in for it.
		for _, w := range tables {
			if p := w.Position(); !p.IsZero() && p.Version < pos.Version {
				pos = p
			}
		}
		return pos, true, nil
	}
	pos := tables[0].Position()
	for _, w := range tables[1:] {
		if p := w.Position(); p.Version < pos.Version {
			pos = p
		}
	}
	return pos, false, nil
}

// changes reads cycle after cycle from pos. It returns no error when a load is due: somebody ordered
// it, or the position has expired. Only a cycle that was committed proves the table healthy: opening it
// asks for none of its rows. The table that it returns is as last described.
func (f *follower) changes(ctx context.Context, t *lakelink.Table, tables []lakelink.TableWriter,
	pos lakelink.Position, loaded bool, healthy func()) (*lakelink.Table, error) {

	idle := pace{min: f.opts.PollMin}
	unasked := false // the cycle follows a long silence, and no hint
	for !f.ordered() {
		var err error
		if t, err = f.refresh(ctx, t, tables); err != nil {
			return t, err
		}
		began := f.opts.Now()
		f.reading()
		next, n, err := f.cycle(ctx, t, tables, pos)
		if lakelink.IsKind(err, lakelink.KindExpired) {
			if f.opts.Events.Failed != nil {
				f.opts.Events.Failed(f.link, f.name, fmt.Errorf("reading the table anew: %w", err))
			}
			f.mark() // the gap can hold deletes that nobody will tell: only a load finds them
			f.remember()
			if loaded { // and the last one has not helped
				return t, err
			}
			return t, nil
		}
		if err != nil {
			return t, err
		}
		settled := f.settled().Version == next.Version
		pos, loaded = next, false
		healthy()
		if n > 0 {
			f.missed(unasked)
		}
		if !settled && n > 0 {
			continue // what moved while several pages were read is in the next cycle
		}

		idle.max = f.opts.PollMax
		if f.pushed.Load() && f.proven.Load() {
			idle.max = f.opts.PollPushed
		}
		// Rewriting files costs the same for one change as for many: a cycle that took long is followed
		// by twice as long a rest, and one that found anything by Rest, so that more changes share the
		// next one and no table takes the machine for itself.
		rest := min(2*f.opts.Now().Sub(began), 30*time.Second)
		if n > 0 {
			rest = max(rest, f.opts.Rest)
		}
		wait := max(idle.after(n > 0 || !settled), rest)
		hinted, err := f.await(ctx, rest, wait)
		if err != nil {
			return t, err
		}
		unasked = !hinted && wait >= f.opts.PollMax
	}
	return t, nil
}

// missed notes that a cycle found changes. If nobody has hinted them, hints are not to be relied on until
// the next one: the webhook may have been switched off, or changes be made where it is not called.
func (f *follower) missed(unasked bool) {
	f.mu.Lock()
	hinted := !f.hinted.IsZero()
	f.mu.Unlock()
	if unasked && !hinted {
		f.proven.Store(false)
	}
}

// refresh asks for the table's schema now and then, and hands a changed one to the formats. Describing
// a table takes several requests and a new column is empty until rows change: so a table is asked for every
// SchemaEvery while rows come, and much more rarely while none do. A failure is left to the
// reading of the rows, which fails too where it matters.
func (f *follower) refresh(ctx context.Context, t *lakelink.Table, tables []lakelink.TableWriter) (*lakelink.Table, error) {
	since := f.opts.Now().Sub(f.described)
	if since < f.opts.SchemaEvery || !f.fed && since < quietSchema*f.opts.SchemaEvery {
		return t, nil
	}
	f.described, f.fed = f.opts.Now(), false
	soon, cancel := context.WithTimeout(ctx, describing)
	defer cancel()
	now, err := f.source.Table(soon, f.name)
	if err != nil || now.Validate() != nil || reflect.DeepEqual(now, t) {
		return t, ctx.Err()
	}
	for _, w := range tables {
		if err := w.SetTable(ctx, now); err != nil {
			return t, err
		}
	}
	if f.opts.Events.Schema != nil {
		f.opts.Events.Schema(f.link, f.name, t, now)
	}
	return now, nil
}

// quietSchema is how many times more rarely a table without changes is described.
const quietSchema = 15

// await returns when the table should be read again: after a hint, but not before rest is over,
// or after idle without one; at once after an order to resync. It reports whether there was a hint.
func (f *follower) await(ctx context.Context, rest, idle time.Duration) (bool, error) {
	rested := time.Now().Add(rest)
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer.C:
		return false, nil
	case <-f.resync:
		return false, nil
	case <-f.wake:
	}
	pause := time.NewTimer(max(time.Until(rested), f.opts.Debounce))
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-pause.C:
	}
	select { // hints that came meanwhile are answered by the same read
	case <-f.wake:
	default:
	}
	return true, nil
}

// Hint says that the table may have changed.
func (f *follower) Hint() {
	f.proven.Store(true)
	f.mu.Lock()
	if f.hinted.IsZero() {
		f.hinted = f.opts.Now()
	}
	f.mu.Unlock()
	f.poke()
}

// poke makes the follower read soon, without saying that anything has changed.
func (f *follower) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// settled is the position through which the formats were given everything for certain.
func (f *follower) settled() lakelink.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status.Settled
}

// Resync carries an order to load out, which was marked before. It is kept with the status, so that it
// survives a restart.
func (f *follower) Resync() {
	f.remember()
	f.changed()
	select {
	case f.resync <- struct{}{}:
	default:
	}
}

// mark orders a load.
func (f *follower) mark() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Resync = true
}

func (f *follower) ordered() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status.Resync
}
