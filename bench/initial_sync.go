package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"lakelink"
	"lakelink/internal/config"
	"lakelink/internal/dataverse"
	"lakelink/internal/format/cdm"
	"lakelink/internal/format/delta"
	"lakelink/internal/lake/lakes"
	"lakelink/internal/replicate"
)

// The initial sync of one table, from the first request until every format lets all rows be read.

func initialSyncDelta(ctx context.Context, b *bench) (result, error) {
	r, _, err := b.initialSync(ctx, "initial-sync/delta", lakelink.Delta)
	return r, err
}

func initialSyncIncremental(ctx context.Context, b *bench) (result, error) {
	r, _, err := b.initialSync(ctx, "initial-sync/incremental", lakelink.Incremental)
	return r, err
}

func initialSyncBoth(ctx context.Context, b *bench) (result, error) {
	r, lake, err := b.initialSync(ctx, "initial-sync/both", lakelink.Incremental, lakelink.Delta)
	b.lake = lake
	return r, err
}

func (b *bench) initialSync(ctx context.Context, name string, formats ...lakelink.Format) (result, string, error) {
	s, err := b.source(ctx, gzipPages)
	if err != nil {
		return result{}, "", err
	}
	lake, err := b.newLake()
	if err != nil {
		return result{}, "", err
	}
	r, err := b.measure(ctx, name, "sync", order{Source: s.url, Lake: lake, Formats: formats, Dir: lake + "-cache"})
	return r, lake, err
}

// syncJob runs a link until its table is readable in every format.
func syncJob(ctx context.Context, o order) (rows int64, err error) {
	// The interval is shorter than a link's may be, so that waiting for its end does not count.
	link := lakelink.Link{Name: "bench", ID: "6f0c2d0a-0f7e-4d4e-8f5b-2f6b5d1f9a01", Lake: o.Lake,
		Environment: lakelink.EnvironmentRef{URL: o.Source}, Tables: []lakelink.TableName{tableName},
		Formats: o.Formats, Interval: lakelink.Duration(100 * time.Millisecond), Created: time.Now()}
	store := newMemStore(link)
	var failure error
	failed := make(chan struct{})
	m := replicate.New(replicate.Options{Store: store, Open: o.open,
		MaxLoads: config.Default().MaxLoads, StageBytes: memory() / 4,
		Events: replicate.Events{Failed: func(_ lakelink.LinkName, _ lakelink.TableName, err error) {
			if failure == nil { // what failed once did not measure what it should
				failure = err
				close(failed)
			}
		}}})
	defer m.Close()
	if err := m.Start(ctx); err != nil {
		return 0, err
	}
	for {
		changed := m.Changed()
		s, err := m.Status(link.Name)
		if err != nil {
			return 0, err
		}
		if t := s.Tables[0]; readable(t, o.Formats) {
			return t.Rows, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-failed:
			return 0, failure
		case <-changed:
		}
	}
}

// readable reports whether all formats have a table in full.
func readable(t lakelink.TableStatus, formats []lakelink.Format) bool {
	for _, f := range formats {
		if t.Positions[f].Version == 0 {
			return false
		}
	}
	return true
}

// open is what the service does for a link, without the parts that are about sharing a lake.
func (o order) open(context.Context, lakelink.Link) (*replicate.Connection, error) {
	client, err := o.connect()
	if err != nil {
		return nil, err
	}
	lake, err := lakes.Open(o.Lake)
	if err != nil {
		return nil, err
	}
	return &replicate.Connection{
		Source: client,
		Claim:  func(_ context.Context, l lakelink.Link) (lakelink.Link, error) { return l, nil },
		Writers: func(ctx context.Context, l lakelink.Link, tables []*lakelink.Table) ([]lakelink.Writer, error) {
			return o.writers(ctx, lake, l, tables)
		},
		Close: func() error { return closeAll(client, lake) },
	}, nil
}

func closeAll(client *dataverse.Client, lake lakelink.Lake) error {
	if err := client.Close(); err != nil {
		return err
	}
	if c, ok := lake.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (o order) writers(ctx context.Context, lake lakelink.Lake, l lakelink.Link, tables []*lakelink.Table) ([]lakelink.Writer, error) {
	var out []lakelink.Writer
	budget := memory() / int64(2*len(o.Formats))
	for _, f := range o.Formats {
		dir := filepath.Join(o.Dir, string(f))
		switch f {
		case lakelink.Delta:
			out = append(out, delta.New(delta.Options{Lake: lake, Link: l.Name, LinkID: l.ID, IndexDir: dir, Budget: budget}))
		case lakelink.Incremental:
			w, err := cdm.New(ctx, cdm.Options{Lake: lake, LocationBase: lake.URL(), LinkID: l.ID, Tables: tables, SpoolDir: dir, MemoryBudget: budget})
			if err != nil {
				return nil, err
			}
			out = append(out, w)
		default:
			return nil, fmt.Errorf("there is no format %q", f)
		}
	}
	return out, nil
}
