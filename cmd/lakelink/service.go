package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lakelink"
	"lakelink/internal/api"
	"lakelink/internal/cluster"
	"lakelink/internal/config"
	"lakelink/internal/replicate"
)

// A service is one instance of Lakelink: the state, the heart, and the door.
type service struct {
	cfg      *config.Config
	log      *slog.Logger
	cluster  *cluster.Cluster
	manager  *replicate.Manager
	listener net.Listener
	handler  http.Handler
	started  atomic.Bool
	URL      string
}

// openService opens everything that can fail because of what it was given. Nothing runs before Run.
// Tests tune the heart to be in more of a hurry than people are.
func openService(ctx context.Context, cfg *config.Config, logs io.Writer, tune ...func(*replicate.Options)) (_ *service, err error) {
	s := &service{cfg: cfg, log: newLogger(cfg, logs)}
	token := ""
	if cfg.APIToken != "" {
		if token, err = config.Secret(cfg.APIToken); err != nil {
			return nil, err
		}
	}
	if s.listener, err = listen(cfg.Addr); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if ip := s.listener.Addr().(*net.TCPAddr).IP; token == "" && !ip.IsLoopback() {
		return nil, &lakelink.Error{Op: "listen on " + cfg.Addr, Kind: lakelink.KindInvalid,
			Err:  errors.New("anybody in the network could use the API"),
			Hint: "set apiToken in the configuration, or listen on 127.0.0.1"}
	}
	s.URL = "http://" + s.listener.Addr().String()
	if s.cluster, err = cluster.Open(ctx, cluster.Options{Dir: cfg.Data, Logger: s.log}); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	hooks := newHooks(cfg.PublicURL, s.listener.Addr(), key, func(h lakelink.Hint) { s.manager.Hint(h) })
	open := &opener{dir: filepath.Join(cfg.Data, "cache"), memory: int64(cfg.Memory), hooks: hooks, log: s.log}
	options := replicate.Options{
		Store: clusterStore{s.cluster}, Open: open.open, MaxLoads: cfg.MaxLoads,
		StageBytes: int64(cfg.Memory) / 4, Objective: time.Duration(cfg.LagObjective),
		PollMin: time.Duration(cfg.PollMin), PollMax: time.Duration(cfg.PollMax), Events: s.events(),
	}
	for _, t := range tune {
		t(&options)
	}
	s.manager = replicate.New(options)
	work := &work{manager: s.manager, dir: cfg.Data}
	s.handler = api.New(api.Options{
		Links: s.manager, Verify: work.verify, Query: work.query, Hooks: hooks, Token: token, Version: version,
		Record: func(ctx context.Context, a lakelink.Activity) { s.record(ctx, a) },
		Activity: func(ctx context.Context, link lakelink.LinkName, limit int) ([]lakelink.Activity, error) {
			return s.cluster.Activity(ctx, cluster.ActivityFilter{Link: link, Limit: limit})
		},
		Ready: func() error {
			if !s.started.Load() {
				return errors.New("starting")
			}
			return nil
		},
	})
	return s, nil
}

// Run serves until ctx ends.
func (s *service) Run(ctx context.Context) error {
	if err := s.manager.Start(ctx); err != nil {
		return err
	}
	s.started.Store(true)
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range s.cfg.Links { // one that cannot be made now keeps neither the others nor the API from running
		g.Go(func() error { s.declare(ctx, l); return nil })
	}
	g.Go(func() error { return serveHTTP(ctx, s.listener, s.handler) })
	return g.Wait()
}

// Close stops what runs and closes what is open.
func (s *service) Close() error {
	var err error
	if s.manager != nil {
		s.manager.Close()
	}
	if s.cluster != nil {
		err = s.cluster.Close()
	}
	s.listener.Close()
	return err
}

// record keeps an activity; losing one is no reason to stop.
func (s *service) record(ctx context.Context, a lakelink.Activity) {
	if err := s.cluster.AppendActivity(ctx, a); err != nil {
		s.log.Warn("activity is not recorded", "activity", a.Text, "error", err)
	}
}

// newLogger makes the log that the configuration asks for.
func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked
	}
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// events turns what happens into the log, which asks for something, and the activity, which tells.
func (s *service) events() replicate.Events {
	tell := func(l lakelink.LinkName, t lakelink.TableName, kind, text string) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.record(ctx, lakelink.Activity{Time: time.Now().UTC(), Link: l, Table: t, Kind: kind, Text: text, Actor: "lakelink"})
	}
	return replicate.Events{
		Loaded: func(l lakelink.LinkName, t lakelink.TableName, rows int64, took time.Duration) {
			tell(l, t, "table.loaded", fmt.Sprintf("loaded %s rows in %s", count(rows), short(took)))
		},
		TableState: func(l lakelink.LinkName, st lakelink.TableStatus, from lakelink.State) {
			switch {
			case st.State == lakelink.StateNeedsYou && st.Problem != nil:
				tell(l, st.Table, "table.failed", "stands still: "+st.Problem.Detail)
			case from == lakelink.StateNeedsYou:
				tell(l, st.Table, "table.recovered", "goes on")
			}
		},
		Schema: func(l lakelink.LinkName, t lakelink.TableName, from, to *lakelink.Table) {
			if text := drift(from, to); text != "" {
				tell(l, t, "table.schema", text)
			}
		},
		Closed: func(l lakelink.LinkName, f lakelink.Format, _ time.Duration, err error) {
			if err != nil {
				s.log.Error("an interval was not closed and is tried again", "link", l, "format", f, "error", err)
			}
		},
		Failed: func(l lakelink.LinkName, t lakelink.TableName, err error) {
			s.log.Warn("failed and is tried again", "link", l, "table", t, "error", err)
		},
	}
}
