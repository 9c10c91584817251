package devserver_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/devservertest"
)

func TestThrottlingSaysWhenToComeBack(t *testing.T) {
	e := devservertest.Start(t)
	e.Token()
	e.Server.Faults.Throttle(37, 2)
	for range 2 {
		a := e.Do("GET", "WhoAmI", nil)
		wantError(t, a, 429, "0x80072322")
		if a.Header.Get("Retry-After") != "37" {
			t.Errorf("Retry-After: %s", a.Header.Get("Retry-After"))
		}
		if _, message := a.Error(); message != "Number of requests exceeded the limit of 6000 over time window of 300 seconds." {
			t.Error(message)
		}
	}
	e.Get("WhoAmI")
}

func TestFaultsHitOnlyWhatTheyMatch(t *testing.T) {
	e := devservertest.Start(t)
	e.Server.Faults.When(func(r *http.Request) bool { return strings.Contains(r.URL.Path, "contacts") }, 1, devserver.Fault{Status: 503})
	e.Get("accounts")
	wantError(t, e.Do("GET", "contacts", nil), 503, "0x80040216")
	e.Get("contacts")
}

func TestBodiesCanBeCutAndConnectionsReset(t *testing.T) {
	e := devservertest.Start(t, devservertest.Rows("account", 50))
	e.Token()
	e.Server.Faults.Next(1, devserver.Fault{CutBody: true})
	if a := e.Get("accounts"); json.Valid(a.Body) {
		t.Error("the body is whole")
	}
	e.Server.Faults.Next(1, devserver.Fault{Reset: true})
	req, err := http.NewRequest("GET", e.API+"accounts", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+e.Token())
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("the connection was not reset")
	}
	e.Get("accounts")
}

func TestErrorsHaveDetailsWithAllAnnotations(t *testing.T) {
	e := devservertest.Start(t)
	a := e.Do("GET", "accounts?$select=nonsense", nil, `Prefer: odata.include-annotations="*"`)
	wantError(t, a, 400, "0x80060888")
	if !strings.Contains(string(a.Body), `"@Microsoft.PowerApps.CDS.TraceText":"Could not find a property named 'nonsense' on type 'Microsoft.Dynamics.CRM.account'."`) {
		t.Errorf("%s", a.Body)
	}
}
