package azure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/lake/azure"
)

// A proxy stands before a twin and spoils what passes.
type proxy struct {
	inside http.Handler

	mu    sync.Mutex
	seen  []string // "METHOD comp"
	fault fault
}

// A fault sees the n-th request, counted from 1, and may take it.
type fault func(n int, r *http.Request, w http.ResponseWriter) (took bool)

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, strings.TrimSpace(r.Method+" "+r.URL.Query().Get("comp")))
	n, fault := len(p.seen), p.fault
	p.mu.Unlock()
	if fault != nil && fault(n, r, w) {
		return
	}
	p.inside.ServeHTTP(w, r)
}

func (p *proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen, p.fault = nil, f
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// startProxied starts a twin behind a proxy.
func startProxied(t *testing.T, change func(*azure.Options)) (*proxy, *azure.Lake) {
	t.Helper()
	p := &proxy{inside: newTwin(t, false)}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	o := options(server.URL)
	o.Retries, o.TryTimeout = 2, 300*time.Millisecond
	if change != nil {
		change(&o)
	}
	return p, open(t, o, "")
}

// answer makes the first n requests fail with a status and code, 0 being all.
func answer(n, status int, code string, header ...string) fault {
	return func(i int, r *http.Request, w http.ResponseWriter) bool {
		if n > 0 && i > n {
			return false
		}
		io.Copy(io.Discard, r.Body) // or the server delays the connection's end
		for h := range len(header) / 2 {
			w.Header().Set(header[2*h], header[2*h+1])
		}
		fail(w, status, code)
		return true
	}
}

// cut ends a connection without an answer.
func cut(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		c.Close()
	}
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }

func listError(ctx context.Context, l lakelink.Lake) error {
	for _, err := range l.List(ctx, "", false) {
		if err != nil {
			return err
		}
	}
	return nil
}

// wantFailure looks at an error as its three readers do.
func wantFailure(t *testing.T, what string, err error, kind lakelink.Kind, parts ...string) {
	t.Helper()
	if !lakelink.IsKind(err, kind) {
		t.Errorf("%s: kind %q, want %q: %v", what, lakelink.KindOf(err), kind, err)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v\nlacks %q", what, err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "sig=") {
		t.Errorf("%s: not one line, or with a signature in it: %q", what, err)
	}
}

func TestErrorsNameTheRemedy(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		kind   lakelink.Kind
		hint   string
	}{
		{400, "InvalidHeaderValue", lakelink.KindInvalid, ""},
		{400, "", lakelink.KindUnreachable, "no proxy answers in its place"},
		{401, "InvalidAuthenticationInfo", lakelink.KindSignIn, "check the account key of devstoreaccount1"},
		{403, "AuthenticationFailed", lakelink.KindSignIn, "this machine's clock"},
		{403, "AuthorizationFailure", lakelink.KindForbidden, "firewall of account devstoreaccount1"},
		{403, "AuthorizationPermissionMismatch", lakelink.KindForbidden, "Storage Blob Data Contributor on container lake of account devstoreaccount1"},
		{403, "KeyBasedAuthenticationNotPermitted", lakelink.KindSignIn, "sign in with an identity"},
		{404, "ContainerNotFound", lakelink.KindUnreachable, "create container lake in account devstoreaccount1"},
		{404, "", lakelink.KindUnreachable, "no proxy answers in its place"},
		{409, "ContainerBeingDeleted", lakelink.KindUnreachable, "create container lake"},
		{409, "BlobImmutableDueToPolicy", lakelink.KindForbidden, "immutability policy"},
		{409, "BlobArchived", lakelink.KindForbidden, "rehydrate"},
		{409, "LeaseAlreadyPresent", lakelink.KindConflict, "break the lease"},
		{412, "LeaseIdMissing", lakelink.KindConflict, "break the lease"},
		{429, "TooManyRequests", lakelink.KindThrottled, ""},
		{500, "InternalError", lakelink.KindTransient, ""},
		{500, "OperationTimedOut", lakelink.KindTransient, ""},
		{502, "", lakelink.KindTransient, ""},
		{503, "ServerBusy", lakelink.KindThrottled, ""},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.code), func(t *testing.T) {
			p, l := startProxied(t, func(o *azure.Options) { o.BlockSize = 256 << 10 })
			p.set(answer(0, tt.status, tt.code))
			for what, err := range map[string]error{
				"stat":   second(l.Stat(t.Context(), "a/b")),
				"get":    third(l.Get(t.Context(), "a/b")),
				"put":    second(l.Put(t.Context(), "a/b", strings.NewReader("x"))),
				"new":    second(l.PutNew(t.Context(), "a/b", strings.NewReader("x"))),
				"match":  second(l.PutMatch(t.Context(), "a/b", "0x1", strings.NewReader("x"))),
				"blocks": second(l.PutNew(t.Context(), "a/b", bytes.NewReader(make([]byte, 600<<10)))),
				"list":   listError(t.Context(), l),
				"delete": l.Delete(t.Context(), "a/b"),
			} {
				parts := []string{tt.hint}
				if tt.code != "" {
					parts = append(parts, tt.code)
				}
				wantFailure(t, what, err, tt.kind, parts...)
			}
		})
	}
}

