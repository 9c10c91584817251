package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

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
	lock     *os.File // held while the folder is in use
	store    *store.Store
	server   *devserver.Server
	listener net.Listener
	URL      string
	TokenURL string
}

// openEnvironment opens or makes the environment, fills it with sample data if it was asked to and
// is new, and listens. It serves once Run is called.
func openEnvironment(ctx context.Context, o environmentOptions, progress func(done, total int)) (_ *localEnvironment, err error) {
	if err := o.check(); err != nil {
		return nil, err
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
	lock, err := lockFolder(o.dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	if err := fill(ctx, o, tables, progress); err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, o.dir, tables, store.Options{})
	if err != nil {
		return nil, unopened(o.dir, err)
	}
	server, err := devserver.New(st, devserver.Options{Tenant: o.tenant, ClientID: o.clientID, ClientSecret: o.clientSecret})
	if err != nil {
		st.Close()
		return nil, err
	}
	address := "http://" + listener.Addr().String()
	return &localEnvironment{options: o, lock: lock, store: st, server: server, listener: listener, URL: address,
		TokenURL: address + "/" + o.tenant + "/oauth2/v2.0/token"}, nil
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
		return unopened(o.dir, err)
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
	return errors.Join(e.store.Close(), e.lock.Close())
}

// check refuses what the sign-in of an environment cannot work with.
func (o environmentOptions) check() error {
	switch {
	case o.seed != "" && o.seed != "crm":
		return usageError{fmt.Errorf("--seed: there is no sample data %q; choose crm", o.seed)}
	case o.dir == "":
		return usageError{errors.New("--data: no folder given")}
	case o.tenant == "" || url.PathEscape(o.tenant) != o.tenant:
		return usageError{fmt.Errorf("--tenant: %q cannot be part of an address; give an id or a domain", o.tenant)}
	case o.clientID == "":
		return usageError{errors.New("--client-id: it is empty; give an application id, or leave the flag out")}
	case o.clientSecret == "":
		return usageError{errors.New("--client-secret: it is empty; give a secret, or leave the flag out")}
	case o.rows < 0 || o.changesPerSecond < 0:
		return usageError{errors.New("--rows, --changes-per-second: less than none is not possible")}
	}
	return nil
}

// lockFolder takes an environment's folder for this process: two would give the same row versions to
// different changes. The kernel lets go of it when the process dies.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, unopened(dir, err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, unopened(dir, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, unopened(dir, err)
	}
	return nil, &lakelink.Error{Op: "open environment", Kind: lakelink.KindConflict,
		Err: fmt.Errorf("%s is in use by another process", dir), Hint: "stop it, or give this one another folder with --data"}
}

// unopened says why an environment cannot be opened and what to do.
func unopened(dir string, err error) error {
	e := &lakelink.Error{Op: "open environment", Kind: lakelink.KindDamaged, Err: fmt.Errorf("%s: %w", dir, err),
		Hint: "give another folder with --data, or restore this one"}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		e.Kind, e.Err = lakelink.KindForbidden, fmt.Errorf("%s: %w", pe.Path, pe.Err)
		e.Hint = "give a folder with --data that can be written"
	}
	return e
}

// listen opens an address, or says what is wrong with it.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		var call *os.SyscallError
		if errors.As(err, &call) {
			err = call.Err
		}
		return nil, &lakelink.Error{Op: "listen on " + addr, Kind: lakelink.KindInvalid, Err: err,
			Hint: "choose another address with --addr, or stop what listens there"}
	}
	return l, nil
}

// serveHTTP serves until ctx ends, and then lets the answers under way end.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
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
