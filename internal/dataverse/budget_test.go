package dataverse

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudgetFollowsTheHint(t *testing.T) {
	b := NewBudget(BudgetOptions{Concurrency: 8})
	b.hint(3)
	if s := b.Stats(); s.Concurrency != 3 {
		t.Errorf("stats %+v", s)
	}
	b.hint(50)
	if s := b.Stats(); s.Concurrency != 8 {
		t.Errorf("stats %+v", s)
	}
	b.hint(0)
	if s := b.Stats(); s.Concurrency != 8 {
		t.Errorf("stats %+v", s)
	}
}

func TestChangesComeBeforeLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Concurrency: 3})
		var done []func()
		take := func(r rank) {
			giveBack, err := b.take(t.Context(), r)
			if err != nil {
				t.Error(err)
			}
			done = append(done, giveBack)
		}
		take(rankLoad)
		take(rankLoad)
		order := make(chan string, 10)
		wait := func(r rank, name string) {
			go func() {
				giveBack, err := b.take(t.Context(), r)
				if err != nil {
					t.Error(err)
				}
				order <- name
				time.Sleep(time.Second)
				giveBack()
			}()
			synctest.Wait()
		}
		wait(rankLoad, "load")         // one slot is left, and not for loads
		wait(rankChanges, "changes 1") // takes it
		wait(rankChanges, "changes 2")
		if s := b.Stats(); s.InFlight != 3 || s.Waiting != 2 {
			t.Errorf("stats %+v", s)
		}
		done[0]()
		done[0]() // giving back twice counts once
		synctest.Wait()
		for _, want := range []string{"changes 1", "changes 2", "load"} {
			if got := <-order; got != want {
				t.Errorf("%s went, want %s", got, want)
			}
		}
		done[1]()
		time.Sleep(10 * time.Second)
		if s := b.Stats(); s.InFlight != 0 || s.Waiting != 0 || s.Today != 5 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestBudgetKeepsToTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Requests: 100, Window: time.Minute})
		start := time.Now()
		for range 181 {
			giveBack, err := b.take(t.Context(), rankChanges)
			if err != nil {
				t.Fatal(err)
			}
			giveBack()
		}
		if took := time.Since(start); took < 2*time.Minute || took > 2*time.Minute+5*time.Second {
			t.Errorf("181 requests took %s, and 90 fit in a minute", took)
		}
		if s := b.Stats(); s.Recent > 91 || s.Limit != 90 {
			t.Errorf("stats %+v", s)
		}
		time.Sleep(2 * time.Minute)
		loads := 0
		for ctx, cancel := context.WithTimeout(t.Context(), time.Second); ; loads++ {
			giveBack, err := b.take(ctx, rankLoad)
			if err != nil {
				cancel()
				break
			}
			giveBack()
		}
		if loads != 72 {
			t.Errorf("%d loads at once, want a fifth left to changes", loads)
		}
	})
}

func TestBudgetPausesForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{})
		b.pause(37 * time.Second)
		b.pause(5 * time.Second) // a shorter one takes nothing back
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.take(ctx, rankChanges); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("take under a pause: %v", err)
		}
		giveBack, err := b.take(t.Context(), rankLoad)
		if err != nil {
			t.Fatal(err)
		}
		defer giveBack()
		if took := time.Since(start); took != 37*time.Second {
			t.Errorf("waited %s", took)
		}
		if s := b.Stats(); s.Throttled != 2 || s.Waiting != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestBudgetIsSharedPerEnvironmentAndUser(t *testing.T) {
	a := BudgetFor("https://Contoso.crm4.dynamics.com/", "APP")
	if BudgetFor("https://contoso.crm4.dynamics.com", "app") != a {
		t.Error("one environment and user has two budgets")
	}
	if BudgetFor("https://contoso.crm4.dynamics.com", "other") == a || BudgetFor("https://fabrikam.crm4.dynamics.com", "app") == a {
		t.Error("two share a budget")
	}
}
