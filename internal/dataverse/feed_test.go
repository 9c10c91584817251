package dataverse

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lakelink"
)

// skip is a nextLink's query as the environment makes it: XML in XML, encoded twice.
func skip(page, bound int) string {
	return fmt.Sprintf("$skiptoken=%%3Ccookie%%20pagenumber=%%22%d%%22%%20pagingcookie=%%22%%253ccookie%%2520page%%253d%%2522%d%%2522%%2520maxTimestamp%%253d%%2522%d%%2522%%253e%%253c%%252fcookie%%253e%%22%%20istracking=%%22True%%22%%20/%%3E", page, page-1, bound)
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
}

func TestLoadThenChanges(t *testing.T) {
	w := &wire{answer: pages(map[string]string{
		"":           body(skip(2, 50), row(1, 10), row(2, 20)),
		skip(2, 50):  body(skip(3, 50), row(3, 30), row(4, 60)), // 4 changed meanwhile
		skip(3, 50):  body("50", row(5, 50)),
		deltaKey(50): body("70", row(4, 60), gone(1)),
		deltaKey(70): body("70"),
	})}
	c := dial(t, w)
	before := time.Now()
	lines, at, all, err := told(t.Context(), c, accountTable(), "")
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "+1 +2 load", "+3 load", "+5 load done 50")
	if all[0].Version != 0 || at.Version != 50 || at.At.Before(before) || at.At.After(time.Now()) {
		t.Errorf("positions %+v", all)
	}
	lines, at, _, err = told(t.Context(), c, accountTable(), at.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "+4 -1 done 70")
	lines, _, _, err = told(t.Context(), c, accountTable(), at.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "done 70")
	// Links go back onto the wire as they came.
	if want := apiPath + accountSelect + skip(2, 50); w.seen[1] != want {
		t.Errorf("asked for\n%s\nwant\n%s", w.seen[1], want)
	}
	for _, p := range all {
		if s := string(p.Checkpoint); strings.Contains(s, "contoso") || strings.Contains(s, "accountid") {
			t.Errorf("the checkpoint holds the host or all columns: %s", s)
		}
	}
}

func TestLoadTellsExpectedAndRequests(t *testing.T) {
	c := dial(t, &wire{answer: pages(map[string]string{"": body(skip(2, 5), row(1, 1)), skip(2, 5): body("5", row(2, 2))})})
	requests := []int{}
	for b, err := range c.Feed(t.Context(), accountTable(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if b.Expected != 42 {
			t.Errorf("expected %d", b.Expected)
		}
		requests = append(requests, b.Requests)
	}
	if fmt.Sprint(requests) != "[3 1]" { // the organization, the count, and a page each
		t.Errorf("requests %v", requests)
	}
}

func TestLoadResumesAtEveryPageOnAnotherHost(t *testing.T) {
	answer := pages(map[string]string{"": body(skip(2, 50), row(1, 10)), skip(2, 50): body(skip(3, 50), row(2, 60)), skip(3, 50): body("50", row(3, 30))})
	_, _, all, err := told(t.Context(), dial(t, &wire{answer: answer}), accountTable(), "")
	if err != nil {
		t.Fatal(err)
	}
	renamed := dial(t, &wire{answer: func(w http.ResponseWriter, r *http.Request) { answer(w, r) }})
	lines, at, _, err := told(t.Context(), renamed, accountTable(), all[0].Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "load", "+3 load done 50") // the bound holds after the restart
	if at.At.IsZero() {
		t.Error("the load forgot when it began")
	}
	changed := accountTable()
	changed.Columns = append(changed.Columns, lakelink.Column{Name: "city", Type: lakelink.TypeString})
	_, _, _, err = told(t.Context(), renamed, changed, all[0].Checkpoint)
	wantKind(t, err, lakelink.KindExpired, "columns have changed")
}

func TestChangesFollowFromTheBoundOfTheLoad(t *testing.T) {
	w := &wire{answer: pages(map[string]string{
		"":           body(skip(2, 50), row(1, 10)),
		skip(2, 50):  body("80", row(2, 60)), // a token beyond what the load went up to
		deltaKey(50): body("90", row(2, 60), gone(1)),
	})}
	c := dial(t, w)
	lines, at, _, err := told(t.Context(), c, accountTable(), "")
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "+1 load", "load done 50")
	lines, _, _, err = told(t.Context(), c, accountTable(), at.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "+2 -1 done 90")
}

