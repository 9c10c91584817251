package replicate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"lakelink"
)

// A Manager holds the links of this process. It is safe for concurrent use.
type Manager struct {
	opts  Options
	loads chan struct{}

	ctx    context.Context // of the runners
	cancel context.CancelFunc

	edit sync.Mutex // held while a link's definition changes, which may take as long as an environment takes

	mu      sync.Mutex // guards runners, for moments only
	runners map[lakelink.LinkName]*runner

	notifyMu sync.Mutex
	notify   chan struct{} // closed and replaced whenever any status changes
}

// New makes a Manager. Nothing runs before Start.
func New(opts Options) *Manager {
	opts.setDefaults()
	m := &Manager{
		opts: opts, loads: make(chan struct{}, opts.MaxLoads),
		runners: map[lakelink.LinkName]*runner{}, notify: make(chan struct{}),
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
	m.edit.Lock()
	defer m.edit.Unlock()
	for _, l := range links {
		m.start(ctx, l)
	}
	return nil
}

// Close stops all links and waits for them. What was not committed is read again at the next start.
func (m *Manager) Close() {
	m.cancel()
	m.edit.Lock()
	defer m.edit.Unlock()
	for _, r := range m.all() {
		m.stop(r)
	}
}

// start runs a link, or only keeps it where it is paused. The edit lock is held.
func (m *Manager) start(ctx context.Context, l lakelink.Link) {
	r := &runner{link: l, opts: &m.opts, loads: m.loads, changed: m.broadcast,
		known: map[lakelink.TableName]lakelink.TableStatus{}, done: make(chan struct{})}
	r.save = func(s lakelink.TableStatus) {
		// A cache: losing it costs an order to resync at the most, so a failure only shows in the log.
		if err := m.opts.Store.PutStatus(m.ctx, l.Name, s); err != nil && m.ctx.Err() == nil && m.opts.Events.Failed != nil {
			m.opts.Events.Failed(l.Name, s.Table, fmt.Errorf("remember status: %w", err))
		}
	}
	if known, err := m.opts.Store.Statuses(ctx, l.Name); err == nil {
		for _, s := range known {
			r.known[s.Table] = s
		}
	}
	var run context.Context
	run, r.cancel = context.WithCancel(m.ctx)
	m.mu.Lock()
	m.runners[l.Name] = r
	m.mu.Unlock()
	if l.Paused {
		close(r.done)
		return
	}
	go func() {
		defer close(r.done)
		r.Run(run)
	}()
}

// stop ends a runner and waits for it. The edit lock is held.
func (m *Manager) stop(r *runner) {
	r.cancel()
	<-r.done
	for _, f := range r.Followers() {
		r.known[f.name] = f.Status()
	}
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
	m.edit.Lock()
	defer m.edit.Unlock()
	if _, err := m.runner(l.Name); err == nil {
		return l, &lakelink.Error{Op: "create link", Link: l.Name, Kind: lakelink.KindExists,
			Err: errors.New("there is a link of that name"), Hint: "choose another name, or delete it first"}
	}
	conn, err := m.opts.Open(ctx, l)
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
	if err := m.opts.Store.CreateLink(ctx, claimed); err != nil {
		if claimed.ID == l.ID { // otherwise the claim is older than this call
			err = errors.Join(err, conn.Release(ctx, claimed))
		}
		return l, err
	}
	m.start(ctx, claimed)
	m.broadcast()
	return claimed, nil
}

// checkTables refuses tables that do not exist or whose changes are not tracked, all at once, with
// the nearest names of those that do.
func checkTables(ctx context.Context, source lakelink.Source, names []lakelink.TableName) error {
	all, err := source.Tables(ctx)
	if err != nil {
		return err
	}
	var wrong []string
	kind := lakelink.KindNotFound
	for _, name := range names {
		i := slices.IndexFunc(all, func(t lakelink.Table) bool { return t.Name == name })
		switch {
		case i < 0:
			text := "there is no table " + string(name)
			if near := nearest(string(name), all); near != "" {
				text += " (" + near + "?)"
			}
			wrong = append(wrong, text)
		case !all[i].Tracked && all[i].CanTrack:
			kind = lakelink.KindUntracked
			wrong = append(wrong, fmt.Sprintf("changes of %s are not tracked: switch on change tracking for it in the environment", name))
		case !all[i].Tracked:
			kind = lakelink.KindUntracked
			wrong = append(wrong, fmt.Sprintf("Dataverse cannot track %s: leave it out", name))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &lakelink.Error{Op: "choose tables", Kind: kind, Err: errors.New(strings.Join(wrong, "; "))}
}

// nearest returns the table whose name is at most two edits away, or "".
func nearest(name string, all []lakelink.Table) string {
	best, at := "", 3
	for _, t := range all {
		if d := edits(name, string(t.Name)); d < at {
			best, at = string(t.Name), d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// change stops a link, changes its definition and starts it again. The lake holds the positions, so
// a stop costs no more than reading the running cycles again.
func (m *Manager) change(ctx context.Context, name lakelink.LinkName, change func(*lakelink.Link) error) (lakelink.Link, error) {
	m.edit.Lock()
	defer m.edit.Unlock()
	r, err := m.runner(name)
	if err != nil {
		return lakelink.Link{}, err
	}
	l, err := m.opts.Store.UpdateLink(ctx, name, func(l *lakelink.Link) error {
		if err := change(l); err != nil {
			return err
		}
		return l.Validate()
	})
	if err != nil {
		return l, err
	}
	m.stop(r)
	m.start(ctx, l)
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
	l, err := m.opts.Store.Link(ctx, name)
	if err != nil {
		return l, err
	}
	conn, err := m.opts.Open(ctx, l)
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
	var chosen []*follower
	for _, t := range tables {
		f := r.follower(t)
		if f == nil {
			return &lakelink.Error{Op: "resync", Link: name, Table: t, Kind: lakelink.KindNotFound,
				Err: errors.New("the link has no such table, or has not started"), Hint: "see `lakelink table list`"}
		}
		chosen = append(chosen, f)
	}
	for _, f := range chosen {
		f.Resync()
	}
	return nil
}

// Delete ends a link. With deleteData, what it has written to the lake goes too.
func (m *Manager) Delete(ctx context.Context, name lakelink.LinkName, deleteData bool) error {
	m.edit.Lock()
	defer m.edit.Unlock()
	r, err := m.runner(name)
	if err != nil {
		return err
	}
	m.stop(r)
	restart := func(err error) error {
		m.start(ctx, r.link)
		return err
	}
	// An environment that does not answer must not keep a link alive: what is left there is a
	// webhook nobody answers. A lake must answer, but only when it has something to give up.
	conn, err := m.opts.Open(ctx, r.link)
	switch {
	case err == nil:
		defer conn.Close()
		if conn.Unpush != nil {
			if err := conn.Unpush(ctx, r.link); err != nil && m.opts.Events.Failed != nil {
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
	if err := m.opts.Store.DeleteLink(ctx, name); err != nil {
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
	if p := r.Status(m.opts.Now()).Problem; p != nil {
		return r.link, nil, &lakelink.Error{Link: name, Kind: p.Kind, Code: p.Code, Err: errors.New(p.Detail)}
	}
	return r.link, nil, &lakelink.Error{Op: "reach link", Link: name, Kind: lakelink.KindTransient,
		Err: errors.New("the link is not running"), Hint: "resume it, or wait until it has started"}
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
