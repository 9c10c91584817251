package devserver_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/devservertest"
)

// signInAnswer is what the token endpoint says.
type signInAnswer struct {
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	AccessToken string `json:"access_token"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
}

func signIn(t *testing.T, address string, form url.Values) (status int, a signInAnswer) {
	t.Helper()
	res, err := http.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, a
}

func TestSignInGivesATokenOnBothEndpoints(t *testing.T) {
	e := devservertest.Start(t)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {e.ClientID}, "client_secret": {e.ClientSecret}}
	for address, target := range map[string][2]string{
		e.TokenURL:                               {"scope", e.URL + "/.default"},
		e.URL + "/" + e.Tenant + "/oauth2/token": {"resource", e.URL},
	} {
		form.Set(target[0], target[1])
		status, a := signIn(t, address, form)
		if status != 200 || a.TokenType != "Bearer" || a.ExpiresIn != 3599 || a.AccessToken == "" {
			t.Errorf("%s: %d %+v", address, status, a)
		}
		if got := e.Do("GET", "WhoAmI", nil, "Authorization: Bearer "+a.AccessToken); got.Status != 200 {
			t.Errorf("WhoAmI with that token: %d", got.Status)
		}
	}
}

func TestSignInRefusesInTheWordsOfEntra(t *testing.T) {
	e := devservertest.Start(t, devservertest.Server(func(o *devserver.Options) { o.ExpiredSecrets = []string{"old-secret"} }))
	for _, c := range []struct {
		change string
		value  string
		status int
		kind   string
		code   int
	}{
		{"client_secret", "wrong", 401, "invalid_client", 7000215},
		{"client_secret", "old-secret", 401, "invalid_client", 7000222},
		{"client_secret", "", 401, "invalid_client", 7000218},
		{"client_id", "aaaaaaaa-0000-0000-0000-000000000001", 400, "unauthorized_client", 700016},
		{"grant_type", "password", 400, "unsupported_grant_type", 70003},
		{"scope", e.URL, 400, "invalid_scope", 1002012},
	} {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {e.ClientID}, "client_secret": {e.ClientSecret}, "scope": {e.URL + "/.default"}}
		form.Set(c.change, c.value)
		status, a := signIn(t, e.TokenURL, form)
		if status != c.status || a.Error != c.kind || len(a.Codes) != 1 || a.Codes[0] != c.code || a.AccessToken != "" {
			t.Errorf("%s=%s: %d %+v", c.change, c.value, status, a)
		}
	}
}

func TestRequestWithoutAGoodTokenIsToldWhereToSignIn(t *testing.T) {
	c := newClock()
	e := devservertest.Start(t, devservertest.Clock(c.now))
	good := "Authorization: Bearer " + e.Token()
	want := "Bearer authorization_uri=" + e.URL + "/" + e.Tenant + "/oauth2/authorize, resource_id=" + e.URL + "/"
	refused := func(what, header string) {
		t.Helper()
		a := e.Do("GET", "WhoAmI", nil, header)
		if a.Status != 401 || a.Header.Get("WWW-Authenticate") != want || len(a.Body) != 0 {
			t.Errorf("%s: %d %q %s", what, a.Status, a.Header.Get("WWW-Authenticate"), a.Body)
		}
	}
	refused("no token", "Authorization:")
	refused("made-up token", "Authorization: Bearer x.y.z")
	refused("damaged token", good[:len(good)-2]+"xx")
	e.Get("WhoAmI", good)
	c.advance(time.Hour)
	refused("old token", good)

	_, other := signIn(t, e.TokenURL, url.Values{"grant_type": {"client_credentials"}, "client_id": {e.ClientID},
		"client_secret": {e.ClientSecret}, "scope": {"https://other.crm4.dynamics.com/.default"}})
	refused("token for another environment", "Authorization: Bearer "+other.AccessToken)
}

func TestSignOutEndsTokensGivenOut(t *testing.T) {
	e := devservertest.Start(t)
	e.Get("WhoAmI")
	e.Server.Faults.SignOut()
	if a := e.Do("GET", "WhoAmI", nil); a.Status != 401 {
		t.Errorf("old token: %d", a.Status)
	}
	e.SignOut()
	e.Get("WhoAmI")
}

func TestRestartKeepsAccessTokensValid(t *testing.T) {
	e := devservertest.Start(t)
	e.Token()
	e.Restart()
	e.Get("WhoAmI")
}

func TestWhoAmINamesTheEnvironment(t *testing.T) {
	e := devservertest.Start(t)
	env := e.Store.Environment()
	for _, name := range []string{"WhoAmI", "WhoAmI()"} {
		a := e.Get(name)
		want := `{"@odata.context":"` + e.API + `$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse","BusinessUnitId":"` + env.BusinessUnitID.String() +
			`","UserId":"` + env.UserID.String() + `","OrganizationId":"` + env.OrganizationID.String() + `"}`
		if string(a.Body) != want {
			t.Errorf("%s: %s", name, a.Body)
		}
		for _, h := range []string{"x-ms-dop-hint", "x-ms-ratelimit-burst-remaining-xrm-requests", "x-ms-ratelimit-time-remaining-xrm-requests", "x-ms-service-request-id", "OData-Version"} {
			if a.Header.Get(h) == "" {
				t.Errorf("%s: no header %s", name, h)
			}
		}
		if id := a.Header["Req_id"]; len(id) != 1 {
			t.Errorf("REQ_ID: %v", a.Header)
		}
	}
	e.Get("systemusers(" + env.UserID.String() + ")")
	e.Get("businessunits(" + env.BusinessUnitID.String() + ")")
	e.Get("organizations(" + env.OrganizationID.String() + ")")
	e.Get("transactioncurrencies(" + env.CurrencyID.String() + ")")
}

func TestLinksFollowTheHostTheClientUses(t *testing.T) {
	e := devservertest.Start(t)
	e.Fill("account", 1)
	byName := strings.Replace(e.API, "127.0.0.1", "localhost", 1)
	if p := e.Page(byName+"accounts", track); !strings.HasPrefix(p.DeltaLink, byName) {
		t.Errorf("deltaLink %s", p.DeltaLink)
	}
	p := e.Page("accounts", track, "X-Forwarded-Proto: https")
	if !strings.HasPrefix(p.DeltaLink, strings.Replace(e.API, "http:", "https:", 1)) {
		t.Errorf("behind a proxy: deltaLink %s", p.DeltaLink)
	}
}