func TestAnIdComesInOneWayOnly(t *testing.T) {
	first := checkpointAt(t, 50)
	for name, bodies := range map[string]map[string]string{
		"row first":    {deltaKey(50): body(skip(2, 70), row(1, 60), row(2, 61)), skip(2, 70): body("70", gone(1), gone(3), gone(3))},
		"delete first": {deltaKey(50): body(skip(2, 70), gone(1), gone(3)), skip(2, 70): body("70", row(2, 61), row(1, 62))},
		"one page":     {deltaKey(50): body("70", gone(3), gone(1), row(1, 62), row(2, 61), row(1, 55))},
	} {
		t.Run(name, func(t *testing.T) {
			lines, _, all, err := told(t.Context(), dial(t, &wire{answer: pages(bodies)}), accountTable(), first)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(lines, " ")
			if !strings.Contains(text, "+1") || !strings.Contains(text, "+2") || strings.Contains(text, "-1") || strings.Count(text, "-3") != 1 {
				t.Errorf("told %q", lines)
			}
			for _, p := range all[:len(all)-1] {
				if p.Checkpoint != first {
					t.Error("a position inside a cycle leads past it")
				}
			}
		})
	}
}

func TestDeletesBeyondMemoryAreLookedUp(t *testing.T) {
	w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, `{"value":[`+row(2, 9)+`]}`)
	}}
	c := dial(t, w)
	f := &feed{c: c, t: accountTable()}
	y := cycle{live: idSet{bound: 0}}
	y.live.add(id(7))
	if !y.live.full {
		t.Fatal("the set took more than its bound")
	}
	y.gone = []lakelink.ID{id(1), id(2), id(3)}
	left, err := f.reallyGone(t.Context(), &y)
	if err != nil || len(left) != 2 || left[0] != id(1) || left[1] != id(3) {
		t.Errorf("gone %v, %v", left, err)
	}
	if !strings.Contains(w.seen[0], "$filter=accountid%20eq%20") {
		t.Errorf("asked for %s", w.seen[0])
	}
}

func TestVeryManyDeletesAreToldEarly(t *testing.T) {
	c := dial(t, &wire{}, func(o *Options) { o.PageRows = 3 })
	f := &feed{c: c, t: accountTable()}
	y := cycle{live: idSet{bound: 10}, early: true}
	for i := range 7 {
		y.gone = append(y.gone, id(i+1))
	}
	var told []int
	err := f.tellDeletes(t.Context(), &y, lakelink.Position{}, nil, func(b *lakelink.Batch) error {
		told = append(told, len(b.Deletes))
		return nil
	})
	if err != nil || fmt.Sprint(told) != "[3 3 1]" || len(y.gone) != 0 {
		t.Errorf("told %v, %v", told, err)
	}
	p, err := newDecoder(accountTable()).decode(strings.NewReader(body("9", row(1, 5))))
	if err != nil {
		t.Fatal(err)
	}
	if err := y.add(p, accountTable()); !lakelink.IsKind(err, lakelink.KindExpired) {
		t.Errorf("a row after that: %v", err)
	}
}

func TestIDSet(t *testing.T) {
	s := idSet{bound: 1000}
	for i := range 3000 {
		s.add(id(i))
	}
	s.add(lakelink.ID{})
	held := 0
	for i := range 4000 {
		if s.has(id(i)) {
			held++
		}
	}
	if held < 1000 || held > 2048 || !s.full || !s.has(lakelink.ID{}) {
		t.Errorf("holds %d of 3000, full %v", held, s.full)
	}
}

// checkpointAt is a place in the changes of accounts.
func checkpointAt(t *testing.T, version int) lakelink.Checkpoint {
	t.Helper()
	_, at, _, err := told(t.Context(), dial(t, &wire{answer: pages(map[string]string{"": body(fmt.Sprint(version))})}), accountTable(), "")
	if err != nil {
		t.Fatal(err)
	}
	return at.Checkpoint
}

