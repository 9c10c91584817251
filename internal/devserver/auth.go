package devserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lakelink/internal/devserver/store"
)

// isTokenPath says whether a path is a token endpoint: /{tenant}/oauth2/v2.0/token or the older
// /{tenant}/oauth2/token.
func isTokenPath(path string) bool {
	return strings.HasSuffix(path, "/oauth2/v2.0/token") || strings.HasSuffix(path, "/oauth2/token")
}

// A signInError is a refusal of the token endpoint.
type signInError struct {
	status      int
	kind        string // "invalid_client", ...
	number      int    // of the AADSTS code
	description string
}

// serveToken answers a request for an access token with client credentials.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	resource, refusal := s.signIn(r)
	if refusal != nil {
		now := s.options.Now().UTC()
		trace, correlation := newGUID(), newGUID()
		w.WriteHeader(refusal.status)
		w.Write(appendJSON(nil, object{
			{"error", refusal.kind},
			{"error_description", fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
				refusal.number, refusal.description, trace, correlation, now.Format("2006-01-02 15:04:05Z"))},
			{"error_codes", []any{refusal.number}},
			{"timestamp", now.Format("2006-01-02 15:04:05Z")},
			{"trace_id", trace},
			{"correlation_id", correlation},
			{"error_uri", fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", refusal.number)},
		}))
		return
	}
	seconds := int(s.options.TokenLifetime / time.Second)
	w.Write(appendJSON(nil, object{
		{"token_type", "Bearer"},
		{"expires_in", seconds},
		{"ext_expires_in", seconds},
		{"access_token", s.accessToken(resource)},
	}))
}

// signIn checks a request for a token and returns the environment it is for.
func (s *Server) signIn(r *http.Request) (resource string, refusal *signInError) {
	if r.Method != http.MethodPost {
		return "", &signInError{http.StatusBadRequest, "invalid_request", 900561, "The endpoint only accepts POST requests."}
	}
	if err := r.ParseForm(); err != nil {
		return "", &signInError{http.StatusBadRequest, "invalid_request", 90014, "The request body is malformed."}
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	client, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		client, secret = unescape(user), unescape(password)
	}
	switch {
	case !strings.EqualFold(tenant, s.options.Tenant):
		return "", &signInError{http.StatusBadRequest, "invalid_request", 90002, "Tenant '" + tenant + "' not found."}
	case r.PostForm.Get("grant_type") != "client_credentials":
		return "", &signInError{http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '" + r.PostForm.Get("grant_type") + "'."}
	case !strings.EqualFold(client, s.options.ClientID):
		return "", &signInError{http.StatusBadRequest, "unauthorized_client", 700016, "Application with identifier '" + client + "' was not found in the directory '" + tenant + "'."}
	case slices.Contains(s.options.ExpiredSecrets, secret):
		return "", &signInError{http.StatusUnauthorized, "invalid_client", 7000222, "The provided client secret keys for app '" + client + "' are expired."}
	case secret == "":
		return "", &signInError{http.StatusUnauthorized, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	case !hmac.Equal([]byte(secret), []byte(s.options.ClientSecret)):
		return "", &signInError{http.StatusUnauthorized, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '" + client + "'."}
	}
	resource = r.PostForm.Get("resource") // version 1
	if strings.HasSuffix(r.URL.Path, "/v2.0/token") {
		var ok bool
		if resource, ok = strings.CutSuffix(r.PostForm.Get("scope"), "/.default"); !ok {
			return "", &signInError{http.StatusBadRequest, "invalid_scope", 1002012, "The provided value for scope " + r.PostForm.Get("scope") + " is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."}
		}
	}
	if u, err := url.Parse(resource); err != nil || u.Host == "" {
		return "", &signInError{http.StatusBadRequest, "invalid_resource", 500011, "The resource principal named " + resource + " was not found in the tenant."}
	}
	return resource, nil
}

// A signer makes and checks access tokens. Its key follows from the environment, so tokens
// outlive a restart.
type signer struct{ key []byte }

func newSigner(secret string, organization store.ID) signer {
	sum := sha256.Sum256(append([]byte("lakelink access token\x00"+secret+"\x00"), organization[:]...))
	return signer{sum[:]}
}

func (s signer) sign(text string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// claims are what an access token says.
type claims struct {
	Audience string `json:"aud"`
	Issuer   string `json:"iss"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	AppID    string `json:"appid"`
	Tenant   string `json:"tid"`
	Version  string `json:"ver"`
	Round    int64  `json:"rnd"` // see Faults.SignOut
}

const tokenHeader = `{"typ":"JWT","alg":"HS256"}`

func (s *Server) accessToken(resource string) string {
	now := s.options.Now()
	payload, err := json.Marshal(claims{
		Audience: resource,
		Issuer:   "https://sts.windows.net/" + s.options.Tenant + "/",
		IssuedAt: now.Unix(),
		Expires:  now.Add(s.options.TokenLifetime).Unix(),
		AppID:    s.options.ClientID,
		Tenant:   s.options.Tenant,
		Version:  "1.0",
		Round:    s.Faults.signedOut.Load(),
	})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(tokenHeader)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + s.signer.sign(text)
}

// A caller is the user behind a request.
type caller struct{ user store.ID }

// authenticate checks the access token of a request.
func (s *Server) authenticate(r *request) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return unauthorized{}
	}
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 || !hmac.Equal([]byte(token[dot+1:]), []byte(s.signer.sign(token[:dot]))) {
		return unauthorized{}
	}
	_, payload, _ := strings.Cut(token[:dot], ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return unauthorized{}
	}
	var c claims
	if json.Unmarshal(text, &c) != nil || c.Expires <= s.options.Now().Unix() ||
		c.Round < s.Faults.signedOut.Load() || !sameHost(c.Audience, r.Host) {
		return unauthorized{}
	}
	r.caller = caller{s.store.Environment().UserID}
	return nil
}

// sameHost says whether a token for an audience is good at a host. The names of the local
// machine are one.
func sameHost(audience, host string) bool {
	u, err := url.Parse(audience)
	if err != nil {
		return false
	}
	return strings.EqualFold(u.Host, host) || isLocal(u.Host) && isLocal(host)
}

func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
