package gcs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/lake/laketest"
	"lakelink/internal/lake/remote"
	"lakelink/internal/lake/remote/remotetest"
)

func TestTwin(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		l, _, _ := onTwin(t)
		return l
	})
}

func TestTwinInChunksAndPages(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		l, _, _ := onTwin(t)
		l.chunk, l.page = quantum, 2
		return l
	})
}

func TestTwinWithLargeObjects(t *testing.T) {
	l, s, _ := onTwin(t)
	l.chunk = quantum
	testLarge(t, l)
	l.chunk, s.takes = 4*quantum, quantum
	testLarge(t, l)
	if n := s.unfinished(); n != 0 {
		t.Errorf("%d sessions left", n)
	}
}

func onTwin(t *testing.T) (*Lake, *twin, *remotetest.Proxy) {
	t.Helper()
	s := newTwin()
	p := &remotetest.Proxy{Next: s}
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of connections that tests have cut
	server.Start()
	t.Cleanup(server.Close)
	return openAt(t, "gs://bucket/folder?anonymous=true&endpoint="+server.URL), s, p
}

func openAt(t *testing.T, address string) *Lake {
	t.Helper()
	l, err := Open(address)
	if err != nil {
		t.Fatal(err)
	}
	l.settings = remote.Settings{Tries: 4, Wait: time.Millisecond, MaxWait: 2 * time.Millisecond, Timeout: 10 * time.Second, Stall: 10 * time.Second}
	return l
}

func get(t *testing.T, l *Lake, name string) ([]byte, lakelink.ObjectInfo) {
	t.Helper()
	r, info, err := l.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data, info
}

// TestAnyRequestMayFail lets each request of a story go wrong in turn. The story must not notice.
func TestAnyRequestMayFail(t *testing.T) {
	backend := errorBody(500, "backendError", "Backend Error")
	for what, f := range map[string]remotetest.Fault{
		"dropped":             {Drop: true},
		"dropped, yet done":   {Drop: true, Effect: true},
		"failed":              {Status: 500, Body: backend},
		"failed, yet done":    {Status: 500, Body: backend, Effect: true},
		"gateway, yet done":   {Status: 502, Body: "<html>", Effect: true},
		"throttled":           {Status: 429, Body: errorBody(429, "rateLimitExceeded", "slow down")},
		"throttled, yet done": {Status: 503, Effect: true},
		"cut":                 {Cut: 10},
	} {
		t.Run(what, func(t *testing.T) {
			for at := 1; ; at++ {
				l, s, p := onTwin(t)
				l.chunk = quantum
				p.Fault = func(n int, r *http.Request) *remotetest.Fault {
					if n != at {
						return nil
					}
					return &f
				}
				story(t, l)
				if n := s.unfinished(); n > 1 || n > 0 && !f.Effect { // one that was begun and not heard of ends by itself
					t.Errorf("%d sessions left", n)
				}
				if t.Failed() {
					t.Fatalf("when request %d went wrong", at)
				}
				if p.Requests() < at {
					return
				}
			}
		})
	}
}

func story(t *testing.T, l *Lake) {
	t.Helper()
	small, large := []byte("small"), pattern(2*quantum+7, 1)
	check := func(what string, info lakelink.ObjectInfo, err error, want []byte) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if got, now := get(t, l, "x"); !bytes.Equal(got, want) || now != info {
			t.Errorf("%s: %d bytes of %+v, put %+v", what, len(got), now, info)
		}
	}
	info, err := l.PutNew(t.Context(), "x", bytes.NewReader(large))
	check("PutNew", info, err, large)
	_, err = l.PutNew(t.Context(), "x", bytes.NewReader(small))
	if !lakelink.IsKind(err, lakelink.KindExists) {
		t.Errorf("PutNew again: %v", err)
	}
	info, err = l.PutMatch(t.Context(), "x", info.ETag, bytes.NewReader(small))
	check("PutMatch", info, err, small)
	info, err = l.PutMatch(t.Context(), "x", info.ETag, bytes.NewReader(large))
	check("PutMatch in chunks", info, err, large)
	info, err = l.Put(t.Context(), "x", bytes.NewReader(small))
	check("Put", info, err, small)
	info, err = l.Put(t.Context(), "x", bytes.NewReader(large))
	check("Put in chunks", info, err, large)
	for _, err := range l.List(t.Context(), "", true) {
		if err != nil {
			t.Error(err)
		}
	}
	if err := l.Delete(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if _, err := l.Stat(t.Context(), "x"); !lakelink.IsKind(err, lakelink.KindNotFound) {
		t.Errorf("Stat of what was deleted: %v", err)
	}
}

