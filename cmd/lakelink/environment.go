package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"lakelink"
	"lakelink/internal/devserver"
	"lakelink/internal/devserver/sample"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// environmentOptions describe a local Dataverse environment.
type environmentOptions struct {
	addr, dir                      string
	tenant, clientID, clientSecret string
	seed                           string // "crm", or "" for no sample data
	rows                           int
	randomSeed                     int64
	changesPerSecond               float64
}

// localEnvironment is a local Dataverse environment that listens.
type localEnvironment struct {
	options  environmentOptions
	store    *store.Store
	server   *devserver.Server
	listener net.Listener
	URL      string
	TokenURL string
}

// openEnvironment opens or makes the environment, fills it with sample data if it was asked to and
// is new, and listens. It serves once Run is called.
func openEnvironment(ctx context.Context, o environmentOptions, progress func(done, total int)) (_ *localEnvironment, err error) {
	if o.seed != "" && o.seed != "crm" {
		return nil, usageError{fmt.Errorf("unknown sample data %q; there is crm", o.seed)}
	}
	if o.dir == "" {
		return nil, usageError{errors.New("no folder given; give --data DIR")}
	}
	listener, err := listen(o.addr)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			listener.Close()
		}
	}()
	tables, err := schema.Standard()
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, o, tables, progress); err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, o.dir, tables, store.Options{})
	if err != nil {
		return nil, fmt.Errorf("open environment in %s: %w", o.dir, err)
	}
	server, err := devserver.New(st, devserver.Options{Tenant: o.tenant, ClientID: o.clientID, ClientSecret: o.clientSecret})
	if err != nil {
		st.Close()
		return nil, err
	}
	url := "http://" + listener.Addr().String()
	return &localEnvironment{options: o, store: st, server: server, listener: listener, URL: url,
		TokenURL: url + "/" + o.tenant + "/oauth2/v2.0/token"}, nil
}

// seeded marks an environment whose sample data is complete. One that was interrupted is not
// gone on with: what is there could be of another seed or size.
const seeded = "sample-data.complete"

// fill adds the sample data to a new environment, with the database in its bulk mode.
func fill(ctx context.Context, o environmentOptions, tables *schema.Schema, progress func(done, total int)) (err error) {
	mark := filepath.Join(o.dir, seeded)
	if _, err := os.Stat(mark); o.seed == "" || err == nil {
		return nil
	}
	if files, err := os.ReadDir(o.dir); err == nil && len(files) > 0 {
		return &lakelink.Error{Op: "add sample data", Kind: lakelink.KindExists,
			Err:  fmt.Errorf("%s already holds an environment without complete sample data", o.dir),
			Hint: "leave out --seed, or choose an empty folder"}
	}
	st, err := store.Open(ctx, o.dir, tables, store.Options{Bulk: true})
	if err != nil {
		return fmt.Errorf("open environment in %s: %w", o.dir, err)
	}
	err = sample.Seed(ctx, st, sample.Options{Rows: o.rows, RandomSeed: o.randomSeed, Now: time.Now().UTC(), Progress: progress})
	if cerr := st.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o644)
}

// Run serves until ctx ends, with traffic if there is any.
func (e *localEnvironment) Run(ctx context.Context, traffic *sample.Traffic) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.server.Run(ctx) })
	g.Go(func() error { return serveHTTP(ctx, e.listener, e.server) })
	if traffic != nil {
		g.Go(func() error {
			if err := traffic.Run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("traffic: %w", err)
			}
			return nil
		})
	}
	return g.Wait()
}

// Close closes the database. Call it after Run.
func (e *localEnvironment) Close() error {
	e.server.Close()
	return e.store.Close()
}

// listen opens an address, or says what is wrong with it.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, &lakelink.Error{Op: "listen on " + addr, Kind: lakelink.KindInvalid, Err: err,
			Hint: "choose another address with --addr, or stop what listens there"}
	}
	return l, nil
}

// serveHTTP serves until ctx ends, and then lets the answers under way end.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		err := srv.Shutdown(end)
		if errors.Is(err, context.DeadlineExceeded) { // long requests, such as a wait
			err = srv.Close()
		}
		stopped <- err
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
