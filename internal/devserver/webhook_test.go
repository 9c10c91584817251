package devserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/devserver/store"
)

// A receiver notes the calls it gets.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(n int) int // status of call n, from 1
}

type call struct {
	header http.Header
	url    string
	body   []byte
}

func newReceiver(t *testing.T, answer func(n int) int) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, call{req.Header, req.URL.String(), body})
		w.WriteHeader(r.answer(len(r.calls)))
	}))
	t.Cleanup(r.Close)
	return r
}

func ok(int) int { return 200 }

// register registers a webhook for a message of a table, as a client does.
func register(t *testing.T, e *devservertest.Env, endpoint map[string]any, message, table, filtering string) (step string) {
	t.Helper()
	target := entityID(t, e.Do("POST", "serviceendpoints", endpoint))
	m := e.Page("sdkmessages?$select=sdkmessageid&$filter=name eq '" + message + "'")
	f := e.Page("sdkmessagefilters?$select=sdkmessagefilterid&$filter=primaryobjecttypecode eq '" + table + "' and _sdkmessageid_value eq " + m.Value[0]["sdkmessageid"].(string))
	if len(f.Value) != 1 {
		t.Fatalf("%d filters", len(f.Value))
	}
	body := map[string]any{
		"name": "replicator: " + message + " of " + table, "mode": 1, "stage": 40, "rank": 1, "asyncautodelete": true, "supporteddeployment": 0,
		"sdkmessageid@odata.bind":                 "/sdkmessages(" + m.Value[0]["sdkmessageid"].(string) + ")",
		"sdkmessagefilterid@odata.bind":           "/sdkmessagefilters(" + f.Value[0]["sdkmessagefilterid"].(string) + ")",
		"eventhandler_serviceendpoint@odata.bind": "/serviceendpoints(" + target + ")",
	}
	if filtering != "" {
		body["filteringattributes"] = filtering
	}
	return entityID(t, e.Do("POST", "sdkmessageprocessingsteps", body))
}

func webhook(url string) map[string]any {
	return map[string]any{"name": "replicator", "url": url, "contract": 8, "authtype": 5,
		"authvalue": `<settings><setting name="x-hook-key" value="k1" /></settings>`}
}

// message reads the parts of a call that tests look at.
func (c call) message(t *testing.T) (name, id string, attributes map[string]any) {
	t.Helper()
	var body struct {
		MessageName, PrimaryEntityId string
		InputParameters              []struct{ Value json.RawMessage }
	}
	var target struct {
		Type       string `json:"__type"`
		Attributes []struct {
			Key   string
			Value any
		}
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		t.Fatalf("%v in %s", err, c.body)
	}
	if err := json.Unmarshal(body.InputParameters[0].Value, &target); err != nil {
		t.Fatalf("%v in %s", err, c.body)
	}
	attributes = map[string]any{"__type": target.Type}
	for _, a := range target.Attributes {
		attributes[a.Key] = a.Value
	}
	return body.MessageName, body.PrimaryEntityId, attributes
}

func TestWebhookTellsOfCreateUpdateAndDelete(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, ok)
	for _, m := range []string{"Create", "Update", "Delete"} {
		register(t, e, webhook(r.URL+"/dv"), m, "account", "")
	}
	id := entityID(t, e.Do("POST", "accounts", map[string]any{"name": "Contoso", "revenue": 5000000, "industrycode": 7}))
	e.Server.WaitWebhooks()
	e.Do("PATCH", "accounts("+id+")", map[string]any{"name": "Contoso (renamed)"})
	e.Server.WaitWebhooks()
	e.Do("DELETE", "accounts("+id+")", nil)
	e.Fill("contact", 1) // nobody asked
	e.Server.WaitWebhooks()

	if len(r.calls) != 3 {
		t.Fatalf("%d calls", len(r.calls))
	}
	for i, want := range []string{"Create", "Update", "Delete"} {
		name, row, _ := r.calls[i].message(t)
		h := r.calls[i].header
		if name != want || row != id || h.Get("x-ms-dynamics-request-name") != want || h.Get("x-ms-dynamics-entity-name") != "account" ||
			h.Get("x-hook-key") != "k1" || h.Get("x-request-id") == "" || h.Get("x-ms-correlation-request-id") == "" ||
			"http://"+h.Get("x-ms-dynamics-organization") != e.URL || r.calls[i].url != "/dv" {
			t.Errorf("call %d: %s %s %v", i, name, row, h)
		}
	}
	_, _, created := r.calls[0].message(t)
	if fmt.Sprint(created["revenue"]) != "map[Value:5e+06 __type:Money:http://schemas.microsoft.com/xrm/2011/Contracts]" || created["name"] != "Contoso" ||
		created["createdon"] == nil || created["accountid"] != id {
		t.Errorf("created %v", created)
	}
	if !bytes.Contains(r.calls[0].body, []byte(`"FormattedValues":[`)) || !bytes.Contains(r.calls[0].body, []byte(`{"key":"industrycode","value":"Consulting"}`)) ||
		!bytes.Contains(r.calls[0].body, []byte(`"OutputParameters":[{"key":"id","value":"`+id+`"}]`)) {
		t.Errorf("%s", r.calls[0].body)
	}
	_, _, updated := r.calls[1].message(t)
	if updated["name"] != "Contoso (renamed)" || updated["modifiedon"] == nil || updated["revenue"] != nil {
		t.Errorf("updated %v", updated)
	}
	if !bytes.Contains(r.calls[1].body, []byte(`"modifiedon","value":"\/Date(`)) || bytes.Contains(bytes.ReplaceAll(r.calls[1].body, []byte(`\/`), nil), []byte("/")) {
		t.Errorf("slashes: %s", r.calls[1].body)
	}
	if _, _, deleted := r.calls[2].message(t); deleted["__type"] != "EntityReference:http://schemas.microsoft.com/xrm/2011/Contracts" {
		t.Errorf("deleted %v", deleted)
	}
}

