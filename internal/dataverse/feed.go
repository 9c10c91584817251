package dataverse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"lakelink"
)

const (
	opLoad    = "load the table"
	opChanges = "read changes"
)

// Feed implements lakelink.Source. One page is read ahead while the caller works on the one before.
//
// Beside the kinds that lakelink.Source names, KindConflict means that t no longer is what the
// environment has: a column went away or has another type. The caller describes the table anew and
// goes on from the same position.
func (c *Client) Feed(ctx context.Context, t *lakelink.Table, since lakelink.Checkpoint) iter.Seq2[*lakelink.Batch, error] {
	return func(yield func(*lakelink.Batch, error) bool) {
		// Whatever is on its way ends with the ranging, finished or not.
		ctx, cancel := context.WithCancel(ctx)
		f := &feed{c: c, t: t, cols: c.selection(t), since: since, dec: newDecoder(t)}
		defer f.wait()
		defer cancel()
		err := f.run(ctx, func(b *lakelink.Batch) bool { return yield(b, nil) })
		if err != nil && err != errStopped {
			yield(nil, f.explain(err))
		}
	}
}

// errStopped says that the caller has stopped ranging.
var errStopped = errors.New("stopped")

// A feed is one ranging over a Feed.
type feed struct {
	c     *Client
	t     *lakelink.Table
	cols  selection
	since lakelink.Checkpoint
	cur   cursor
	at    time.Time // before the first request
	load  bool
	dec   *decoder
	ahead chan fetched // of the page that is on its way; nil if none is

	requests int // since the last batch
}

// A fetched is a page, or why there is none.
type fetched struct {
	page     *page
	requests int
	err      error
}

func (f *feed) run(ctx context.Context, yield func(*lakelink.Batch) bool) error {
	f.load = f.since == ""
	if err := f.t.Validate(); err != nil || f.t.EntitySet == "" {
		return &lakelink.Error{Kind: lakelink.KindInvalid, Err: errors.Join(errors.New("the table's description is not whole"), err)}
	}
	if !f.load {
		cur, err := parseCheckpoint(f.since)
		if err != nil {
			return err
		}
		f.cur, f.load = cur, cur.Page != ""
	}
	f.at = f.c.o.Now()
	org, n, err := f.c.organization(ctx)
	f.requests += n
	if err != nil {
		return err
	}
	if f.cur.Org != "" && f.cur.Org != org {
		return expired("the environment was replaced: its organization is %s and was %s", org, f.cur.Org)
	}
	f.cur.Org = org
	emit := func(b *lakelink.Batch) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b.Table, b.Load, b.Requests = f.t, f.load, f.requests
		f.requests = 0
		if !yield(b) {
			return errStopped
		}
		return nil
	}
	if f.load {
		return f.loadPages(ctx, emit)
	}
	return f.changePages(ctx, emit)
}

// explain puts table and operation into an error.
func (f *feed) explain(err error) error {
	op := opChanges
	if f.load {
		op = opLoad
	}
	var e *lakelink.Error
	if !errors.As(err, &e) {
		return &lakelink.Error{Op: op, Table: f.t.Name, Err: err}
	}
	e.Table = f.t.Name
	if e.Op == "" {
		e.Op = op
	}
	return e
}

func expired(format string, args ...any) error {
	return &lakelink.Error{Kind: lakelink.KindExpired, Hint: hintExpired, Err: fmt.Errorf(format, args...)}
}

// start sends for a page. It is fetched by a goroutine that ends with the page, see wait.
func (f *feed) start(ctx context.Context, link string) {
	f.ahead = make(chan fetched, 1)
	go func(to chan<- fetched) {
		p, n, err := f.c.fetch(ctx, f, link)
		to <- fetched{p, n, err}
	}(f.ahead)
}

// take waits for the page that was sent for.
func (f *feed) take() (*page, error) {
	got := <-f.ahead
	f.ahead = nil
	f.requests += got.requests
	return got.page, got.err
}

// wait lets the page that is on its way come to its end.
func (f *feed) wait() {
	if f.ahead != nil {
		<-f.ahead
	}
}

// fetch reads the page behind a link.
func (c *Client) fetch(ctx context.Context, f *feed, link string) (*page, int, error) {
	var p *page
	op, r := opChanges, rankChanges
	if f.load {
		op, r = opLoad, rankLoad
	}
	n, err := c.do(ctx, call{
		op: op, table: f.t.Name, rank: r, link: link,
		prefer: func() string { return trackChanges(c.pageRows(f.t.Name)) },
		slow:   func() { c.slowPage(f.t.Name) },
		read: func(h http.Header, body io.Reader) (err error) {
			f.dec.limit = c.o.PageBytes
			p, err = f.dec.decode(body)
			if errors.Is(err, errPageTooLarge) && !c.largePage(f.t.Name) {
				return &lakelink.Error{Kind: lakelink.KindInvalid, Err: errors.New("a single row takes more memory than a page may")}
			}
			if err != nil {
				return err
			}
			p.tracked = saysTracked(h)
			if p.next != "" {
				c.fullPage(f.t.Name)
			}
			return nil
		},
	})
	return p, n, err
}

// trackChanges is the Prefer header of a tracked read. Page size and annotations are forgotten by
// the environment from page to page (§3.2).
func trackChanges(rows int) string {
	return fmt.Sprintf(`odata.track-changes,odata.maxpagesize=%d,odata.include-annotations="%s"`, rows, lookupAnnotation)
}

// saysTracked reports whether an answer leaves it open that changes are tracked. An environment
// that lists what it has applied, and not that, does not track (§4.4).
func saysTracked(h http.Header) bool {
	applied := strings.Join(h.Values("Preference-Applied"), ",")
	return applied == "" || strings.Contains(applied, "track-changes")
}

func (f *feed) untracked() error {
	return &lakelink.Error{Kind: lakelink.KindUntracked, Hint: hintTracking,
		Err: errors.New("the environment does not track the table's changes")}
}

// refine sees more in the failure of a tracked read than can be seen of an answer alone. later
// says that the link was given by the environment.
func (f *feed) refine(err error, later bool) error {
	var e *lakelink.Error
	if !errors.As(err, &e) {
		return err
	}
	var s *statusError
	if !errors.As(err, &s) {
		return err
	}
	switch {
	case e.Kind == lakelink.KindExpired || e.Kind == lakelink.KindUntracked || e.Kind == lakelink.KindConflict:
	case s.status == http.StatusNotFound && strings.Contains(s.message, "segment"):
		e.Kind, e.Hint = lakelink.KindNotFound, "the table has been deleted; take it out of the link"
	case s.status == http.StatusNotFound || s.status == http.StatusBadRequest:
		f.refineDead(e, s, later)
	}
	return err
}

// refineDead judges a 400 or 404 that does not say what is wrong.
func (f *feed) refineDead(e *lakelink.Error, s *statusError, later bool) {
	dead := func(hint string) { e.Kind, e.Hint = lakelink.KindExpired, hint }
	switch {
	case f.load && (later || f.cur.Page != ""):
		dead("the rest of the load can no longer be read; the table is loaded anew")
	case later:
		// The token that the cycle began with may still be good.
		e.Kind, e.Hint = lakelink.KindTransient, "the changes are read again from where they began"
	case !f.load && (s.status == http.StatusNotFound || strings.Contains(strings.ToLower(s.message), "token")):
		dead(hintExpired)
	case s.status == http.StatusBadRequest && e.Code == codeOData:
		e.Kind, e.Hint = lakelink.KindUntracked, hintTracking
	}
}