// TestConditionHoldsAtTheEnd of a resumable upload, not only at its beginning.
func TestConditionHoldsAtTheEnd(t *testing.T) {
	l, s, p := onTwin(t)
	l.chunk = quantum
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if r.Method == "PUT" {
			p.Reset(nil)
			if _, err := l.PutNew(context.Background(), "x", strings.NewReader("faster")); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	_, err := l.PutNew(t.Context(), "x", bytes.NewReader(pattern(3*quantum, 1)))
	if !lakelink.IsKind(err, lakelink.KindExists) {
		t.Errorf("the slower: %v", err)
	}
	if data, _ := get(t, l, "x"); string(data) != "faster" || s.unfinished() != 0 {
		t.Errorf("got %d bytes", len(data))
	}
}

func TestOvertakenWriterKnowsThatItWon(t *testing.T) {
	l, _, p := onTwin(t)
	first, err := l.Put(t.Context(), "x", strings.NewReader("0"))
	if err != nil {
		t.Fatal(err)
	}
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if r.Method != "POST" {
			return nil
		}
		p.Reset(func(n int, r *http.Request) *remotetest.Fault {
			p.Reset(nil)
			now, err := l.Stat(context.Background(), "x")
			if err == nil {
				_, err = l.PutMatch(context.Background(), "x", now.ETag, strings.NewReader("2"))
			}
			if err != nil {
				t.Error(err)
			}
			return nil
		})
		return &remotetest.Fault{Effect: true, Drop: true}
	})
	info, err := l.PutMatch(t.Context(), "x", first.ETag, strings.NewReader("1"))
	if err != nil {
		t.Fatalf("its update was lost, or would be made twice: %v", err)
	}
	if data, _ := get(t, l, "x"); string(data) != "2" {
		t.Errorf("the lake holds %q", data)
	}
	if _, err := l.PutMatch(t.Context(), "x", info.ETag, strings.NewReader("3")); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Errorf("going on from it: %v", err)
	}
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		fault remotetest.Fault
		kind  lakelink.Kind
		want  string
	}{
		{remotetest.Fault{Status: 403, Body: errorBody(403, "forbidden", "no access")}, lakelink.KindForbidden, "grant storage.objects."},
		{remotetest.Fault{Status: 401, Body: errorBody(401, "required", "Anonymous caller")}, lakelink.KindSignIn, "check the credentials"},
		{remotetest.Fault{Status: 404, Body: errorBody(404, "notFound", "The specified bucket does not exist.")}, lakelink.KindInvalid, "create the bucket bucket"},
		{remotetest.Fault{Status: 429, Header: map[string]string{"Retry-After": "7"}}, lakelink.KindThrottled, "429"},
		{remotetest.Fault{Status: 403, Body: errorBody(403, "rateLimitExceeded", "slow down")}, lakelink.KindThrottled, "rateLimitExceeded"},
		{remotetest.Fault{Status: 500, Body: "<html>"}, lakelink.KindTransient, "500"},
		{remotetest.Fault{Drop: true}, lakelink.KindUnreachable, "can be reached from here"},
		{remotetest.Fault{Hang: true}, lakelink.KindUnreachable, "no answer in time"},
		{remotetest.Fault{Status: 302, Header: map[string]string{"Location": "/login"}}, lakelink.KindInvalid, "302"},
	} {
		l, s, p := onTwin(t)
		l.chunk, l.settings.Tries = quantum, 2
		if tt.fault.Hang {
			l.settings.Timeout = 50 * time.Millisecond
		}
		p.Fault = func(int, *http.Request) *remotetest.Fault { return &tt.fault }
		for what, err := range operations(t.Context(), l) {
			if !lakelink.IsKind(err, tt.kind) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "bucket") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%+v: %s: %v", tt.fault, what, err)
			}
			var e *lakelink.Error
			if errors.As(err, &e); tt.fault.Header["Retry-After"] != "" && e.After != 7*time.Second {
				t.Errorf("%s: wait %v, want the server's 7s", what, e.After)
			}
		}
		if len(s.objects)+len(s.sessions) != 0 {
			t.Errorf("%+v: something was left", tt.fault)
		}
	}
}

