package replicate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/format/memformat"
	"lakelink/internal/memsource"
)

// memStore is the Store in memory.
type memStore struct {
	mu       sync.Mutex
	links    map[lakelink.LinkName]lakelink.Link
	statuses map[lakelink.LinkName]map[lakelink.TableName]lakelink.TableStatus
}

func newMemStore() *memStore {
	return &memStore{links: map[lakelink.LinkName]lakelink.Link{},
		statuses: map[lakelink.LinkName]map[lakelink.TableName]lakelink.TableStatus{}}
}

func (s *memStore) Links(context.Context) ([]lakelink.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.links)), nil
}

func (s *memStore) Link(_ context.Context, name lakelink.LinkName) (lakelink.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.links[name]
	if !ok {
		return l, noSuchLink(name)
	}
	return l, nil
}

func (s *memStore) CreateLink(_ context.Context, l lakelink.Link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[l.Name] = l
	return nil
}

func (s *memStore) UpdateLink(_ context.Context, name lakelink.LinkName, change func(*lakelink.Link) error) (lakelink.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.links[name]
	if err := change(&l); err != nil {
		return l, err
	}
	s.links[name] = l
	return l, nil
}

func (s *memStore) DeleteLink(_ context.Context, name lakelink.LinkName) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, name)
	return nil
}

func (s *memStore) PutStatus(_ context.Context, name lakelink.LinkName, t lakelink.TableStatus) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statuses[name] == nil {
		s.statuses[name] = map[lakelink.TableName]lakelink.TableStatus{}
	}
	s.statuses[name][t.Table] = t
	return nil
}

func (s *memStore) Statuses(ctx context.Context, name lakelink.LinkName) ([]lakelink.TableStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.statuses[name])), ctx.Err()
}

func (s *memStore) AppendActivity(context.Context, lakelink.Activity) error { return nil }

// world is an environment, a lake and a state store in memory, which outlive managers.
type world struct {
	t      *testing.T
	source *memsource.Source
	lakes  map[lakelink.Format]*memformat.Store
	store  *memStore
	loads  []string // "table:rows" of each load finished
	mu     sync.Mutex
	wrap   func(lakelink.Writer) lakelink.Writer
	feed   func(since lakelink.Checkpoint) error // fails reads of rows
	push   bool                                  // the environment can be asked for hints
	states []string                              // "from to" of each table's change of state
	names  []lakelink.TableName
}

func newWorld(t *testing.T, tables ...lakelink.TableName) *world {
	var defs []*lakelink.Table
	for _, n := range tables {
		defs = append(defs, memsource.SampleTable(n))
	}
	w := &world{t: t, source: memsource.New(defs...), store: newMemStore(), names: tables,
		lakes: map[lakelink.Format]*memformat.Store{
			lakelink.Delta: memformat.NewStore(), lakelink.Incremental: memformat.NewStore()}}
	w.source.SetPageRows(10)
	return w
}

func (w *world) open(context.Context, lakelink.Link) (*Connection, error) {
	same := func(_ context.Context, l lakelink.Link) (lakelink.Link, error) { return l, nil }
	none := func(context.Context, lakelink.Link) error { return nil }
	c := &Connection{
		Source: failingFeed{w.source, w}, Claim: same, Release: none, Purge: none, Close: func() error { return nil },
		Writers: func(_ context.Context, l lakelink.Link, _ []*lakelink.Table) ([]lakelink.Writer, error) {
			var out []lakelink.Writer
			for _, f := range l.Formats {
				var fw lakelink.Writer = w.lakes[f].Writer(f)
				if f == lakelink.Incremental {
					fw = w.lakes[f].IntervalWriter(f)
				}
				if w.wrap != nil {
					fw = w.wrap(fw)
				}
				out = append(out, fw)
			}
			return out, nil
		},
	}
	if w.push {
		c.Push = func(context.Context, lakelink.Link, []lakelink.TableName) (bool, error) { return true, nil }
	}
	return c, nil
}

// failReads sets what reads of rows fail with; nil for nothing.
func (w *world) failReads(fail func(since lakelink.Checkpoint) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.feed = fail
}

// failingFeed fails reads of rows, and nothing else.
type failingFeed struct {
	*memsource.Source
	w *world
}

func (s failingFeed) Feed(ctx context.Context, t *lakelink.Table, since lakelink.Checkpoint) iter.Seq2[*lakelink.Batch, error] {
	s.w.mu.Lock()
	fail := s.w.feed
	s.w.mu.Unlock()
	if fail != nil {
		if err := fail(since); err != nil {
			return func(yield func(*lakelink.Batch, error) bool) { yield(nil, err) }
		}
	}
	return s.Source.Feed(ctx, t, since)
}

