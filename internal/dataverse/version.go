package dataverse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"

	"lakelink"
)

// probeNames are tracked or trackable tables that are small everywhere, the best first.
var probeNames = []lakelink.TableName{"transactioncurrency", "organization", "businessunit", "teamtemplate", "uomschedule",
	"pricelevel", "territory", "team", "queue", "systemuser"}

const opVersion = "read the environment's version"

// maxProbes is how many tables are tried before Version gives up.
const maxProbes = 12

// Version implements lakelink.Source. Row versions are counted over all tables of an environment
// (§4.2), and a tracked read of any table fixes the highest committed one: a page of a single row
// tells it, in its deltaLink or in the cookie of its nextLink.
func (c *Client) Version(ctx context.Context) (int64, error) {
	probes, err := c.probes(ctx)
	if err != nil {
		return 0, err
	}
	for i := range probes[:min(len(probes), maxProbes)] {
		var version int64
		if version, err = c.probeVersion(ctx, &probes[i]); err == nil {
			c.prefer(probes[i])
			return version, nil
		}
		switch lakelink.KindOf(err) {
		case lakelink.KindUntracked, lakelink.KindForbidden, lakelink.KindNotFound, lakelink.KindInvalid, lakelink.KindConflict:
		default:
			var e *lakelink.Error
			if errors.As(err, &e) {
				e.Table = "" // which one was asked means nothing to anybody
			}
			return 0, err
		}
	}
	c.mu.Lock()
	c.probe = nil // other tables may be tracked by now
	c.mu.Unlock()
	if err == nil {
		err = &lakelink.Error{Op: opVersion, Kind: lakelink.KindUntracked, Err: errors.New("the environment tracks the changes of no table"),
			Hint: "switch on change tracking for a table"}
	}
	return 0, err
}

// probes lists the tables to ask, small ones first.
func (c *Client) probes(ctx context.Context) ([]lakelink.Table, error) {
	c.mu.Lock()
	probes := c.probe
	c.mu.Unlock()
	if len(probes) > 0 {
		return probes, nil
	}
	all, err := c.Tables(ctx)
	if err != nil {
		return nil, err
	}
	probes = slices.DeleteFunc(all, func(t lakelink.Table) bool { return !t.Tracked })
	place := func(t lakelink.Table) int {
		if i := slices.Index(probeNames, t.Name); i >= 0 {
			return i
		}
		return len(probeNames)
	}
	slices.SortStableFunc(probes, func(a, b lakelink.Table) int { return place(a) - place(b) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probe = probes
	return probes, nil
}

// prefer keeps only the table that has answered.
func (c *Client) prefer(t lakelink.Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.probe) != 1 {
		c.probe = []lakelink.Table{t}
	}
}

// probeVersion reads the version by way of one table. Where the cookie tells nothing, the table is
// read to its end.
func (c *Client) probeVersion(ctx context.Context, t *lakelink.Table) (int64, error) {
	rows, link := 1, t.EntitySet+"?$select="+t.PrimaryKey
	for range maxListPages {
		var next, delta string
		tracked := true
		_, err := c.do(ctx, call{op: opVersion, table: t.Name, link: link,
			prefer: func() string { return trackChanges(rows) },
			read: func(h http.Header, body io.Reader) (err error) {
				tracked = saysTracked(h)
				next, delta, err = readLinks(body)
				return err
			}})
		if err != nil {
			return 0, err
		}
		if token, ok := deltaToken(delta); ok {
			if v, ok := tokenVersion(token); ok {
				return v, nil
			}
		}
		if v := readCookie(next).bound; v > 0 {
			return v, nil
		}
		if next == "" || !tracked {
			return 0, &lakelink.Error{Op: opVersion, Table: t.Name, Kind: lakelink.KindUntracked,
				Err: errors.New("the environment does not track the table's changes"), Hint: hintTracking}
		}
		rows = maxPageRows
		if link, err = c.relative(next); err != nil {
			return 0, &lakelink.Error{Op: opVersion, Table: t.Name, Kind: lakelink.KindUnreachable, Err: err}
		}
	}
	return 0, &lakelink.Error{Op: opVersion, Table: t.Name, Kind: lakelink.KindTransient,
		Err: errors.New("the environment's pages lead in a circle")}
}

// readLinks reads the links of a page and skips its rows.
func readLinks(body io.Reader) (next, delta string, err error) {
	var s scanner
	s.reset(body)
	ok := s.object(func(name []byte) bool {
		switch string(name) {
		case "@odata.nextLink":
			text, ok := s.str()
			next = string(text)
			return ok
		case "@odata.deltaLink":
			text, ok := s.str()
			delta = string(text)
			return ok
		}
		return s.skip()
	})
	if !ok || !s.atEnd() {
		return "", "", s.err
	}
	return next, delta, nil
}
