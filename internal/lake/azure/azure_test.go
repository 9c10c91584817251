package azure_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"lakelink"
	"lakelink/internal/lake/azure"
	"lakelink/internal/lake/laketest"
)

func TestLake(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		_, l := startTwin(t, false)
		return l
	})
}

func TestLakeWithHierarchicalNamespace(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		_, l := startTwin(t, true)
		return l
	})
}

func TestLakeInBlocks(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		server := httptest.NewServer(newTwin(t, true))
		t.Cleanup(server.Close)
		o := options(server.URL)
		o.BlockSize = 7 << 10
		return open(t, o, "a folder/of its own")
	})
}

// TestFoldersInTheWay: an empty folder makes way for an object of its name; any other one stays.
func TestFoldersInTheWay(t *testing.T) {
	for name, put := range map[string]func(l *azure.Lake, name string) error{
		"put": func(l *azure.Lake, name string) error {
			return second(l.Put(t.Context(), name, strings.NewReader("x")))
		},
		"new": func(l *azure.Lake, name string) error {
			return second(l.PutNew(t.Context(), name, strings.NewReader("x")))
		},
		"blocks": func(l *azure.Lake, name string) error {
			return second(l.Put(t.Context(), name, bytes.NewReader(make([]byte, 1<<20))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tw := newTwin(t, true)
			server := httptest.NewServer(tw)
			defer server.Close()
			o := options(server.URL)
			o.BlockSize = 300 << 10
			l := open(t, o, "")
			tw.blobs["empty"] = twinBlob{folder: true, etag: `"0x0"`, metadata: map[string]string{"hdi_isfolder": "true"}}
			if _, err := l.Put(t.Context(), "used/x", strings.NewReader("x")); err != nil {
				t.Fatal(err)
			}
			if err := put(l, "empty"); err != nil {
				t.Errorf("an empty folder was in the way: %v", err)
			}
			if !slices.Equal(tw.deletions, []string{"empty"}) {
				t.Errorf("removed folders: %q", tw.deletions)
			}
			wantFailure(t, "over a folder", put(l, "used"), lakelink.KindInvalid, "used is a folder", "remove what is in the way")
			wantFailure(t, "below an object", put(l, "used/x/y"), lakelink.KindInvalid, "used/x is an object and cannot be a folder of used/x/y")
			if got, err := l.Stat(t.Context(), "used/x"); err != nil || got.Size != 1 {
				t.Errorf("what was there: %+v, %v", got, err)
			}
		})
	}
}

// TestFoldersStayWhereTheyCannotBeRemoved: the DFS endpoint is out of reach in some private networks, and
// asking what kind of account it is may be forbidden.
func TestFoldersStayWhereTheyCannotBeRemoved(t *testing.T) {
	tw := newTwin(t, true)
	var asked, deleted int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Has("recursive"):
			deleted++
			cut(w)
		case r.URL.Query().Get("comp") == "properties":
			asked++
			fail(w, 403, "AuthorizationPermissionMismatch")
		default:
			tw.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	l := open(t, options(server.URL), "")
	for range 3 {
		if _, err := l.Put(t.Context(), "a/b", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		if err := l.Delete(t.Context(), "a/b"); err != nil {
			t.Errorf("Delete: %v", err)
		}
		for range l.List(t.Context(), "", false) { // shows the folder, and with it the kind of account
			t.Error("there is something left")
		}
	}
	if asked != 1 || deleted != 1 {
		t.Errorf("asked %d times for the kind of account and %d times for an endpoint that is not there", asked, deleted)
	}
}

// TestPutBoundsItsMemory: a put holds a few blocks, however slowly they go and large the object is.
func TestPutBoundsItsMemory(t *testing.T) {
	const blockSize, blocks = 1 << 20, 64
	var mu sync.Mutex
	var now, most int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			fail(w, 404, "BlobNotFound")
			return
		}
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		io.Copy(io.Discard, r.Body)
		time.Sleep(2 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		w.WriteHeader(http.StatusCreated)
	}))
	defer server.Close()
	o := options(server.URL)
	o.BlockSize = blockSize
	l := open(t, o, "")
	var peak uint64
	read := 0
	source := readerFunc(func(p []byte) (int, error) {
		if read += len(p); read > blocks*blockSize {
			return 0, io.EOF
		}
		var m runtime.MemStats
		if read%blockSize < len(p) {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
		return len(p), nil
	})
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if _, err := l.Put(t.Context(), "big", source); err != nil {
		t.Fatal(err)
	}
	if most > 3 {
		t.Errorf("%d blocks were on their way at once", most)
	}
	if grown := int64(peak) - int64(before.HeapInuse); grown > 24*blockSize {
		t.Errorf("the heap grew by %d MiB for an object of %d MiB", grown>>20, blocks)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestReaderFailsBetweenBlocks: the reader's error is the put's, and nothing is visible.
func TestReaderFailsBetweenBlocks(t *testing.T) {
	tw := newTwin(t, false)
	server := httptest.NewServer(tw)
	defer server.Close()
	o := options(server.URL)
	o.BlockSize = 64 << 10
	l := open(t, o, "")
	errSource := errors.New("the source failed")
	_, err := l.Put(t.Context(), "x", io.MultiReader(bytes.NewReader(make([]byte, 500<<10)), iotest.ErrReader(errSource)))
	if !errors.Is(err, errSource) {
		t.Errorf("got %v", err)
	}
	tw.mu.Lock() // a block may still be under way
	defer tw.mu.Unlock()
	if len(tw.staged["x"]) == 0 || len(tw.blobs) != 0 {
		t.Errorf("%d blocks staged, %d objects", len(tw.staged["x"]), len(tw.blobs))
	}
}

// TestListingsInOrderOfNames: whatever order the account lists in, and wherever its pages end.
func TestListingsInOrderOfNames(t *testing.T) {
	names := []string{"a!/x", "a-/y", "a-b", "a-b/c", "a.b", "a/b-c/d", "a/b/c", "a/b0", "a/c", "a0", "b", "c/d/e/f", "c/d/e0"}
	slices.Sort(names)
	for _, folders := range []bool{false, true} {
		for page := 1; page <= 4; page++ {
			tw, l := startTwin(t, folders)
			tw.pageSize = page
			var want, wantTop []string
			for _, name := range names {
				if folders && name == "a-b" { // cannot be both
					continue
				}
				if _, err := l.Put(t.Context(), name, strings.NewReader("x")); err != nil {
					t.Fatal(err)
				}
				want = append(want, name)
				top, _, below := strings.Cut(name, "/")
				if below {
					top += "/"
				}
				wantTop = append(wantTop, top)
			}
			slices.Sort(wantTop)
			wantTop = slices.Compact(wantTop)
			for range 2 { // as an account of unknown kind, and then of a known one
				if got := listed(t, l, false); !slices.Equal(got, want) {
					t.Errorf("folders %v, pages of %d: %q\nwant %q", folders, page, got, want)
				}
				if got := listed(t, l, true); !slices.Equal(got, wantTop) {
					t.Errorf("folders %v, pages of %d: %q\nwant %q", folders, page, got, wantTop)
				}
			}
		}
	}
}

func listed(t *testing.T, l *azure.Lake, dirs bool) (names []string) {
	t.Helper()
	for info, err := range l.List(t.Context(), "", dirs) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return names
}
