package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"lakelink"
)

var rewrite = flag.Bool("rewrite", false, "rewrite testdata/openapi.json")

// fakeLinks is one link that does as it is told.
type fakeLinks struct {
	link   lakelink.Link
	calls  []string
	failed error
}

func (f *fakeLinks) did(what string) { f.calls = append(f.calls, what) }

func (f *fakeLinks) Create(_ context.Context, l lakelink.Link) (lakelink.Link, error) {
	f.did("create " + string(l.Name))
	f.link = l
	return l, f.failed
}
func (f *fakeLinks) Delete(_ context.Context, n lakelink.LinkName, data bool) error {
	f.did("delete " + string(n) + map[bool]string{true: " with data"}[data])
	return f.failed
}
func (f *fakeLinks) Pause(_ context.Context, n lakelink.LinkName) (lakelink.Link, error) {
	f.did("pause " + string(n))
	return f.link, f.failed
}
func (f *fakeLinks) Resume(_ context.Context, n lakelink.LinkName) (lakelink.Link, error) {
	f.did("resume " + string(n))
	return f.link, f.failed
}
func (f *fakeLinks) AddTables(_ context.Context, n lakelink.LinkName, t []lakelink.TableName) (lakelink.Link, error) {
	f.did("add " + join(t) + " to " + string(n))
	return f.link, f.failed
}
func (f *fakeLinks) RemoveTables(_ context.Context, n lakelink.LinkName, t []lakelink.TableName) (lakelink.Link, error) {
	f.did("remove " + join(t) + " from " + string(n))
	return f.link, f.failed
}
func (f *fakeLinks) Resync(n lakelink.LinkName, t []lakelink.TableName) error {
	f.did("resync " + join(t) + " of " + string(n))
	return f.failed
}
func (f *fakeLinks) Status(lakelink.LinkName) (lakelink.LinkStatus, error) {
	return lakelink.LinkStatus{Link: f.link, State: lakelink.StateUpToDate,
		Tables: []lakelink.TableStatus{{Table: "account", State: lakelink.StateUpToDate}}}, f.failed
}
func (f *fakeLinks) Statuses() []lakelink.LinkStatus {
	s, _ := f.Status("")
	return []lakelink.LinkStatus{s}
}
func (f *fakeLinks) Wait(ctx context.Context, n lakelink.LinkName, _ ...lakelink.TableName) error {
	deadline, _ := ctx.Deadline()
	f.did("wait for " + string(n) + " about " + time.Until(deadline).Round(time.Minute).String())
	return f.failed
}