func TestThrottlingIsHonouredAndBounded(t *testing.T) {
	p, l := startProxied(t, func(o *azure.Options) { o.TryTimeout = 5 * time.Second })
	for status, header := range map[int]string{429: "Retry-After", 500: "x-ms-retry-after-ms", 503: "x-ms-retry-after-ms"} {
		wait := time.Second
		value := "1"
		if header != "Retry-After" {
			wait, value = 50*time.Millisecond, "50"
		}
		p.set(answer(1, status, "ServerBusy", header, value))
		began := time.Now()
		if _, err := l.Put(t.Context(), "x", strings.NewReader("x")); err != nil {
			t.Errorf("%d once: %v", status, err)
		}
		if took := time.Since(began); took < wait {
			t.Errorf("%d: came again after %v, asked to wait %v", status, took, wait)
		}
	}

	p.set(answer(0, 503, "ServerBusy", "x-ms-retry-after-ms", "5"))
	if _, err := l.Stat(t.Context(), "x"); !lakelink.IsKind(err, lakelink.KindThrottled) || len(p.requests()) != 3 {
		t.Errorf("%d requests, want 3: %v", len(p.requests()), err)
	}

	// Longer than it is worth waiting for: the caller is told how long.
	p.set(answer(0, 429, "TooManyRequests", "Retry-After", "120"))
	began := time.Now()
	_, err := l.Stat(t.Context(), "x")
	var e *lakelink.Error
	if !errors.As(err, &e) || e.Kind != lakelink.KindThrottled || e.After != 2*time.Minute || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %+v", time.Since(began), e)
	}
}

