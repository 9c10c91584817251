package dataverse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"lakelink"
)

// Options are how a Client reaches its environment.
type Options struct {
	URL       string // of the environment, such as https://contoso.crm4.dynamics.com
	Tenant    string // id or domain; the environment is asked where empty
	Authority string // token authority; the environment is asked where empty
	ClientID  string // application id of the environment's application user
	// Secret resolves the client secret. It is called for each sign-in.
	Secret func(context.Context) (string, error)

	Transport http.RoundTripper // nil: one with this package's own settings
	Budget    *Budget           // nil: BudgetFor(URL, ClientID)
	Now       func() time.Time  // nil: time.Now
	UserAgent string            // "" : lakelink

	PageRows  int           // rows asked for per page; 0: 5,000, the most there is
	PageBytes int           // memory that a page may take before a smaller one is asked for; 0: 64 MiB
	Timeout   time.Duration // of one request and its answer; 0: 5 minutes
}

// A Client is one environment, seen by one application user: a lakelink.Source. It is safe for
// concurrent use. It keeps no cookies: they would pin it to one of the environment's web servers,
// which have a limit each (§6.1).
type Client struct {
	o      Options
	http   *http.Client
	origin string // scheme and host
	api    string // API root, ending in "/"
	sign   *signIn
	budget *Budget

	mu    sync.Mutex
	org   string    // OrganizationId
	orgAt time.Time // when it was last asked for
	sizes map[lakelink.TableName]*pageSize
	probe []lakelink.Table // tables that tell the version, see probes
}

var _ lakelink.Source = (*Client)(nil)

// The largest page of a standard table (§3.2), and the smallest that time-outs lead to. Smaller
// pages are no kinder to the environment: each counts as one request.
const (
	maxPageRows = 5000
	minPageRows = 250
)

// apiPath is the root of the Web API. Older minor versions answer alike (§1.3).
const apiPath = "/api/data/v9.2/"

// New makes a Client. It sends nothing yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimSpace(o.URL))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, invalid(fmt.Errorf("%q is not the address of an environment", o.URL), hintURL)
	}
	if o.ClientID == "" {
		return nil, invalid(errors.New("there is no client id"), "give the application id of the environment's application user")
	}
	if o.Secret == nil {
		return nil, invalid(errors.New("there is no client secret"), "give the client secret's reference")
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = "lakelink"
	}
	if o.PageRows <= 0 || o.PageRows > maxPageRows {
		o.PageRows = maxPageRows
	}
	if o.PageBytes <= 0 {
		o.PageBytes = 64 << 20
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Minute
	}
	c := &Client{o: o, origin: strings.ToLower(u.Scheme + "://" + u.Host), budget: o.Budget,
		sizes: map[lakelink.TableName]*pageSize{}}
	if c.budget == nil {
		c.budget = BudgetFor(o.URL, o.ClientID)
	}
	c.api = c.origin + apiPath
	// A redirect would lead to a page for people, and take the token along.
	c.http = &http.Client{Transport: o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c.sign = &signIn{http: c.http, now: o.Now, api: c.api, origin: c.origin, tenant: o.Tenant,
		authority: o.Authority, clientID: o.ClientID, secret: o.Secret, turn: make(chan struct{}, 1)}
	return c, nil
}

func invalid(err error, hint string) error {
	return &lakelink.Error{Op: "connect to the environment", Kind: lakelink.KindInvalid, Err: err, Hint: hint}
}

// newTransport is net/http's default with more connections kept, as all requests go to one host,
// and without its own decompression: call.go has a faster one.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
}

// Budget returns the budget that the client's requests count against.
func (c *Client) Budget() *Budget { return c.budget }

// Close ends idle connections. The client stays usable.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// A pageSize is how many rows of a table are asked for at once.
type pageSize struct {
	rows  int
	slow  int // time-outs since it was last changed
	full  int // full pages since then, or since the last time-out
	large int // pages that were too large, ever
}

// pageRows is how many rows of a table to ask for.
func (c *Client) pageRows(t lakelink.TableName) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sizeOf(t).rows
}

func (c *Client) sizeOf(t lakelink.TableName) *pageSize {
	if c.sizes[t] == nil {
		c.sizes[t] = &pageSize{rows: c.o.PageRows}
	}
	return c.sizes[t]
}

// slowPage notes that a page took too long; after two of them pages are halved (§11.1).
func (c *Client) slowPage(t lakelink.TableName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sizeOf(t)
	s.full = 0
	if s.slow++; s.slow >= 2 && s.rows > minPageRows {
		s.rows, s.slow = max(minPageRows, s.rows/2), 0
	}
}

// growAfter is how many full pages in a row show that what made pages slow has passed.
const growAfter = 20

// fullPage notes that a page with another behind it came in time. Pages that were halved because
// of time-outs grow again, else an outage would leave them small as long as the program runs.
func (c *Client) fullPage(t lakelink.TableName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sizeOf(t)
	if s.full++; s.full < growAfter {
		return
	}
	s.full, s.slow = 0, 0
	if s.large == 0 {
		s.rows = min(c.o.PageRows, 2*s.rows)
	}
}

// largePage notes that a page took too much memory, and reports whether a smaller one can be had.
func (c *Client) largePage(t lakelink.TableName) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sizeOf(t)
	if s.rows == 1 {
		return false
	}
	s.rows = max(1, s.rows/4)
	s.large++
	return true
}
