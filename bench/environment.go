package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/sample"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// An environment is a local Dataverse environment with sample data, in this process.
type environment struct {
	url      string
	store    *store.Store
	server   *devserver.Server
	listener net.Listener
}

// newEnvironment makes one with that many rows in an empty folder.
func newEnvironment(ctx context.Context, dir string, rows int) (*environment, error) {
	tables, err := schema.Standard()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "making an environment of %d rows\n", rows)
	if err := seed(ctx, dir, tables, rows); err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, dir, tables, store.Options{})
	if err != nil {
		return nil, err
	}
	server, err := devserver.New(st, devserver.Options{})
	if err != nil {
		st.Close()
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		server.Close()
		st.Close()
		return nil, err
	}
	return &environment{url: "http://" + l.Addr().String(), store: st, server: server, listener: l}, nil
}

// seed fills the folder, with the database in its bulk mode.
func seed(ctx context.Context, dir string, tables *schema.Schema, rows int) error {
	st, err := store.Open(ctx, dir, tables, store.Options{Bulk: true})
	if err != nil {
		return err
	}
	err = sample.Seed(ctx, st, sample.Options{Rows: rows, RandomSeed: 1, Now: time.Now().UTC()})
	if cerr := st.Close(); err == nil {
		err = cerr
	}
	return err
}

// Run serves until ctx ends.
func (e *environment) Run(ctx context.Context) error {
	srv := &http.Server{Handler: e.server}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.server.Run(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		return srv.Close()
	})
	g.Go(func() error {
		if err := srv.Serve(e.listener); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	return g.Wait()
}

// close closes the database. Call it after Run.
func (e *environment) close() error {
	e.server.Close()
	return e.store.Close()
}
