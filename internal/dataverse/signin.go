package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lakelink"
)

// A signIn gets and keeps the access token of an application user: OAuth 2.0 client credentials
// against the v2 endpoint of the token authority (§1.1). Secrets and tokens never are in errors.
type signIn struct {
	http      *http.Client
	now       func() time.Time
	api       string // where an unauthenticated request tells the authority
	origin    string // of the environment; the token's audience
	tenant    string
	authority string
	clientID  string
	secret    func(context.Context) (string, error)

	turn     chan struct{} // holds one element: whoever has it may use what follows
	endpoint string        // token endpoint, once known
	scope    string
	token    string
	renewAt  time.Time
	ends     time.Time // of the token
	refusal  error     // the last sign-in's, until again
	again    time.Time
}

// signInTimeout bounds one sign-in. refusalHolds is for how long a refusal is not put to the test
// again: hundreds of tables ask at once, and authorities lock out who insists. renewAgain is how
// long a token that could not be renewed is used before the next attempt.
const (
	signInTimeout = 30 * time.Second
	refusalHolds  = 3 * time.Second
	renewAgain    = 30 * time.Second
)

// bearer returns a token that is good for a while. stale, if not empty, is one that the
// environment has refused.
func (s *signIn) bearer(ctx context.Context, stale string) (string, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { <-s.turn }()
	if s.token != "" && s.token != stale && s.now().Before(s.renewAt) {
		return s.token, nil
	}
	if s.refusal != nil && s.now().Before(s.again) {
		return "", s.refusal
	}
	token, life, err := s.renew(ctx)
	s.refusal = nil
	if lakelink.IsKind(err, lakelink.KindSignIn) {
		s.refusal, s.again = err, s.now().Add(refusalHolds)
	}
	if err != nil {
		if s.token != "" && s.token != stale && s.now().Before(s.ends) {
			s.renewAt = s.now().Add(renewAgain)
			return s.token, nil
		}
		return "", err
	}
	// A token that lives an hour is renewed five minutes before its end.
	s.token, s.ends = token, s.now().Add(life)
	s.renewAt = s.ends.Add(-min(5*time.Minute, life/2))
	return token, nil
}

// renew gets a new token.
func (s *signIn) renew(ctx context.Context) (token string, life time.Duration, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, signInTimeout, errSlow)
	defer cancel()
	if err := s.find(ctx); err != nil {
		return "", 0, err
	}
	// The secret is read for each sign-in, so that a new one is picked up.
	secret, err := s.secret(ctx)
	if err != nil {
		e := &lakelink.Error{Kind: lakelink.KindSignIn, Err: fmt.Errorf("no client secret: %w", err)}
		var known *lakelink.Error
		if !errors.As(err, &known) || known.Hint == "" {
			e.Hint = "check the client secret's reference"
		}
		return "", 0, e
	}
	return s.ask(ctx, secret)
}

// ask gets a token from the authority.
func (s *signIn) ask(ctx context.Context, secret string) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.clientID},
		"client_secret": {secret}, "scope": {s.scope}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, badAuthority(s.endpoint)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		e := transportFailure(err)
		if e.Kind == lakelink.KindUnreachable {
			e.Hint = "check the token authority " + s.endpoint
		}
		return "", 0, e
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return "", 0, readingFailure(err)
	}
	var answer struct {
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"` // a number; a text in old versions
		Error       string          `json:"error"`
		Description string          `json:"error_description"`
		Codes       []int           `json:"error_codes"`
	}
	err = json.Unmarshal(raw, &answer)
	if resp.StatusCode == http.StatusOK && err == nil && answer.AccessToken != "" {
		life, _ := strconv.Atoi(strings.Trim(string(answer.ExpiresIn), `"`))
		return answer.AccessToken, time.Duration(max(life, 60)) * time.Second, nil
	}
	if err != nil || answer.Error == "" {
		return "", 0, noAuthority(resp, s.endpoint)
	}
	return "", 0, refused(resp, answer.Error, answer.Description, answer.Codes)
}

// refused explains why the authority gave no token.
func refused(resp *http.Response, short, description string, codes []int) error {
	e := &lakelink.Error{Kind: lakelink.KindSignIn, Code: short, After: retryAfter(resp),
		Hint: "check tenant, client id and client secret"}
	number := 0
	if len(codes) > 0 {
		number = codes[0]
	} else if _, rest, ok := strings.Cut(description, "AADSTS"); ok {
		number, _ = strconv.Atoi(rest[:digits([]byte(rest))])
	}
	if number != 0 {
		e.Code = "AADSTS" + strconv.Itoa(number)
	}
	switch number {
	case 7000215:
		e.Hint = "check the client secret behind the link's secret reference: its value is needed, not its id, and it must belong to the client id"
	case 7000222:
		e.Hint = "the client secret has expired; make a new one for the client id and put it behind the link's secret reference"
	case 700016:
		e.Hint = "check the client id and the tenant: the tenant knows no application of that id"
	case 90002:
		e.Hint = "check the tenant: the authority knows none of that name"
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		e.Kind, e.Hint = lakelink.KindThrottled, ""
	} else if resp.StatusCode >= 500 || short == "temporarily_unavailable" {
		e.Kind, e.Hint = lakelink.KindTransient, ""
	}
	// The description's first line says it; the rest are trace ids.
	first, _, _ := strings.Cut(strings.ReplaceAll(description, "\r", "\n"), "\n")
	first, _, _ = strings.Cut(first, " Trace ID:")
	e.Err = errors.New(strings.TrimSuffix(oneLine("sign-in was refused: "+first), "."))
	return e
}

func noAuthority(resp *http.Response, endpoint string) error {
	e := &lakelink.Error{Kind: lakelink.KindUnreachable, Hint: "check the token authority and the tenant",
		Err: fmt.Errorf("%s answered %d and no token", endpoint, resp.StatusCode)}
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		e.Kind, e.Hint, e.After = lakelink.KindTransient, "", retryAfter(resp)
	}
	return e
}

func badAuthority(address string) error {
	return &lakelink.Error{Kind: lakelink.KindInvalid, Err: fmt.Errorf("%q is not the address of a token authority", address),
		Hint: "give one such as https://login.microsoftonline.com"}
}
