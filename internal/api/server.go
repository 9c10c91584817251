package api

import (
	"context"
	"crypto/subtle"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lakelink"
)

// Links is what the API needs of the heart.
type Links interface {
	Create(ctx context.Context, l lakelink.Link) (lakelink.Link, error)
	Delete(ctx context.Context, name lakelink.LinkName, deleteData bool) error
	Pause(ctx context.Context, name lakelink.LinkName) (lakelink.Link, error)
	Resume(ctx context.Context, name lakelink.LinkName) (lakelink.Link, error)
	AddTables(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName) (lakelink.Link, error)
	RemoveTables(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName) (lakelink.Link, error)
	Resync(name lakelink.LinkName, tables []lakelink.TableName) error
	Status(name lakelink.LinkName) (lakelink.LinkStatus, error)
	Statuses() []lakelink.LinkStatus
	Wait(ctx context.Context, name lakelink.LinkName, tables ...lakelink.TableName) error
}

// A Query is a question to the analytics engine over the current rows of links.
type Query struct {
	Link   lakelink.LinkName `json:"link,omitempty" doc:"whose tables; may be left out where there is only one link"`
	SQL    string            `json:"sql" doc:"one reading statement in DuckDB's dialect"`
	Format string            `json:"format,omitempty" enum:"table,csv,json" doc:"form of the answer; table if left out"`
}

// Options say what the API serves.
type Options struct {
	Links    Links
	Verify   func(ctx context.Context, link lakelink.LinkName, tables []lakelink.TableName) (any, error)
	Query    func(ctx context.Context, q Query, w io.Writer) error
	Activity func(ctx context.Context, link lakelink.LinkName, limit int) ([]lakelink.Activity, error)
	// Record keeps what a person did.
	Record func(ctx context.Context, a lakelink.Activity)
	// Ready reports why the service is not ready; nil if it is.
	Ready func() error
	// Hooks takes the calls of environments, under /hooks/; nil where there are none.
	Hooks http.Handler
	// Token is what clients must present; empty lets everybody in, which only a service that listens
	// on loopback may do.
	Token   string
	Version string
}

// New returns the handler of a service.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") }) //nolint:errcheck // the caller is gone
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := o.Ready(); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ready\n") //nolint:errcheck // the caller is gone
	})
	if o.Hooks != nil {
		mux.Handle("/hooks/", o.Hooks) // these calls carry keys of their own
	}
	h := humago.New(mux, describe(o.Version))
	registerLinks(h, o)
	registerTables(h, o)
	registerWork(h, o)
	return guard(o.Token, mux)
}

// describe heads the OpenAPI document, which is served at /api/v1/openapi.json.
func describe(version string) huma.Config {
	c := huma.DefaultConfig("Lakelink", version)
	c.Info.Description = "Links keep tables of Microsoft Dataverse environments up to date in a data lake."
	c.OpenAPIPath = "/api/v1/openapi"
	c.DocsPath = ""
	c.SchemasPath = ""
	c.CreateHooks = nil // no $schema members in answers
	return c
}

// guard asks for the token everywhere but at the probes and the hooks, and refuses browsers on a page of
// another site. Where no token is asked for, it also refuses names that are not this machine's: a page
// whose name was made to lead here (DNS rebinding) counts as of the same site.
func guard(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		if fromElsewhere(r) {
			writeProblem(w, &lakelink.Error{Op: "call the API", Kind: lakelink.KindForbidden, Err: errCrossSite})
			return
		}
		if token == "" && !isThisMachine(r.Host) {
			writeProblem(w, &lakelink.Error{Op: "call the API", Kind: lakelink.KindForbidden, Err: errOtherName,
				Hint: "call it as localhost, or set apiToken in the service's configuration"})
			return
		}
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token != "" && (!ok || subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeProblem(w, &lakelink.Error{Op: "call the API", Kind: lakelink.KindSignIn, Err: errNoToken,
				Hint: "set LAKELINK_TOKEN to the service's token"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromElsewhere reports whether a browser says that a page of another site makes the call. Older ones
// only tell the page's origin.
func fromElsewhere(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "cross-site" || site == "same-site"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}

// isThisMachine reports whether a Host header can only mean the machine that it was sent from.
func isThisMachine(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// record notes what somebody did.
func (o *Options) record(ctx context.Context, kind, text string, link lakelink.LinkName) {
	if o.Record != nil {
		o.Record(ctx, lakelink.Activity{Time: time.Now().UTC(), Link: link, Kind: kind, Text: text, Actor: "user"})
	}
}