func start(t *testing.T, links *fakeLinks, token string) (*Client, string) {
	t.Helper()
	srv := httptest.NewServer(New(Options{Links: links, Token: token, Version: "test",
		Verify: func(_ context.Context, l lakelink.LinkName, tables []lakelink.TableName) (any, error) {
			return map[string]any{"equal": true, "tables": tables}, links.failed
		},
		Query: func(_ context.Context, q Query, w io.Writer) error {
			if links.failed != nil {
				return links.failed
			}
			io.WriteString(w, q.Format+":"+q.SQL) //nolint:errcheck // a test's own server
			if q.SQL == "break" {
				return errors.New("the engine died")
			}
			return nil
		},
		Activity: func(_ context.Context, l lakelink.LinkName, limit int) ([]lakelink.Activity, error) {
			return []lakelink.Activity{{Kind: "link.created", Link: l}}, nil
		},
		Ready: func() error { return links.failed },
	}))
	t.Cleanup(srv.Close)
	c, err := NewClient(srv.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	return c, srv.URL
}

func TestClientAndServerAgreeOnEveryRoute(t *testing.T) {
	links := &fakeLinks{}
	c, _ := start(t, links, "")
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	l, err := c.CreateLink(ctx, NewLink{Name: "sales", Lake: "file:///x", Tables: []lakelink.TableName{"account"},
		Environment: lakelink.EnvironmentRef{URL: "https://e", ClientID: "c", ClientSecret: "env:S"}})
	check(err)
	if l.ID == "" || len(l.Formats) != 2 || time.Duration(l.Interval) != lakelink.DefaultInterval {
		t.Errorf("link %+v lacks its defaults", l)
	}
	_, err = c.PauseLink(ctx, "sales")
	check(err)
	_, err = c.ResumeLink(ctx, "sales")
	check(err)
	_, err = c.AddTables(ctx, "sales", []lakelink.TableName{"contact", "lead"})
	check(err)
	_, err = c.RemoveTables(ctx, "sales", []lakelink.TableName{"lead", "task"})
	check(err)
	check(c.Resync(ctx, "sales", nil))
	check(c.Wait(ctx, "sales", 7*time.Minute))
	check(c.DeleteLink(ctx, "sales", true))
	want := []string{"create sales", "pause sales", "resume sales", "add contact, lead to sales", "remove lead, task from sales",
		"resync  of sales", "wait for sales about 7m0s", "delete sales with data"}
	if got := strings.Join(links.calls, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the service did\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	all, err := c.Links(ctx)
	check(err)
	one, err := c.Link(ctx, "sales")
	check(err)
	if len(all) != 1 || len(one.Tables) != 1 || one.State != lakelink.StateUpToDate {
		t.Errorf("links %+v, link %+v", all, one)
	}
	var report struct{ Equal bool }
	check(c.Verify(ctx, "sales", nil, &report))
	if !report.Equal {
		t.Error("report lost its content")
	}
	var out strings.Builder
	check(c.Query(ctx, Query{SQL: "select 1", Format: "csv"}, &out))
	if out.String() != "csv:select 1" {
		t.Errorf("query answered %q", out.String())
	}
	acts, err := c.Activity(ctx, "sales", 5)
	check(err)
	if len(acts) != 1 || acts[0].Link != "sales" {
		t.Errorf("activity %+v", acts)
	}
}

func TestErrorKeepsKindCodeAndRemedy(t *testing.T) {
	links := &fakeLinks{failed: &lakelink.Error{Op: "sign in", Kind: lakelink.KindSignIn, Code: "AADSTS7000215",
		Err: errors.New("wrong secret"), Hint: "put the right one where env:S reads it"}}
	c, _ := start(t, links, "")
	_, err := c.Link(t.Context(), "sales")
	var p *ErrorDocument
	if !errors.As(err, &p) || p.Status != 401 || p.Kind != lakelink.KindSignIn || p.Code != "AADSTS7000215" ||
		!strings.Contains(p.Error(), "put the right one") {
		t.Errorf("got %#v", err)
	}
	if err := c.Query(t.Context(), Query{SQL: "x"}, io.Discard); !errors.As(err, &p) || p.Kind != lakelink.KindSignIn {
		t.Errorf("query: got %v", err)
	}
}

func TestQueryThatBreaksOffIsNotTakenForWhole(t *testing.T) {
	c, _ := start(t, &fakeLinks{}, "")
	if err := c.Query(t.Context(), Query{SQL: "break"}, io.Discard); err == nil {
		t.Error("a broken answer was taken for a whole one")
	}
}

func TestTokenIsAskedForButNotByProbes(t *testing.T) {
	_, url := start(t, &fakeLinks{}, "s3cret")
	for path, want := range map[string]int{"/api/v1/links": 401, "/healthz": 200, "/readyz": 200} {
		resp, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s without a token: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	_, url := start(t, &fakeLinks{}, "")
	req, _ := http.NewRequest(http.MethodPost, url+"/api/v1/links/sales/pause", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("answered %d, want 403", resp.StatusCode)
	}
}

func TestPagesThatLeadHereUnderAnotherNameAreRefused(t *testing.T) {
	for _, c := range []struct {
		token, host, origin string
		want                int
	}{
		{"", "127.0.0.1:7780", "", 200},
		{"", "localhost:7780", "http://localhost:7780", 200},
		{"", "[::1]:7780", "", 200},
		{"", "localhost", "http://evil.example", 403},
		{"", "127.0.0.1:7780", "null", 403},
		{"", "evil.example:7780", "http://evil.example:7780", 403},
		{"", "localhost.evil.example", "", 403},
		{"s3cret", "lakelink.example", "https://lakelink.example", 200},
		{"s3cret", "lakelink.example", "https://evil.example", 403},
	} {
		_, url := start(t, &fakeLinks{}, c.token)
		req, _ := http.NewRequest(http.MethodGet, url+"/api/v1/links", nil)
		req.Host = c.host
		req.Header.Set("Authorization", "Bearer "+c.token)
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		} else {
			req.Header.Set("Sec-Fetch-Site", "same-origin") // which is what a rebound page is for its browser
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%+v: answered %d", c, resp.StatusCode)
		}
	}
}

func TestBadInputIsNamed(t *testing.T) {
	_, url := start(t, &fakeLinks{}, "")
	resp, err := http.Post(url+"/api/v1/links", "application/json",
		strings.NewReader(`{"name":"x","environment":{"url":"https://e","clientId":"c","clientSecret":"env:S"},"lake":"file:///x","tables":["a"],"intervall":"5s"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 422 || !bytes.Contains(text, []byte("intervall")) {
		t.Errorf("answered %d %s, want the unknown member named", resp.StatusCode, text)
	}
}

func TestNoServiceIsAClearError(t *testing.T) {
	c, err := NewClient("http://127.0.0.1:1", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Links(t.Context())
	if !lakelink.IsKind(err, lakelink.KindUnreachable) || !strings.Contains(err.Error(), "lakelink serve") {
		t.Errorf("got %v", err)
	}
	if _, err := NewClient("localhost:7780", ""); err == nil {
		t.Error("an address without a scheme was taken")
	}
}

// The OpenAPI document is a promise: a change of it is reviewed as a diff.
func TestOpenAPIDocumentIsTheGoldenOne(t *testing.T) {
	_, url := start(t, &fakeLinks{}, "")
	resp, err := http.Get(url + "/api/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	var got bytes.Buffer
	if err := json.Indent(&got, text, "", "  "); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	got.WriteByte('\n')
	const golden = "testdata/openapi.json"
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(want, got.Bytes()) {
		t.Errorf("the document differs from %s (%v); run with -rewrite and review the diff", golden, err)
	}
}
