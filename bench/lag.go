package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"lakelink"
	"lakelink/internal/api"
	"lakelink/internal/devserver"
	"lakelink/internal/devserver/sample"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
	"lakelink/internal/lagmeter"
)

// How the lag is measured: docs/benchmarks.md.
const (
	lagRows     = 100_000 // of sample data
	lagWarmUp   = 10 * time.Second
	lagMeasured = 60 * time.Second
	lagGrace    = 30 * time.Second // for what is on its way when the traffic stops
	lagInterval = 10 * time.Second // of the incremental format
)

// lagTables are those that change in the sample data.
var lagTables = []lakelink.TableName{
	"account", "contact", "lead", "opportunity", "opportunityproduct", "incident", "activitypointer", "activityparty",
	"task", "phonecall", "email", "appointment", "annotation", "systemuser", "team", "teammembership", "product",
	"transactioncurrency", "new_device", "new_device_contact",
}

// lag200 measures the time until a change is readable while 200 rows a second change.
func lag200(ctx context.Context, b *bench) (result, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	env, err := newEnvironment(ctx, filepath.Join(b.dir, "environment"), lagRows)
	if err != nil {
		return result{}, err
	}
	var r result
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return env.Run(ctx) })
	g.Go(func() (err error) {
		defer stop()
		r, err = b.lag(ctx, env, 200)
		return err
	})
	err = g.Wait()
	return r, errors.Join(err, env.close())
}

func (b *bench) lag(ctx context.Context, env *environment, perSecond float64) (_ result, err error) {
	lake, err := b.newLake()
	if err != nil {
		return result{}, err
	}
	s, err := startService(ctx, b.lakelink, lake+"-state", devserver.DefaultClientSecret)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.link(ctx, env.url, lake); err != nil {
		return result{}, err
	}
	traffic, err := sample.NewTraffic(ctx, env.store, sample.TrafficOptions{PerSecond: perSecond, RandomSeed: 1})
	if err != nil {
		return result{}, err
	}
	busy, quiet := context.WithCancel(ctx)
	defer quiet()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return traffic.Run(busy) })
	if err := sleep(gctx, lagWarmUp); err != nil {
		return result{}, errors.Join(err, g.Wait())
	}
	m := startMeter(gctx, g, lake, env.store)
	began, cpu := time.Now(), cpuOf(s.pid())
	err = sleep(gctx, lagMeasured)
	took, cpu := time.Since(began), cpuOf(s.pid())-cpu
	m.unsubscribe()
	quiet()
	if err == nil {
		err = m.settle(gctx)
	}
	m.stop()
	if err = errors.Join(err, g.Wait()); err != nil {
		return result{}, err
	}
	lag := m.Stats()
	r := newResult(lag.Count, took, cpu, peakOf(s.pid()))
	r.LagP50MS, r.LagP99MS, r.LagMaxMS = milliseconds(lag.P50), milliseconds(lag.P99), milliseconds(lag.Max)
	r.LagOutstanding = lag.Outstanding
	return r, nil
}

// link makes the link and waits until its tables are synced.
func (s *service) link(ctx context.Context, environment, lake string) error {
	_, err := s.client.CreateLink(ctx, api.NewLink{Name: "bench", Lake: "file://" + filepath.ToSlash(lake), Tables: lagTables,
		Interval: lakelink.Duration(lagInterval),
		Environment: lakelink.EnvironmentRef{URL: environment, ClientID: store.DefaultClientID,
			ClientSecret: "env:" + secretVariable}})
	if err != nil {
		return fmt.Errorf("create the link: %w", err)
	}
	return s.client.Wait(ctx, "bench", 10*time.Minute)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A meter is told by the environment what it has committed.
type meter struct {
	*lagmeter.Meter
	wanted      map[string]bool
	unsubscribe func()
	stop        context.CancelFunc
}

// startMeter measures from now on; g waits for its end.
func startMeter(ctx context.Context, g *errgroup.Group, lake string, st *store.Store) *meter {
	m := &meter{wanted: map[string]bool{}}
	var names []string
	for _, t := range lagTables {
		names = append(names, string(t))
		m.wanted[string(t)] = true
	}
	m.Meter = lagmeter.New(lake, names)
	ctx, m.stop = context.WithCancel(ctx)
	g.Go(func() error { return m.Run(ctx) })
	m.unsubscribe = st.Subscribe(m)
	return m
}

// Wants implements store.Subscriber.
func (m *meter) Wants(t *schema.Table, _ store.Message) bool { return m.wanted[t.LogicalName] }

// Committed implements store.Subscriber.
func (m *meter) Committed(changes []store.Change) {
	now := time.Now()
	for _, c := range changes {
		m.Changed(c.Table.LogicalName, c.ID, c.Version, now, c.Message == store.Delete)
	}
}

// settle waits until all changes are readable, or for a while.
func (m *meter) settle(ctx context.Context) error {
	for end := time.Now().Add(lagGrace); time.Now().Before(end) && m.Stats().Outstanding > 0; {
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
