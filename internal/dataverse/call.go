package dataverse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"lakelink"
)

// A call is one request to the Web API and how its answer is read.
type call struct {
	op     string // what is tried, for people
	table  lakelink.TableName
	rank   rank
	method string        // "" is GET
	link   string        // relative to the API root, sent as it is
	prefer func() string // asked before each try
	body   []byte
	tries  int // 0: maxTries
	// read takes the answer of a success. It may be called again with the answer of another try.
	read func(h http.Header, body io.Reader) error
	// slow is told of each time-out.
	slow func()
}

// maxTries is how often a request is sent before its failure is handed on. Whoever asked tries
// again later, in his own rhythm.
const maxTries = 6

// The back-off between tries.
const (
	firstWait = 500 * time.Millisecond
	maxWait   = 30 * time.Second
)

// do sends a call, repeating it as long as that may help, and returns how many requests it took.
// Its error is a *lakelink.Error.
func (c *Client) do(ctx context.Context, k call) (requests int, err error) {
	tries := k.tries
	if tries == 0 {
		tries = maxTries
	}
	for try := 1; ; try++ {
		e := c.try(ctx, k, &requests)
		if e == nil {
			return requests, nil
		}
		e.Op, e.Table = k.op, k.table
		if e.Kind == lakelink.KindSignIn || e.Kind == lakelink.KindUnreachable {
			e.Op = "connect to " + c.origin // no matter what for
		}
		if ctx.Err() != nil {
			return requests, &lakelink.Error{Op: k.op, Table: k.table, Err: context.Cause(ctx)}
		}
		if k.slow != nil && isSlow(e) {
			k.slow()
		}
		if try == tries || !repeatable(k, e) {
			return requests, e
		}
		if err := sleep(ctx, waitBefore(e, try)); err != nil {
			return requests, &lakelink.Error{Op: k.op, Table: k.table, Err: err}
		}
	}
}

// repeatable reports whether a failed call may be sent again. A POST that got no answer may have
// been carried out.
func repeatable(k call, e *lakelink.Error) bool {
	if k.method == http.MethodPost {
		return e.Kind == lakelink.KindThrottled
	}
	return e.Kind == lakelink.KindThrottled || e.Kind == lakelink.KindTransient
}

// waitBefore is how long to wait before the next try: exactly as long as the environment says, or
// longer and longer.
func waitBefore(e *lakelink.Error, try int) time.Duration {
	switch {
	case e.After > 0:
		return e.After
	case errors.Is(e.Err, errPageTooLarge):
		return 0
	}
	wait := min(maxWait, firstWait<<(try-1))
	return wait/2 + rand.N(wait/2)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// try sends a call once, or twice where the token turns out to be no good.
func (c *Client) try(ctx context.Context, k call, requests *int) *lakelink.Error {
	stale := ""
	for {
		token, err := c.sign.bearer(ctx, stale)
		if err != nil {
			e := *readingFailure(err) // a refusal is shared by all who ask meanwhile
			return &e
		}
		e := c.send(ctx, k, token, requests)
		if e == nil || e.Kind != lakelink.KindSignIn || stale != "" {
			return e
		}
		stale = token
	}
}

// send sends a call once.
func (c *Client) send(ctx context.Context, k call, token string, requests *int) *lakelink.Error {
	giveBack, err := c.budget.take(ctx, k.rank)
	if err != nil {
		return &lakelink.Error{Err: err}
	}
	defer giveBack()
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Timeout, errSlow)
	defer cancel()
	req, err := c.request(ctx, k, token)
	if err != nil {
		return &lakelink.Error{Kind: lakelink.KindInvalid, Err: err}
	}
	*requests++
	resp, err := c.http.Do(req)
	if err != nil {
		return transportFailure(dueTo(ctx, err))
	}
	defer resp.Body.Close()
	if n, err := strconv.Atoi(resp.Header.Get("x-ms-dop-hint")); err == nil {
		c.budget.hint(n)
	}
	body, done, err := plain(resp)
	if err != nil {
		return readingFailure(dueTo(ctx, err))
	}
	defer done()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.failed(resp, body)
	}
	if k.read == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, maxErrorBody))
		return nil
	}
	if !strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "application/json") && resp.StatusCode == http.StatusOK {
		return &lakelink.Error{Kind: lakelink.KindUnreachable, Hint: hintURL,
			Err: fmt.Errorf("the answer is %q instead of JSON", resp.Header.Get("Content-Type"))}
	}
	if err := k.read(resp.Header, body); err != nil {
		return readingFailure(dueTo(ctx, err))
	}
	return nil
}

// dueTo replaces an error by our own deadline where that was the reason.
func dueTo(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), errSlow) {
		return errSlow
	}
	return err
}

// failed reads the answer of a failure, and lets everybody pause where it says so.
func (c *Client) failed(resp *http.Response, body io.Reader) *lakelink.Error {
	e := readFailure(resp, body)
	if e.Kind == lakelink.KindThrottled {
		c.budget.pause(e.After)
	}
	return e
}

// request makes the request of a call. The link goes onto the wire as it stands: the environment's
// own links hold XML that was encoded twice (§3.2).
func (c *Client) request(ctx context.Context, k call, token string) (*http.Request, error) {
	method := k.method
	if method == "" {
		method = http.MethodGet
	}
	u, err := url.Parse(c.api)
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(strings.ReplaceAll(k.link, " ", "%20"), "?")
	u.RawPath, u.RawQuery = u.Path+path, query
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return nil, err
	}
	req := (&http.Request{Method: method, URL: u, Host: u.Host, Header: http.Header{}, Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if k.body != nil {
		req.Body = io.NopCloser(bytes.NewReader(k.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(k.body)), nil }
		req.ContentLength = int64(len(k.body))
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("OData-MaxVersion", "4.0")
	req.Header.Set("OData-Version", "4.0")
	req.Header.Set("User-Agent", c.o.UserAgent)
	if method == http.MethodPatch {
		req.Header.Set("If-Match", "*") // else it would make a row that is gone anew (§5.2)
	}
	if k.prefer != nil {
		req.Header.Set("Prefer", k.prefer())
	}
	return req, nil
}

var gzipReaders sync.Pool

// plain returns the answer's body decompressed, and what gives the decompressor back.
func plain(resp *http.Response) (io.Reader, func(), error) {
	if !strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		return resp.Body, func() {}, nil
	}
	z, _ := gzipReaders.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	if err := z.Reset(resp.Body); err != nil {
		return nil, nil, err
	}
	return z, func() { gzipReaders.Put(z) }, nil
}