func TestHangsEnd(t *testing.T) {
	p, l := startProxied(t, nil)
	if _, err := l.Put(t.Context(), "x", strings.NewReader(strings.Repeat("x", 3<<20))); err != nil {
		t.Fatal(err)
	}
	hang := func(_ int, r *http.Request, _ http.ResponseWriter) bool {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return true
	}
	for what, do := range map[string]func() error{
		"stat": func() error { return second(l.Stat(t.Context(), "x")) },
		"get":  func() error { return third(l.Get(t.Context(), "x")) },
		"put":  func() error { return second(l.Put(t.Context(), "x", strings.NewReader("y"))) },
		"list": func() error { return listError(t.Context(), l) },
	} {
		p.set(hang)
		began := time.Now()
		wantFailure(t, what, do(), lakelink.KindUnreachable, "check the network")
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %v", what, took)
		}
	}

	// A body that stalls is taken up where it stopped.
	p.set(func(n int, r *http.Request, w http.ResponseWriter) bool {
		if n > 1 {
			return false
		}
		rec := httptest.NewRecorder()
		p.inside.ServeHTTP(rec, r)
		copyHeader(w, rec)
		w.Write(rec.Body.Bytes()[:100_000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	})
	r, _, err := l.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, err := io.ReadAll(r); err != nil || len(data) != 3<<20 || len(p.requests()) < 2 {
		t.Errorf("%d bytes in %d requests, %v", len(data), len(p.requests()), err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p.set(hang)
	if _, err := l.Stat(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) || lakelink.KindOf(err) != lakelink.KindOther {
		t.Errorf("the caller's own deadline: %v", err)
	}
}

func copyHeader(w http.ResponseWriter, from *httptest.ResponseRecorder) {
	for k, v := range from.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(from.Code)
}

// cutBody answers with half of what was asked for.
func cutBody(p *proxy, first int) fault {
	return func(n int, r *http.Request, w http.ResponseWriter) bool {
		if n > first {
			return false
		}
		rec := httptest.NewRecorder()
		p.inside.ServeHTTP(rec, r)
		rec.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
		copyHeader(w, rec)
		w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
		w.(http.Flusher).Flush()
		cut(w)
		return true
	}
}

func TestCutBodiesAreReadOn(t *testing.T) {
	p, l := startProxied(t, nil)
	for _, size := range []int{1000, 3 << 20} {
		data := bytes.Repeat([]byte("0123456789"), size/10)
		if _, err := l.Put(t.Context(), "x", bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		p.set(cutBody(p, 2))
		r, _, err := l.Get(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) || len(p.requests()) != 3 {
			t.Errorf("%d of %d bytes in %d requests: %v", len(got), len(data), len(p.requests()), err)
		}
		r.Close()

		p.set(cutBody(p, 1<<30)) // for good
		r, _, err = l.Get(t.Context(), "x")
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if k := lakelink.KindOf(err); k != lakelink.KindTransient && k != lakelink.KindUnreachable {
			t.Errorf("cut again and again: %v", err)
		}
		p.set(nil)
	}
	p.set(cutBody(p, 1))
	if err := listError(t.Context(), l); err != nil {
		t.Errorf("a listing that was cut once: %v", err)
	}
	p.set(cutBody(p, 1<<30))
	wantFailure(t, "a listing that is always cut", listError(t.Context(), l), lakelink.KindTransient)
}

// TestReplacedWhileRead: what is read is one version or an error, never parts of two.
func TestReplacedWhileRead(t *testing.T) {
	p, l := startProxied(t, nil)
	for _, size := range []int{1000, 3 << 20} {
		if _, err := l.Put(t.Context(), "x", strings.NewReader(strings.Repeat("a", size))); err != nil {
			t.Fatal(err)
		}
		p.set(func(n int, r *http.Request, w http.ResponseWriter) bool {
			if n > 1 {
				return false
			}
			rec := httptest.NewRecorder()
			p.inside.ServeHTTP(rec, r)
			copyHeader(w, rec)
			w.Write(rec.Body.Bytes()[:size/2])
			w.(http.Flusher).Flush()
			if _, err := l.Put(context.Background(), "x", strings.NewReader(strings.Repeat("b", size))); err != nil {
				t.Error(err)
			}
			cut(w)
			return true
		})
		r, _, err := l.Get(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if size > 1<<20 {
			wantFailure(t, "replaced", err, lakelink.KindConflict, "was replaced or deleted while it was read")
		} else if err != nil || string(data) != strings.Repeat("b", size) {
			t.Errorf("read %d bytes: %v", len(data), err)
		}
		p.set(nil)
	}
}

// TestLostAnswers: an answer that is lost after the write took effect is found out, for every kind of put,
// in one request or in blocks.
func TestLostAnswers(t *testing.T) {
	for _, size := range []int{10, 1 << 20} {
		for name, put := range map[string]func(l *azure.Lake, etag string) (lakelink.ObjectInfo, error){
			"put": func(l *azure.Lake, _ string) (lakelink.ObjectInfo, error) {
				return l.Put(t.Context(), "new", strings.NewReader(strings.Repeat("n", size)))
			},
			"put new": func(l *azure.Lake, _ string) (lakelink.ObjectInfo, error) {
				return l.PutNew(t.Context(), "new", strings.NewReader(strings.Repeat("n", size)))
			},
			"put match": func(l *azure.Lake, etag string) (lakelink.ObjectInfo, error) {
				return l.PutMatch(t.Context(), "old", etag, strings.NewReader(strings.Repeat("n", size)))
			},
		} {
			for _, retries := range []int{-1, 2} {
				t.Run(fmt.Sprint(name, " ", size, " ", retries), func(t *testing.T) {
					p, l := startProxied(t, func(o *azure.Options) { o.Retries, o.BlockSize, o.TryTimeout = retries, 300<<10, 5*time.Second })
					old, err := l.Put(t.Context(), "old", strings.NewReader("old"))
					if err != nil {
						t.Fatal(err)
					}
					comp := ""
					if size > 300<<10 {
						comp = "blocklist"
					}
					p.set(lose(p, comp))
					info, err := put(l, old.ETag)
					if err != nil {
						t.Fatalf("the write that won was called a failure: %v (%v)", err, p.requests())
					}
					stat, err := l.Stat(t.Context(), info.Name)
					if err != nil || stat.ETag != info.ETag || stat.Size != int64(size) || info.Size != stat.Size {
						t.Errorf("put %+v, is %+v, %v", info, stat, err)
					}
				})
			}
		}
	}
}

// lose carries the first write of that kind out and loses its answer.
func lose(p *proxy, comp string) fault {
	var once sync.Once
	return func(_ int, r *http.Request, w http.ResponseWriter) (took bool) {
		if r.Method != http.MethodPut || r.URL.Query().Get("comp") != comp {
			return false
		}
		once.Do(func() {
			p.inside.ServeHTTP(httptest.NewRecorder(), r)
			cut(w)
			took = true
		})
		return took
	}
}

// TestLostAnswersOfLosers: that an answer was lost does not make anybody win who has not.
func TestLostAnswersOfLosers(t *testing.T) {
	p, l := startProxied(t, func(o *azure.Options) { o.TryTimeout = 5 * time.Second })
	rival, err := l.PutNew(t.Context(), "x", strings.NewReader("rival"))
	if err != nil {
		t.Fatal(err)
	}
	p.set(lose(p, ""))
	_, err = l.PutNew(t.Context(), "x", strings.NewReader("ours"))
	wantFailure(t, "PutNew", err, lakelink.KindExists)
	p.set(lose(p, ""))
	_, err = l.PutMatch(t.Context(), "x", "0xold", strings.NewReader("ours"))
	wantFailure(t, "PutMatch", err, lakelink.KindTransient, "cannot be told")
	p.set(nil)
	_, err = l.PutMatch(t.Context(), "x", "0xold", strings.NewReader("ours"))
	wantFailure(t, "PutMatch with all answers", err, lakelink.KindConflict)
	if now, err := l.Stat(t.Context(), "x"); err != nil || now != rival {
		t.Errorf("the rival's object is now %+v, %v", now, err)
	}

	// A rival overwrites ours before we can look: no word of a conflict, as there may have been none.
	old, err := l.Put(t.Context(), "y", strings.NewReader("old"))
	if err != nil {
		t.Fatal(err)
	}
	first := lose(p, "")
	p.set(func(n int, r *http.Request, w http.ResponseWriter) bool {
		took := first(n, r, w)
		if took {
			if _, err := l.Put(context.Background(), "y", strings.NewReader("rival")); err != nil {
				t.Error(err)
			}
		}
		return took
	})
	_, err = l.PutMatch(t.Context(), "y", old.ETag, strings.NewReader("ours"))
	wantFailure(t, "PutMatch overtaken", err, lakelink.KindTransient, "cannot be told")
}

// TestNoAnswerAtAll: a write that never arrived is a failure, and leaves nothing.
func TestNoAnswerAtAll(t *testing.T) {
	p, l := startProxied(t, nil)
	p.set(func(_ int, r *http.Request, w http.ResponseWriter) bool {
		if r.Method != http.MethodPut {
			return false
		}
		cut(w)
		return true
	})
	_, err := l.PutNew(t.Context(), "x", strings.NewReader("x"))
	wantFailure(t, "PutNew", err, lakelink.KindUnreachable, "check the network")
	if _, err := l.Stat(t.Context(), "x"); !lakelink.IsKind(err, lakelink.KindNotFound) {
		t.Errorf("after it: %v", err)
	}
	o := options("http://127.0.0.1:1")
	o.Retries = -1
	_, err = open(t, o, "").Stat(t.Context(), "x")
	wantFailure(t, "nobody there", err, lakelink.KindUnreachable, "127.0.0.1:1")
}

// TestSignaturesStayOutOfErrors: the URL of every request has the signature in it.
func TestSignaturesStayOutOfErrors(t *testing.T) {
	o := options("http://127.0.0.1:1")
	o.AccountKey, o.SAS, o.Retries = "", "env:SAS", -1
	o.Resolve = func(lakelink.SecretRef) (string, error) { return "?sv=2025-01-05&sp=rwdl&sig=c2VjcmV0", nil }
	l := open(t, o, "")
	for what, err := range map[string]error{
		"stat": second(l.Stat(t.Context(), "x")), "get": third(l.Get(t.Context(), "x")),
		"put": second(l.Put(t.Context(), "x", strings.NewReader("x"))), "list": listError(t.Context(), l),
	} {
		if wantFailure(t, what, err, lakelink.KindUnreachable); strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := azure.Open("https://contoso.blob.core.windows.net/lake?sv=1&sig=c2VjcmV0", o)
	wantFailure(t, "in the address", err, lakelink.KindInvalid, "AZURE_STORAGE_SAS_TOKEN")
}
