package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/lake/laketest"
	"lakelink/internal/lake/owner"
	"lakelink/internal/lake/remote"
	"lakelink/internal/lake/remote/remotetest"
)

func TestTwin(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		l, _, _ := onTwin(t)
		return l
	})
}

func TestTwinInPartsAndPages(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		l, _, _ := onTwin(t)
		l.part, l.page = 50_000, 2
		return l
	})
}

func onTwin(t *testing.T) (*Lake, *twin, *remotetest.Proxy) {
	t.Helper()
	s := newTwin()
	p := &remotetest.Proxy{Next: s}
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = quiet()
	server.Start()
	t.Cleanup(server.Close)
	return openAt(t, "s3://bucket/folder?endpoint="+server.URL), s, p
}

func openAt(t *testing.T, address string) *Lake {
	t.Helper()
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(k, v)
	}
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
	for what, f := range map[string]remotetest.Fault{
		"dropped":               {Drop: true},
		"dropped, yet done":     {Drop: true, Effect: true},
		"failed":                {Status: 500, Body: errorBody("InternalError")},
		"failed, yet done":      {Status: 500, Body: errorBody("InternalError"), Effect: true},
		"gateway, yet done":     {Status: 502, Body: "<html>", Effect: true},
		"throttled":             {Status: 503, Body: errorBody("SlowDown")},
		"throttled, yet done":   {Status: 503, Body: errorBody("SlowDown"), Effect: true},
		"throttled differently": {Status: 429},
		"cut":                   {Cut: 10},
	} {
		t.Run(what, func(t *testing.T) {
			for at := 1; ; at++ {
				l, s, p := onTwin(t)
				l.part = 1000
				p.Fault = func(n int, r *http.Request) *remotetest.Fault {
					if n != at {
						return nil
					}
					return &f
				}
				story(t, l)
				if len(s.uploads) != 0 && !f.Effect && f.Cut == 0 { // one that was begun and not heard of is swept later
					t.Errorf("request %d: %d uploads left", at, len(s.uploads))
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
	small, large := []byte("small"), bytes.Repeat([]byte("large"), 900)
	check := func(what string, info lakelink.ObjectInfo, err error, want []byte) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if got, now := get(t, l, "x"); !bytes.Equal(got, want) || now.ETag != info.ETag || now.Size != int64(len(want)) {
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
	check("PutMatch in parts", info, err, large)
	info, err = l.Put(t.Context(), "x", bytes.NewReader(small))
	check("Put", info, err, small)
	info, err = l.Put(t.Context(), "x", bytes.NewReader(large))
	check("Put in parts", info, err, large)
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

// TestOvertakenWriterKnowsThatItWon: its answer was lost, and somebody has gone on from what it wrote.
func TestOvertakenWriterKnowsThatItWon(t *testing.T) {
	l, _, p := onTwin(t)
	first, err := l.Put(t.Context(), "x", strings.NewReader("0"))
	if err != nil {
		t.Fatal(err)
	}
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if r.Method != "PUT" {
			return nil
		}
		p.Reset(func(n int, r *http.Request) *remotetest.Fault {
			p.Reset(nil)
			if r.Method != "HEAD" {
				t.Errorf("%s, want a look at what is there", r.Method)
			}
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

func TestEqualContentIsNotTheSameObject(t *testing.T) {
	l, _, _ := onTwin(t)
	var tags []string
	for _, data := range []string{"a", "b", "a"} {
		info, err := l.Put(t.Context(), "x", strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		tags = append(tags, info.ETag)
	}
	if _, err := l.PutMatch(t.Context(), "x", tags[0], strings.NewReader("c")); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Errorf("PutMatch of an object that was replaced twice: %v", err)
	}
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		fault remotetest.Fault
		kind  lakelink.Kind
		want  string
	}{
		{remotetest.Fault{Status: 403, Body: errorBody("AccessDenied")}, lakelink.KindForbidden, "grant s3:"},
		{remotetest.Fault{Status: 403}, lakelink.KindForbidden, "grant s3:"},
		{remotetest.Fault{Status: 403, Body: errorBody("SignatureDoesNotMatch")}, lakelink.KindSignIn, "check the access key"},
		{remotetest.Fault{Status: 400, Body: errorBody("ExpiredToken")}, lakelink.KindSignIn, "check the access key"},
		{remotetest.Fault{Status: 403, Body: errorBody("RequestTimeTooSkewed")}, lakelink.KindSignIn, "set this machine's clock"},
		{remotetest.Fault{Status: 404, Body: errorBody("NoSuchBucket")}, lakelink.KindInvalid, "create the bucket bucket"},
		{remotetest.Fault{Status: 301, Body: errorBody("PermanentRedirect"), Header: map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}}, lakelink.KindInvalid, "?region=eu-west-1"},
		{remotetest.Fault{Status: 503, Body: errorBody("SlowDown"), Header: map[string]string{"Retry-After": "7"}}, lakelink.KindThrottled, "folder/"},
		{remotetest.Fault{Status: 500, Body: errorBody("InternalError")}, lakelink.KindTransient, "folder/"},
		{remotetest.Fault{Status: 507, Body: errorBody("XMinioStorageFull")}, lakelink.KindFull, "free space in bucket bucket"},
		{remotetest.Fault{Drop: true}, lakelink.KindUnreachable, "can be reached from here"},
		{remotetest.Fault{Hang: true}, lakelink.KindUnreachable, "no answer in time"},
	} {
		l, s, p := onTwin(t)
		l.part, l.settings.Tries = 1000, 2
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
			if tt.kind == lakelink.KindForbidden && !strings.Contains(err.Error(), "arn:aws:s3:::bucket") {
				t.Errorf("%s: %v does not say where", what, err)
			}
		}
		if len(s.objects)+len(s.uploads) != 0 {
			t.Errorf("%+v: something was left", tt.fault)
		}
	}
}

func operations(ctx context.Context, l *Lake) map[string]error {
	_, put := l.Put(ctx, "a/b", strings.NewReader("x"))
	_, large := l.PutNew(ctx, "a/b", bytes.NewReader(make([]byte, 5000)))
	_, match := l.PutMatch(ctx, "a/b", "x", strings.NewReader("x"))
	_, _, get := l.Get(ctx, "a/b")
	_, rng := l.GetRange(ctx, "a/b", 1, 2)
	_, stat := l.Stat(ctx, "a/b")
	all := map[string]error{"put": put, "put large": large, "put match": match, "get": get, "get range": rng, "stat": stat, "delete": l.Delete(ctx, "a/b"), "probe": l.Probe(ctx)}
	for _, err := range l.List(ctx, "a/", false) {
		all["list"] = err
	}
	return all
}

// TestConflictsUnderWay: S3 answers 409 while somebody else's write is not decided, and 404 when what was
// to be matched has just been deleted.
func TestConflictsUnderWay(t *testing.T) {
	l, _, p := onTwin(t)
	once := func(f remotetest.Fault) {
		p.Reset(func(n int, r *http.Request) *remotetest.Fault {
			if r.Method == "HEAD" || r.Method == "GET" {
				return nil
			}
			p.Reset(nil)
			return &f
		})
	}
	conflict := remotetest.Fault{Status: 409, Body: errorBody("ConditionalRequestConflict")}
	once(conflict)
	if _, err := l.PutNew(t.Context(), "x", strings.NewReader("1")); err != nil {
		t.Errorf("nothing came of the other's write: %v", err)
	}
	once(conflict)
	if _, err := l.PutNew(t.Context(), "x", strings.NewReader("2")); !lakelink.IsKind(err, lakelink.KindExists) {
		t.Errorf("PutNew: %v", err)
	}
	now, err := l.Stat(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if r.Method == "PUT" {
			p.Reset(nil)
			if err := l.Delete(context.Background(), "x"); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if _, err := l.PutMatch(t.Context(), "x", now.ETag, strings.NewReader("3")); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Errorf("PutMatch of what was deleted: %v", err)
	}
}

func TestCutBodiesGoOn(t *testing.T) {
	l, _, p := onTwin(t)
	data := bytes.Repeat([]byte("0123456789"), 10_000)
	if _, err := l.Put(t.Context(), "x", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	p.Reset(func(int, *http.Request) *remotetest.Fault { return &remotetest.Fault{Cut: 30_000} })
	if got, _ := get(t, l, "x"); !bytes.Equal(got, data) {
		t.Errorf("got %d bytes", len(got))
	}
	r, err := l.GetRange(t.Context(), "x", 5, 70_000)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	r.Close()
	if err != nil || !bytes.Equal(got, data[5:70_005]) {
		t.Errorf("the range has %d bytes, %v", len(got), err)
	}

	r, _, err = l.Get(t.Context(), "x")
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

func TestStalledBodyGoesOn(t *testing.T) {
	s, stalls := newTwin(), 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" && stalls == 0 {
			stalls++
			w.Header().Set("Content-Length", "5")
			w.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			w.Write([]byte("he"))
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		s.ServeHTTP(w, r)
	}))
	defer server.Close()
	l := openAt(t, "s3://bucket/folder?endpoint="+server.URL)
	l.settings.Stall = 50 * time.Millisecond
	if _, err := l.Put(t.Context(), "x", strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(t, l, "x"); string(got) != "hello" || stalls != 1 {
		t.Errorf("got %q", got)
	}
}

var errBroken = errors.New("broken")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

func TestStoppedUploadsLeaveNothing(t *testing.T) {
	l, s, p := onTwin(t)
	l.part = 1000
	data := make([]byte, 4500)
	_, err := l.Put(t.Context(), "x", io.MultiReader(bytes.NewReader(data), brokenReader{}))
	if !errors.Is(err, errBroken) {
		t.Errorf("a failing reader: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if r.URL.Query().Get("partNumber") == "3" {
			cancel()
		}
		return nil
	})
	if _, err = l.PutNew(ctx, "x", bytes.NewReader(data)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	p.Reset(func(n int, r *http.Request) *remotetest.Fault {
		if r.URL.Query().Get("partNumber") == "2" {
			return &remotetest.Fault{Status: 500, Body: errorBody("InternalError")}
		}
		return nil
	})
	if _, err = l.PutNew(t.Context(), "x", bytes.NewReader(data)); !lakelink.IsKind(err, lakelink.KindTransient) {
		t.Errorf("a part that cannot be sent: %v", err)
	}
	if len(s.objects)+len(s.uploads) != 0 {
		t.Errorf("%d objects and %d uploads left", len(s.objects), len(s.uploads))
	}
}

// TestMemoryIsBounded: as many parts are on their way as are allowed, of however long a stream.
func TestMemoryIsBounded(t *testing.T) {
	l, s, _ := onTwin(t)
	l.part = 10_000
	if _, err := l.Put(t.Context(), "x", io.LimitReader(zeros{}, 2_000_000)); err != nil {
		t.Fatal(err)
	}
	if s.most > uploads {
		t.Errorf("%d parts at once", s.most)
	}
	p := remote.NewParts(t.Context(), io.LimitReader(zeros{}, 100_000), l.part)
	for part, last := []byte(nil), false; !last; {
		var err error
		if part, last, err = p.Next(part); err != nil || cap(part) > 2*l.part {
			t.Fatalf("a part of %d bytes in a buffer of %d, %v", len(part), cap(part), err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestProbe(t *testing.T) {
	l, s, _ := onTwin(t)
	if err := l.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	for what, set := range map[string]func(){"PutObject": func() { s.unconditional = true }, "CompleteMultipartUpload": func() { s.unconditional, s.partsOnly = false, true }} {
		set()
		err := l.Probe(t.Context())
		if !lakelink.IsKind(err, lakelink.KindInvalid) || !strings.Contains(err.Error(), what+" with If-None-Match succeeded where it must not") || !strings.Contains(err.Error(), "use Amazon S3") {
			t.Errorf("%s: %v", what, err)
		}
		if len(s.objects)+len(s.uploads) != 0 {
			t.Error("the probe left something")
		}
	}
}

func TestProbeOfServerWithoutConditions(t *testing.T) {
	l, _, p := onTwin(t)
	p.Fault = func(n int, r *http.Request) *remotetest.Fault {
		if r.Header.Get("If-None-Match") == "" {
			return nil
		}
		return &remotetest.Fault{Status: 501, Body: errorBody("NotImplemented")}
	}
	if err := l.Probe(t.Context()); !lakelink.IsKind(err, lakelink.KindInvalid) || !strings.Contains(err.Error(), "has no conditions") {
		t.Error(err)
	}
}

// TestProbeSweeps only lakes that are a link's, and only uploads that are old.
func TestProbeSweeps(t *testing.T) {
	l, s, _ := onTwin(t)
	for id, age := range map[string]time.Duration{"old": 25 * time.Hour, "new": time.Hour} {
		s.uploads[id] = &twinUpload{key: "folder/x", at: time.Now().Add(-age)}
	}
	s.uploads["elsewhere"] = &twinUpload{key: "folder2/x", at: time.Now().Add(-100 * time.Hour)}
	for _, want := range []int{3, 2} {
		if err := l.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.uploads) != want {
			t.Errorf("%d uploads, want %d", len(s.uploads), want)
		}
		if _, err := l.Put(t.Context(), owner.Name, strings.NewReader("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if s.uploads["new"] == nil || s.uploads["elsewhere"] == nil {
		t.Error("the wrong upload was aborted")
	}
}

func TestListLeavesOutWhatIsNoName(t *testing.T) {
	l, s, _ := onTwin(t)
	for _, key := range []string{"folder/", "folder/a/", "folder/a/b", "folder/c//d", "folder/_lakelink-tmp/x", "folder/e\x01", "folder/z", "folder2/x"} {
		s.objects[key] = twinObject{at: time.Now()}
	}
	var names []string
	for info, err := range l.List(t.Context(), "", false) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	if !slices.Equal(names, []string{"a/b", "z"}) {
		t.Errorf("listed %q", names)
	}
}

func TestOpenRefuses(t *testing.T) {
	for address, want := range map[string]string{
		"s3://":                                       "does not name a bucket",
		"s3://user:pass@bucket":                       "no user or password",
		"s3://bucket/a?colour=red":                    `option "colour"`,
		"s3://bucket/../a":                            `"." or ".." segment`,
		"s3://bucket?endpoint=nowhere":                "write it like https://storage.example.com",
		"s3://bucket?access-key=env:A":                "go together",
		"s3://bucket?access-key=AKIA&secret-key=wJal": "never the secret itself",
	} {
		_, err := Open(address)
		if !lakelink.IsKind(err, lakelink.KindInvalid) || !strings.Contains(err.Error(), want) || strings.Contains(fmt.Sprint(err), "wJal") || strings.Contains(fmt.Sprint(err), "pass@") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestNoCredentials(t *testing.T) {
	l := openAt(t, "s3://bucket?endpoint=http://localhost:1&access-key=env:NOT_SET_KEY&secret-key=env:NOT_SET_SECRET")
	_, err := l.Put(t.Context(), "x", strings.NewReader(""))
	if !lakelink.IsKind(err, lakelink.KindSignIn) || !strings.Contains(err.Error(), "env:NOT_SET_KEY is empty") {
		t.Error(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	l, err = Open("s3://bucket?endpoint=http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Put(t.Context(), "x", strings.NewReader(""))
	if !lakelink.IsKind(err, lakelink.KindSignIn) || !strings.Contains(err.Error(), "set AWS_ACCESS_KEY_ID") {
		t.Error(err)
	}
}
