package dataverse

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lakelink"
)

// A wire is an environment at the other end of an http.RoundTripper, without sockets, so that tests
// can run in virtual time. Sign-in, WhoAmI and the row count are answered; the rest is a test's own.
type wire struct {
	answer http.HandlerFunc
	token  http.HandlerFunc
	org    string

	mu   sync.Mutex
	seen []string // request lines, without sign-in, WhoAmI and row count
}

const (
	testURL    = "https://contoso.crm4.dynamics.com"
	testAPI    = testURL + apiPath
	testOrg    = "883278f5-07af-45eb-a0bc-3fea67caa544"
	testSecret = "s3cr3t-value"
)

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	switch {
	case strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"):
		if w.token != nil {
			w.token(rec, r)
		} else {
			reply(rec, 200, `{"token_type":"Bearer","expires_in":3599,"access_token":"T1"}`)
		}
	case strings.HasSuffix(r.URL.Path, "/WhoAmI"):
		reply(rec, 200, `{"OrganizationId":"`+w.org+`"}`)
	case strings.Contains(r.URL.Path, "/RetrieveTotalRecordCount"):
		reply(rec, 200, `{"EntityRecordCountCollection":{"Count":1,"IsReadOnly":false,"Keys":["account"],"Values":[42]}}`)
	default:
		w.mu.Lock()
		w.seen = append(w.seen, r.URL.RequestURI())
		w.mu.Unlock()
		w.answer(rec, r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	res := rec.Result()
	if cut := res.Header.Get("x-test-cut"); cut != "" {
		res.Body = io.NopCloser(io.MultiReader(res.Body, failing{io.ErrUnexpectedEOF}))
	}
	return res, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func replyError(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message))
}

// dial makes a client of a wire.
func dial(t *testing.T, w *wire, change ...func(*Options)) *Client {
	t.Helper()
	if w.org == "" {
		w.org = testOrg
	}
	o := Options{URL: testURL, Tenant: "contoso", Authority: "https://login.microsoftonline.com", ClientID: "app",
		Secret:    func(context.Context) (string, error) { return testSecret, nil },
		Transport: w, Budget: NewBudget(BudgetOptions{})}
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func accountTable() *lakelink.Table {
	return &lakelink.Table{Name: "account", EntitySet: "accounts", PrimaryKey: "accountid", Tracked: true, Columns: []lakelink.Column{
		{Name: "accountid", Type: lakelink.TypeUniqueidentifier},
		{Name: "name", Type: lakelink.TypeString},
		{Name: "versionnumber", Type: lakelink.TypeBigInt},
	}}
}

// pages answers tracked reads of accounts with the body of a page for each link: keyed by what
// the query has behind $select, "" for the first page of a load.
func pages(bodies map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, key, _ := strings.Cut(r.URL.RawQuery, "&")
		body, ok := bodies[key]
		if !ok {
			replyError(w, 404, "0x80060888", "no page "+key)
			return
		}
		reply(w, 200, body)
	}
}

func id(n int) lakelink.ID { return lakelink.ID{0: 0x60, 14: byte(n >> 8), 15: byte(n)} }

func row(n int, version int64) string {
	return fmt.Sprintf(`{"@odata.etag":"W/\"%d\"","accountid":"%s","name":"row %d","versionnumber":%d}`, version, id(n), n, version)
}

func gone(n int) string {
	return fmt.Sprintf(`{"@odata.context":"%s$metadata#accounts/$deletedEntity","id":"%s","reason":"deleted"}`, testAPI, id(n))
}

const accountSelect = "accounts?$select=accountid,name,versionnumber&"

// body makes a page. link is "skip=…" for a page in the middle or a token number for the last one.
func body(link string, rows ...string) string {
	name, to := "@odata.deltaLink", "$deltatoken="+link+"%2111%2f22%2f2026%2008%3a10%3a44"
	if strings.HasPrefix(link, "$skiptoken") {
		name, to = "@odata.nextLink", link
	}
	return fmt.Sprintf(`{"@odata.context":"x","value":[%s],"%s":"%s"}`, strings.Join(rows, ","), name, testAPI+accountSelect+to)
}

func deltaKey(version int) string {
	return fmt.Sprintf("$deltatoken=%d%%2111%%2f22%%2f2026%%2008%%3a10%%3a44", version)
}

// told is what ranging over a Feed gave, as a line per batch.
func told(ctx context.Context, c *Client, t *lakelink.Table, since lakelink.Checkpoint) (lines []string, last lakelink.Position, all []lakelink.Position, err error) {
	for b, e := range c.Feed(ctx, t, since) {
		if e != nil {
			return lines, last, all, e
		}
		var s bytes.Buffer
		if b.Rows != nil {
			keys := keysOf(b.Rows, t)
			for i := range keys.Len() {
				fmt.Fprintf(&s, "+%d ", number(lakelink.ID(keys.Value(i))))
			}
		}
		for _, d := range b.Deletes {
			fmt.Fprintf(&s, "-%d ", number(d.ID))
		}
		if b.Load {
			s.WriteString("load ")
		}
		if b.Done {
			fmt.Fprintf(&s, "done %d", b.Next.Version)
		}
		lines = append(lines, strings.TrimSpace(s.String()))
		last = b.Next
		all = append(all, b.Next)
	}
	return lines, last, all, nil
}

func number(id lakelink.ID) int { return int(id[14])<<8 | int(id[15]) }

func wantKind(t *testing.T, err error, kind lakelink.Kind, hints ...string) *lakelink.Error {
	t.Helper()
	e, ok := err.(*lakelink.Error)
	if !ok {
		t.Fatalf("error %v (%T), want a *lakelink.Error", err, err)
	}
	if e.Kind != kind {
		t.Errorf("%v: kind %q, want %q", err, e.Kind, kind)
	}
	if e.Op == "" {
		t.Errorf("%v: no operation", err)
	}
	for _, h := range hints {
		if !strings.Contains(err.Error(), h) {
			t.Errorf("%v: want it to say %q", err, h)
		}
	}
	if strings.Contains(err.Error(), testSecret) || strings.Contains(err.Error(), "Bearer") {
		t.Errorf("%v: tells a secret", err)
	}
	return e
}