func TestWebhookKeyAndQueryStringsAreInTheURL(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, ok)
	register(t, e, map[string]any{"name": "k", "url": r.URL + "/a?x=1", "contract": 8, "authtype": 4, "authvalue": "k 1"}, "Create", "account", "")
	e.Fill("account", 1)
	e.Server.WaitWebhooks()
	register(t, e, map[string]any{"name": "q", "url": r.URL + "/b", "contract": 8, "authtype": 6,
		"authvalue": `<settings><setting name="key" value="v" /></settings>`}, "Create", "lead", "")
	e.Fill("lead", 1)
	e.Server.WaitWebhooks()
	if len(r.calls) != 2 || r.calls[0].url != "/a?code=k+1&x=1" || r.calls[1].url != "/b?key=v" {
		t.Errorf("%v", r.calls)
	}
}

func TestWebhookSecretCannotBeReadBack(t *testing.T) {
	e := devservertest.Start(t)
	id := entityID(t, e.Do("POST", "serviceendpoints", webhook("http://127.0.0.1:1/")))
	a := e.Get("serviceendpoints(" + id + ")")
	if strings.Contains(string(a.Body), "k1") || !strings.Contains(string(a.Body), `"authvalue":null`) || !strings.Contains(string(a.Body), `"isauthvalueset":true`) {
		t.Errorf("%s", a.Body)
	}
	for _, query := range []string{"$filter=contains(authvalue,'k1')", "$orderby=authvalue"} {
		wantError(t, e.Do("GET", "serviceendpoints?$select=name&"+query, nil), 400, "0x80060888")
	}
}

func TestWebhookDoesNotFollowRedirects(t *testing.T) {
	e := devservertest.Start(t)
	other := newReceiver(t, ok)
	r := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(r.Close)
	register(t, e, webhook(r.URL), "Create", "account", "")
	e.Fill("account", 1)
	e.Server.WaitWebhooks()
	if p := e.Page("asyncoperations"); len(other.calls) != 0 || len(p.Value) != 1 {
		t.Errorf("%d calls of another host, jobs %v", len(other.calls), p.Value)
	}
}

func TestWebhookBodyNamesItsRequest(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, ok)
	register(t, e, webhook(r.URL), "Create", "account", "")
	e.Fill("account", 1)
	e.Server.WaitWebhooks()
	var body struct{ RequestId, CorrelationId string }
	if err := json.Unmarshal(r.calls[0].body, &body); err != nil {
		t.Fatal(err)
	}
	h := r.calls[0].header
	if body.RequestId != h.Get("x-request-id") || body.CorrelationId != h.Get("x-ms-correlation-request-id") {
		t.Errorf("body %+v, headers %v", body, h)
	}
}

func TestFailedWebhookCallsLeadToNoFurtherCalls(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, func(n int) int {
		if n > 5 {
			return 200 // or the test would not end
		}
		return 500
	})
	register(t, e, webhook(r.URL), "Create", "asyncoperation", "")
	register(t, e, webhook(r.URL), "Create", "account", "")
	e.Fill("account", 1)
	e.Server.WaitWebhooks()
	if p := e.Page("asyncoperations"); len(r.calls) != 1 || len(p.Value) != 1 {
		t.Errorf("%d calls, %d jobs", len(r.calls), len(p.Value))
	}
}

