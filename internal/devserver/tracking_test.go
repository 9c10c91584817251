package devserver_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/devserver/store"
)

const track = "Prefer: odata.track-changes"

// A clock is a time that a test sets.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.at.Store(time.Date(2026, 11, 22, 8, 10, 44, 0, time.UTC).Unix())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(c.at.Load(), 0).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d / time.Second)) }

// names returns the values of a column, "-id" for deletions.
func names(p devservertest.Page, column string) (all []string) {
	for _, row := range p.Value {
		if row["reason"] == "deleted" {
			all = append(all, "-"+fmt.Sprint(row["id"]))
			continue
		}
		all = append(all, fmt.Sprint(row[column]))
	}
	return all
}

func wantNames(t *testing.T, what string, p devservertest.Page, want ...string) {
	t.Helper()
	if got := names(p, "name"); !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func wantError(t *testing.T, a devservertest.Answer, status int, code string) {
	t.Helper()
	if got, message := a.Error(); a.Status != status || got != code {
		t.Errorf("got %d %s (%s), want %d %s", a.Status, got, message, status, code)
	}
}

func TestTrackedLoadHasTheShapeOfTheOriginal(t *testing.T) {
	e := devservertest.Start(t, devservertest.Clock(newClock().now))
	id := e.Insert("account", map[string]store.Value{"name": "Contoso", "accountnumber": "A-1", "revenue": store.Decimal("5000000")})
	a := e.Get("accounts?$select=name,accountnumber,revenue,_ownerid_value,statecode,modifiedon,versionnumber",
		`Prefer: odata.track-changes,odata.maxpagesize=5000,odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"`)
	var version struct {
		Value []struct{ VersionNumber json.Number }
	}
	a.Decode(e, &version)
	v := string(version.Value[0].VersionNumber)
	env := e.Store.Environment()
	want := `{"@odata.context":"` + e.API + `$metadata#accounts(name,accountnumber,revenue,_ownerid_value,statecode,modifiedon,versionnumber)",` +
		`"value":[{"@odata.etag":"W/\"` + v + `\"","name":"Contoso","accountnumber":"A-1","revenue":5000000.0000,` +
		`"_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"systemuser","_ownerid_value":"` + env.UserID.String() + `",` +
		`"statecode":0,"modifiedon":"2026-11-22T08:10:44Z","versionnumber":` + v + `,"accountid":"` + id.String() + `",` +
		`"_transactioncurrencyid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"transactioncurrency","_transactioncurrencyid_value":"` + env.CurrencyID.String() + `"}],` +
		`"@odata.deltaLink":"` + e.API + `accounts?$select=name,accountnumber,revenue,_ownerid_value,statecode,modifiedon,versionnumber` +
		`&$deltatoken=` + v + `%2111%2f22%2f2026%2008%3a10%3a44"}`
	if string(a.Body) != want {
		t.Errorf("got  %s\nwant %s", a.Body, want)
	}
	if got := a.Header.Get("Preference-Applied"); !strings.HasPrefix(got, "odata.track-changes,odata.maxpagesize=5000") {
		t.Errorf("Preference-Applied: %s", got)
	}
}

func TestDeltaHasTheShapeOfTheOriginal(t *testing.T) {
	e := devservertest.Start(t, devservertest.Clock(newClock().now))
	gone := e.Insert("account", map[string]store.Value{"name": "gone"})
	link := e.Page("accounts?$select=name", track).DeltaLink
	e.Delete("account", gone)
	a := e.Get(link)
	deleted := `{"@odata.context":"` + e.API + `$metadata#accounts/$deletedEntity","id":"` + gone.String() + `","reason":"deleted"}`
	want := `{"@odata.context":"` + e.API + `$metadata#accounts(name)/$delta","value":[` + deleted + `],"@odata.deltaLink":"`
	if !strings.HasPrefix(string(a.Body), want) {
		t.Errorf("got  %s\nwant %s…", a.Body, want)
	}
}

func TestEmptyTableGivesADeltaLink(t *testing.T) {
	e := devservertest.Start(t)
	p := e.Page("leads", track)
	if len(p.Value) != 0 || p.DeltaLink == "" {
		t.Errorf("got %d rows, deltaLink %q", len(p.Value), p.DeltaLink)
	}
	e.Fill("lead", 1)
	if p := e.Page(p.DeltaLink); len(p.Value) != 1 {
		t.Errorf("the delta has %d rows, want 1", len(p.Value))
	}
}

func TestTrackedLoadLeavesOutRowsChangedAfterPageOne(t *testing.T) {
	e := devservertest.Start(t)
	ids := e.Fill("account", 5)
	first := e.Page("accounts?$select=name", track+",odata.maxpagesize=2")
	wantNames(t, "page one", first, "account 1", "account 2")

	e.Patch("account", ids[0], map[string]store.Value{"name": "served, then changed"})
	e.Patch("account", ids[3], map[string]store.Value{"name": "changed before it was served"})
	e.Insert("account", map[string]store.Value{"name": "new"})
	e.Delete("account", ids[4])

	rest, _ := e.Pages(first.NextLink, "Prefer: odata.maxpagesize=2")
	wantNames(t, "the rest of the load", rest, "account 3")
	delta, _ := e.Pages(rest.DeltaLink, "Prefer: odata.maxpagesize=2")
	wantNames(t, "the delta", delta, "served, then changed", "changed before it was served", "new", "-"+ids[4].String())
}

func TestDeltaPagesDeletesAfterUpserts(t *testing.T) {
	e := devservertest.Start(t)
	ids := e.Fill("account", 6)
	link := e.Page("accounts?$select=name", track).DeltaLink
	for _, i := range []int{5, 0, 3} {
		e.Delete("account", ids[i])
	}
	e.Patch("account", ids[4], map[string]store.Value{"name": "b"})
	e.Patch("account", ids[1], map[string]store.Value{"name": "c"})
	want := []string{"b", "c", "-" + ids[5].String(), "-" + ids[0].String(), "-" + ids[3].String()}
	for size := 1; size <= 6; size++ {
		whole, pages := e.Pages(link, fmt.Sprintf("Prefer: odata.maxpagesize=%d", size))
		wantNames(t, fmt.Sprintf("pages of %d", size), whole, want...)
		if most := (len(want) + size - 1) / size; pages != most {
			t.Errorf("pages of %d: %d pages, want %d", size, pages, most)
		}
		if whole.DeltaLink == "" {
			t.Errorf("pages of %d: no deltaLink", size)
		}
	}
}

func TestDeltaLinkIsOnTheLastPageOnly(t *testing.T) {
	e := devservertest.Start(t)
	e.Fill("account", 4)
	for link := e.API + "accounts?$select=name"; link != ""; {
		p := e.Page(link, track+",odata.maxpagesize=1")
		if (p.NextLink == "") == (p.DeltaLink == "") {
			t.Fatalf("nextLink %q, deltaLink %q", p.NextLink, p.DeltaLink)
		}
		link = p.NextLink
	}
}

func TestRereadingAnOldLinkGivesTheSameAgain(t *testing.T) {
	e := devservertest.Start(t)
	ids := e.Fill("account", 3)
	link := e.Page("accounts?$select=name", track).DeltaLink
	e.Patch("account", ids[1], map[string]store.Value{"name": "x"})
	for range 2 {
		p, _ := e.Pages(link)
		wantNames(t, "delta", p, "x")
	}
}

func TestChangedRowAppearsOnceWithItsCurrentValues(t *testing.T) {
	e := devservertest.Start(t)
	ids := e.Fill("account", 1)
	link := e.Page("accounts?$select=name", track).DeltaLink
	for i := range 3 {
		e.Patch("account", ids[0], map[string]store.Value{"name": fmt.Sprint("edit ", i)})
	}
	p := e.Page(link)
	wantNames(t, "delta", p, "edit 2")
	if p := e.Page(p.DeltaLink); len(p.Value) != 0 || p.DeltaLink == "" {
		t.Errorf("the delta after it has %d rows, deltaLink %q", len(p.Value), p.DeltaLink)
	}
}

func TestRowCreatedAndDeletedBetweenReadsIsReportedDeleted(t *testing.T) {
	e := devservertest.Start(t)
	link := e.Page("accounts?$select=name", track).DeltaLink
	id := e.Fill("account", 1)[0]
	e.Delete("account", id)
	wantNames(t, "delta", e.Page(link), "-"+id.String())
	if n := string(e.Get(strings.Replace(link, "accounts?", "accounts/$count?", 1)).Body); n != "1" {
		t.Errorf("$count = %s", n)
	}
}

func TestDeletedAndCreatedAgainRowIsInBothLists(t *testing.T) {
	e := devservertest.Start(t)
	id := e.Fill("account", 1)[0]
	link := e.Page("accounts?$select=name", track).DeltaLink
	e.Delete("account", id)
	e.Insert("account", map[string]store.Value{"accountid": id, "name": "again"})
	wantNames(t, "delta", e.Page(link), "again", "-"+id.String())
}

func TestRowDeletedTwiceIsReportedInBothDeltas(t *testing.T) {
	e := devservertest.Start(t)
	id := e.Fill("account", 1)[0]
	first := e.Page("accounts?$select=name", track).DeltaLink
	e.Delete("account", id)
	second := e.Page(first).DeltaLink
	e.Insert("account", map[string]store.Value{"accountid": id, "name": "again"})
	e.Delete("account", id)
	wantNames(t, "delta since the first deletion", e.Page(second), "-"+id.String())
	wantNames(t, "delta over both", e.Page(first), "-"+id.String())
}

func TestCountWithATokenCountsDeletesToo(t *testing.T) {
	e := devservertest.Start(t)
	ids := e.Fill("account", 5)
	link := e.Page("accounts?$select=name", track).DeltaLink
	e.Delete("account", ids[0])
	e.Patch("account", ids[1], map[string]store.Value{"name": "x"})
	e.Fill("account", 2)
	if n := string(e.Get(strings.Replace(link, "accounts?", "accounts/$count?", 1)).Body); n != "4" {
		t.Errorf("$count = %s, want 4", n)
	}
}

func TestSelectOfADeltaLinkCanBeReplaced(t *testing.T) {
	e := devservertest.Start(t)
	id := e.Fill("account", 1)[0]
	link := e.Page("accounts?$select=name", track).DeltaLink
	e.Patch("account", id, map[string]store.Value{"name": "x", "accountnumber": "A-7"})
	_, token, _ := strings.Cut(link, "$deltatoken=")
	p := e.Page("accounts?$select=accountnumber&$deltatoken=" + token)
	if got := p.Value[0]; got["accountnumber"] != "A-7" || got["name"] != nil {
		t.Errorf("row %v", got)
	}
	if !strings.Contains(p.DeltaLink, "$select=accountnumber&") {
		t.Errorf("deltaLink %s", p.DeltaLink)
	}
}

func TestTokenForgedFromTheCookieIsAccepted(t *testing.T) {
	c := newClock()
	e := devservertest.Start(t, devservertest.Clock(c.now))
	ids := e.Fill("account", 3)
	p := e.Page("accounts?$select=accountid", track+",odata.maxpagesize=1")
	m := regexp.MustCompile(`maxTimestamp%253d%2522(\d+)%2522`).FindStringSubmatch(p.NextLink)
	if m == nil {
		t.Fatalf("no maxTimestamp in %s", p.NextLink)
	}
	e.Patch("account", ids[2], map[string]store.Value{"name": "x"})
	delta := e.Page("accounts?$select=name&$deltatoken=" + url.QueryEscape(m[1]+"!"+c.now().Format("01/02/2006 15:04:05")))
	wantNames(t, "delta", delta, "x")
}

func TestLinksDecodedAndEncodedAnewStillWork(t *testing.T) {
	e := devservertest.Start(t)
	ids := e.Fill("account", 5)
	anew := func(link string) string {
		base, query, _ := strings.Cut(link, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		return base + "?" + values.Encode() // %24select, + for a blank
	}
	p := e.Page(e.API+"accounts?%24select=name", track+",odata.maxpagesize=2")
	for p.NextLink != "" {
		next := e.Page(anew(p.NextLink)) // no Prefer at all
		next.Value = append(p.Value, next.Value...)
		p = next
	}
	wantNames(t, "load", p, "account 1", "account 2", "account 3", "account 4", "account 5")
	e.Delete("account", ids[0])
	wantNames(t, "delta", e.Page(anew(p.DeltaLink)), "-"+ids[0].String())
}

func TestQueryOptionsAreRefusedWithTracking(t *testing.T) {
	e := devservertest.Start(t)
	link := e.Page("accounts?$select=name", track).DeltaLink
	for _, o := range []string{"$filter=name eq 'x'", "$orderby=name", "$expand=primarycontactid", "$top=3"} {
		name, _, _ := strings.Cut(o, "=")
		for _, a := range []devservertest.Answer{
			e.Do("GET", "accounts?"+o, nil, track),
			e.Do("GET", strings.ReplaceAll(link+"&"+o, " ", "%20"), nil),
		} {
			wantError(t, a, 400, "0x80060888")
			want := `The "` + name + `" query parameter isn't supported when Change Tracking is enabled.`
			if _, message := a.Error(); message != want {
				t.Errorf("%s: %s", o, message)
			}
		}
	}
}

func TestUntrackedTableRefusesTracking(t *testing.T) {
	e := devservertest.Start(t)
	untracked := 0
	for _, table := range e.Schema.Tables {
		if table.ChangeTracked {
			continue
		}
		untracked++
		wantError(t, e.Do("GET", table.EntitySet, nil, track), 400, "0x80072491")
		e.Get(table.EntitySet) // and can be read otherwise
	}
	if untracked == 0 {
		t.Error("the schema has no such table")
	}
}

func TestTokenExpiresAfterTheDaysOfTheOrganization(t *testing.T) {
	c := newClock()
	e := devservertest.Start(t, devservertest.Clock(c.now))
	e.Fill("account", 1)
	link := e.Page("accounts", track).DeltaLink
	c.advance(6 * 24 * time.Hour)
	e.SignOut()
	e.Get(link)

	organization := e.Store.Environment().OrganizationID
	e.Patch("organization", organization, map[string]store.Value{"expirechangetrackingindays": 3})
	a := e.Do("GET", link, nil)
	wantError(t, a, 400, "0x80044352")
	if _, message := a.Error(); message != "Version stamp associated with the client has expired. Please perform a full sync." {
		t.Error(message)
	}
	e.Get(e.Page("accounts", track).DeltaLink) // a new copy is the way out
}

func TestExpiredTokensCanAnswer410(t *testing.T) {
	e := devservertest.Start(t, devservertest.Server(func(o *devserver.Options) { o.ExpiredStatus = 410 }))
	link := e.Page("accounts", track).DeltaLink
	if err := e.Store.ExpireTokens(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantError(t, e.Do("GET", link, nil), 410, "0x80044352")
	e.Get(e.Page("accounts", track).DeltaLink)
}

func TestPurgedDeletionsExpireTheTokensThatNeedThem(t *testing.T) {
	c := newClock()
	e := devservertest.Start(t, devservertest.Clock(c.now))
	ids := e.Fill("account", 2)
	before := e.Page("accounts", track).DeltaLink
	e.Delete("account", ids[0])
	after := e.Page("accounts", track).DeltaLink
	if err := e.Store.PurgeTombstones(t.Context(), c.now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	wantError(t, e.Do("GET", before, nil), 400, "0x80044352")
	e.Get(after)
}

func TestRestartKeepsTokensValid(t *testing.T) {
	e := devservertest.Start(t)
	ids := e.Fill("account", 3)
	first := e.Page("accounts?$select=name", track+",odata.maxpagesize=1")
	e.Delete("account", ids[2])
	e.Restart()
	rest, _ := e.Pages(first.NextLink)
	wantNames(t, "the rest of the load", rest, "account 2")
	wantNames(t, "the delta", e.Page(rest.DeltaLink), "-"+ids[2].String())
}

func TestVersionsAreOneCounterForAllTables(t *testing.T) {
	e := devservertest.Start(t)
	last := 0
	for _, table := range []string{"account", "contact", "account", "lead"} {
		id := e.Fill(table, 1)[0]
		var row struct{ VersionNumber int }
		e.Get(fmt.Sprintf("%s(%s)?$select=versionnumber", e.Schema.Table(table).EntitySet, id)).Decode(e, &row)
		if row.VersionNumber <= last {
			t.Errorf("version %d after %d", row.VersionNumber, last)
		}
		last = row.VersionNumber
	}
}

func TestTokenNeverPassesAnUncommittedVersion(t *testing.T) {
	e := devservertest.Start(t)
	e.Fill("account", 1)
	link := e.Page("accounts?$select=name", track).DeltaLink
	account := e.Schema.Table("account")
	err := e.Store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Insert(account, store.Row{{Column: account.Column("name"), Value: "late"}})
		// The writer has not committed: a read must neither see the row nor go past it.
		p := e.Page(link)
		wantNames(t, "delta while the writer is at work", p)
		link = p.DeltaLink
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, "delta after the commit", e.Page(link), "late")
}

func TestDamagedTokensAndCookiesAreRefused(t *testing.T) {
	e := devservertest.Start(t)
	for _, query := range []string{
		"$deltatoken=abc", "$deltatoken=12", "$deltatoken=-1!11%2f22%2f2026%2008%3a10%3a44", "$deltatoken=12!yesterday",
		"$skiptoken=abc", "$skiptoken=%3Ccookie%20/%3E", "$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22x%22%20/%3E",
	} {
		if a := e.Do("GET", "accounts?"+query, nil); a.Status != 400 {
			t.Errorf("%s: %d %s", query, a.Status, a.Body)
		}
	}
}
