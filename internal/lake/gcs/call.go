package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lakelink"
	"lakelink/internal/lake/remote"
)

// errBeyond says that a range starts at or behind an object's end.
var errBeyond = errors.New("the range is behind the object's end")

// A request is one call of the API.
type request struct {
	op, name string // of the lake
	method   string
	url      string
	header   http.Header
	body     io.Reader // nil: none
	size     int64
	accept   func(status int) bool // statuses that are answers, beside 2xx
}

// base is the path of the bucket's objects.
func (l *Lake) base() string {
	return l.endpoint + "/storage/v1/b/" + url.PathEscape(l.at.Bucket) + "/o"
}

// object is the address of one.
func (l *Lake) object(key string) string { return l.base() + "/" + url.PathEscape(key) }

func (l *Lake) request(op, name, method, address string, query url.Values) *request {
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return &request{op: op, name: name, method: method, url: address, header: http.Header{}}
}

// call sends a request and decodes its answer into out, if there is one.
func (l *Lake) call(ctx context.Context, r *request, out any) error {
	resp, err := l.send(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		if ctx.Err() != nil {
			return remote.NoAnswer(ctx, r.op, l.what(r), l.endpoint, err)
		}
		return l.strange(r, err)
	}
	return nil
}

// send sends a request. Its answer is one that was hoped for.
func (l *Lake) send(ctx context.Context, r *request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, r.body)
	if err != nil {
		return nil, err
	}
	req.Header = r.header.Clone()
	req.Header.Set("User-Agent", "lakelink")
	req.ContentLength = r.size
	if r.body == nil {
		req.Body = nil
	}
	if l.tokens != nil && strings.HasPrefix(r.url, l.endpoint+"/") { // not to wherever a session may be
		token, err := l.tokens()
		if err != nil {
			return nil, err
		}
		token.SetAuthHeader(req)
	}
	resp, err := l.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the URL of a resumable upload is a secret
		}
		return nil, remote.NoAnswer(ctx, r.op, l.what(r), l.endpoint, err)
	}
	if resp.StatusCode/100 == 2 || r.accept != nil && r.accept(resp.StatusCode) {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, l.failure(r, resp)
}

func (l *Lake) what(r *request) string { return l.at.Prefix + r.name + " in bucket " + l.at.Bucket }

// strange describes an answer that GCS would not give, or that was cut.
func (l *Lake) strange(r *request, err error) error {
	return &lakelink.Error{Op: r.op, Kind: lakelink.KindUnreachable, Err: fmt.Errorf("%s: the answer was cut or is not from Cloud Storage: %w", l.what(r), err),
		Hint: "check that nothing but " + l.endpoint + " answers there"}
}

// An apiError is what GCS says about a failure.
type apiError struct {
	Error struct {
		Message string
		Errors  []struct{ Reason string }
	}
}

// failure says what an answer means that was not hoped for.
func (l *Lake) failure(r *request, resp *http.Response) error {
	if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return fmt.Errorf("get %s: %w", r.name, errBeyond)
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var said apiError
	message, reason := "", ""
	if json.Unmarshal(text, &said) == nil {
		message = said.Error.Message
		if len(said.Error.Errors) > 0 {
			reason = said.Error.Errors[0].Reason
		}
	} else if !strings.Contains(string(text), "<") {
		message = string(text) // downloads tell in plain text
	}
	if message = strings.Join(strings.Fields(message), " "); message == "" {
		message = http.StatusText(resp.StatusCode)
	}
	e := &lakelink.Error{Op: r.op, Kind: kindOf(resp.StatusCode, reason), Code: reason, Err: fmt.Errorf("%s: %s", l.what(r), message)}
	if e.Code == "" {
		e.Code = strconv.Itoa(resp.StatusCode)
	}
	if e.Kind == lakelink.KindNotFound {
		if r.method == http.MethodPost || strings.Contains(strings.ToLower(message), "bucket does not exist") {
			e.Kind = lakelink.KindInvalid
			e.Hint = "create the bucket " + l.at.Bucket + " or correct the address of the lake"
			return e
		}
		e.Err = fmt.Errorf("there is no %s", l.what(r))
	}
	if e.Kind == lakelink.KindThrottled {
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			e.After = time.Duration(s) * time.Second
		}
	}
	e.Hint = l.hint(e, r)
	return e
}

func kindOf(status int, reason string) lakelink.Kind {
	switch reason {
	case "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded":
		return lakelink.KindThrottled
	}
	switch status {
	case http.StatusUnauthorized:
		return lakelink.KindSignIn
	case http.StatusForbidden:
		return lakelink.KindForbidden
	case http.StatusNotFound, http.StatusGone: // a session is gone
		return lakelink.KindNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return lakelink.KindConflict
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return lakelink.KindThrottled
	case http.StatusRequestTimeout:
		return lakelink.KindTransient
	case http.StatusInsufficientStorage:
		return lakelink.KindFull
	}
	if status >= 300 && status < 500 || status == http.StatusNotImplemented {
		return lakelink.KindInvalid
	}
	return lakelink.KindTransient
}

// rights are the permissions that operations need. One that replaces an object deletes the old one.
var rights = map[string]string{
	"get": "storage.objects.get", "stat": "storage.objects.get", "list": "storage.objects.list",
	"put": "storage.objects.create, storage.objects.get and storage.objects.delete", "delete": "storage.objects.delete",
}

func (l *Lake) hint(e *lakelink.Error, r *request) string {
	switch e.Kind {
	case lakelink.KindForbidden:
		return "grant " + rights[r.op] + " on bucket " + l.at.Bucket +
			" to the identity that Lakelink uses, for instance by the role Storage Object User (roles/storage.objectUser)"
	case lakelink.KindSignIn:
		return "check the credentials that Lakelink uses for bucket " + l.at.Bucket
	case lakelink.KindFull:
		return "free space in bucket " + l.at.Bucket + ", or raise its quota"
	}
	return ""
}

func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n)
}

// oneLine keeps an error on one line.
func oneLine(err error) error {
	if !strings.Contains(err.Error(), "\n") {
		return err
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}