func TestPositionsThatAreWorthless(t *testing.T) {
	at := checkpointAt(t, 50)
	_, _, all, err := told(t.Context(), dial(t, &wire{answer: pages(map[string]string{"": body(skip(2, 5), row(1, 1)), skip(2, 5): body("5")})}), accountTable(), "")
	if err != nil {
		t.Fatal(err)
	}
	fails := func(status int, code, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { replyError(w, status, code, message) }
	}
	const stale = "Version stamp associated with the client has expired. Please perform a full sync."
	for name, c := range map[string]struct {
		since  lakelink.Checkpoint
		answer http.HandlerFunc
		org    string
		kind   lakelink.Kind
		says   string
	}{
		"code":             {at, fails(400, "0x80044352", stale), "", lakelink.KindExpired, "0x80044352"},
		"signed code":      {at, fails(400, "-2147204270", "x"), "", lakelink.KindExpired, "0x80044352"},
		"message":          {at, fails(500, "", stale), "", lakelink.KindExpired, "full sync"},
		"gone":             {at, fails(410, "", "Gone"), "", lakelink.KindExpired, "anew"},
		"old link":         {at, fails(404, "", "no"), "", lakelink.KindExpired, "anew"},
		"bad token":        {at, fails(400, "0x80060888", "Invalid value for $deltatoken"), "", lakelink.KindExpired, "anew"},
		"table gone":       {at, fails(404, "0x80060888", "Resource not found for the segment 'accounts'."), "", lakelink.KindNotFound, "deleted"},
		"column gone":      {at, fails(400, "0x80060888", "Could not find a property named 'name' on type 'x'."), "", lakelink.KindConflict, "columns have changed"},
		"restored":         {at, pages(map[string]string{deltaKey(50): body("49")}), "", lakelink.KindExpired, "backup"},
		"replaced":         {at, nil, "00000000-07af-45eb-a0bc-3fea67caa544", lakelink.KindExpired, "replaced"},
		"dead page":        {all[0].Checkpoint, fails(400, "0x80041129", "paging cookie"), "", lakelink.KindExpired, "anew"},
		"dead page 404":    {all[0].Checkpoint, fails(404, "", ""), "", lakelink.KindExpired, "anew"},
		"not ours":         {"nonsense", nil, "", lakelink.KindExpired, "version of Lakelink"},
		"untracked":        {"", fails(400, "0x80072491", "Entity account isn't enabled for change tracking."), "", lakelink.KindUntracked, "0x80072491"},
		"untracked, odd":   {"", fails(400, "0x80060888", "not supported"), "", lakelink.KindUntracked, "tracking"},
		"untracked, quiet": {"", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"value":[]}`) }, "", lakelink.KindUntracked, "tracking"},
		"untracked, paged": {"", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, strings.Replace(body(skip(2, 1), row(1, 1)), "True", "False", 1))
		}, "", lakelink.KindUntracked, "tracking"},
		"untracked, told": {"", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Preference-Applied", "odata.maxpagesize=5000")
			reply(w, 200, body("5"))
		}, "", lakelink.KindUntracked, "tracking"},
		"forbidden": {"", fails(403, "0x80040220", "Principal user is missing prvReadAccount privilege"), "", lakelink.KindForbidden, "organization-level Read"},
		"stranger":  {"", fails(403, "0x80072560", "The user is not a member of the organization."), "", lakelink.KindForbidden, "add an application user"},
		"elsewhere": {"", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, strings.ReplaceAll(body(skip(2, 1), row(1, 1)), "contoso.crm4", "evil"))
		}, "", lakelink.KindUnreachable, "another host"},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, &wire{answer: c.answer, org: c.org})
			lines, _, _, err := told(t.Context(), client, accountTable(), c.since)
			if err == nil {
				t.Fatalf("told %q", lines)
			}
			if e := wantKind(t, err, c.kind, c.says); e.Table != "account" {
				t.Errorf("%v names no table", err)
			}
		})
	}
}

func TestDeadLinkInsideACycleRepeatsTheCycle(t *testing.T) {
	w := &wire{answer: pages(map[string]string{deltaKey(50): body(skip(2, 70), row(1, 60))})}
	_, _, _, err := told(t.Context(), dial(t, w), accountTable(), checkpointAt(t, 50))
	wantKind(t, err, lakelink.KindTransient, "read again")
}

func TestDeltaFollowsTheColumnsOfTheDay(t *testing.T) {
	at := checkpointAt(t, 50)
	table := accountTable()
	table.Columns = append(table.Columns, lakelink.Column{Name: "ownerid", Type: lakelink.TypeOwner})
	w := &wire{answer: func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body("60")) }}
	if _, _, _, err := told(t.Context(), dial(t, w), table, at); err != nil {
		t.Fatal(err)
	}
	if want := apiPath + "accounts?$select=accountid,name,versionnumber,_ownerid_value&" + deltaKey(50); w.seen[0] != want {
		t.Errorf("asked for %s", w.seen[0])
	}
	for i := range 2000 {
		table.Columns = append(table.Columns, lakelink.Column{Name: fmt.Sprintf("new_column%d", i), Type: lakelink.TypeString})
	}
	if _, _, _, err := told(t.Context(), dial(t, w), table, at); err != nil {
		t.Fatal(err)
	}
	if want := apiPath + "accounts?" + deltaKey(50); w.seen[1] != want {
		t.Errorf("asked for %.200s", w.seen[1])
	}
}

func TestFailedPageIsFetchedAgain(t *testing.T) {
	good := body("50", row(1, 10), row(2, 20))
	for name, fail := range map[string]http.HandlerFunc{
		"cut body": func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, good[:len(good)-30]) },
		"reset": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("x-test-cut", "1")
			reply(w, 200, good[:100])
		},
		"bad gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			reply(w, 200, good)
		},
		"502":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
		"SQL":     func(w http.ResponseWriter, _ *http.Request) { replyError(w, 500, "0x80044151", "SQL timeout") },
		"workers": func(w http.ResponseWriter, _ *http.Request) { replyError(w, 503, "0x80072324", "Too many") },
		"in stream": func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, `{"value":[`+row(1, 1)+`],"error":{"code":"0x0"}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := 3
				w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
					if left--; left >= 0 {
						fail(w, r)
						return
					}
					reply(w, 200, good)
				}}
				lines, _, _, err := told(t.Context(), dial(t, w), accountTable(), "")
				if err != nil {
					t.Fatal(err)
				}
				wantLines(t, lines, "+1 +2 load done 50")
				left = 1000
				_, _, _, err = told(t.Context(), dial(t, w), accountTable(), "")
				if k := lakelink.KindOf(err); k != lakelink.KindTransient && k != lakelink.KindThrottled {
					t.Errorf("without end: %v (%s)", err, k)
				}
				if left != 1000-maxTries {
					t.Errorf("%d tries", 1000-left)
				}
			})
		})
	}
}

func TestThrottlingIsHonouredByEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 2
		w := &wire{answer: func(w http.ResponseWriter, _ *http.Request) {
			if left--; left >= 0 {
				w.Header().Set("Retry-After", "37")
				replyError(w, 429, "0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds.")
				return
			}
			reply(w, 200, body("50"))
		}}
		c := dial(t, w)
		if _, err := c.Environment(t.Context()); err == nil { // not a list of organizations, and not of interest
			t.Log("the organization was read")
		}
		left = 2
		start := time.Now()
		if _, _, _, err := told(t.Context(), c, accountTable(), ""); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 74*time.Second {
			t.Errorf("took %s, want twice 37 s", took)
		}
		if s := c.Budget().Stats(); s.Throttled < 2 {
			t.Errorf("stats %+v", s)
		}
		left = 1000
		_, _, _, err := told(t.Context(), c, accountTable(), "")
		if e := wantKind(t, err, lakelink.KindThrottled); e.After != 37*time.Second {
			t.Errorf("After %s", e.After)
		}
	})
}

func TestPagesShrinkAfterTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
			_, size, _ := strings.Cut(r.Header.Get("Prefer"), "maxpagesize=")
			size, _, _ = strings.Cut(size, ",")
			asked = append(asked, size)
			switch len(asked) {
			case 1:
				<-r.Context().Done() // ours
			case 2:
				w.WriteHeader(504) // a gateway's
			default:
				reply(w, 200, body("50"))
			}
		}}
		if _, _, _, err := told(t.Context(), dial(t, w), accountTable(), ""); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(asked) != "[5000 5000 2500]" {
			t.Errorf("asked for pages of %v", asked)
		}
	})
}

func TestPagesGrowAgainAfterTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
			_, size, _ := strings.Cut(r.Header.Get("Prefer"), "maxpagesize=")
			size, _, _ = strings.Cut(size, ",")
			asked = append(asked, size)
			switch n := len(asked); {
			case n <= 4:
				w.WriteHeader(504)
			case n < 50:
				reply(w, 200, body(skip(n, 50), row(n, int64(n))))
			default:
				reply(w, 200, body("50"))
			}
		}}
		if _, _, _, err := told(t.Context(), dial(t, w), accountTable(), ""); err != nil {
			t.Fatal(err)
		}
		asked = slices.Compact(asked)
		if fmt.Sprint(asked) != "[5000 2500 1250 2500 5000]" {
			t.Errorf("asked for pages of %v", asked)
		}
	})
}

func TestCutRefusalIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := `{"error":{"code":"0x80044352","message":"Version stamp associated with the client has expired."}}`
		for _, header := range []string{"", "x-test-cut"} {
			tries := 0
			w := &wire{answer: func(w http.ResponseWriter, _ *http.Request) {
				if tries++; tries > 1 {
					reply(w, 400, whole)
					return
				}
				if header != "" {
					w.Header().Set(header, "1")
				}
				reply(w, 400, whole[:len(whole)/2])
			}}
			_, _, _, err := told(t.Context(), dial(t, w), accountTable(), cursor{Org: testOrg, Token: "5!x", Version: 5}.checkpoint())
			wantKind(t, err, lakelink.KindExpired)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "37": 37 * time.Second, "1.5": 1500 * time.Millisecond, "1,200": 20 * time.Minute, "-3": 0, "soon": 0, "NaN": 0,
		"99999999999999": 24 * time.Hour, "Inf": 24 * time.Hour,
		// Dates are by the environment's clock, which here is years off.
		"Tue, 01 Mar 2033 10:00:30 GMT": 30 * time.Second,
		"Tue, 01 Mar 2033 09:00:00 GMT": 0,
		"Sat, 01 Mar 2053 10:00:00 GMT": 24 * time.Hour,
	} {
		resp := &http.Response{Header: http.Header{"Retry-After": {header}, "Date": {"Tue, 01 Mar 2033 10:00:00 GMT"}}}
		if got := retryAfter(resp); got != want {
			t.Errorf("%q is %s, want %s", header, got, want)
		}
	}
	at := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	if got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {at}}}); got < 50*time.Second || got > time.Minute {
		t.Errorf("%q without a Date is %s", at, got)
	}
}

func TestPagesShrinkWhenTooLarge(t *testing.T) {
	var asked []string
	w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Prefer"))
		if len(asked) > 1 {
			reply(w, 200, body("50"))
			return
		}
		var rows []string
		for i := range 200 {
			rows = append(rows, strings.Replace(row(i, 1), "row", strings.Repeat("x", 9000), 1))
		}
		reply(w, 200, body("50", rows...))
	}}
	c := dial(t, w, func(o *Options) { o.PageBytes = 200 << 10 })
	if _, _, _, err := told(t.Context(), c, accountTable(), ""); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 2 || !strings.Contains(asked[1], "maxpagesize=1250") {
		t.Errorf("asked with %v", asked)
	}
}

func TestCompressedPages(t *testing.T) {
	w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("accepts %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		z := gzip.NewWriter(w)
		defer z.Close()
		_, _ = z.Write([]byte(body("50", row(1, 10))))
	}}
	for range 3 { // the decompressor is used again
		lines, _, _, err := told(t.Context(), dial(t, w), accountTable(), "")
		if err != nil {
			t.Fatal(err)
		}
		wantLines(t, lines, "+1 load done 50")
	}
}

func TestCancelEndsAFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.RawQuery, "skiptoken") {
				<-r.Context().Done()
			}
			reply(w, 200, body(skip(2, 5), row(1, 1)))
		}}
		var last error
		for _, err := range dial(t, w).Feed(ctx, accountTable(), "") {
			cancel()
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("ended with %v", last)
		}
		for range dial(t, w).Feed(t.Context(), accountTable(), "") {
			break // what was on its way ends too, or the bubble would not
		}
	})
}

func TestVersion(t *testing.T) {
	tables := `{"value":[
	{"LogicalName":"account","EntitySetName":"accounts","PrimaryIdAttribute":"accountid","ChangeTrackingEnabled":true},
	{"LogicalName":"team","EntitySetName":"teams","PrimaryIdAttribute":"teamid","ChangeTrackingEnabled":true},
	{"LogicalName":"organization","EntitySetName":"organizations","PrimaryIdAttribute":"organizationid","ChangeTrackingEnabled":false},
	{"LogicalName":"businessunit","EntitySetName":"businessunits","PrimaryIdAttribute":"businessunitid","ChangeTrackingEnabled":true}]}`
	var page string
	w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "EntityDefinitions"):
			reply(w, 200, tables)
		case strings.Contains(r.URL.Path, "businessunits"):
			replyError(w, 403, "0x80040220", "no")
		default:
			reply(w, 200, page)
		}
	}}
	c := dial(t, w)
	for want, p := range map[int64]string{
		919042: `{"value":[{"teamid":"x"}],"@odata.nextLink":"` + testAPI + "teams?$select=teamid&" + skip(2, 919042) + `"}`,
		919050: `{"value":[],"@odata.deltaLink":"` + testAPI + `teams?$deltatoken=919050%2111%2f22%2f2026"}`,
	} {
		page = p
		if v, err := c.Version(t.Context()); err != nil || v != want {
			t.Errorf("version %d, %v; want %d", v, err, want)
		}
	}
	asked := strings.Join(w.seen, "\n")
	if strings.Count(asked, "EntityDefinitions") != 1 || strings.Count(asked, "businessunits") != 1 || strings.Contains(asked, "organizations") {
		t.Errorf("asked\n%s", asked)
	}
}
