package dataverse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"lakelink"
)

// loadPages reads every row, from the beginning or from the page that the cursor is at.
//
// The environment fixes on the first page up to which row version a load goes (§4.2). Rows above
// that are left out: they come with the changes after the load.
func (f *feed) loadPages(ctx context.Context, emit func(*lakelink.Batch) error) error {
	link, first := f.cur.Page, f.cur.Page == ""
	if first {
		f.cur = cursor{Org: f.cur.Org, At: f.at, Columns: f.cols.hash}
		f.cur.Expected = f.count(ctx)
		link = f.t.EntitySet + "?" + strings.TrimSuffix(f.cols.query, "&")
	} else {
		if f.cur.Columns != f.cols.hash {
			return expired("the table's columns have changed since the load began")
		}
		if f.cur.Select {
			link = f.t.EntitySet + "?" + f.cols.query + link
		}
	}
	f.dec.above = f.cur.Bound
	f.start(ctx, link)
	for later := false; ; later = true {
		p, err := f.take()
		if err != nil {
			return f.refine(err, later)
		}
		if first && p.untracked() {
			return f.untracked()
		}
		if first {
			f.cur.Bound = readCookie(p.next).bound
			f.dec.above = f.cur.Bound
		}
		first = false
		f.cur.Highest = max(f.cur.Highest, p.highest)
		if p.next == "" {
			return f.endLoad(p, emit)
		}
		next, err := f.c.relative(p.next)
		if err != nil {
			return &lakelink.Error{Kind: lakelink.KindUnreachable, Err: err}
		}
		if next == link {
			return &lakelink.Error{Kind: lakelink.KindTransient, Err: errors.New("the environment's pages lead in a circle")}
		}
		link = next
		f.start(ctx, link)
		at := f.cur.atPage(link, f.t.EntitySet+"?"+f.cols.query)
		err = emit(&lakelink.Batch{Rows: p.rows, Next: lakelink.Position{Checkpoint: at.checkpoint()}, Expected: f.cur.Expected})
		if err != nil {
			return err
		}
	}
}

// untracked reports whether the first page of a load tells that changes are not tracked (§4.4).
func (p *page) untracked() bool {
	return !p.tracked || p.next == "" && p.delta == "" || p.next != "" && readCookie(p.next).untracked
}

// atPage is the cursor before the page behind a link. The names of all columns, which the
// environment repeats in each link, are left out where the link can be put together again.
func (c cursor) atPage(link, prefix string) cursor {
	c.Page, c.Select = link, false
	if rest, ok := strings.CutPrefix(link, prefix); ok && strings.HasSuffix(prefix, "&") && rest != "" {
		c.Page, c.Select = rest, true
	}
	return c
}

// endLoad yields the last page and the place that the changes follow from.
func (f *feed) endLoad(p *page, emit func(*lakelink.Batch) error) error {
	token, ok := deltaToken(p.delta)
	if !ok {
		return f.untracked()
	}
	version, known := tokenVersion(token)
	if !known {
		version = f.cur.Highest // the best that is left; a late commit may still have a lower one (§4.2)
	}
	if known && f.cur.Bound != 0 && version > f.cur.Bound {
		// Bound and token are the same wherever this was looked at, but nothing documented says so.
		// What happened between them, deletes included, would be neither in the load nor in the
		// changes after it; so the changes follow from the bound. A token is no more than a version
		// and a time (§4.1).
		token = strconv.FormatInt(f.cur.Bound, 10) + strings.TrimLeft(token, "0123456789")
		version = f.cur.Bound
	}
	end := cursor{Org: f.cur.Org, Token: token, Version: version, At: f.cur.At}
	return emit(&lakelink.Batch{Rows: p.rows, Done: true, Expected: f.cur.Expected,
		Next: lakelink.Position{Checkpoint: end.checkpoint(), Version: version, At: f.cur.At}})
}

// count asks how many rows the table has, a number that may be a day old (§3.3). It is for
// progress bars only: a failure is no failure of the load.
func (f *feed) count(ctx context.Context) int64 {
	var answer struct {
		EntityRecordCountCollection struct {
			Keys   []string
			Values []int64
		}
	}
	n, err := f.c.do(ctx, call{
		op: "count the table's rows", table: f.t.Name, tries: 1,
		link: "RetrieveTotalRecordCount(EntityNames=" + url.PathEscape("['"+string(f.t.Name)+"']") + ")",
		read: func(_ http.Header, body io.Reader) error {
			return json.UnmarshalRead(io.LimitReader(body, maxErrorBody), &answer)
		},
	})
	f.requests += n
	for i, name := range answer.EntityRecordCountCollection.Keys {
		if err == nil && name == string(f.t.Name) && i < len(answer.EntityRecordCountCollection.Values) {
			return max(0, answer.EntityRecordCountCollection.Values[i])
		}
	}
	return 0
}
