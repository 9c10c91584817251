package replicate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lakelink"
)

var errCutOff = &lakelink.Error{Op: "read", Kind: lakelink.KindTransient, Err: errors.New("cut off")}

func TestReadsThatKeepFailingAreTriedEverMoreRarelyAndNeedYouInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m)
		var tries atomic.Int32
		w.failReads(func(lakelink.Checkpoint) error { tries.Add(1); return errCutOff })
		time.Sleep(time.Hour)
		if tries.Load() > 60 {
			t.Errorf("%d tries in an hour, want ever more rarely, to one in two minutes", tries.Load())
		}
		if s := status(t, m, "account"); s.State != lakelink.StateNeedsYou || s.Problem == nil || s.Problem.Tries < 10 {
			t.Errorf("account is %s with %+v, want needs_you after an hour", s.State, s.Problem)
		}
		w.failReads(nil)
		w.wait(m)
	})
}

func TestWhatTheOtherSideAskedForIsHonouredHoweverItIsWrapped(t *testing.T) {
	throttled := &lakelink.Error{Kind: lakelink.KindThrottled, After: time.Minute}
	if d := asked(&lakelink.Error{Op: "read changes", Err: errors.Join(throttled)}); d != time.Minute {
		t.Errorf("waits %s, want a minute", d)
	}
	if d := asked(errors.New("x")); d != 0 {
		t.Errorf("waits %s for nothing", d)
	}
}

func TestPositionsThatAlwaysExpireDoNotLoadWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.source.Create("account", 5)
		w.failReads(func(since lakelink.Checkpoint) error {
			if since == "" {
				return nil
			}
			time.Sleep(time.Millisecond)
			return &lakelink.Error{Op: "read changes", Kind: lakelink.KindExpired}
		})
		m := w.start()
		defer m.Close()
		w.create(m)
		time.Sleep(20 * time.Minute)
		w.mu.Lock()
		n := len(w.loads)
		w.mu.Unlock()
		if n > 30 {
			t.Errorf("%d loads in 20 minutes, want them spaced like other failures", n)
		}
		if s := status(t, m, "account"); s.Problem == nil || s.Problem.Kind != lakelink.KindExpired {
			t.Errorf("problem %+v, want the expired position", s.Problem)
		}
	})
}

// beaten is a format whose next close finds that somebody else was faster.
type beaten struct {
	lakelink.IntervalWriter
	next *atomic.Bool
}

func (b beaten) Pending() bool { return b.next.Load() || b.IntervalWriter.Pending() }

func (b beaten) CloseInterval(ctx context.Context) error {
	if b.next.CompareAndSwap(true, false) {
		return &lakelink.Error{Op: "close folder", Kind: lakelink.KindConflict, Err: errors.New("somebody was faster")}
	}
	return b.IntervalWriter.CloseInterval(ctx)
}

func TestResyncIsDoneOnceAlthoughTheLinkIsOpenedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.source.Create("account", 5)
		var conflict atomic.Bool
		w.wrap = func(fw lakelink.Writer) lakelink.Writer {
			if iw, ok := fw.(lakelink.IntervalWriter); ok {
				return beaten{iw, &conflict}
			}
			return fw
		}
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m)
		w.failReads(func(lakelink.Checkpoint) error { return errCutOff })
		if err := m.Resync("sales", nil); err != nil {
			t.Fatal(err)
		}
		conflict.Store(true)
		time.Sleep(2 * time.Minute) // opened anew before the load could begin
		w.failReads(nil)
		w.wait(m)
		if len(w.loads) != 2 {
			t.Fatalf("loads %v, want the order to have survived", w.loads)
		}
		conflict.Store(true)
		time.Sleep(2 * time.Minute)
		w.wait(m)
		if len(w.loads) != 2 {
			t.Errorf("loads %v, want the order carried out once", w.loads)
		}
	})
}

func TestResyncOutlivesAPauseWhoseCallerHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m)
		w.failReads(func(lakelink.Checkpoint) error { return errCutOff })
		if err := m.Resync("sales", nil); err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for _, do := range []func(context.Context, lakelink.LinkName) (lakelink.Link, error){m.Pause, m.Resume} {
			if _, err := do(gone, "sales"); err != nil {
				t.Fatal(err)
			}
		}
		w.failReads(nil)
		w.wait(m)
		if len(w.loads) != 2 {
			t.Errorf("loads %v, want the order to have survived", w.loads)
		}
	})
}

