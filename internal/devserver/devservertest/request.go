package devservertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// An Answer is what the environment said to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Token returns an access token, the same one until SignOut.
func (e *Env) Token() string {
	e.t.Helper()
	if e.token == "" {
		status, body := e.SignIn(e.ClientSecret)
		var answer struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
			e.t.Fatalf("sign in: %d %s", status, body)
		}
		e.token = answer.AccessToken
	}
	return e.token
}

// SignOut forgets the token.
func (e *Env) SignOut() { e.token = "" }

// Do sends a request, signed in. The URL is whole or follows API; headers are "Name: value"; a
// body that is no string is sent as JSON.
func (e *Env) Do(method, url string, body any, headers ...string) Answer {
	e.t.Helper()
	if !strings.Contains(url, "://") {
		url = e.API + strings.ReplaceAll(url, " ", "%20")
	}
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			e.t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, url, content)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+e.Token())
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, strings.TrimSpace(value))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return Answer{res.StatusCode, res.Header, text}
}

// Get is Do for GET, and fails the test unless the answer is 200.
func (e *Env) Get(url string, headers ...string) Answer {
	e.t.Helper()
	a := e.Do(http.MethodGet, url, nil, headers...)
	if a.Status != http.StatusOK {
		e.t.Fatalf("GET %s: %d %s", url, a.Status, a.Body)
	}
	return a
}

// A Page is a page of a collection.
type Page struct {
	Context   string           `json:"@odata.context"`
	Count     *int             `json:"@odata.count"`
	Value     []map[string]any `json:"value"`
	NextLink  string           `json:"@odata.nextLink"`
	DeltaLink string           `json:"@odata.deltaLink"`
}

// Page reads one page. Numbers are json.Number.
func (e *Env) Page(url string, headers ...string) (p Page) {
	e.t.Helper()
	e.Get(url, headers...).Decode(e, &p)
	return p
}

// Pages follows nextLinks to the last page, and returns all rows together with its links.
func (e *Env) Pages(url string, headers ...string) (whole Page, pages int) {
	e.t.Helper()
	for url != "" {
		p := e.Page(url, headers...)
		p.Value = append(whole.Value, p.Value...)
		whole, url = p, p.NextLink
		pages++
	}
	return whole, pages
}

// Decode reads the body as JSON into v.
func (a Answer) Decode(e *Env, v any) {
	e.t.Helper()
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		e.t.Fatalf("%v in %s", err, a.Body)
	}
}

// Error returns the code and message of a refusal.
func (a Answer) Error() (code, message string) {
	var body struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(a.Body, &body) != nil {
		return "", string(a.Body)
	}
	return body.Error.Code, body.Error.Message
}
