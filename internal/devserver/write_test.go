package devserver_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/devserver/store"
)

// entityID is the row's key in an answer's OData-EntityId.
func entityID(t *testing.T, a devservertest.Answer) string {
	t.Helper()
	_, rest, ok := strings.Cut(a.Header.Get("OData-EntityId"), "(")
	if !ok || a.Status/100 != 2 {
		t.Fatalf("%d %s, OData-EntityId %q", a.Status, a.Body, a.Header.Get("OData-EntityId"))
	}
	return strings.TrimSuffix(rest, ")")
}

func TestCreateAnswersWithTheRowsAddress(t *testing.T) {
	e := devservertest.Start(t)
	contact := e.Insert("contact", map[string]store.Value{"lastname": "Lee"})
	for _, bind := range []string{"contacts(%s)", "/contacts(%s)", e.API + "contacts(%s)"} {
		a := e.Do("POST", "accounts", map[string]any{"name": "Contoso", "revenue": 1000.5, "accountcategorycode": 1,
			"primarycontactid@odata.bind": fmt.Sprintf(bind, contact), "versionnumber": 5, "modifiedon": "1999-01-01T00:00:00Z"})
		id := entityID(t, a)
		if want := e.API + "accounts(" + id + ")"; a.Status != 204 || a.Header.Get("Location") != want || a.Header.Get("OData-EntityId") != want {
			t.Errorf("%d %v", a.Status, a.Header)
		}
		var row map[string]any
		e.Get("accounts("+id+")").Decode(e, &row)
		if row["name"] != "Contoso" || row["revenue"] != json.Number("1000.5000") || row["_primarycontactid_value"] != contact.String() ||
			row["versionnumber"] == json.Number("5") || strings.HasPrefix(row["modifiedon"].(string), "1999") {
			t.Errorf("row %v", row)
		}
	}
}

