// Package e2e runs the main job with the real parts in one process: a local environment, the client, the
// heart, both formats and a local lake; and judges the result by content and by the independent reader.
package e2e

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/dataverse"
	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/devserver/sample"
	"lakelink/internal/format/cdm"
	"lakelink/internal/format/delta"
	"lakelink/internal/lake/local"
	"lakelink/internal/lake/owner"
	"lakelink/internal/replicate"
	"lakelink/internal/verify"
	"lakelink/test/incrementalreader"
)

var tables = []lakelink.TableName{"account", "contact", "lead", "opportunity", "incident", "task", "email", "appointment",
	"activitypointer", "activityparty", "annotation", "systemuser", "team", "teammembership", "transactioncurrency",
	"product", "new_device", "new_device_contact"}

// job is a link over a local environment.
type job struct {
	t       *testing.T
	env     *devservertest.Env
	dir     string
	lake    *local.Lake
	manager *replicate.Manager
	store   *memStore
	tables  []lakelink.TableName
}

func newJob(t *testing.T, rows int) *job {
	j := &job{t: t, env: devservertest.Start(t), dir: t.TempDir(), store: newMemStore(), tables: tables}
	if err := sample.Seed(t.Context(), j.env.Store, sample.Options{Rows: rows, RandomSeed: 1}); err != nil {
		t.Fatal(err)
	}
	var err error
	if j.lake, err = local.Open(filepath.Join(j.dir, "lake")); err != nil {
		t.Fatal(err)
	}
	return j
}

func (j *job) open(ctx context.Context, l lakelink.Link) (*replicate.Connection, error) {
	client, err := dataverse.New(dataverse.Options{URL: l.Environment.URL, ClientID: l.Environment.ClientID,
		Secret: func(context.Context) (string, error) { return j.env.ClientSecret, nil }})
	if err != nil {
		return nil, err
	}
	env, err := client.Environment(ctx)
	if err != nil {
		return nil, err
	}
	return &replicate.Connection{
		Source: client,
		Claim: func(ctx context.Context, l lakelink.Link) (lakelink.Link, error) {
			return owner.Claim(ctx, j.lake, l, env)
		},
		Release: func(ctx context.Context, l lakelink.Link) error { return owner.Release(ctx, j.lake, l) },
		Writers: func(ctx context.Context, l lakelink.Link, all []*lakelink.Table) ([]lakelink.Writer, error) {
			c, err := cdm.New(ctx, cdm.Options{Lake: j.lake, LinkID: l.ID, Tables: all, SpoolDir: filepath.Join(j.dir, "spool")})
			if err != nil {
				return nil, err
			}
			return []lakelink.Writer{c, delta.New(delta.Options{Lake: j.lake, Link: l.Name, LinkID: l.ID,
				IndexDir: filepath.Join(j.dir, "index")})}, nil
		},
		Readers: func(lakelink.Link) []lakelink.Reader {
			return []lakelink.Reader{cdm.NewReader(j.lake), delta.NewReader(j.lake)}
		},
		Close: client.Close,
	}, nil
}

func (j *job) start() {
	j.t.Helper()
	j.manager = replicate.New(replicate.Options{Store: j.store, Open: j.open, PollMin: 100 * time.Millisecond})
	if err := j.manager.Start(j.t.Context()); err != nil {
		j.t.Fatal(err)
	}
}

func (j *job) create() {
	j.t.Helper()
	if _, err := j.manager.Create(j.t.Context(), lakelink.Link{
		Name: "e2e", ID: "2c8f1c1e-5b1e-4a9e-8f11-0d6a1f1f3c55", Lake: j.lake.URL(), Tables: j.tables,
		Environment: lakelink.EnvironmentRef{URL: j.env.URL, ClientID: j.env.ClientID, ClientSecret: "env:UNUSED"},
		Formats:     []lakelink.Format{lakelink.Incremental, lakelink.Delta}, Interval: lakelink.Duration(lakelink.MinInterval),
		Created: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}); err != nil {
		j.t.Fatal(err)
	}
}

// equal waits until the lake is complete and compares it with the environment.
func (j *job) equal() {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(j.t.Context(), 3*time.Minute)
	defer cancel()
	if err := j.manager.Wait(ctx, "e2e"); err != nil {
		j.t.Fatal(err)
	}
	link, conn, err := j.manager.Connection("e2e")
	if err != nil {
		j.t.Fatal(err)
	}
	for _, name := range j.tables {
		def, err := conn.Source.Table(ctx, name)
		if err != nil {
			j.t.Fatal(err)
		}
		results, err := verify.Table(ctx, verify.Options{Source: conn.Source, Table: def, Readers: conn.Readers(link), Examples: 3})
		if err != nil {
			j.t.Fatal(err)
		}
		for _, r := range results {
			if !r.Equal() {
				j.t.Errorf("%s in %s: %d rows, %d missing, %d extra, %d different %s", r.Table, r.Format, r.Rows, r.Missing, r.Extra, r.Different, r.Error)
				for _, e := range r.Examples {
					j.t.Logf("  %s %s: %+v", e.Kind, e.ID, columns(e))
				}
			}
		}
	}
}

func columns(e verify.Example) []string {
	var out []string
	for _, c := range e.Columns {
		text := func(s *string) string {
			if s == nil {
				return "null"
			}
			return *s
		}
		out = append(out, c.Column+": "+text(c.Source)+" / "+text(c.Lake))
	}
	return slices.Clip(out)
}

func TestEnvironmentAndLakeAreEqualAfterLoadsChangesAndARestart(t *testing.T) {
	t.Parallel() // it waits for intervals most of the time
	j := newJob(t, 3000)
	j.start()
	j.create()
	j.equal()

	traffic, err := sample.NewTraffic(t.Context(), j.env.Store, sample.TrafficOptions{RandomSeed: 2})
	if err != nil {
		t.Fatal(err)
	}
	change := func(n int) {
		t.Helper()
		if err := traffic.Apply(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	change(1500)
	j.equal()

	j.manager.Close()
	change(1500)
	j.start()
	change(500)
	j.equal()

	if err := j.env.Store.ExpireTokens(t.Context()); err != nil {
		t.Fatal(err)
	}
	change(300)
	j.equal()
	j.manager.Close()

	for _, v := range incrementalreader.Open(filepath.Join(j.dir, "lake")).Check() {
		t.Errorf("%s %s: %s", v.Rule, v.Path, v.Detail)
	}
}
