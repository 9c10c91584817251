package devserver_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/devserver/store"
)

func TestPagesFollowTheCookieOfTheOriginal(t *testing.T) {
	e := devservertest.Start(t)
	ids := e.Fill("account", 7)
	slices.SortFunc(ids, func(a, b store.ID) int { return strings.Compare(a.String(), b.String()) })
	p := e.Page("accounts?$select=name", "Prefer: odata.maxpagesize=3")
	brace := func(id store.ID) string { return "%257b" + strings.ToUpper(id.String()) + "%257d" }
	want := e.API + "accounts?$select=name&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e" +
		"%253caccountid%2520last%253d%2522" + brace(ids[2]) + "%2522%2520first%253d%2522" + brace(ids[0]) + "%2522%2520%252f%253e%253c%252fcookie%253e%22%20istracking=%22False%22%20/%3E"
	if p.NextLink != want {
		t.Errorf("nextLink\n%s, want\n%s", p.NextLink, want)
	}
	whole, pages := e.Pages("accounts?$select=name", "Prefer: odata.maxpagesize=3")
	if len(whole.Value) != 7 || pages != 3 || whole.DeltaLink != "" {
		t.Errorf("%d rows in %d pages, deltaLink %q", len(whole.Value), pages, whole.DeltaLink)
	}
}

func TestPagesFollowAnyOrder(t *testing.T) {
	e := devservertest.Start(t)
	for i := range 9 {
		values := map[string]store.Value{"name": fmt.Sprintf("%d <&'\">", i)}
		if i%3 > 0 {
			values["numberofemployees"] = i % 2
		}
		e.Insert("account", values)
	}
	whole := e.Page("accounts?$select=name&$orderby=numberofemployees desc,name")
	paged, _ := e.Pages("accounts?$select=name&$orderby=numberofemployees desc,name", "Prefer: odata.maxpagesize=2")
	wantNames(t, "in pages", paged, names(whole, "name")...)
}

func TestPagesFollowTextsThatXMLDoesNotHave(t *testing.T) {
	e := devservertest.Start(t)
	for _, name := range []string{"a\x01", "a\x01z", "a\x02", "ab", "a\ufffd", "b"} {
		e.Insert("account", map[string]store.Value{"name": name})
	}
	whole := e.Page("accounts?$select=name&$orderby=name")
	paged, _ := e.Pages("accounts?$select=name&$orderby=name", "Prefer: odata.maxpagesize=1")
	wantNames(t, "in pages", paged, names(whole, "name")...)
}

func TestFiltersMeanWhatTheyMeanInDataverse(t *testing.T) {
	e := devservertest.Start(t)
	contact := e.Insert("contact", map[string]store.Value{"firstname": "Susanna", "lastname": "Stubberod"})
	litware := e.Insert("account", map[string]store.Value{
		"name": "Litware", "revenue": store.Decimal("20000"), "numberofemployees": 12, "creditonhold": true,
		"primarycontactid": store.Ref{Table: "contact", ID: contact}, "createdon": time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)})
	e.Insert("account", map[string]store.Value{"name": "O'Neill & 100% <sons>", "numberofemployees": 3, "statecode": 1})
	for filter, want := range map[string]string{
		"name eq 'LITWARE'":                                     "Litware",
		"name ne 'litware'":                                     "O'Neill & 100% <sons>",
		"startswith(name,'lit')":                                "Litware",
		"endswith(name,'WARE')":                                 "Litware",
		"contains(name,'neill')":                                "O'Neill & 100% <sons>",
		"name eq 'o''neill %26 100%25 <sons>'":                  "O'Neill & 100% <sons>",
		"not contains(name,'neill')":                            "Litware",
		"revenue eq 20000":                                      "Litware",
		"revenue gt 19999.99 and revenue lt 20000.01":           "Litware",
		"revenue eq null":                                       "O'Neill & 100% <sons>",
		"revenue ne null":                                       "Litware",
		"numberofemployees ge 3 and numberofemployees le 11":    "O'Neill & 100% <sons>",
		"(statecode eq 1 or name eq 'x') and not (name eq 'y')": "O'Neill & 100% <sons>",
		"creditonhold eq true":                                  "Litware",
		"_primarycontactid_value eq " + contact.String():        "Litware",
		"primarycontactid/lastname eq 'Stubberod'":              "Litware",
		"accountid eq " + litware.String():                      "Litware",
		"createdon lt 2026-03-01T12:30:01Z":                     "Litware",
		"createdon eq 2026-03-01T13:30:00%2B01:00":              "Litware",
		"createdon gt 2026-03-02":                               "O'Neill & 100% <sons>",
		"versionnumber gt 1 and name eq 'litware'":              "Litware",
		"not (revenue eq 5)":                                    "Litware", // unknown is not true
		"not (revenue gt null) or name eq 'litware'":            "Litware",
	} {
		p := e.Page("accounts?$select=name&$filter=" + filter)
		if got := names(p, "name"); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
	for _, filter := range []string{"name eq", "nam eq 'x'", "name eq 5", "name eq 'x", "numberofemployees eq 'x'", "(name eq 'x'",
		"primarycontactid eq null", "length(name) eq 3", "name eq 'x' xor name eq 'y'", strings.Repeat("(", 3000) + "1 eq 1"} {
		if a := e.Do("GET", "accounts?$filter="+filter, nil); a.Status != 400 {
			t.Errorf("%s: %d %s", filter, a.Status, a.Body)
		}
	}
	many := strings.Repeat("statecode eq 0 or ", 500) + "statecode eq 1"
	wantError(t, e.Do("GET", "accounts?$filter="+many, nil), 400, "0x8004430c")
}