func (w *world) options() Options {
	return Options{Store: w.store, Open: w.open, StageBytes: 1, Events: Events{
		TableState: func(_ lakelink.LinkName, s lakelink.TableStatus, from lakelink.State) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.states = append(w.states, fmt.Sprintf("%s %s", from, s.State))
		},
		Loaded: func(_ lakelink.LinkName, t lakelink.TableName, rows int64, _ time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.loads = append(w.loads, fmt.Sprintf("%s:%d", t, rows))
		}}}
}

func (w *world) start() *Manager {
	w.t.Helper()
	m := New(w.options())
	if err := m.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) link() lakelink.Link {
	return lakelink.Link{Name: "sales", ID: "l1", Lake: "mem:", Tables: w.names,
		Environment: lakelink.EnvironmentRef{URL: "https://memory.example", ClientID: "c", ClientSecret: "env:X"},
		Formats:     []lakelink.Format{lakelink.Incremental, lakelink.Delta}, Interval: lakelink.Duration(time.Minute)}
}

func (w *world) create(m *Manager) {
	w.t.Helper()
	if _, err := m.Create(context.Background(), w.link()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wait(m *Manager, tables ...lakelink.TableName) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := m.Wait(ctx, "sales", tables...); err != nil {
		w.t.Fatal(err)
	}
}

// same fails the test unless every format holds what the source holds.
func (w *world) same(tables ...lakelink.TableName) {
	w.t.Helper()
	for _, name := range tables {
		def, err := w.source.Table(context.Background(), name)
		if err != nil {
			w.t.Fatal(err)
		}
		want := w.source.Rows(name)
		for f, store := range w.lakes {
			snap, err := store.Reader(f).Snapshot(context.Background(), def)
			if err != nil {
				w.t.Fatalf("%s in %s: %v", name, f, err)
			}
			got := map[lakelink.ID]map[string]any{}
			for b, err := range snap.Batches(context.Background()) {
				if err != nil {
					w.t.Fatal(err)
				}
				for i := range b.NumRows() {
					v := memsource.Values(b.Rows, i)
					got[v[def.PrimaryKey].(lakelink.ID)] = v
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				w.t.Errorf("%s in %s differs (-source +lake):\n%s", name, f, diff)
			}
		}
	}
}

func status(t *testing.T, m *Manager, name lakelink.TableName) lakelink.TableStatus {
	t.Helper()
	s, err := m.Status("sales")
	if err != nil {
		t.Fatal(err)
	}
	for _, ts := range s.Tables {
		if ts.Table == name {
			return ts
		}
	}
	t.Fatalf("no table %s", name)
	return lakelink.TableStatus{}
}

func TestCreatesUpdatesAndDeletesReachEveryFormat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account", "contact", "lead")
		ids := w.source.Create("account", 35)
		w.source.Create("contact", 7)
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m)
		w.same("account", "contact", "lead")

		w.source.Update("account", ids[3])
		w.source.Delete("account", ids[4])
		w.source.Delete("account", ids[5])
		w.source.Recreate("account", ids[5])
		w.source.Create("lead", 12)
		w.wait(m)
		w.same("account", "contact", "lead")
		if s := status(t, m, "account"); s.State != lakelink.StateUpToDate || s.Changes < 3 {
			t.Errorf("account is %+v, want up to date after 3 changes", s)
		}
	})
}

func TestHintIsFollowedLongBeforeTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m)
		time.Sleep(10 * time.Minute) // idle: the timer has slowed down to PollMax
		began := time.Now()
		w.source.Create("account", 1)
		m.Hint(lakelink.Hint{Link: "sales", Table: "account"})
		m.Hint(lakelink.Hint{Link: "sales", Table: "account"})
		m.Hint(lakelink.Hint{Link: "nobody", Table: "account"})
		for status(t, m, "account").Positions[lakelink.Delta].Version < must(w.source.Version(t.Context())) {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("a hinted change took %v, want less than a second", took)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestFailingTableDoesNotDelayOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account", "contact")
		w.source.Create("contact", 5)
		w.source.FailNext("account", 1_000_000, &lakelink.Error{Op: "read", Table: "account",
			Kind: lakelink.KindForbidden, Code: "0x80040220", Err: errors.New("no read privilege"), Hint: "grant it"})
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m, "contact")
		w.same("contact")
		s := status(t, m, "account")
		if s.State != lakelink.StateNeedsYou || s.Problem == nil || s.Problem.Code != "0x80040220" || s.Problem.Hint != "grant it" {
			t.Errorf("account is %+v, want needs_you with its code and remedy", s)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := m.Wait(ctx, "sales")
		if err == nil || !strings.Contains(err.Error(), "account (needs you") || strings.Contains(err.Error(), "contact") {
			t.Errorf("waiting gave %v, want account named with its trouble", err)
		}
		w.source.FailNext("account", 0, nil)
	})
}

func TestTransientFailuresAreRetriedWithoutLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.source.Create("account", 50)
		w.source.FailNext("account", 7, &lakelink.Error{Op: "read", Kind: lakelink.KindTransient, Err: errors.New("cut off")})
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m)
		w.same("account")
		if s := status(t, m, "account"); s.Problem != nil {
			t.Errorf("problem %+v is left after recovery", s.Problem)
		}
	})
}

func TestExpiredTokenLeadsToResyncThatFindsMissedDeletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		ids := w.source.Create("account", 30)
		m := w.start()
		w.create(m)
		w.wait(m)
		m.Close()

		w.source.Delete("account", ids[7]) // nobody is watching, and then
		w.source.Expire("account")         // the source forgets that it was deleted

		m = w.start()
		defer m.Close()
		w.wait(m)
		w.same("account")
		if len(w.loads) != 2 {
			t.Errorf("loads %v, want a first one and one for the expired token", w.loads)
		}
	})
}

func TestLoadGoesOnAtItsLastPageAfterAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.source.Create("account", 100) // ten pages
		pages := 0
		var m *Manager
		stop := make(chan struct{})
		w.source.BetweenPages(func(lakelink.TableName, int) {
			if pages++; pages == 6 {
				close(stop)
				<-m.ctx.Done()
			}
		})
		m = w.start()
		w.create(m)
		<-stop
		m.Close()
		w.source.BetweenPages(func(lakelink.TableName, int) { pages++ })

		pages = 0
		m = w.start()
		defer m.Close()
		w.wait(m)
		w.same("account")
		if pages > 8 {
			t.Errorf("%d pages were read after the restart, want the remaining ones only", pages)
		}
	})
}

func TestWaitCountsRowsThatFellOutOfALongRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		delete(w.lakes, lakelink.Incremental) // whose interval would give the row the time to come
		m := w.start()
		defer m.Close()
		l := w.link()
		l.Formats = []lakelink.Format{lakelink.Delta}
		if _, err := m.Create(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		w.wait(m)
		ids := w.source.Create("account", 35) // four pages, and while the second is read
		moved := false
		w.source.BetweenPages(func(_ lakelink.TableName, page int) {
			if !moved && page == 1 {
				moved = true
				w.source.Update("account", ids[34]) // a row of the last one moves out of the read
			}
		})
		w.wait(m)
		w.same("account")
		if !moved {
			t.Error("the read had one page only")
		}
	})
}

// lost is a format whose interval fails to close a number of times.
type lost struct {
	lakelink.IntervalWriter
	fail *int
}

func (l lost) CloseInterval(ctx context.Context) error {
	if *l.fail > 0 {
		*l.fail--
		return &lakelink.Error{Op: "close folder", Kind: lakelink.KindFull, Err: errors.New("no space left"), Hint: "free some"}
	}
	return l.IntervalWriter.CloseInterval(ctx)
}

func TestFullLakeIsReportedAndTheIntervalClosesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.source.Create("account", 5)
		fail := 3
		w.wrap = func(fw lakelink.Writer) lakelink.Writer {
			if iw, ok := fw.(lakelink.IntervalWriter); ok {
				return lost{iw, &fail}
			}
			return fw
		}
		m := w.start()
		defer m.Close()
		w.create(m)
		time.Sleep(150 * time.Second)
		s, err := m.Status("sales")
		if err != nil || s.Problem == nil || s.Problem.Hint != "free some" {
			t.Errorf("status %+v, %v, want the full lake as its problem", s, err)
		}
		w.wait(m)
		w.same("account")
		if s, _ := m.Status("sales"); s.Problem != nil {
			t.Errorf("problem %+v is left", s.Problem)
		}
	})
}

func TestAFormatThatIsBehindMakesAllReadFromItsPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.source.Create("account", 20)
		m := w.start()
		w.create(m)
		w.wait(m)
		// Changes that delta shows at once and incremental would have shown at the end of the minute.
		ids := w.source.Create("account", 5)
		time.Sleep(40 * time.Second)
		m.Close()
		w.source.Delete("account", ids[0])
		m = w.start()
		defer m.Close()
		w.wait(m)
		w.same("account")
		if len(w.loads) != 1 {
			t.Errorf("loads %v, want one: a format that is behind needs changes only", w.loads)
		}
	})
}

func TestPausedLinkStandsStillAndGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account", "contact")
		w.source.Create("account", 5)
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m)
		if _, err := m.Pause(t.Context(), "sales"); err != nil {
			t.Fatal(err)
		}
		w.source.Create("account", 5)
		time.Sleep(time.Hour)
		s, _ := m.Status("sales")
		if s.State != lakelink.StatePaused || s.Tables[0].State != lakelink.StatePaused {
			t.Errorf("status %+v, want paused", s)
		}
		if err := m.Wait(t.Context(), "sales"); err == nil {
			t.Error("waiting for a paused link succeeded")
		}
		if _, err := m.Resume(t.Context(), "sales"); err != nil {
			t.Fatal(err)
		}
		w.wait(m)
		w.same("account", "contact")
		if len(w.loads) != 2 {
			t.Errorf("loads %v, want none after the pause", w.loads)
		}
	})
}

func TestResyncReadsTheTableAnewAndSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account", "contact")
		w.source.Create("account", 25)
		m := w.start()
		w.create(m)
		w.wait(m)
		w.source.FailNext("account", 3, &lakelink.Error{Kind: lakelink.KindTransient, Err: errors.New("not now")})
		if err := m.Resync("sales", []lakelink.TableName{"account"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		m.Close()
		m = w.start()
		defer m.Close()
		w.wait(m)
		w.same("account", "contact")
		if n := len(w.loads); n != 3 || !strings.HasPrefix(w.loads[2], "account:") {
			t.Errorf("loads %v, want account loaded a second time", w.loads)
		}
	})
}

func TestCreateRefusesUnknownAndUntrackedTablesByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		off := memsource.SampleTable("visit")
		off.Tracked = false
		w.source.SetTable(off)
		m := w.start()
		defer m.Close()
		l := w.link()
		l.Tables = []lakelink.TableName{"acount", "visit"}
		_, err := m.Create(t.Context(), l)
		for _, want := range []string{"acount", "(account?)", "visit are not tracked", "switch on"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("creating gave %v, want it to say %q", err, want)
			}
		}
		if s := m.Statuses(); len(s) != 0 {
			t.Errorf("%d links are left", len(s))
		}
	})
}

func TestTablesAreAddedAndRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account", "contact")
		w.source.Create("contact", 15)
		m := w.start()
		defer m.Close()
		l := w.link()
		l.Tables = l.Tables[:1]
		if _, err := m.Create(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		w.wait(m)
		if _, err := m.AddTables(t.Context(), "sales", []lakelink.TableName{"contact"}); err != nil {
			t.Fatal(err)
		}
		w.wait(m)
		w.same("account", "contact")
		if _, err := m.RemoveTables(t.Context(), "sales", []lakelink.TableName{"account"}); err != nil {
			t.Fatal(err)
		}
		if s, _ := m.Status("sales"); len(s.Tables) != 1 {
			t.Errorf("tables %v, want contact alone", s.Tables)
		}
		if _, err := m.RemoveTables(t.Context(), "sales", []lakelink.TableName{"contact"}); err == nil {
			t.Error("the last table was removed; want to be told to delete the link")
		}
		if err := m.Delete(t.Context(), "sales", false); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Status("sales"); !lakelink.IsKind(err, lakelink.KindNotFound) {
			t.Errorf("status of a deleted link: %v", err)
		}
	})
}

func TestCompleteThroughNamesTheTableThatHoldsItBack(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) map[lakelink.Format]lakelink.Position {
		return map[lakelink.Format]lakelink.Position{lakelink.Delta: {Checkpoint: "x", Version: 1, At: now.Add(-d)}}
	}
	settled := lakelink.Position{Version: 1, At: now}
	s := lakelink.LinkStatus{Tables: []lakelink.TableStatus{
		{Table: "account", State: lakelink.StateUpToDate, Positions: at(time.Second), Settled: settled},
		{Table: "email", State: lakelink.StateRetrying, Positions: at(9 * time.Second), Settled: settled},
		{Table: "lead", State: lakelink.StateInitialSync},
	}}
	summarize(&s, now)
	if !s.CompleteThrough.Equal(now.Add(-9*time.Second)) || s.HeldBackBy != "email" ||
		!slices.Equal(s.NotCounted, []lakelink.TableName{"lead"}) || s.State != lakelink.StateUpToDate {
		t.Errorf("summary %+v", s)
	}
}
