package replicate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"lakelink"
)

// A Manager holds the links of this process. It is safe for concurrent use.
type Manager struct {
	opts  Options
	loads chan struct{}

	ctx    context.Context // of the runners
	cancel context.CancelFunc

	mu      sync.Mutex // guards what follows, for moments only
	runners map[lakelink.LinkName]*runner
	editing map[lakelink.LinkName]chan struct{} // links whose definition is changing, see edit
	edits   sync.WaitGroup
	closed  bool

	notifyMu sync.Mutex
	notify   chan struct{} // closed and replaced whenever any status changes
}

// New makes a Manager. Nothing runs before Start.
func New(opts Options) *Manager {
	opts.setDefaults()
	m := &Manager{
		opts: opts, loads: make(chan struct{}, opts.MaxLoads),
		runners: map[lakelink.LinkName]*runner{}, editing: map[lakelink.LinkName]chan struct{}{},
		notify: make(chan struct{}),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Start starts every link of the store that is not paused.
func (m *Manager) Start(ctx context.Context) error {
	links, err := m.opts.Store.Links(ctx)
	if err != nil {
		return err
	}
	for _, l := range links {
		statuses, err := m.opts.Store.Statuses(ctx, l.Name)
		if err != nil { // orders to resync are in there
			return err
		}
		known := map[lakelink.TableName]lakelink.TableStatus{}
		for _, s := range statuses {
			s.Settled = lakelink.Position{} // what holds by now is found out by reading
			known[s.Table] = s
		}
		m.start(l, known)
	}
	return nil
}

// Close stops all links and waits for them. What was not committed is read again at the next start.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.edits.Wait()
	for _, r := range m.all() {
		m.stop(r)
	}
}

// edit waits until nobody else changes the link's definition, which may take as long as an environment
// takes; other links are not held up by it. The context that it returns ends with the Manager too.
func (m *Manager) edit(ctx context.Context, name lakelink.LinkName) (context.Context, func(), error) {
	ctx, cancel := context.WithCancel(ctx)
	detach := context.AfterFunc(m.ctx, cancel)
	for {
		m.mu.Lock()
		busy := m.editing[name]
		if busy == nil && !m.closed {
			free := make(chan struct{})
			m.editing[name] = free
			m.edits.Add(1)
			m.mu.Unlock()
			return ctx, func() {
				m.mu.Lock()
				delete(m.editing, name)
				m.mu.Unlock()
				close(free)
				m.edits.Done()
				detach()
				cancel()
			}, nil
		}
		m.mu.Unlock()
		if busy != nil {
			select {
			case <-busy:
				continue
			case <-ctx.Done():
			}
		}
		detach()
		cancel()
		return nil, nil, &lakelink.Error{Op: "change link", Link: name, Kind: lakelink.KindTransient,
			Err: errors.New("another change of the link is under way, or the service stops"), Hint: "try again"}
	}
}

// start runs a link, or only keeps it where it is paused. known is what was last heard of its tables.
func (m *Manager) start(l lakelink.Link, known map[lakelink.TableName]lakelink.TableStatus) {
	r := &runner{link: l, opts: &m.opts, loads: m.loads, changed: m.broadcast, known: known, done: make(chan struct{})}
	r.save = func(s lakelink.TableStatus) {
		// A cache: losing it costs an order to resync at the most, so a failure only shows in the log.
		if err := m.opts.Store.PutStatus(m.ctx, l.Name, s); err != nil && m.ctx.Err() == nil && m.opts.Events.Failed != nil {
			m.opts.Events.Failed(l.Name, s.Table, fmt.Errorf("remember status: %w", err))
		}
	}
	var run context.Context
	run, r.cancel = context.WithCancel(m.ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runners[l.Name] = r
	if l.Paused || m.closed {
		close(r.done)
		return
	}
	go func() {
		defer close(r.done)
		r.Run(run)
	}()
}

// stop ends a runner and waits for it. It returns what the next one has to know.
func (m *Manager) stop(r *runner) map[lakelink.TableName]lakelink.TableStatus {
	r.cancel()
	<-r.done
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hear()
	return maps.Clone(r.known)
}

func (m *Manager) runner(name lakelink.LinkName) (*runner, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runners[name]
	if r == nil {
		return nil, noSuchLink(name)
	}
	return r, nil
}

// all returns the runners by name of their links.
func (m *Manager) all() []*runner {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.runners), func(a, b *runner) int {
		return strings.Compare(string(a.link.Name), string(b.link.Name))
	})
}

func noSuchLink(name lakelink.LinkName) error {
	return &lakelink.Error{Op: "find link", Link: name, Kind: lakelink.KindNotFound,
		Err: errors.New("there is no link of that name"), Hint: "see `lakelink link list`"}
}