func TestOrderTopAndCount(t *testing.T) {
	e := devservertest.Start(t)
	for _, name := range []string{"b", "C", "a"} {
		e.Insert("account", map[string]store.Value{"name": name})
	}
	wantNames(t, "$orderby", e.Page("accounts?$orderby=name"), "a", "b", "C")
	p := e.Page("accounts?$orderby=name desc&$top=2&$count=true")
	wantNames(t, "$top", p, "C", "b")
	if p.Count == nil || *p.Count != 3 || p.NextLink != "" {
		t.Errorf("count %v, nextLink %q", p.Count, p.NextLink)
	}
	if n := string(e.Get("accounts/$count?$filter=name ne 'a'").Body); n != "2" {
		t.Errorf("$count = %s", n)
	}
	for _, o := range []string{"$skip=1", "$search=x", "$format=json", "$top=x"} {
		wantError(t, e.Do("GET", "accounts?"+o, nil), 400, "0x80060888")
	}
}

func TestAnnotationsAreThoseAskedFor(t *testing.T) {
	e := devservertest.Start(t)
	contact := e.Insert("contact", map[string]store.Value{"firstname": "Susanna", "lastname": "Stubberod"})
	id := e.Insert("account", map[string]store.Value{
		"name": "Litware", "revenue": store.Decimal("20000"), "primarycontactid": store.Ref{Table: "contact", ID: contact},
		"modifiedon": time.Date(2026, 4, 7, 14, 59, 1, 0, time.UTC)})
	url := "accounts(" + id.String() + ")?$select=name,revenue,_primarycontactid_value,statecode,modifiedon,versionnumber"
	var row map[string]any
	e.Get(url, `Prefer: odata.include-annotations="*"`).Decode(e, &row)
	const formatted = "@OData.Community.Display.V1.FormattedValue"
	for name, want := range map[string]any{
		"revenue" + formatted:                                                         "$20,000.00",
		"_primarycontactid_value" + formatted:                                         "Susanna Stubberod",
		"_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname":            "contact",
		"_primarycontactid_value@Microsoft.Dynamics.CRM.associatednavigationproperty": "primarycontactid",
		"_transactioncurrencyid_value" + formatted:                                    "US Dollar",
		"statecode" + formatted:                                                       "Active",
		"modifiedon" + formatted:                                                      "4/7/2026 2:59 PM",
	} {
		if row[name] != want {
			t.Errorf("%s = %v, want %v", name, row[name], want)
		}
	}
	if v := fmt.Sprint(row["versionnumber"+formatted]); strings.ReplaceAll(v, ",", "") != fmt.Sprint(row["versionnumber"]) || !strings.Contains(v, ",") {
		t.Errorf("versionnumber formatted as %s", v)
	}
	if a := e.Get(url); strings.Contains(string(a.Body), "FormattedValue") || strings.Contains(string(a.Body), "lookuplogicalname") {
		t.Errorf("annotations nobody asked for: %s", a.Body)
	}
	list := string(e.Get("accounts?$select=name", `Prefer: odata.include-annotations="Microsoft.Dynamics.CRM.*"`).Body)
	if !strings.Contains(list, `"@Microsoft.Dynamics.CRM.totalrecordcount":-1,"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":false,"@Microsoft.Dynamics.CRM.globalmetadataversion":"`) {
		t.Errorf("%s", list)
	}
}

func TestSelectKeepsItsOrderAndNulls(t *testing.T) {
	e := devservertest.Start(t)
	id := e.Insert("account", map[string]store.Value{"name": "x"})
	a := e.Get("accounts(" + id.String() + ")?$select=telephone1,name")
	want := `"telephone1":null,"name":"x","accountid":"` + id.String() + `"}`
	if !strings.HasSuffix(string(a.Body), want) {
		t.Errorf("%s", a.Body)
	}
	var all map[string]any
	e.Get("accounts("+id.String()+")").Decode(e, &all)
	if v, ok := all["telephone1"]; !ok || v != nil {
		t.Error("without $select a null column is missing")
	}
	for _, name := range []string{"primarycontactid", "nonsense", "customeridtype"} {
		wantError(t, e.Do("GET", "accounts?$select="+name, nil), 400, "0x80060888")
	}
}

