package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"lakelink"
	"lakelink/internal/api"
	"lakelink/internal/format/delta"
	"lakelink/internal/lake/lakes"
	"lakelink/internal/replicate"
	"lakelink/internal/verify"
	"lakelink/internal/workspace/duckdb"
)

// work reads lakes on behalf of the API.
type work struct {
	manager *replicate.Manager
	dir     string
}

// verify compares the tables of a link, one after the other.
func (w *work) verify(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName) (any, error) {
	link, conn, err := w.manager.Connection(name)
	if err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		tables = link.Tables
	}
	for _, t := range tables {
		if !slices.Contains(link.Tables, t) {
			return nil, &lakelink.Error{Op: "verify", Link: name, Table: t, Kind: lakelink.KindNotFound,
				Err: errors.New("the link has no such table"), Hint: "see `lakelink table list " + string(name) + "`"}
		}
	}
	var results []verify.Result
	for _, t := range tables {
		def, err := conn.Source.Table(ctx, t)
		if err != nil {
			return nil, err
		}
		r, err := verify.Table(ctx, verify.Options{
			Source: conn.Source, Table: def, Readers: conn.Readers(link), Examples: 5, TempDir: w.dir,
			Wait: func(ctx context.Context, version int64) error { return w.reach(ctx, name, version, t) },
		})
		if err != nil {
			return nil, err
		}
		results = append(results, r...)
	}
	return verify.NewReport(results), nil
}

// reach waits until a table has a version, unless it stands still until a person acts: that may be never.
func (w *work) reach(ctx context.Context, name lakelink.LinkName, version int64, t lakelink.TableName) error {
	ctx, cancel := context.WithCancel(ctx)
	stuck := make(chan error, 1)
	go func() {
		defer cancel()
		stuck <- w.standstill(ctx, name, t)
	}()
	err := w.manager.WaitFor(ctx, name, version, t)
	cancel()
	if why := <-stuck; err != nil && why != nil {
		return why
	}
	return err
}

// standstill returns once the table or its link has a problem that will not pass by itself; nil once ctx ends.
func (w *work) standstill(ctx context.Context, name lakelink.LinkName, t lakelink.TableName) error {
	for {
		changed := w.manager.Changed()
		s, err := w.manager.Status(name)
		if err != nil {
			return err
		}
		problems := []*lakelink.Problem{s.Problem}
		for _, ts := range s.Tables {
			if ts.Table == t {
				problems = append(problems, ts.Problem)
			}
		}
		for _, p := range problems {
			if p != nil && p.Kind.Permanent() {
				return &lakelink.Error{Kind: p.Kind, Code: p.Code, Err: errors.New(p.Detail)} // which names the link
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// query answers SQL over the current rows of a link's Delta tables.
func (w *work) query(ctx context.Context, q api.Query, out io.Writer) error {
	link, err := w.pick(q.Link)
	if err != nil {
		return err
	}
	lake, err := lakes.Open(link.Lake)
	if err != nil {
		return err
	}
	if c, ok := lake.(io.Closer); ok {
		defer c.Close()
	}
	where, ok := lake.(lakelink.Locator)
	if !ok {
		return &lakelink.Error{Op: "query", Link: link.Name, Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("files of %s cannot be opened from here", link.Lake)}
	}
	var o duckdb.Options
	for _, t := range link.Tables {
		v, err := delta.Files(ctx, lake, t)
		if lakelink.IsKind(err, lakelink.KindNotFound) {
			continue // not loaded yet
		}
		if err != nil {
			return err
		}
		o.Tables = append(o.Tables, view(t, v, where))
	}
	enc, err := duckdb.NewEncoder(q.Format, out)
	if err != nil {
		return err
	}
	_, err = duckdb.Query(ctx, o, q.SQL, enc)
	return err
}

// view describes a Delta table to the engine.
func view(name lakelink.TableName, v *delta.Version, where lakelink.Locator) duckdb.Table {
	t := duckdb.Table{Name: string(name)}
	for _, f := range v.Files {
		t.Files = append(t.Files, where.Locate(f.Name))
	}
	for _, c := range v.Columns {
		t.Columns = append(t.Columns, duckdb.Column{Name: c.Name, Type: c.Type, Partition: c.Partition})
	}
	return t
}

// pick finds the link that a query is about.
func (w *work) pick(name lakelink.LinkName) (lakelink.Link, error) {
	if name != "" {
		s, err := w.manager.Status(name)
		return s.Link, err
	}
	all := w.manager.Statuses()
	if len(all) == 1 {
		return all[0].Link, nil
	}
	err := &lakelink.Error{Op: "query", Kind: lakelink.KindInvalid, Err: errors.New("there are several links"),
		Hint: "name one with --link"}
	if len(all) == 0 {
		err.Err, err.Hint = errors.New("there is no link to ask"), "make one: lakelink link create --help"
	}
	return lakelink.Link{}, err
}