func TestResyncOrderedDuringTheInitialSyncFollowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.source.Create("account", 30)
		var m *Manager
		ordered := false
		w.source.BetweenPages(func(lakelink.TableName, int) {
			if !ordered {
				ordered = true
				if err := m.Resync("sales", nil); err != nil {
					t.Error(err)
				}
			}
		})
		m = w.start()
		defer m.Close()
		l := w.link()
		l.Formats = []lakelink.Format{lakelink.Delta}
		if _, err := m.Create(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		w.wait(m)
		if len(w.loads) != 2 {
			t.Errorf("loads %v, want the initial one and the one ordered", w.loads)
		}
	})
}

func TestHangingEnvironmentHoldsUpNoOtherLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		o := w.options()
		o.Open = func(ctx context.Context, l lakelink.Link) (*Connection, error) {
			if l.Name == "hung" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return w.open(ctx, l)
		}
		m := New(o)
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.create(m)
		w.wait(m)
		hung := w.link()
		hung.Name, hung.ID = "hung", "l2"
		created := make(chan error)
		go func() {
			_, err := m.Create(context.Background(), hung)
			created <- err
		}()
		synctest.Wait()
		began := time.Now()
		if _, err := m.Pause(t.Context(), "sales"); err != nil {
			t.Error(err)
		}
		if err := m.Delete(t.Context(), "sales", false); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("pausing and deleting another link took %s", took)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Create(soon, hung); err == nil {
			t.Error("two callers made the same link at once")
		}
		go m.Close() // ends what hangs
		if err := <-created; err == nil {
			t.Error("a link was made in an environment that does not answer")
		}
	})
}

func TestCauseStaysWhileALoadIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.failReads(func(lakelink.Checkpoint) error {
			return &lakelink.Error{Op: "load", Kind: lakelink.KindForbidden, Err: errors.New("no read privilege")}
		})
		m := w.start()
		defer m.Close()
		w.create(m)
		time.Sleep(time.Hour)
		w.mu.Lock()
		states := slices.Clone(w.states)
		w.mu.Unlock()
		for _, s := range states {
			if strings.HasPrefix(s, string(lakelink.StateNeedsYou)) {
				t.Fatalf("states %v, want needs_you to stay until something gets better", states)
			}
		}
		w.failReads(nil)
		w.wait(m)
	})
}

func TestWaitForATableThatIsNotThereSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		m := w.start()
		defer m.Close()
		w.create(m)
		if err := m.Wait(t.Context(), "sales", "acount"); !lakelink.IsKind(err, lakelink.KindNotFound) {
			t.Errorf("waiting gave %v", err)
		}
	})
}

func TestNewColumnIsFollowedWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		ids := w.source.Create("account", 5)
		described := 0
		o := w.options()
		o.Events.Schema = func(_ lakelink.LinkName, _ lakelink.TableName, from, to *lakelink.Table) {
			described++
			if from.Column("new_rating") != nil || to.Column("new_rating") == nil {
				t.Error("the event does not tell the new column")
			}
		}
		m := New(o)
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		w.create(m)
		w.wait(m)
		def, _ := w.source.Table(t.Context(), "account")
		wide := *def
		wide.Columns = append(slices.Clone(def.Columns), lakelink.Column{Name: "new_rating", Type: lakelink.TypeInteger})
		w.source.SetTable(&wide)
		for range 10 { // the table is in use
			w.source.Update("account", ids[0])
			time.Sleep(20 * time.Second)
		}
		w.source.Upsert("account", map[string]any{def.PrimaryKey: ids[0], "new_rating": 5})
		w.wait(m)
		w.same("account")
		if described != 1 {
			t.Errorf("%d events, want one", described)
		}
	})
}

func TestHintsThatStayAwayAreNotReliedUpon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "account")
		w.push = true
		m := w.start()
		defer m.Close()
		w.create(m)
		w.wait(m)
		arrives := func(hint bool) time.Duration {
			time.Sleep(30 * time.Minute) // the timer is as slow as it gets
			began := time.Now()
			w.source.Create("account", 1)
			if hint {
				m.Hint(lakelink.Hint{Link: "sales", Table: "account"})
			}
			for status(t, m, "account").Positions[lakelink.Delta].Version < must(w.source.Version(t.Context())) {
				time.Sleep(100 * time.Millisecond)
			}
			return time.Since(began)
		}
		if d := arrives(false); d > 31*time.Second {
			t.Errorf("without a single hint so far a change took %s", d)
		}
		if d := arrives(true); d > time.Second {
			t.Errorf("a hinted change took %s", d)
		}
		if d := arrives(false); d > 5*time.Minute+time.Second {
			t.Errorf("the first change without a hint took %s", d)
		}
		if d := arrives(false); d > 31*time.Second {
			t.Errorf("the second change without a hint took %s", d)
		}
	})
}
