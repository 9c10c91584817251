package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"lakelink"
)

// DefaultURL is where clients look for a service that nobody has named.
const DefaultURL = "http://127.0.0.1:7780"

// A Client calls a service. Its errors are *ErrorDocument where the service answered, and *lakelink.Error
// of KindUnreachable where it did not.
type Client struct {
	url   string
	token string
	http  *http.Client
}

// NewClient returns a client of the service at that address.
func NewClient(address, token string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, &lakelink.Error{Op: "find service", Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("%q is not an address", address), Hint: "set LAKELINK_URL to something like " + DefaultURL}
	}
	return &Client{url: strings.TrimRight(address, "/"), token: token, http: &http.Client{}}, nil
}

// Links lists all links.
func (c *Client) Links(ctx context.Context) (out []lakelink.LinkStatus, err error) {
	return out, c.call(ctx, http.MethodGet, "/links", nil, &out)
}

// Link shows one link.
func (c *Client) Link(ctx context.Context, name lakelink.LinkName) (out lakelink.LinkStatus, err error) {
	return out, c.call(ctx, http.MethodGet, linkURL(name, ""), nil, &out)
}

// CreateLink makes a link.
func (c *Client) CreateLink(ctx context.Context, n NewLink) (out lakelink.Link, err error) {
	return out, c.call(ctx, http.MethodPost, "/links", n, &out)
}

// DeleteLink deletes a link, with its data if told so.
func (c *Client) DeleteLink(ctx context.Context, name lakelink.LinkName, deleteData bool) error {
	return c.call(ctx, http.MethodDelete, linkURL(name, "")+"?deleteData="+strconv.FormatBool(deleteData), nil, nil)
}

// PauseLink stops a link.
func (c *Client) PauseLink(ctx context.Context, name lakelink.LinkName) (out lakelink.Link, err error) {
	return out, c.call(ctx, http.MethodPost, linkURL(name, "/pause"), nil, &out)
}

// ResumeLink starts a paused link.
func (c *Client) ResumeLink(ctx context.Context, name lakelink.LinkName) (out lakelink.Link, err error) {
	return out, c.call(ctx, http.MethodPost, linkURL(name, "/resume"), nil, &out)
}

// AddTables adds tables to a link.
func (c *Client) AddTables(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName) (out lakelink.Link, err error) {
	return out, c.call(ctx, http.MethodPost, linkURL(name, "/tables"), tablesRequest{tables}, &out)
}

// RemoveTables takes tables out of a link, all or none.
func (c *Client) RemoveTables(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName) (out lakelink.Link, err error) {
	return out, c.call(ctx, http.MethodPost, linkURL(name, "/tables/remove"), tablesRequest{tables}, &out)
}

// Resync orders tables to be read anew, all where none is named.
func (c *Client) Resync(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName) error {
	return c.call(ctx, http.MethodPost, linkURL(name, "/resync"), tablesRequest{tables}, nil)
}

// Wait returns once all that the environment has committed at the call is readable.
func (c *Client) Wait(ctx context.Context, name lakelink.LinkName, timeout time.Duration) error {
	return c.call(ctx, http.MethodPost, linkURL(name, "/wait"),
		map[string]any{"timeout": lakelink.Duration(timeout)}, nil)
}

// Verify compares the lake with the environment. report is what the answer is decoded into.
func (c *Client) Verify(ctx context.Context, name lakelink.LinkName, tables []lakelink.TableName, report any) error {
	return c.call(ctx, http.MethodPost, linkURL(name, "/verify"), tablesRequest{tables}, report)
}

// Activity lists what happened, newest first.
func (c *Client) Activity(ctx context.Context, name lakelink.LinkName, limit int) (out []lakelink.Activity, err error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if name != "" {
		q.Set("link", string(name))
	}
	return out, c.call(ctx, http.MethodGet, "/activity?"+q.Encode(), nil, &out)
}

// Query writes the answer to w as it comes.
func (c *Client) Query(ctx context.Context, q Query, w io.Writer) error {
	resp, err := c.do(ctx, http.MethodPost, "/query", q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return &lakelink.Error{Op: "read answer", Kind: lakelink.KindTransient, Err: err,
			Hint: "what was printed is not complete; run it again"}
	}
	return nil
}

// Ready returns nil once the service is ready.
func (c *Client) Ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("service answers %s", resp.Status)
	}
	return nil
}

type tablesRequest struct {
	Tables []lakelink.TableName `json:"tables,omitempty"`
}

func linkURL(name lakelink.LinkName, rest string) string {
	return "/links/" + url.PathEscape(string(name)) + rest
}

// call sends in as JSON and decodes the answer into out, where they are not nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return &lakelink.Error{Op: "read answer", Kind: lakelink.KindUnreachable, Err: err,
			Hint: "check that LAKELINK_URL names a Lakelink service of this version"}
	}
	return nil
}

func (c *Client) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+"/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		var call *os.SyscallError // "connection refused" without how it was found out
		if errors.As(err, &call) {
			err = call.Err
		}
		return nil, &lakelink.Error{Op: "reach the service at " + c.url, Kind: lakelink.KindUnreachable, Err: err,
			Hint: "start it with `lakelink serve --data DIR`, or set LAKELINK_URL"}
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, readProblem(resp)
}

// readProblem makes an error of an answer that is not a success.
func readProblem(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	p := &ErrorDocument{}
	if err != nil || json.Unmarshal(text, p) != nil || p.Detail == "" {
		return &lakelink.Error{Op: "call the service", Kind: lakelink.KindUnreachable,
			Err: fmt.Errorf("it answers %s", resp.Status), Hint: "check that LAKELINK_URL names a Lakelink service"}
	}
	return p
}

// encodeJSON writes v, whose reader may have gone.
func encodeJSON(w io.Writer, v any) { json.NewEncoder(w).Encode(v) } //nolint:errcheck // the caller is gone
