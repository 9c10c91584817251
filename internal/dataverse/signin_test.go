package dataverse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lakelink"
)

func TestRefusedSignInSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		kind   lakelink.Kind
		code   string
		hint   string
	}{
		"wrong secret":   {401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2","error_codes":[7000215]}`, lakelink.KindSignIn, "AADSTS7000215", "secret reference"},
		"expired secret": {401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}`, lakelink.KindSignIn, "AADSTS7000222", "has expired"},
		"unknown app":    {400, `{"error":"unauthorized_client","error_description":"AADSTS700016: Application not found\r\nTrace ID: x","error_codes":[700016]}`, lakelink.KindSignIn, "AADSTS700016", "client id"},
		"unknown tenant": {400, `{"error":"invalid_request","error_description":"AADSTS90002: Tenant not found.","error_codes":[90002]}`, lakelink.KindSignIn, "AADSTS90002", "tenant"},
		"not a token":    {200, `<html></html>`, lakelink.KindUnreachable, "", "authority"},
		"busy":           {503, `busy`, lakelink.KindTransient, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{token: func(w http.ResponseWriter, _ *http.Request) { reply(w, c.status, c.body) }}
				_, err := dial(t, w).Environment(t.Context())
				e := wantKind(t, err, c.kind, c.hint)
				if e.Code != c.code || strings.Contains(e.Error(), "Trace ID") {
					t.Errorf("%v, want %s", err, c.code)
				}
			})
		})
	}
}

func TestSecretAndTokenAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secrets, valid, signIns := []string{"first", "second", "third"}, "", 0
		w := &wire{
			token: func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				if r.PostForm.Get("scope") != testURL+"/.default" || r.URL.String() != "https://login.microsoftonline.com/contoso/oauth2/v2.0/token" {
					t.Errorf("signed in at %s for %s", r.URL, r.PostForm.Get("scope"))
				}
				signIns++
				valid = "T-" + r.PostForm.Get("client_secret")
				reply(w, 200, `{"expires_in":"3599","access_token":"`+valid+`"}`)
			},
			answer: func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+valid {
					w.WriteHeader(401)
					return
				}
				reply(w, 200, body("5"))
			},
		}
		c := dial(t, w, func(o *Options) {
			o.Secret = func(context.Context) (string, error) { s := secrets[0]; secrets = secrets[1:]; return s, nil }
		})
		read := func() {
			t.Helper()
			if _, _, _, err := told(t.Context(), c, accountTable(), ""); err != nil {
				t.Fatal(err)
			}
		}
		read()
		read()
		time.Sleep(56 * time.Minute)
		read() // renewed before its end
		valid = "revoked"
		w.token, signIns = nil, 0
		w.answer = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer T1" {
				w.WriteHeader(401)
				return
			}
			reply(w, 200, body("5"))
		}
		read() // renewed when refused
		if len(secrets) != 0 {
			t.Errorf("%d secrets were not asked for", len(secrets))
		}
		w.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }
		c.o.Secret = nil
		c.sign.secret = func(context.Context) (string, error) { return testSecret, nil }
		_, _, _, err := told(t.Context(), c, accountTable(), "")
		wantKind(t, err, lakelink.KindSignIn, "client id")
	})
}

func TestTokenAtHandIsUsedWhileTheAuthorityIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signIns, away := 0, false
		w := &wire{
			token: func(w http.ResponseWriter, _ *http.Request) {
				if signIns++; away {
					w.WriteHeader(503)
					return
				}
				reply(w, 200, `{"expires_in":3600,"access_token":"T`+fmt.Sprint(signIns)+`"}`)
			},
			answer: func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body("5")) },
		}
		c := dial(t, w)
		read := func() error {
			_, _, _, err := told(t.Context(), c, accountTable(), "")
			return err
		}
		if err := read(); err != nil {
			t.Fatal(err)
		}
		away = true
		time.Sleep(56 * time.Minute)
		for range 3 {
			if err := read(); err != nil {
				t.Errorf("the token is good for four minutes: %v", err)
			}
		}
		if signIns != 2 {
			t.Errorf("signed in %d times within a moment", signIns)
		}
		time.Sleep(5 * time.Minute)
		wantKind(t, read(), lakelink.KindTransient)
		away = false
		if err := read(); err != nil {
			t.Error(err)
		}
	})
}

func TestSecretThatCannotBeRead(t *testing.T) {
	c := dial(t, &wire{}, func(o *Options) {
		o.Secret = func(context.Context) (string, error) { return "", errors.New("no such file") }
	})
	_, err := c.Environment(t.Context())
	wantKind(t, err, lakelink.KindSignIn, "no such file", "reference")
}

func TestAuthorityIsDiscovered(t *testing.T) {
	for header, want := range map[string]string{
		`Bearer authorization_uri=https://login.microsoftonline.com/t1/oauth2/authorize, resource_id=https://contoso.crm4.dynamics.com/`: "https://login.microsoftonline.com/t1/oauth2/v2.0/token https://contoso.crm4.dynamics.com/.default",
		`Bearer authorization_uri="https://login.microsoftonline.com/t1/oauth2/v2.0/authorize",resource_id="https://evil.example/"`:      "https://login.microsoftonline.com/t1/oauth2/v2.0/token https://contoso.crm4.dynamics.com/.default",
		`Bearer realm="x" Authorization=https://login.windows.net/t1`:                                                                    "https://login.windows.net/t1/oauth2/v2.0/token https://contoso.crm4.dynamics.com/.default",
		`Bearer authorization_uri=https://evil.example/t1/oauth2/authorize`:                                                              "does not tell its tenant",
		``: "does not tell its tenant",
	} {
		s := &signIn{origin: testURL, api: testAPI, http: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			rec := httptest.NewRecorder()
			rec.Header().Set("WWW-Authenticate", header)
			rec.WriteHeader(401)
			return rec.Result(), nil
		})}}
		err := s.find(t.Context())
		got := s.endpoint + " " + s.scope
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s\ngives %s\nwant %s", header, got, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAuthorityOfEachCloud(t *testing.T) {
	for host, want := range map[string]string{
		"https://contoso.crm4.dynamics.com":           "https://login.microsoftonline.com",
		"https://contoso.crm9.dynamics.com":           "https://login.microsoftonline.com",
		"https://contoso.crm.microsoftdynamics.us":    "https://login.microsoftonline.us",
		"https://contoso.crm.appsplatform.us":         "https://login.microsoftonline.us",
		"https://contoso.crm.dynamics.cn":             "https://login.partner.microsoftonline.cn",
		"https://crm.example.com":                     "",
		"https://contoso.crm4.dynamics.com.evil.test": "",
	} {
		if got := cloudOf(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	for in, want := range map[[2]string]string{
		{"https://login.microsoftonline.com/", "t"}: "https://login.microsoftonline.com/t/oauth2/v2.0/token",
		{"https://login.microsoftonline.com/t", ""}: "https://login.microsoftonline.com/t/oauth2/v2.0/token",
		{"http://127.0.0.1:8080", "t"}:              "http://127.0.0.1:8080/t/oauth2/v2.0/token",
	} {
		s := &signIn{origin: testURL, authority: in[0], tenant: in[1]}
		if err := s.find(t.Context()); err != nil || s.endpoint != want {
			t.Errorf("%v: %s, %v", in, s.endpoint, err)
		}
	}
	s := &signIn{origin: testURL, authority: "http://login.example.com", tenant: "t"}
	if err := s.find(t.Context()); !lakelink.IsKind(err, lakelink.KindInvalid) {
		t.Errorf("a secret would go to %s unencrypted: %v", s.endpoint, err)
	}
}

func TestWrongAddressSaysSo(t *testing.T) {
	html := func(status int) roundTrip {
		return func(*http.Request) (*http.Response, error) {
			rec := httptest.NewRecorder()
			rec.Header().Set("Content-Type", "text/html")
			rec.Header().Set("Location", "https://elsewhere.example/")
			rec.WriteHeader(status)
			_, _ = rec.WriteString("<html>Welcome</html>")
			return rec.Result(), nil
		}
	}
	fails := func(err error) roundTrip {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	_, refused := net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	for name, rt := range map[string]roundTrip{
		"a web site":   html(200),
		"not found":    html(404),
		"a redirect":   html(302),
		"no host":      fails(&net.DNSError{Err: "no such host", Name: "contoso.crm4.dynamics.com", IsNotFound: true}),
		"nobody there": fails(refused),
		"certificate":  fails(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}),
	} {
		for _, tenant := range []string{"", "contoso"} { // with and without discovery
			c, err := New(Options{URL: testURL, ClientID: "app", Tenant: tenant, Budget: NewBudget(BudgetOptions{}),
				Secret: func(context.Context) (string, error) { return testSecret, nil },
				Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					if strings.HasPrefix(r.URL.Host, "login") {
						rec := httptest.NewRecorder()
						reply(rec, 200, `{"access_token":"T"}`)
						return rec.Result(), nil
					}
					return rt(r)
				}), Authority: map[bool]string{true: "https://login.microsoftonline.com"}[tenant != ""]})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Environment(t.Context())
			if err == nil {
				t.Fatalf("%s passed for an environment", name)
			}
			e := wantKind(t, err, lakelink.KindUnreachable)
			if e.Hint == "" || strings.Contains(e.Error(), "\n") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	secret := func(context.Context) (string, error) { return "", nil }
	for _, o := range []Options{
		{URL: "contoso", ClientID: "a", Secret: secret},
		{URL: "ftp://contoso", ClientID: "a", Secret: secret},
		{URL: testURL, Secret: secret},
		{URL: testURL, ClientID: "a"},
	} {
		_, err := New(o)
		wantKind(t, err, lakelink.KindInvalid)
	}
}

func TestErrorsHideLinksAndTokens(t *testing.T) {
	err := transportFailure(&url.Error{Op: "Get", URL: testAPI + "accounts?$select=secret", Err: errors.New("connection reset by peer")})
	if got := fmt.Sprint(err); got != "connection reset by peer" {
		t.Errorf("error %q", got)
	}
}
