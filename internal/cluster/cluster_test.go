package cluster_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"lakelink"
	"lakelink/internal/cluster"
)

func TestMain(m *testing.M) {
	// The NATS server leaves nothing behind either.
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, dir string) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Open(t.Context(), cluster.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	return c
}

func closed(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func newLink(name string) lakelink.Link {
	return lakelink.Link{
		Name: lakelink.LinkName(name), ID: "id-" + name, Lake: "file:///data/lake", Tables: []lakelink.TableName{"account"},
		Environment: lakelink.EnvironmentRef{URL: "https://contoso.crm4.dynamics.com", ClientID: "app", ClientSecret: "env:SECRET"},
		Formats:     []lakelink.Format{lakelink.Delta}, Interval: lakelink.Duration(time.Minute), Created: time.Unix(1e9, 5).UTC(),
	}
}

func create(t *testing.T, c *cluster.Cluster, name string) cluster.Entry {
	t.Helper()
	e, err := c.CreateLink(t.Context(), newLink(name))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func wantKind(t *testing.T, what string, err error, kind lakelink.Kind) {
	t.Helper()
	if !lakelink.IsKind(err, kind) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: got %v, want one line of kind %q", what, err, kind)
	}
}

func names(t *testing.T, c *cluster.Cluster) []lakelink.LinkName {
	t.Helper()
	entries, err := c.Links(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := []lakelink.LinkName{}
	for _, e := range entries {
		found = append(found, e.Link.Name)
	}
	return found
}

func wantNames(t *testing.T, c *cluster.Cluster, want ...lakelink.LinkName) {
	t.Helper()
	if diff := cmp.Diff(append([]lakelink.LinkName{}, want...), names(t, c)); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestLinks(t *testing.T) {
	c := open(t, t.TempDir())
	wantNames(t, c)
	b := create(t, c, "sales-EU_2")
	a := create(t, c, "marketing")
	wantNames(t, c, "marketing", "sales-EU_2")

	got, err := c.Link(t.Context(), "marketing")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, got); diff != "" || !cmp.Equal(a.Link, newLink("marketing")) {
		t.Error(diff)
	}
	_, err = c.CreateLink(t.Context(), newLink("marketing"))
	wantKind(t, "CreateLink again", err, lakelink.KindExists)
	for _, name := range []lakelink.LinkName{"none", "", "*", ">", "a.b", "with space"} {
		_, err = c.Link(t.Context(), name)
		wantKind(t, fmt.Sprintf("Link %q", name), err, lakelink.KindNotFound)
		wantKind(t, "DeleteLink", c.DeleteLink(t.Context(), name), lakelink.KindNotFound)
	}
	bad := newLink("bad")
	bad.Tables = nil
	_, err = c.CreateLink(t.Context(), bad)
	wantKind(t, "CreateLink without tables", err, lakelink.KindInvalid)

	if err := c.DeleteLink(t.Context(), b.Link.Name); err != nil {
		t.Fatal(err)
	}
	wantNames(t, c, "marketing")
	if again := create(t, c, "sales-EU_2"); again.Revision <= a.Revision {
		t.Errorf("revision %d after %d", again.Revision, a.Revision)
	}
}

func TestUpdateLink(t *testing.T) {
	c := open(t, t.TempDir())
	first := create(t, c, "sales")
	pause := func(l *lakelink.Link) error { l.Paused = true; return nil }
	second, err := c.UpdateLink(t.Context(), "sales", pause)
	if err != nil || !second.Link.Paused || second.Revision <= first.Revision {
		t.Fatalf("%+v, %v", second, err)
	}
	if same, err := c.UpdateLink(t.Context(), "sales", pause); err != nil || same.Revision != second.Revision {
		t.Errorf("a change of nothing: %+v, %v", same, err)
	}
	refusal := errors.New("no")
	if _, err := c.UpdateLink(t.Context(), "sales", func(*lakelink.Link) error { return refusal }); err != refusal {
		t.Errorf("got %v", err)
	}
	_, err = c.UpdateLink(t.Context(), "none", pause)
	wantKind(t, "UpdateLink of none", err, lakelink.KindNotFound)
	for what, change := range map[string]func(*lakelink.Link){
		"name":   func(l *lakelink.Link) { l.Name = "other" },
		"id":     func(l *lakelink.Link) { l.ID = "other" },
		"tables": func(l *lakelink.Link) { l.Tables = nil },
	} {
		_, err := c.UpdateLink(t.Context(), "sales", func(l *lakelink.Link) error { change(l); return nil })
		wantKind(t, what, err, lakelink.KindInvalid)
	}
	if got, err := c.Link(t.Context(), "sales"); err != nil || !cmp.Equal(got, second) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestUpdatesAreNotLost: of changes made at once, each is made on top of the others.
func TestUpdatesAreNotLost(t *testing.T) {
	const writers, rounds = 8, 10
	c := open(t, t.TempDir())
	create(t, c, "sales")
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				_, err := c.UpdateLink(t.Context(), "sales", func(l *lakelink.Link) error {
					l.Tables = append(l.Tables, lakelink.TableName(fmt.Sprintf("new_%d_%d", w, i)))
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if e, err := c.Link(t.Context(), "sales"); err != nil || len(e.Link.Tables) != 1+writers*rounds {
		t.Errorf("%d tables, %v", len(e.Link.Tables), err)
	}
}

func TestCreateHasOneWinner(t *testing.T) {
	c := open(t, t.TempDir())
	var wg sync.WaitGroup
	ids := make(chan string, 8)
	for w := range cap(ids) {
		wg.Go(func() {
			link := newLink("sales")
			link.ID = fmt.Sprint(w)
			_, err := c.CreateLink(t.Context(), link)
			if err == nil {
				ids <- link.ID
			} else if !lakelink.IsKind(err, lakelink.KindExists) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	e, err := c.Link(t.Context(), "sales")
	if err != nil || len(ids) != 1 || e.Link.ID != <-ids {
		t.Errorf("%d winners, %+v, %v", len(ids), e, err)
	}
}

func TestStatuses(t *testing.T) {
	c := open(t, t.TempDir())
	create(t, c, "a")
	create(t, c, "a-b")
	put := func(link lakelink.LinkName, s lakelink.TableStatus) {
		t.Helper()
		if err := c.PutStatus(t.Context(), link, s); err != nil {
			t.Fatal(err)
		}
	}
	want := []lakelink.TableStatus{
		{Table: "account", State: lakelink.StateUpToDate, Rows: 2, Positions: map[lakelink.Format]lakelink.Position{lakelink.Delta: {Checkpoint: "t", Version: 7}}},
		{Table: "new_ü*>", State: lakelink.StateWaiting, Problem: &lakelink.Problem{Detail: "x", Since: time.Unix(5, 0).UTC()}},
	}
	put("a", want[1])
	put("a", lakelink.TableStatus{Table: "account", Rows: 1})
	put("a", want[0])
	put("a-b", lakelink.TableStatus{Table: "account"})
	statuses := func(link lakelink.LinkName) []lakelink.TableStatus {
		t.Helper()
		got, err := c.Statuses(t.Context(), link)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(want, statuses("a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := c.DeleteStatus(t.Context(), "a", "account"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[1:], statuses("a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := c.DeleteLink(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	put("a", want[0]) // late, from a follower that was still running
	create(t, c, "a")
	if got := statuses("a"); len(got) != 0 || len(statuses("a-b")) != 1 {
		t.Errorf("a new link has %+v of an old one", got)
	}
}

func TestActivityNewestFirst(t *testing.T) {
	c := open(t, t.TempDir())
	start := time.Unix(1e9, 0).UTC()
	if got, err := c.Activity(t.Context(), cluster.ActivityFilter{}); err != nil || len(got) != 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
	const n = 150
	for i := range n {
		a := lakelink.Activity{Time: start.Add(time.Duration(i) * time.Second), Kind: "test", Text: fmt.Sprint(i), Actor: "lakelink"}
		if i%10 == 0 {
			a.Link = "rare"
		} else if i%10 < 5 {
			a.Link = "often"
		}
		if err := c.AppendActivity(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name        string
		filter      cluster.ActivityFilter
		n           int
		first, last string
	}{
		{"default", cluster.ActivityFilter{}, 100, "149", "50"},
		{"limit", cluster.ActivityFilter{Limit: 3}, 3, "149", "147"},
		{"all", cluster.ActivityFilter{Limit: 1000}, n, "149", "0"},
		{"link", cluster.ActivityFilter{Link: "rare", Limit: 4}, 4, "140", "110"},
		{"all of a link", cluster.ActivityFilter{Link: "rare"}, 15, "140", "0"},
		{"another link", cluster.ActivityFilter{Link: "none"}, 0, "", ""},
		{"since", cluster.ActivityFilter{Since: start.Add(145 * time.Second)}, 5, "149", "145"},
		{"since, of a link", cluster.ActivityFilter{Link: "often", Since: start.Add(100 * time.Second), Limit: 1000}, 20, "144", "101"},
		{"since, limited", cluster.ActivityFilter{Since: start.Add(100 * time.Second), Limit: 2}, 2, "149", "148"},
	} {
		got, err := c.Activity(t.Context(), tt.filter)
		if err != nil || len(got) != tt.n {
			t.Errorf("%s: %d entries, %v; want %d", tt.name, len(got), err, tt.n)
			continue
		}
		if tt.n > 0 && (got[0].Text != tt.first || got[tt.n-1].Text != tt.last) {
			t.Errorf("%s: from %s to %s, want from %s to %s", tt.name, got[0].Text, got[tt.n-1].Text, tt.first, tt.last)
		}
	}
}

func TestWatchLinks(t *testing.T) {
	c := open(t, t.TempDir())
	create(t, c, "a")
	events := make(chan string)
	watching := make(chan error)
	go func() {
		for e, err := range c.WatchLinks(t.Context()) {
			if err != nil {
				watching <- err
				return
			}
			events <- fmt.Sprintf("%s %v %v", e.Name, e.Deleted, e.Entry.Link.Paused)
		}
	}()
	want := func(want string) {
		t.Helper()
		select {
		case got := <-events:
			if got != want {
				t.Fatalf("event %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no event, want %q", want)
		}
	}
	want("a false false")
	if _, err := c.UpdateLink(t.Context(), "a", func(l *lakelink.Link) error { l.Paused = true; return nil }); err != nil {
		t.Fatal(err)
	}
	want("a false true")
	create(t, c, "b")
	want("b false false")
	if err := c.DeleteLink(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want("a true false")
	closed(t, c)
	wantKind(t, "after Close", <-watching, lakelink.KindUnreachable)
}

func TestWatchLinksStops(t *testing.T) {
	c := open(t, t.TempDir())
	create(t, c, "a")
	for _, err := range c.WatchLinks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range 600 { // more than may be on their way
			if _, err := c.UpdateLink(t.Context(), "a", func(l *lakelink.Link) error { l.Paused = i%2 == 0; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		break
	}
}

func TestHints(t *testing.T) {
	c := open(t, t.TempDir())
	hints, err := c.Hints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slow, err := c.Hints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = 10_000
	received := make(chan int)
	go func() {
		got := 0
		for h := range hints {
			if h != (lakelink.Hint{Link: "a", Table: "account"}) {
				t.Errorf("got %+v", h)
			}
			got++
		}
		received <- got
	}()
	for range n {
		if err := c.PublishHint(lakelink.Hint{Link: "a", Table: "account"}); err != nil {
			t.Fatal(err)
		}
	}
	for len(slow) == 0 { // until they are through
		time.Sleep(time.Millisecond)
	}
	closed(t, c)
	if got := <-received; got == 0 || got > n {
		t.Errorf("%d hints of %d", got, n)
	}
	if waiting := len(slow); waiting > 1024 {
		t.Errorf("%d hints wait", waiting)
	}
	wantKind(t, "PublishHint after Close", c.PublishHint(lakelink.Hint{}), lakelink.KindUnreachable)
}

func TestClosed(t *testing.T) {
	c := open(t, t.TempDir())
	closed(t, c)
	closed(t, c)
	_, err := c.Links(t.Context())
	wantKind(t, "Links", err, lakelink.KindUnreachable)
	_, err = c.CreateLink(t.Context(), newLink("a"))
	wantKind(t, "CreateLink", err, lakelink.KindUnreachable)
	_, err = c.Activity(t.Context(), cluster.ActivityFilter{})
	wantKind(t, "Activity", err, lakelink.KindUnreachable)
}

func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	_, err := cluster.Open(t.Context(), cluster.Options{Dir: dir})
	wantKind(t, "Open", err, lakelink.KindConflict)
	want := fmt.Sprintf("open state: %s is in use by process %d; stop it, or give this one another directory", dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	closed(t, c)
	open(t, dir)
}