func operations(ctx context.Context, l *Lake) map[string]error {
	_, put := l.Put(ctx, "a/b", strings.NewReader("x"))
	_, large := l.PutNew(ctx, "a/b", bytes.NewReader(make([]byte, 2*quantum)))
	_, match := l.PutMatch(ctx, "a/b", "1", strings.NewReader("x"))
	_, _, get := l.Get(ctx, "a/b")
	_, rng := l.GetRange(ctx, "a/b", 1, 2)
	_, stat := l.Stat(ctx, "a/b")
	all := map[string]error{"put": put, "put large": large, "put match": match, "get": get, "get range": rng, "stat": stat, "delete": l.Delete(ctx, "a/b"), "probe": l.Probe(ctx)}
	for _, err := range l.List(ctx, "a/", false) {
		all["list"] = err
	}
	return all
}

func TestCutBodiesGoOn(t *testing.T) {
	l, _, p := onTwin(t)
	data := pattern(100_000, 1)
	if _, err := l.Put(t.Context(), "x", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	p.Reset(func(int, *http.Request) *remotetest.Fault { return &remotetest.Fault{Cut: 30_000} })
	if got, _ := get(t, l, "x"); !bytes.Equal(got, data) {
		t.Errorf("got %d bytes", len(got))
	}
	r, _, err := l.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	p.Reset(nil)
	if _, err := l.Put(t.Context(), "x", strings.NewReader("another")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !lakelink.IsKind(err, lakelink.KindTransient) || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("after it was replaced: %v", err)
	}
	r.Close()
}

func TestStoppedUploadsLeaveNothing(t *testing.T) {
	l, s, p := onTwin(t)
	l.chunk = quantum
	data := make([]byte, 3*quantum)
	if _, err := l.Put(t.Context(), "x", io.MultiReader(bytes.NewReader(data), brokenReader{})); !errors.Is(err, errBroken) {
		t.Errorf("a failing reader: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if n == 3 {
			cancel()
		}
		return nil
	})
	if _, err := l.PutNew(ctx, "x", bytes.NewReader(data)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if r.Method == "PUT" && n > 2 {
			return &remotetest.Fault{Status: 500}
		}
		return nil
	})
	if _, err := l.PutNew(t.Context(), "x", bytes.NewReader(data)); !lakelink.IsKind(err, lakelink.KindTransient) {
		t.Errorf("a chunk that cannot be sent: %v", err)
	}
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if n == 3 {
			s.mu.Lock()
			clear(s.sessions) // the server forgets them after a week
			s.mu.Unlock()
		}
		return nil
	})
	if _, err := l.PutNew(t.Context(), "x", bytes.NewReader(data)); !lakelink.IsKind(err, lakelink.KindTransient) {
		t.Errorf("a session that is gone: %v", err)
	}
	if len(s.objects) != 0 || s.unfinished() != 0 {
		t.Errorf("%d objects and %d sessions left", len(s.objects), s.unfinished())
	}
}

func TestProbe(t *testing.T) {
	l, s, _ := onTwin(t)
	if err := l.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	s.unconditional = true
	err := l.Probe(t.Context())
	if !lakelink.IsKind(err, lakelink.KindInvalid) || !strings.Contains(err.Error(), "ignores conditions") || !strings.Contains(err.Error(), "use Google Cloud Storage") {
		t.Error(err)
	}
	if len(s.objects) != 0 || s.unfinished() != 0 {
		t.Error("the probe left something")
	}
}

