package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"

	"lakelink"
	"lakelink/internal/config"
	"lakelink/internal/dataverse"
	"lakelink/internal/format/cdm"
	"lakelink/internal/format/delta"
	"lakelink/internal/lake/lakes"
	"lakelink/internal/lake/owner"
	"lakelink/internal/replicate"
)

// opener opens the source and the lake of links: the one place that knows which room fulfils which
// contract.
type opener struct {
	dir    string // of local caches
	memory int64  // bytes that the writers of one link may buffer
	hooks  *hooks
	log    *slog.Logger
}

// open makes what reaches a link's environment and lake. It writes to neither, and asks the
// environment nothing: a link can be deleted when that is gone.
func (o *opener) open(_ context.Context, l lakelink.Link) (*replicate.Connection, error) {
	source, err := newSource(l.Environment)
	if err != nil {
		return nil, err
	}
	store, err := lakes.Open(l.Lake)
	if err != nil {
		return nil, errors.Join(err, source.Close())
	}
	lake := withFaults(store)
	c := &replicate.Connection{
		Source: source,
		Claim: func(ctx context.Context, l lakelink.Link) (lakelink.Link, error) {
			if err := lakes.Probe(ctx, lake); err != nil {
				return l, err
			}
			env, err := source.Environment(ctx)
			if err != nil {
				return l, err
			}
			return claim(ctx, lake, l, env)
		},
		Release: func(ctx context.Context, l lakelink.Link) error { return owner.Release(ctx, lake, l) },
		Purge:   func(ctx context.Context, l lakelink.Link) error { return purge(ctx, lake, l) },
		Writers: func(ctx context.Context, l lakelink.Link, tables []*lakelink.Table) ([]lakelink.Writer, error) {
			return o.writers(ctx, lake, l, tables)
		},
		Readers: func(l lakelink.Link) []lakelink.Reader { return readers(lake, l) },
		Close: func() error {
			err := source.Close()
			if c, ok := store.(io.Closer); ok {
				err = errors.Join(err, c.Close())
			}
			return err
		},
	}
	if o.hooks != nil {
		c.Push = func(ctx context.Context, l lakelink.Link, tables []lakelink.TableName) (bool, error) {
			return o.hooks.register(ctx, source, l, tables)
		}
		c.Unpush = func(ctx context.Context, l lakelink.Link) error { return o.hooks.remove(ctx, source, l) }
	}
	return c, nil
}

// newSource makes the client of an environment.
func newSource(e lakelink.EnvironmentRef) (*dataverse.Client, error) {
	return dataverse.New(dataverse.Options{
		URL: e.URL, Tenant: e.Tenant, Authority: e.Authority, ClientID: e.ClientID,
		Secret:    func(context.Context) (string, error) { return config.Secret(e.ClientSecret) },
		UserAgent: "lakelink/" + version,
	})
}

// writers opens a writer for each format of the link.
func (o *opener) writers(ctx context.Context, lake lakelink.Lake, l lakelink.Link, tables []*lakelink.Table) ([]lakelink.Writer, error) {
	var out []lakelink.Writer
	for _, f := range l.Formats {
		w, err := o.writer(ctx, f, lake, l, tables)
		if err != nil {
			for _, w := range out {
				err = errors.Join(err, w.Close())
			}
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

func (o *opener) writer(ctx context.Context, f lakelink.Format, lake lakelink.Lake, l lakelink.Link, tables []*lakelink.Table) (lakelink.Writer, error) {
	dir := filepath.Join(o.dir, l.ID, string(f))
	budget := o.memory / int64(2*len(l.Formats))
	switch f {
	case lakelink.Delta:
		return delta.New(delta.Options{Lake: lake, Link: l.Name, LinkID: l.ID, IndexDir: dir, Budget: budget,
			Trouble: func(t lakelink.TableName, err error) {
				o.log.Warn("upkeep failed and is tried again", "link", l.Name, "table", t, "error", err)
			}}), nil
	case lakelink.Incremental:
		return cdm.New(ctx, cdm.Options{Lake: lake, LinkID: l.ID, Tables: tables, SpoolDir: dir, MemoryBudget: budget})
	}
	return nil, &lakelink.Error{Op: "open writer", Link: l.Name, Kind: lakelink.KindInvalid, Err: fmt.Errorf("unknown format %q", f)}
}

// readers reads the formats of a link back, in their order.
func readers(lake lakelink.Lake, l lakelink.Link) []lakelink.Reader {
	var out []lakelink.Reader
	for _, f := range l.Formats {
		switch f {
		case lakelink.Delta:
			out = append(out, delta.NewReader(lake))
		case lakelink.Incremental:
			out = append(out, cdm.NewReader(lake))
		}
	}
	return slices.Clip(out)
}
