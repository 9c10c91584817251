// Package devservertest starts local Dataverse environments for tests.
package devservertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// An Env is an environment on a free port of 127.0.0.1. It ends with its test.
type Env struct {
	URL          string // http://127.0.0.1:port
	API          string // URL/api/data/v9.2/
	TokenURL     string // where to sign in
	Tenant       string
	ClientID     string
	ClientSecret string

	Store  *store.Store
	Schema *schema.Schema
	Server *devserver.Server

	t       testing.TB
	options options
	stop    func()
	token   string
}

type options struct {
	dir    string
	schema *schema.Schema
	server devserver.Options
	rows   []rows
}

type rows struct {
	table string
	count int
}

// An Option changes how an environment is started.
type Option func(*options)

// Dir keeps the environment in a directory, rather than in one of the test's own.
func Dir(dir string) Option { return func(o *options) { o.dir = dir } }

// Clock gives the environment a clock.
func Clock(now func() time.Time) Option { return func(o *options) { o.server.Now = now } }

// Schema gives the environment a schema, rather than the standard one.
func Schema(s *schema.Schema) Option { return func(o *options) { o.schema = s } }

// Server changes the options of the server.
func Server(change func(*devserver.Options)) Option { return func(o *options) { change(&o.server) } }

// Rows begins with a number of rows in a table; see Env.Fill.
func Rows(table string, count int) Option {
	return func(o *options) { o.rows = append(o.rows, rows{table, count}) }
}

// Start starts an environment, which ends with the test.
func Start(t testing.TB, opts ...Option) *Env {
	t.Helper()
	e := &Env{t: t, Tenant: devserver.DefaultTenant, ClientID: store.DefaultClientID, ClientSecret: devserver.DefaultClientSecret}
	for _, o := range opts {
		o(&e.options)
	}
	if e.options.dir == "" {
		e.options.dir = t.TempDir()
	}
	if e.Schema = e.options.schema; e.Schema == nil {
		var err error
		if e.Schema, err = schema.Standard(); err != nil {
			t.Fatal(err)
		}
	}
	e.start("127.0.0.1:0")
	for _, r := range e.options.rows {
		e.Fill(r.table, r.count)
	}
	t.Cleanup(func() { e.stop() })
	return e
}

// Restart ends the environment as a program that is stopped does, and starts it again at the
// same address with the same data.
func (e *Env) Restart() {
	e.t.Helper()
	e.stop()
	e.start(strings.TrimPrefix(e.URL, "http://"))
}

func (e *Env) start(address string) {
	e.t.Helper()
	st, err := store.Open(context.Background(), e.options.dir, e.Schema, store.Options{Now: e.options.server.Now})
	if err != nil {
		e.t.Fatal(err)
	}
	server, err := devserver.New(st, e.options.server)
	if err != nil {
		e.t.Fatal(errors.Join(err, st.Close()))
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		e.t.Fatal(errors.Join(err, st.Close()))
	}
	ctx, cancel := context.WithCancel(context.Background())
	web := &http.Server{Handler: server}
	served, delivered := make(chan struct{}), make(chan error, 1)
	go func() { web.Serve(listener); close(served) }()
	go func() { delivered <- server.Run(ctx) }()

	e.Store, e.Server = st, server
	e.URL = "http://" + listener.Addr().String()
	e.API = e.URL + "/api/data/v9.2/"
	e.TokenURL = e.URL + "/" + e.Tenant + "/oauth2/v2.0/token"
	e.stop = func() {
		cancel()
		web.Close()
		<-served
		server.Close()
		if err := errors.Join(<-delivered, st.Close()); err != nil {
			e.t.Error(err)
		}
	}
}

// SignIn gets an access token with the given secret and returns the answer of the token endpoint.
func (e *Env) SignIn(secret string) (status int, body []byte) {
	e.t.Helper()
	res, err := http.PostForm(e.TokenURL, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {e.ClientID}, "client_secret": {secret}, "scope": {e.URL + "/.default"},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return res.StatusCode, body
}

// Insert creates a row from values by logical name.
func (e *Env) Insert(table string, values map[string]store.Value) (id store.ID) {
	e.t.Helper()
	e.update(func(tx *store.Tx) (err error) {
		id, err = tx.Insert(e.table(table), e.row(table, values))
		return err
	})
	return id
}

// Patch updates a row.
func (e *Env) Patch(table string, id store.ID, values map[string]store.Value) {
	e.t.Helper()
	e.update(func(tx *store.Tx) error { return tx.Patch(e.table(table), id, e.row(table, values)) })
}

// Delete deletes a row.
func (e *Env) Delete(table string, id store.ID) {
	e.t.Helper()
	e.update(func(tx *store.Tx) error { return tx.Delete(e.table(table), id) })
}

// Fill creates rows with a primary name each, "account 1" and so on, and some values in other
// columns.
func (e *Env) Fill(table string, count int) (ids []store.ID) {
	e.t.Helper()
	t := e.table(table)
	e.update(func(tx *store.Tx) error {
		for i := range count {
			id, err := tx.Insert(t, sample(t, i+1))
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	return ids
}

// sample is a row with something in every third writable column or so.
func sample(t *schema.Table, n int) store.Row {
	var row store.Row
	for i, c := range t.Columns {
		set := func(v store.Value) { row = append(row, store.Field{Column: c, Value: v}) }
		switch {
		case c.LogicalName == t.PrimaryName && c.Type == schema.String && !c.ReadOnly:
			set(fmt.Sprintf("%s %d", t.LogicalName, n))
		case (i+n)%3 != 0 || c.ReadOnly || !store.OnWire(c):
		case c.Type == schema.String && c.MaxLength >= 20:
			set(fmt.Sprintf("%s %d", c.LogicalName, n)[:min(20, len(c.LogicalName)+1+len(fmt.Sprint(n)))])
		case c.Type == schema.Boolean:
			set(n%2 == 0)
		case c.Type == schema.Money:
			set(store.Decimal(fmt.Sprintf("%d.5", n%1000)))
		case c.Type == schema.Picklist && len(c.Options) > 0:
			set(c.Options[n%len(c.Options)].Value)
		}
	}
	return row
}

func (e *Env) update(fn func(tx *store.Tx) error) {
	e.t.Helper()
	if err := e.Store.Update(context.Background(), fn); err != nil {
		e.t.Fatal(err)
	}
}

func (e *Env) table(name string) *schema.Table {
	e.t.Helper()
	t := e.Schema.Table(name)
	if t == nil {
		e.t.Fatalf("the schema has no table %s", name)
	}
	return t
}

func (e *Env) row(table string, values map[string]store.Value) store.Row {
	e.t.Helper()
	t := e.table(table)
	var row store.Row
	for name, v := range values {
		c := t.Column(name)
		if c == nil {
			e.t.Fatalf("table %s has no column %s", table, name)
		}
		row = append(row, store.Field{Column: c, Value: v})
	}
	slices.SortFunc(row, func(a, b store.Field) int { return a.Column.Number - b.Column.Number })
	return row
}