func TestCreateReturnsTheRowOnRequest(t *testing.T) {
	e := devservertest.Start(t)
	a := e.Do("POST", "accounts?$select=name", map[string]any{"name": "Contoso"}, "Prefer: return=representation")
	id := entityID(t, a)
	if a.Status != 201 || !strings.HasPrefix(string(a.Body), `{"@odata.context":"`+e.API+`$metadata#accounts(name)/$entity","@odata.etag":"W/\"`) ||
		!strings.HasSuffix(string(a.Body), `"name":"Contoso","accountid":"`+id+`"}`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a.Header.Get("Preference-Applied") != "return=representation" || !strings.HasPrefix(a.Header.Get("ETag"), `W/"`) {
		t.Errorf("%v", a.Header)
	}
}

func TestNestedRowsAreCreatedTogetherOrNotAtAll(t *testing.T) {
	e := devservertest.Start(t)
	id := entityID(t, e.Do("POST", "accounts", map[string]any{"name": "Contoso",
		"primarycontactid":          map[string]any{"lastname": "Lee"},
		"contact_customer_accounts": []any{map[string]any{"firstname": "Ann", "lastname": "Lee"}}}))
	p := e.Page("contacts?$select=fullname&$filter=_parentcustomerid_value eq " + id)
	if len(p.Value) != 1 || p.Value[0]["fullname"] != "Ann Lee" {
		t.Errorf("children %v", p.Value)
	}
	a := e.Do("POST", "accounts", map[string]any{"name": "half", "contact_customer_accounts": []any{map[string]any{"nonsense": 1}}})
	wantError(t, a, 400, "0x80048d19")
	if p := e.Page("accounts?$filter=name eq 'half'"); len(p.Value) != 0 {
		t.Error("the parent of a child that was refused is there")
	}
}

func TestBodiesEncodedTwiceAreAccepted(t *testing.T) {
	e := devservertest.Start(t)
	inner, err := json.Marshal(map[string]any{"name": "Contoso"})
	if err != nil {
		t.Fatal(err)
	}
	entityID(t, e.Do("POST", "accounts", any(json.RawMessage(fmt.Sprintf("%q", inner)))))
	wantNames(t, "accounts", e.Page("accounts"), "Contoso")
}

func TestPatchIsAnUpsertUnlessConditionsForbid(t *testing.T) {
	e := devservertest.Start(t)
	const url = "accounts(7eb682f1-ca75-e511-80d4-00155d2a68d1)"
	wantError(t, e.Do("PATCH", url, map[string]any{"name": "a"}, "If-Match: *"), 404, "0x80040217")
	if a := e.Do("PATCH", url, map[string]any{"name": "a"}, "Prefer: return=representation"); a.Status != 201 {
		t.Errorf("creating: %d %s", a.Status, a.Body)
	}
	wantError(t, e.Do("PATCH", url, map[string]any{"name": "b"}, "If-None-Match: *"), 412, "0x80040237")
	a := e.Do("PATCH", url, map[string]any{"name": "b"}, "Prefer: return=representation", "If-Match: *")
	if a.Status != 200 {
		t.Errorf("updating: %d %s", a.Status, a.Body)
	}
	etag := a.Header.Get("ETag")
	if a := e.Do("PATCH", url, map[string]any{"name": "c"}, "If-Match: "+etag); a.Status != 204 {
		t.Errorf("with the right version: %d %s", a.Status, a.Body)
	}
	wantError(t, e.Do("PATCH", url, map[string]any{"name": "d"}, "If-Match: "+etag), 412, "0x80060882")
	wantError(t, e.Do("DELETE", url, nil, "If-Match: "+etag), 412, "0x80060882")
	wantNames(t, "accounts", e.Page("accounts"), "c")
	if a := e.Do("DELETE", url, nil); a.Status != 204 {
		t.Errorf("DELETE: %d %s", a.Status, a.Body)
	}
	wantError(t, e.Do("DELETE", url, nil), 404, "0x80040217")
}

func TestPatchLeavesOtherColumnsAlone(t *testing.T) {
	e := devservertest.Start(t)
	contact := e.Insert("contact", map[string]store.Value{"lastname": "Lee"})
	id := e.Insert("account", map[string]store.Value{"name": "x", "telephone1": "1", "fax": "2",
		"primarycontactid": store.Ref{Table: "contact", ID: contact}})
	a := e.Do("PATCH", "accounts("+id.String()+")?$select=name,telephone1,fax,_primarycontactid_value",
		map[string]any{"telephone1": nil, "primarycontactid@odata.bind": nil}, "Prefer: return=representation")
	if !strings.HasSuffix(string(a.Body), `"name":"x","telephone1":null,"fax":"2","_primarycontactid_value":null,"accountid":"`+id.String()+`"}`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestWrongValuesAreRefusedWithTheirCode(t *testing.T) {
	e := devservertest.Start(t)
	for body, want := range map[string]string{
		`{"nonsense":1}`:                                   "0x80048d19",
		`{"name":5}`:                                       "0x80048d19",
		`{"numberofemployees":"5"}`:                        "0x80048d19",
		`{"numberofemployees":1.5}`:                        "0x80048d19",
		`{"numberofemployees":-1}`:                         "0x80040203",
		`{"revenue":1e30}`:                                 "0x80040203",
		`{"revenue":1e999999999}`:                          "0x80048d19",
		`{"industrycode":9999}`:                            "0x8004431a",
		`{"statecode":0,"statuscode":2}`:                   "0x80048408",
		`{"telephone1":"` + strings.Repeat("1", 51) + `"}`: "0x80044331",
		`{"primarycontactid":"70bf4d48-34cb-ed11-b596-0022481d68cd"}`:                      "0x80048d19",
		`{"_primarycontactid_value":"70bf4d48-34cb-ed11-b596-0022481d68cd"}`:               "0x80048d19",
		`{"wrongname@odata.bind":"contacts(70bf4d48-34cb-ed11-b596-0022481d68cd)"}`:        "0x80048d19",
		`{"primarycontactid@odata.bind":"accounts(70bf4d48-34cb-ed11-b596-0022481d68cd)"}`: "0x80048d19",
		`{"primarycontactid@odata.bind":"nonsense"}`:                                       "0x80060888",
		`{"lastusedincampaign":"yesterday"}`:                                               "0x80048d19",
		`{"lastusedincampaign":"1500-01-01T00:00:00Z"}`:                                    "0x80040203",
		`not json`: "0x80048d19", `[]`: "0x80048d19", `null`: "0x80048d19", `{} {}`: "0x80048d19",
	} {
		a := e.Do("POST", "accounts", body)
		if code, message := a.Error(); a.Status != 400 || code != want {
			t.Errorf("%s: %d %s %s, want %s", body, a.Status, code, message, want)
		}
	}
	wantError(t, e.Do("POST", "accounts", `{"primarycontactid@odata.bind":"contacts(70bf4d48-34cb-ed11-b596-0022481d68cd)"}`), 404, "0x80040217")
	if p := e.Page("accounts"); len(p.Value) != 0 {
		t.Errorf("%d rows were created all the same", len(p.Value))
	}
}

func TestEveryTypeComesBackAsItWasWritten(t *testing.T) {
	e := devservertest.Start(t)
	account := e.Insert("account", map[string]store.Value{"name": "x"})
	id := entityID(t, e.Do("POST", "new_devices", map[string]any{
		"new_name": "Snow ❄ \"quoted\" \\ / \u0001", "new_commissionedon": "2026-03-01", "new_servicewindow": "2026-03-01T12:30:00Z",
		"new_capabilities": "100000000, 100000003", "new_reading": json.Number("1.0000000001"), "new_active": true, "new_kind": 100000002,
		"new_notes": strings.Repeat("long ", 20000), "new_CustomerId_account@odata.bind": "/accounts(" + account.String() + ")",
	}))
	var row map[string]any
	e.Get("new_devices("+id+")", `Prefer: odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"`).Decode(e, &row)
	for name, want := range map[string]any{
		"new_name": "Snow ❄ \"quoted\" \\ / \u0001", "new_commissionedon": "2026-03-01", "new_servicewindow": "2026-03-01T12:30:00Z",
		"new_capabilities": "100000000,100000003", "new_reading": json.Number("1.0000000001"), "new_active": true, "new_kind": json.Number("100000002"),
		"new_notes": strings.Repeat("long ", 20000), "_new_customerid_value": account.String(),
		"_new_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "account",
	} {
		if row[name] != want {
			t.Errorf("%s = %.80v, want %.80v", name, row[name], want)
		}
	}
}

func TestOwnerCanBeATeam(t *testing.T) {
	e := devservertest.Start(t)
	team := e.Insert("team", map[string]store.Value{"name": "Sales"})
	id := entityID(t, e.Do("POST", "accounts", map[string]any{"name": "x", "ownerid@odata.bind": "/teams(" + team.String() + ")"}))
	a := e.Get("accounts("+id+")?$select=_ownerid_value,_owningteam_value,_owninguser_value", `Prefer: odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"`)
	if !strings.Contains(string(a.Body), `"_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"team","_ownerid_value":"`+team.String()+`"`) ||
		!strings.Contains(string(a.Body), `"_owningteam_value":"`+team.String()+`"`) || !strings.Contains(string(a.Body), `"_owninguser_value":null`) {
		t.Errorf("%s", a.Body)
	}
}

func TestWritesInTheNameOfAnotherUser(t *testing.T) {
	e := devservertest.Start(t)
	user := e.Insert("systemuser", map[string]store.Value{"firstname": "Ann", "lastname": "Lee"})
	id := entityID(t, e.Do("POST", "accounts", map[string]any{"name": "x"}, "MSCRMCallerID: "+user.String()))
	a := e.Get("accounts(" + id + ")?$select=_createdby_value,_ownerid_value")
	if strings.Count(string(a.Body), user.String()) != 2 {
		t.Errorf("%s", a.Body)
	}
	wantError(t, e.Do("POST", "accounts", map[string]any{"name": "x"}, "MSCRMCallerID: 00000000-0000-0000-0000-000000000001"), 404, "0x80040217")
}