// Create checks a link against its environment and its lake, claims the lake, and starts it. When
// it fails, nothing is left behind.
func (m *Manager) Create(ctx context.Context, l lakelink.Link) (lakelink.Link, error) {
	if err := l.Validate(); err != nil {
		return l, err
	}
	ctx, done, err := m.edit(ctx, l.Name)
	if err != nil {
		return l, err
	}
	defer done()
	if _, err := m.runner(l.Name); err == nil {
		return l, &lakelink.Error{Op: "create link", Link: l.Name, Kind: lakelink.KindExists,
			Err: errors.New("there is a link of that name"), Hint: "choose another name, or delete it first"}
	}
	conn, err := m.reach(ctx, l)
	if err != nil {
		return l, err
	}
	defer conn.Close()
	if err := checkTables(ctx, conn.Source, l.Tables); err != nil {
		return l, err
	}
	claimed, err := conn.Claim(ctx, l)
	if err != nil {
		return l, err
	}
	ctx = context.WithoutCancel(ctx) // what is begun here is finished, whether or not the caller is still there
	if err := m.opts.Store.CreateLink(ctx, claimed); err != nil {
		if claimed.ID == l.ID { // otherwise the claim is older than this call
			err = errors.Join(err, conn.Release(ctx, claimed))
		}
		return l, err
	}
	m.start(claimed, map[lakelink.TableName]lakelink.TableStatus{})
	m.broadcast()
	return claimed, nil
}

// reach opens a link's connection and makes sure that its environment answers.
func (m *Manager) reach(ctx context.Context, l lakelink.Link) (*Connection, error) {
	conn, err := m.opts.Open(ctx, l)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Source.Environment(ctx); err != nil {
		_ = conn.Close() // nothing was written that it could lose
		return nil, err
	}
	return conn, nil
}

// change stops a link, changes its definition and starts it again. The lake holds the positions, so
// a stop costs no more than reading the running cycles again.
func (m *Manager) change(ctx context.Context, name lakelink.LinkName, change func(*lakelink.Link) error) (lakelink.Link, error) {
	ctx, done, err := m.edit(ctx, name)
	if err != nil {
		return lakelink.Link{}, err
	}
	defer done()
	r, err := m.runner(name)
	if err != nil {
		return lakelink.Link{}, err
	}
	l, err := m.opts.Store.UpdateLink(context.WithoutCancel(ctx), name, func(l *lakelink.Link) error {
		if err := change(l); err != nil {
			return err
		}
		return l.Validate()
	})
	if err != nil {
		return l, err
	}
	m.start(l, m.stop(r))
	m.broadcast()
	return l, nil
}

// Pause stops a link until Resume. Its positions stay in the lake.
func (m *Manager) Pause(ctx context.Context, name lakelink.LinkName) (lakelink.Link, error) {
	return m.change(ctx, name, func(l *lakelink.Link) error { l.Paused = true; return nil })
}

// Resume starts a paused link where it stopped.
func (m *Manager) Resume(ctx context.Context, name lakelink.LinkName) (lakelink.Link, error) {
	return m.change(ctx, name, func(l *lakelink.Link) error { l.Paused = false; return nil })
}

// AddTables adds tables to a link.
func (m *Manager) AddTables(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName) (lakelink.Link, error) {
	r, err := m.runner(name)
	if err != nil {
		return lakelink.Link{}, err
	}
	l := r.link
	if len(tables) == 0 {
		return l, &lakelink.Error{Op: "add tables", Link: name, Kind: lakelink.KindInvalid, Err: errors.New("no table named")}
	}
	for _, t := range tables {
		if slices.Contains(l.Tables, t) {
			return l, &lakelink.Error{Op: "add tables", Link: name, Table: t, Kind: lakelink.KindExists,
				Err: errors.New("the link has this table already"), Hint: "leave it out"}
		}
	}
	conn, err := m.reach(ctx, l)
	if err != nil {
		return l, err
	}
	defer conn.Close()
	if err := checkTables(ctx, conn.Source, tables); err != nil {
		return l, err
	}
	return m.change(ctx, name, func(l *lakelink.Link) error {
		l.Tables = append(slices.Clone(l.Tables), tables...)
		return nil
	})
}

// RemoveTables takes tables out of a link. Their data stays in the lake.
func (m *Manager) RemoveTables(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName) (lakelink.Link, error) {
	return m.change(ctx, name, func(l *lakelink.Link) error {
		for _, t := range tables {
			i := slices.Index(l.Tables, t)
			if i < 0 {
				return &lakelink.Error{Op: "remove table", Link: name, Table: t, Kind: lakelink.KindNotFound,
					Err: errors.New("the link has no such table"), Hint: "see `lakelink table list`"}
			}
			l.Tables = slices.Delete(slices.Clone(l.Tables), i, i+1)
		}
		if len(l.Tables) == 0 {
			return &lakelink.Error{Op: "remove table", Link: name, Kind: lakelink.KindInvalid,
				Err: errors.New("a link needs a table, and would have none"), Hint: "pause or delete the link instead"}
		}
		return nil
	})
}

