package devserver

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lakelink/internal/devserver/store"
)

// Options of a Server. The zero value is a usable environment.
type Options struct {
	// Tenant, ClientID and ClientSecret are what an application signs in with.
	Tenant       string // DefaultTenant
	ClientID     string // store.DefaultClientID
	ClientSecret string // DefaultClientSecret
	// ExpiredSecrets were right once; signing in with one fails the way an expired secret does.
	ExpiredSecrets []string
	// TokenLifetime is how long an access token is good for; 3,599 seconds by default.
	TokenLifetime time.Duration
	// Now is the clock; time.Now by default. It should be the store's.
	Now func() time.Time
	// ExpiredStatus is the HTTP status of the answer to an expired delta token, 400 by default.
	// The original's is not documented; 410 has been reported.
	ExpiredStatus int
	// Webhooks calls registered endpoints. By default a client of its own with a time limit of
	// 60 seconds.
	Webhooks *http.Client
	// WebhookRetryDelay is the wait before the one second attempt.
	WebhookRetryDelay time.Duration
}

// The defaults of a local environment.
const (
	DefaultTenant       = "11111111-2222-3333-4444-555555555555"
	DefaultClientSecret = "local-secret"
)

// A Server is a local environment behind the Web API. It is an http.Handler; Run delivers its
// webhooks.
type Server struct {
	// Faults makes the server misbehave.
	Faults Faults

	store    *store.Store
	options  Options
	signer   signer
	metadata string // globalmetadataversion
	webhooks *webhooks
	lastHost atomic.Pointer[string] // under which a client last called
}

// New returns the server of an environment. The store stays the caller's to close, after Close.
func New(st *store.Store, o Options) (*Server, error) {
	o.Tenant = cmp.Or(o.Tenant, DefaultTenant)
	o.ClientID = cmp.Or(o.ClientID, store.DefaultClientID)
	o.ClientSecret = cmp.Or(o.ClientSecret, DefaultClientSecret)
	o.TokenLifetime = cmp.Or(o.TokenLifetime, 3599*time.Second)
	o.ExpiredStatus = cmp.Or(o.ExpiredStatus, http.StatusBadRequest)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Webhooks == nil {
		// A redirect is no success, and would take the endpoint's key to another host.
		o.Webhooks = &http.Client{Timeout: webhookTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	s := &Server{
		store:    st,
		options:  o,
		signer:   newSigner(o.ClientSecret, st.Environment().OrganizationID),
		metadata: metadataVersion(st.Schema()),
	}
	var err error
	if s.webhooks, err = newWebhooks(s); err != nil {
		return nil, err
	}
	return s, nil
}

// Run does what the environment does by itself, until ctx ends: it delivers webhooks and forgets
// old deletions. Without it the environment works, but its webhooks pile up and are then lost.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.webhooks.run(ctx) })
	g.Go(func() error { return s.purge(ctx) })
	return g.Wait()
}

// Close ends the server's interest in its store.
func (s *Server) Close() { s.webhooks.close() }

// Store returns the store behind the server.
func (s *Server) Store() *store.Store { return s.store }

// ServeHTTP answers one request: sign-in under /{tenant}/oauth2, everything else under
// /api/data/v9.x.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if isTokenPath(hr.URL.Path) {
		s.serveToken(w, hr)
		return
	}
	version, ok := apiVersion(hr.URL.Path)
	if !ok {
		http.NotFound(w, hr)
		return
	}
	host := hr.Host
	s.lastHost.Store(&host)
	r := newRequest(s, hr, version)
	if err := s.authenticate(r); err != nil {
		s.write(w, r, r.errorResponse(err), Fault{})
		return
	}
	fault := s.Faults.take(hr)
	res, err := s.answer(r, fault)
	if err != nil {
		res = r.errorResponse(err)
	}
	s.write(w, r, res, fault)
}

// answer is what the server has to say to a request of somebody who is signed in.
func (s *Server) answer(r *request, fault Fault) (*response, error) {
	if fault.Status != 0 {
		return nil, fault.err()
	}
	if err := r.parse(); err != nil {
		return nil, err
	}
	return s.route(r)
}

// route finds the handler by the first segment of the path.
func (s *Server) route(r *request) (*response, error) {
	if len(r.path) == 0 {
		return s.serviceDocument(r)
	}
	switch first := r.path[0]; first.name {
	case "WhoAmI":
		return s.whoAmI(r)
	case "RetrieveTotalRecordCount":
		return s.totalRecordCount(r)
	case "EntityDefinitions":
		return s.entityDefinitions(r)
	case "GlobalOptionSetDefinitions":
		return s.globalChoices(r)
	case "$metadata", "$batch", "RelationshipDefinitions", "RetrieveMetadataChanges", "ManagedPropertyDefinitions":
		return nil, notYet(first.name)
	default:
		return s.rows(r, first)
	}
}

// rows routes a request for an entity set.
func (s *Server) rows(r *request, first segment) (*response, error) {
	t := s.store.TableBySet(first.name)
	if t == nil {
		return nil, &apiError{http.StatusNotFound, codeBadRequest, "Resource not found for the segment '" + first.name + "'."}
	}
	switch rest := r.path[1:]; {
	case !first.keyed && len(rest) == 0:
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			return s.collection(r, t)
		case http.MethodPost:
			return s.create(r, t)
		}
	case !first.keyed && len(rest) == 1 && rest[0].name == "$count" && r.Method == http.MethodGet:
		return s.count(r, t)
	case !first.keyed:
		return nil, notYet(rest[0].name)
	case len(rest) == 0:
		id, err := rowKey(t, first.key)
		if err != nil {
			return nil, err
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			return s.single(r, t, id)
		case http.MethodPatch:
			return s.upsert(r, t, id)
		case http.MethodDelete:
			return s.remove(r, t, id)
		}
	default:
		return s.property(r, t, first, rest)
	}
	return nil, &apiError{http.StatusMethodNotAllowed, codeBadRequest, "The requested resource does not support http method '" + r.Method + "'."}
}

// host is the name clients know the environment by.
func (s *Server) host() string {
	if host := s.lastHost.Load(); host != nil {
		return *host
	}
	return "localhost"
}

// apiVersion returns the version segment of a Web API path.
func apiVersion(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/api/data/")
	if !ok {
		return "", false
	}
	version, _, _ := strings.Cut(rest, "/")
	switch version {
	case "v9.0", "v9.1", "v9.2":
		return version, true
	}
	return "", false
}

// notYet is the answer to what a later version of the local environment will do.
func notYet(what string) error {
	return &apiError{http.StatusNotImplemented, codeBadRequest, "The local environment does not support " + what + " yet."}
}

// storeError turns an error of the store into the Web API's.
func storeError(t *store.Table, err error) error {
	var query *store.QueryError
	switch {
	case errors.As(err, &query):
		return badRequest("%s", query.Message)
	case errors.Is(err, store.ErrExists):
		return &apiError{http.StatusPreconditionFailed, codeDuplicate, "A record with matching key values already exists."}
	case errors.Is(err, store.ErrStateStatus):
		return &apiError{http.StatusBadRequest, codeStateStatus, err.Error()}
	}
	return err
}