func TestMissingRowsAndSetsAreNotFound(t *testing.T) {
	e := devservertest.Start(t)
	wantError(t, e.Do("GET", "accounts(00000000-0000-0000-0000-000000000001)", nil), 404, "0x80040217")
	a := e.Do("GET", "foos", nil)
	wantError(t, a, 404, "0x80060888")
	if _, message := a.Error(); message != "Resource not found for the segment 'foos'." {
		t.Error(message)
	}
}

func TestUnchangedRowIsNotSentAgain(t *testing.T) {
	e := devservertest.Start(t)
	id := e.Fill("account", 1)[0]
	url := "accounts(" + id.String() + ")"
	etag := e.Get(url).Header.Get("ETag")
	if a := e.Do("GET", url, nil, "If-None-Match: "+etag); a.Status != 304 {
		t.Errorf("unchanged: %d", a.Status)
	}
	e.Patch("account", id, map[string]store.Value{"name": "x"})
	if a := e.Do("GET", url, nil, "If-None-Match: "+etag); a.Status != 200 {
		t.Errorf("changed: %d", a.Status)
	}
}

func TestVersionsAreAskedForOnlyWhereTheTableAllowsIt(t *testing.T) {
	e := devservertest.Start(t)
	id := e.Insert("teammembership", map[string]store.Value{"systemuserid": store.NewID(), "teamid": store.NewID()})
	url := "teammemberships(" + id.String() + ")"
	etag := e.Get(url).Header.Get("ETag")
	if a := e.Do("GET", url, nil, "If-None-Match: "+etag); a.Status != 200 {
		t.Errorf("read: %d", a.Status)
	}
	wantError(t, e.Do("DELETE", url, nil, "If-Match: "+etag), 400, "0x8006088d")
	if a := e.Do("DELETE", url, nil, "If-Match: *"); a.Status != 204 {
		t.Errorf("delete: %d %s", a.Status, a.Body)
	}
}

func TestPropertiesCanBeReadAndWrittenAlone(t *testing.T) {
	e := devservertest.Start(t)
	id := e.Insert("account", map[string]store.Value{"name": "Litware"})
	url := "accounts(" + id.String() + ")/name"
	if got, want := string(e.Get(url).Body), `{"@odata.context":"`+e.API+`$metadata#`+url+`","value":"Litware"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := string(e.Get(url + "/$value").Body); got != "Litware" {
		t.Errorf("$value: %s", got)
	}
	if a := e.Do("PUT", url, map[string]any{"value": "X"}); a.Status != 204 {
		t.Errorf("PUT: %d %s", a.Status, a.Body)
	}
	if got := string(e.Get(url + "/$value").Body); got != "X" {
		t.Errorf("after PUT: %s", got)
	}
	if a := e.Do("DELETE", url, nil); a.Status != 204 {
		t.Errorf("DELETE: %d", a.Status)
	}
	if a := e.Do("GET", url, nil); a.Status != 204 {
		t.Errorf("null: %d %s", a.Status, a.Body)
	}
}

func TestLargeAnswersAreCompressedForWhoAccepts(t *testing.T) {
	e := devservertest.Start(t, devservertest.Rows("account", 100))
	plain := e.Get("accounts", "Accept-Encoding: identity")
	packed := e.Get("accounts", "Accept-Encoding: gzip, deflate")
	if packed.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
		t.Fatalf("encodings %q and %q", packed.Header.Get("Content-Encoding"), plain.Header.Get("Content-Encoding"))
	}
	r, err := gzip.NewReader(strings.NewReader(string(packed.Body)))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r); err != nil || string(body) != string(plain.Body) {
		t.Errorf("the bodies differ (%v)", err)
	}
}

func TestTotalRecordCount(t *testing.T) {
	e := devservertest.Start(t, devservertest.Rows("account", 3))
	for _, url := range []string{"RetrieveTotalRecordCount(EntityNames=['account','contact'])", "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=['account','contact']"} {
		got := string(e.Get(url).Body)
		if want := `"EntityRecordCountCollection":{"Count":2,"IsReadOnly":false,"Keys":["account","contact"],"Values":[3,0]}}`; !strings.HasSuffix(got, want) {
			t.Errorf("%s", got)
		}
	}
}

func TestEveryTableCanBeRead(t *testing.T) {
	e := devservertest.Start(t)
	for _, table := range e.Schema.Tables {
		if a := e.Get(table.EntitySet, `Prefer: odata.include-annotations="*"`); !json.Valid(a.Body) {
			t.Errorf("%s: %s", table.EntitySet, a.Body)
		}
	}
	if a := e.Do(http.MethodPut, "accounts", nil); a.Status != 405 {
		t.Errorf("PUT accounts: %d", a.Status)
	}
}