func TestWebhookFiresOnlyForItsColumns(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, ok)
	register(t, e, webhook(r.URL), "Update", "account", "name, revenue")
	id := e.Fill("account", 1)[0]
	e.Patch("account", id, map[string]store.Value{"telephone1": "1"})
	e.Patch("account", id, map[string]store.Value{"revenue": store.Decimal("5")})
	e.Server.WaitWebhooks()
	if len(r.calls) != 1 {
		t.Errorf("%d calls, want 1", len(r.calls))
	}
}

func TestWebhookStopsWhenItsStepIsDisabledOrDeleted(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, ok)
	step := register(t, e, webhook(r.URL), "Create", "account", "")
	e.Do("PATCH", "sdkmessageprocessingsteps("+step+")", map[string]any{"statecode": 1, "statuscode": 2})
	e.Fill("account", 1)
	e.Server.WaitWebhooks()
	if len(r.calls) != 0 {
		t.Error("a disabled step was called")
	}
	e.Do("PATCH", "sdkmessageprocessingsteps("+step+")", map[string]any{"statecode": 0, "statuscode": 1})
	e.Restart() // registrations outlive the program
	e.Fill("account", 1)
	e.Server.WaitWebhooks()
	if len(r.calls) != 1 {
		t.Errorf("%d calls after enabling it again, want 1", len(r.calls))
	}
	e.Do("DELETE", "sdkmessageprocessingsteps("+step+")", nil)
	e.Fill("account", 1)
	e.Server.WaitWebhooks()
	if len(r.calls) != 1 {
		t.Error("a deleted step was called")
	}
}

func TestWebhookIsTriedTwiceForGatewayErrorsOnlyAndFailuresAreRecorded(t *testing.T) {
	for status, want := range map[int]int{502: 2, 503: 2, 504: 2, 500: 1, 400: 1} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			e := devservertest.Start(t)
			r := newReceiver(t, func(int) int { return status })
			step := register(t, e, webhook(r.URL), "Create", "account", "")
			e.Fill("account", 1)
			e.Server.WaitWebhooks()
			if len(r.calls) != want || r.calls[0].header.Get("x-request-id") != r.calls[len(r.calls)-1].header.Get("x-request-id") {
				t.Errorf("%d calls, want %d of one id", len(r.calls), want)
			}
			p := e.Page("asyncoperations?$filter=_owningextensionid_value eq " + step + " and statuscode eq 31")
			if len(p.Value) != 1 || p.Value[0]["statecode"] != json.Number("3") || !strings.Contains(p.Value[0]["message"].(string), fmt.Sprint(status)) {
				t.Errorf("jobs %v", p.Value)
			}
		})
	}
}

func TestWebhookRecoversOnTheSecondTry(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, func(n int) int { return map[int]int{1: 503, 2: 200}[n] })
	register(t, e, webhook(r.URL), "Create", "account", "")
	e.Fill("account", 1)
	e.Server.WaitWebhooks()
	if p := e.Page("asyncoperations"); len(r.calls) != 2 || len(p.Value) != 0 {
		t.Errorf("%d calls, jobs %v", len(r.calls), p.Value)
	}
}

func TestLargeWebhookBodiesAreCut(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, ok)
	register(t, e, webhook(r.URL), "Create", "new_device", "")
	e.Insert("new_device", map[string]store.Value{"new_name": "x", "new_notes": strings.Repeat("n", 300_000)})
	e.Server.WaitWebhooks()
	if len(r.calls) != 1 || len(r.calls[0].body) > 256<<10 || r.calls[0].header.Get("x-ms-dynamics-msg-size-exceeded") != "true" ||
		bytes.Contains(r.calls[0].body, []byte("InputParameters\":[{")) {
		t.Errorf("%d calls", len(r.calls))
	}
}

func TestWebhooksOnStrangePortsAreForThisMachineOnly(t *testing.T) {
	e := devservertest.Start(t)
	for url, want := range map[string]int{
		"https://hooks.example.com/dv": 204, "https://hooks.example.com:443/dv": 204, "http://hooks.example.com:80": 204,
		"http://127.0.0.1:8123/dv": 204, "http://localhost:8123": 204, "http://[::1]:8123": 204,
		"https://hooks.example.com:8443/dv": 400, "ftp://127.0.0.1/": 400, "nonsense": 400,
	} {
		if a := e.Do("POST", "serviceendpoints", webhook(url)); a.Status != want {
			t.Errorf("%s: %d %s", url, a.Status, a.Body)
		}
	}
}

func TestDroppedWebhooksLeaveNothing(t *testing.T) {
	e := devservertest.Start(t)
	r := newReceiver(t, ok)
	register(t, e, webhook(r.URL), "Create", "account", "")
	e.Server.Faults.DropWebhooks(2)
	e.Fill("account", 3)
	e.Server.WaitWebhooks()
	if len(r.calls) != 1 {
		t.Errorf("%d calls, want 1", len(r.calls))
	}
}