// Resync orders tables of a link, or all where none is named, to be read anew. The old rows stay
// readable until the new ones are complete.
func (m *Manager) Resync(name lakelink.LinkName, tables []lakelink.TableName) error {
	r, err := m.runner(name)
	if err != nil {
		return err
	}
	if r.link.Paused {
		return &lakelink.Error{Op: "resync", Link: name, Kind: lakelink.KindInvalid,
			Err: errors.New("the link is paused"), Hint: "resume it first"}
	}
	if len(tables) == 0 {
		tables = r.link.Tables
	}
	return r.Resync(tables)
}

// unlinking is how long a link that ends waits for its environment to take the webhook back.
const unlinking = 30 * time.Second

// Delete ends a link. With deleteData, what it has written to the lake goes too.
func (m *Manager) Delete(ctx context.Context, name lakelink.LinkName, deleteData bool) error {
	ctx, done, err := m.edit(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	r, err := m.runner(name)
	if err != nil {
		return err
	}
	r.removing.Store(true)
	known := m.stop(r)
	m.broadcast()
	restart := func(err error) error {
		m.start(r.link, known)
		m.broadcast()
		return err
	}
	// An environment that does not answer must not keep a link alive: what is left there is a
	// webhook nobody answers. A lake must answer, but only when it has something to give up.
	conn, err := m.opts.Open(ctx, r.link)
	switch {
	case err == nil:
		defer conn.Close()
		if conn.Unpush != nil {
			soon, cancel := context.WithTimeout(ctx, unlinking)
			err := conn.Unpush(soon, r.link)
			cancel()
			if err != nil && m.opts.Events.Failed != nil {
				m.opts.Events.Failed(name, "", fmt.Errorf("remove webhook: %w", err))
			}
		}
		// Data that stays keeps its claim: only a link of the same name and environment may go on with it.
		if deleteData {
			if err := conn.Purge(ctx, r.link); err != nil {
				return restart(err)
			}
		}
	case deleteData:
		return restart(err)
	}
	if err := m.opts.Store.DeleteLink(context.WithoutCancel(ctx), name); err != nil {
		return restart(err)
	}
	m.mu.Lock()
	delete(m.runners, name)
	m.mu.Unlock()
	m.broadcast()
	return nil
}

// Hint says that a table of a link may have changed. Unknown names are ignored: hints may be forged.
func (m *Manager) Hint(h lakelink.Hint) {
	if r, err := m.runner(h.Link); err == nil {
		if f := r.follower(h.Table); f != nil {
			f.Hint()
		}
	}
}

// Status tells how one link stands.
func (m *Manager) Status(name lakelink.LinkName) (lakelink.LinkStatus, error) {
	r, err := m.runner(name)
	if err != nil {
		return lakelink.LinkStatus{}, err
	}
	return m.status(r), nil
}

func (m *Manager) status(r *runner) lakelink.LinkStatus {
	if r.removing.Load() {
		s := r.Status(m.opts.Now())
		s.State, s.CompleteThrough, s.HeldBackBy, s.NotCounted = lakelink.StateRemoving, time.Time{}, "", r.link.Tables
		for i := range s.Tables {
			s.Tables[i].State, s.Tables[i].Problem = lakelink.StateRemoving, nil
		}
		return s
	}
	if !r.link.Paused {
		return r.Status(m.opts.Now())
	}
	s := lakelink.LinkStatus{Link: r.link, State: lakelink.StatePaused}
	for _, t := range r.link.Tables {
		known := r.known[t]
		known.Table, known.State, known.Problem, known.Lag = t, lakelink.StatePaused, nil, 0
		s.Tables = append(s.Tables, known)
	}
	s.NotCounted = r.link.Tables
	return s
}

// Statuses tells how all links stand, by name.
func (m *Manager) Statuses() []lakelink.LinkStatus {
	out := []lakelink.LinkStatus{}
	for _, r := range m.all() {
		out = append(out, m.status(r))
	}
	return out
}

// Connection lends the open connection of a running link, for reading beside replication.
func (m *Manager) Connection(name lakelink.LinkName) (lakelink.Link, *Connection, error) {
	r, err := m.runner(name)
	if err != nil {
		return lakelink.Link{}, nil, err
	}
	if conn := r.connection(); conn != nil {
		return r.link, conn, nil
	}
	if r.link.Paused {
		return r.link, nil, &lakelink.Error{Op: "reach link", Link: name, Kind: lakelink.KindInvalid,
			Err: errors.New("the link is paused"), Hint: "resume it first"}
	}
	if p := r.Status(m.opts.Now()).Problem; p != nil {
		return r.link, nil, &lakelink.Error{Link: name, Kind: p.Kind, Code: p.Code, Err: errors.New(p.Detail)}
	}
	return r.link, nil, &lakelink.Error{Op: "reach link", Link: name, Kind: lakelink.KindTransient,
		Err: errors.New("the link has not started yet"), Hint: "try again in a moment"}
}

// Changed returns a channel that is closed at the next change of any status.
func (m *Manager) Changed() <-chan struct{} {
	m.notifyMu.Lock()
	defer m.notifyMu.Unlock()
	return m.notify
}

func (m *Manager) broadcast() {
	m.notifyMu.Lock()
	defer m.notifyMu.Unlock()
	close(m.notify)
	m.notify = make(chan struct{})
}