// TestDeleteOfAGeneration: what arrived changed is deleted, and only that.
func TestDeleteOfAGeneration(t *testing.T) {
	l, _, _ := onTwin(t)
	first, err := l.Put(t.Context(), "x", strings.NewReader("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Put(t.Context(), "x", strings.NewReader("2")); err != nil {
		t.Fatal(err)
	}
	if err := l.delete(t.Context(), "x", first.ETag); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Errorf("delete of an old generation: %v", err)
	}
	if data, _ := get(t, l, "x"); string(data) != "2" {
		t.Errorf("got %q", data)
	}
}

// TestSignIn with a credentials file, whose token comes from a server of its own.
func TestSignIn(t *testing.T) {
	s := newTwin()
	seen := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			answer(w, map[string]any{"access_token": "good", "token_type": "Bearer", "expires_in": 3600})
			return
		}
		seen = r.Header.Get("Authorization")
		s.ServeHTTP(w, r)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "credentials.json")
	data, _ := json.Marshal(map[string]any{"type": "authorized_user", "client_id": "id", "client_secret": "s", "refresh_token": "r"})
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	l := openAt(t, "gs://bucket/folder?endpoint="+server.URL+"&credentials=file:"+url.QueryEscape(file))
	l.http.Transport = toToken{server.URL, l.http.Transport}
	if _, err := l.Put(t.Context(), "x", strings.NewReader("x")); err != nil || seen != "Bearer good" {
		t.Errorf("%v, with %q", err, seen)
	}
	for content, want := range map[string]string{"": "is empty", "secret": "no JSON", `{"type":"odd"}`: "of a kind that is known"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		l := openAt(t, "gs://bucket/folder?endpoint="+server.URL+"&credentials=file:"+url.QueryEscape(file))
		_, err := l.Put(t.Context(), "x", strings.NewReader("x"))
		if !lakelink.IsKind(err, lakelink.KindSignIn) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// toToken sends what is for Google's token server to a test's.
type toToken struct {
	to   string
	next http.RoundTripper
}

func (t toToken) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Host, "oauth2.") {
		u, err := url.Parse(t.to + "/token")
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.URL, r.Host = u, u.Host
	}
	return t.next.RoundTrip(r)
}

func TestEmulatorByEnvironment(t *testing.T) {
	server := httptest.NewServer(newTwin())
	defer server.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
	l := openAt(t, "gs://bucket")
	if _, err := l.Put(t.Context(), "x", strings.NewReader("x")); err != nil {
		t.Error(err)
	}
}

var errBroken = errors.New("broken")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// pattern yields n bytes that tell their place.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8) ^ byte(i) + seed
	}
	return b
}

func testLarge(t *testing.T, l *Lake) {
	for _, size := range []int{l.chunk - 1, l.chunk, l.chunk + 1, 2 * l.chunk, 3*l.chunk + 7} {
		data := pattern(size, 1)
		info, err := l.PutNew(t.Context(), "large", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r, got, err := l.Get(t.Context(), "large")
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(back, data) || got != info || got.Size != int64(size) {
			t.Fatalf("%d bytes: got %d, put %+v, get %+v, %v", size, len(back), info, got, err)
		}
		_, err = l.PutNew(t.Context(), "large", bytes.NewReader(data))
		if !lakelink.IsKind(err, lakelink.KindExists) {
			t.Errorf("PutNew again: %v", err)
		}
		_, err = l.PutMatch(t.Context(), "large", info.ETag+"0", bytes.NewReader(data))
		if !lakelink.IsKind(err, lakelink.KindConflict) {
			t.Errorf("PutMatch of another: %v", err)
		}
		second, err := l.PutMatch(t.Context(), "large", info.ETag, bytes.NewReader(pattern(size, 2)))
		if err != nil {
			t.Errorf("PutMatch: %v", err)
		}
		_, err = l.Put(t.Context(), "large", io.MultiReader(bytes.NewReader(data), bytes.NewReader(data), brokenReader{}))
		if !errors.Is(err, errBroken) {
			t.Errorf("Put of a failing reader: %v", err)
		}
		if now, err := l.Stat(t.Context(), "large"); err != nil || now != second {
			t.Errorf("after a failed Put: %+v, %v", now, err)
		}
		if err := l.Delete(t.Context(), "large"); err != nil {
			t.Fatal(err)
		}
	}
}
