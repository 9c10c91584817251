package owner_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/lake/faulty"
	"lakelink/internal/lake/memlake"
	"lakelink/internal/lake/owner"
)

var env = lakelink.Environment{ID: "9f0c", URL: "https://contoso.crm4.dynamics.com", Name: "contoso"}

func newLink(name, id string) lakelink.Link {
	return lakelink.Link{
		Name: lakelink.LinkName(name), ID: id, Lake: "mem:", Tables: []lakelink.TableName{"account"},
		Environment: lakelink.EnvironmentRef{URL: env.URL, ClientID: "app", ClientSecret: "env:SECRET"},
		Formats:     []lakelink.Format{lakelink.Delta}, Interval: lakelink.Duration(time.Minute), Created: time.Unix(1e9, 5),
	}
}

func claim(t *testing.T, l lakelink.Lake, link lakelink.Link) lakelink.Link {
	t.Helper()
	got, err := owner.Claim(t.Context(), l, link, env)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestClaimAndRelease(t *testing.T) {
	l := memlake.New()
	a := newLink("sales", "1")
	if diff := cmp.Diff(a, claim(t, l, a)); diff != "" {
		t.Error(diff)
	}
	first, err := l.Stat(t.Context(), owner.Name)
	if err != nil {
		t.Fatal(err)
	}
	claim(t, l, a)
	if again, _ := l.Stat(t.Context(), owner.Name); again != first {
		t.Error("a claim that changes nothing was written")
	}

	a.Tables = append(a.Tables, "contact")
	claim(t, l, a)
	r, err := owner.Read(t.Context(), l)
	if err != nil || len(r.Link.Tables) != 2 || r.Environment != env || r.Version != 1 {
		t.Errorf("the lake has %+v, %v", r, err)
	}

	other := newLink("service", "2")
	if err := owner.Release(t.Context(), l, other); !lakelink.IsKind(err, lakelink.KindOwned) {
		t.Errorf("another link's Release: %v", err)
	}
	for range 2 {
		if err := owner.Release(t.Context(), l, a); err != nil {
			t.Fatal(err)
		}
	}
	claim(t, l, other)
}

func TestClaimOfAnothersLake(t *testing.T) {
	l := memlake.New()
	claim(t, l, newLink("sales", "1"))
	elsewhere := env
	elsewhere.ID = "other"
	for what, try := range map[string]func() error{
		"another link": func() error {
			_, err := owner.Claim(t.Context(), l, newLink("service", "2"), env)
			return err
		},
		"the same link of another environment": func() error {
			_, err := owner.Claim(t.Context(), l, newLink("sales", "1"), elsewhere)
			return err
		},
	} {
		err := try()
		want := "claim lake: mem: holds the link sales of https://contoso.crm4.dynamics.com (9f0c); " +
			"choose an empty folder; or, to go on with the data of sales, make it again under its name"
		if !lakelink.IsKind(err, lakelink.KindOwned) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestLostStateIsAdopted(t *testing.T) {
	l := memlake.New()
	old := newLink("sales", "1")
	claim(t, l, old)
	fresh := newLink("sales", "2")
	fresh.Created = time.Unix(2e9, 0)
	fresh.Interval = lakelink.Duration(time.Hour)
	got := claim(t, l, fresh)
	if got.ID != "1" || !got.Created.Equal(old.Created) || got.Interval != fresh.Interval {
		t.Errorf("got %+v", got)
	}
	if r, err := owner.Read(t.Context(), l); err != nil || r.Link.ID != "1" || r.Link.Interval != fresh.Interval {
		t.Errorf("the lake has %+v, %v", r, err)
	}
}

func TestClaimRefusesWhatItCannotRead(t *testing.T) {
	for data, want := range map[string]string{
		"":              "mem:/_lakelink/link.json is not what Lakelink writes there; restore it from a copy",
		"garbage":       "mem:/_lakelink/link.json is not what Lakelink writes there",
		`{"version":1}`: "mem:/_lakelink/link.json is not what Lakelink writes there",
		`{"version":9,"link":{"id":"1","interval":"1m"},"environment":{"id":"e"}}`: "has version 9, this program knows 1; use the newer Lakelink that wrote it",
	} {
		l := memlake.New()
		if _, err := l.Put(t.Context(), owner.Name, strings.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		_, err := owner.Claim(t.Context(), l, newLink("sales", "1"), env)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func TestClaimHasOneWinner(t *testing.T) {
	l := memlake.New()
	var mu sync.Mutex
	var winners []string
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		wg.Go(func() {
			_, err := owner.Claim(t.Context(), l, newLink(name, name), env)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				winners = append(winners, name)
			case !lakelink.IsKind(err, lakelink.KindOwned):
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
	r, err := owner.Read(t.Context(), l)
	if err != nil || len(winners) != 1 || string(r.Link.Name) != winners[0] {
		t.Errorf("winners %v, the lake has %+v %v", winners, r, err)
	}
}

// TestUpdatesDoNotMix: a claim that somebody else's update overtook is tried again on top of it.
func TestUpdatesDoNotMix(t *testing.T) {
	inner := memlake.New()
	claim(t, inner, newLink("sales", "1"))
	l := &overtaken{Lake: &faulty.Lake{Lake: inner}, by: func(ctx context.Context) error {
		changed := newLink("sales", "1")
		changed.Paused = true
		_, err := owner.Claim(ctx, inner, changed, env)
		return err
	}}
	mine := newLink("sales", "1")
	mine.Tables = append(mine.Tables, "contact")
	if _, err := owner.Claim(t.Context(), l, mine, env); err != nil {
		t.Fatal(err)
	}
	if r, err := owner.Read(t.Context(), inner); err != nil || len(r.Link.Tables) != 2 || r.Link.Paused {
		t.Errorf("the lake has %+v, %v", r.Link, err)
	}
}

// overtaken lets somebody else go first, once.
type overtaken struct {
	*faulty.Lake
	by func(ctx context.Context) error
}

func (o *overtaken) PutMatch(ctx context.Context, name, etag string, r io.Reader) (lakelink.ObjectInfo, error) {
	if by := o.by; by != nil {
		o.by = nil
		if err := by(ctx); err != nil {
			return lakelink.ObjectInfo{}, err
		}
	}
	return o.Lake.PutMatch(ctx, name, etag, r)
}
