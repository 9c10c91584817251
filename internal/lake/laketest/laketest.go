// Package laketest is the contract of lakelink.Lake, executable. Every lake and every wrapper of
// lakes passes Run.
package laketest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lakelink"
)

// Run tests what every lake must do. Each call of open returns a lake that is empty.
func Run(t *testing.T, open func(t *testing.T) lakelink.Lake) {
	tests := []struct {
		name string
		test func(t *testing.T, l lakelink.Lake)
	}{
		{"PutThenGet", testPutThenGet},
		{"Missing", testMissing},
		{"PutReplaces", testPutReplaces},
		{"PutNew", testPutNew},
		{"PutMatch", testPutMatch},
		{"Ranges", testRanges},
		{"ListOrder", testListOrder},
		{"ListFolds", testListFolds},
		{"ListStops", testListStops},
		{"Delete", testDelete},
		{"FoldersAreOnlyNames", testFoldersAreOnlyNames},
		{"OddNames", testOddNames},
		{"RefusedNames", testRefusedNames},
		{"OldVersionStaysReadable", testOldVersionStaysReadable},
		{"FailingReaderLeavesNothing", testFailingReader},
		{"Cancelled", testCancelled},
		{"PutNewHasOneWinner", testPutNewRace},
		{"PutMatchLosesNoUpdate", testPutMatchRace},
		{"ReadersNeverSeeHalf", testNeverHalf},
		{"FoldersComeAndGo", testFoldersComeAndGo},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

func put(t *testing.T, l lakelink.Lake, name, data string) lakelink.ObjectInfo {
	t.Helper()
	info, err := l.Put(t.Context(), name, strings.NewReader(data))
	if err != nil {
		t.Fatalf("Put %s: %v", name, err)
	}
	return info
}

func get(t *testing.T, l lakelink.Lake, name string) string {
	t.Helper()
	r, _, err := l.Get(t.Context(), name)
	if err != nil {
		t.Fatalf("Get %s: %v", name, err)
	}
	return read(t, r)
}

func read(t *testing.T, r io.ReadCloser) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func list(t *testing.T, l lakelink.Lake, prefix string, dirs bool) []string {
	t.Helper()
	names := []string{}
	for info, err := range l.List(t.Context(), prefix, dirs) {
		if err != nil {
			t.Fatalf("List %q: %v", prefix, err)
		}
		names = append(names, info.Name)
	}
	return names
}

func wantNames(t *testing.T, got []string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func wantKind(t *testing.T, what string, err error, kind lakelink.Kind) {
	t.Helper()
	if !lakelink.IsKind(err, kind) {
		t.Errorf("%s: got %v, want an error of kind %q", what, err, kind)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: not one line: %q", what, err)
	}
}

func testPutThenGet(t *testing.T, l lakelink.Lake) {
	if l.URL() == "" {
		t.Error("no URL")
	}
	for name, data := range map[string]string{"empty": "", "a": "alpha", "b/c/d.txt": strings.Repeat("x", 1<<20)} {
		info := put(t, l, name, data)
		if info.Name != name || info.Size != int64(len(data)) || info.ETag == "" {
			t.Errorf("Put %s: info %+v", name, info)
		}
		if time.Since(info.ModTime).Abs() > time.Hour {
			t.Errorf("Put %s: time %v", name, info.ModTime)
		}
		r, got, err := l.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if read(t, r) != data {
			t.Errorf("Get %s: other bytes than were put", name)
		}
		stat, err := l.Stat(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, stat); diff != "" || stat.ETag != info.ETag || stat.Size != info.Size {
			t.Errorf("%s: put %+v, get %+v, stat %+v", name, info, got, stat)
		}
	}
}

func testMissing(t *testing.T, l lakelink.Lake) {
	put(t, l, "folder/object", "x")
	for _, name := range []string{"nothing", "nothing/below", "folder", "folder/object/below", "folder/obj"} {
		_, _, err := l.Get(t.Context(), name)
		wantKind(t, "Get "+name, err, lakelink.KindNotFound)
		_, err = l.GetRange(t.Context(), name, 0, 1)
		wantKind(t, "GetRange "+name, err, lakelink.KindNotFound)
		_, err = l.Stat(t.Context(), name)
		wantKind(t, "Stat "+name, err, lakelink.KindNotFound)
	}
	wantNames(t, list(t, l, "nothing", false))
	wantNames(t, list(t, l, "nothing/below/", true))
}

func testPutReplaces(t *testing.T, l lakelink.Lake) {
	tags := map[string]bool{}
	for i := range 50 {
		data := string(rune('a' + i%26)) // always one byte: size tells nothing
		info := put(t, l, "x", data)
		if tags[info.ETag] {
			t.Fatalf("put %d: ETag %s comes again", i, info.ETag)
		}
		tags[info.ETag] = true
		if got := get(t, l, "x"); got != data {
			t.Fatalf("got %q after putting %q", got, data)
		}
	}
	wantNames(t, list(t, l, "", false), "x")
}

func testPutNew(t *testing.T, l lakelink.Lake) {
	if _, err := l.PutNew(t.Context(), "log/1", strings.NewReader("first")); err != nil {
		t.Fatal(err)
	}
	before, err := l.Stat(t.Context(), "log/1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.PutNew(t.Context(), "log/1", strings.NewReader("second"))
	wantKind(t, "PutNew again", err, lakelink.KindExists)
	after, err := l.Stat(t.Context(), "log/1")
	if err != nil {
		t.Fatal(err)
	}
	if get(t, l, "log/1") != "first" || before != after {
		t.Errorf("PutNew touched what was there: %+v, then %+v", before, after)
	}
	wantNames(t, list(t, l, "", false), "log/1")
}

func testPutMatch(t *testing.T, l lakelink.Lake) {
	_, err := l.PutMatch(t.Context(), "x", "1", strings.NewReader("none"))
	wantKind(t, "PutMatch of nothing", err, lakelink.KindConflict)
	wantNames(t, list(t, l, "", false))

	first := put(t, l, "x", "one")
	second, err := l.PutMatch(t.Context(), "x", first.ETag, strings.NewReader("two"))
	if err != nil {
		t.Fatal(err)
	}
	if second.ETag == first.ETag {
		t.Error("the ETag did not change")
	}
	_, err = l.PutMatch(t.Context(), "x", first.ETag, strings.NewReader("six"))
	wantKind(t, "PutMatch with an old ETag", err, lakelink.KindConflict)
	if got := get(t, l, "x"); got != "two" {
		t.Errorf("got %q, want what the last PutMatch that succeeded wrote", got)
	}
}

func testRanges(t *testing.T, l lakelink.Lake) {
	put(t, l, "digits", "0123456789")
	for _, tt := range []struct {
		off, n int64
		want   string
	}{{0, 10, "0123456789"}, {0, 3, "012"}, {3, 4, "3456"}, {8, 5, "89"}, {10, 1, ""}, {99, 1, ""}, {4, 0, ""}, {1, 1 << 62, "123456789"}} {
		r, err := l.GetRange(t.Context(), "digits", tt.off, tt.n)
		if err != nil {
			t.Errorf("GetRange %d, %d: %v", tt.off, tt.n, err)
			continue
		}
		if got := read(t, r); got != tt.want {
			t.Errorf("GetRange %d, %d: %q, want %q", tt.off, tt.n, got, tt.want)
		}
	}
	for _, bad := range [][2]int64{{-1, 1}, {0, -1}} {
		_, err := l.GetRange(t.Context(), "digits", bad[0], bad[1])
		wantKind(t, "GetRange of nonsense", err, lakelink.KindInvalid)
	}
}

func testListOrder(t *testing.T, l lakelink.Lake) {
	// "-" and "." sort before "/", "0" after it.
	all := []string{"a-b", "a.b", "a/b", "a/c/d", "a0", "b", "b.c/d", "é/x"}
	for _, name := range slices.Backward(all) {
		put(t, l, name, name)
	}
	wantNames(t, list(t, l, "", false), all...)
	wantNames(t, list(t, l, "a", false), "a-b", "a.b", "a/b", "a/c/d", "a0")
	wantNames(t, list(t, l, "a/", false), "a/b", "a/c/d")
	wantNames(t, list(t, l, "a/c", false), "a/c/d")
	wantNames(t, list(t, l, "a/c/d", false), "a/c/d")
	wantNames(t, list(t, l, "a/c/d/", false))
	wantNames(t, list(t, l, "b", false), "b", "b.c/d")
	for info, err := range l.List(t.Context(), "", false) {
		if err != nil {
			t.Fatal(err)
		}
		stat, err := l.Stat(t.Context(), info.Name)
		if err != nil || info.Size != stat.Size || (info.ETag != "" && info.ETag != stat.ETag) {
			t.Errorf("listed %+v, stat %+v %v", info, stat, err)
		}
	}
}

func testListFolds(t *testing.T, l lakelink.Lake) {
	for _, name := range []string{"a-b", "a/b", "a/c/d", "a/c/e", "a0/x", "z"} {
		put(t, l, name, "")
	}
	wantNames(t, list(t, l, "", true), "a-b", "a/", "a0/", "z")
	wantNames(t, list(t, l, "a", true), "a-b", "a/", "a0/")
	wantNames(t, list(t, l, "a/", true), "a/b", "a/c/")
	wantNames(t, list(t, l, "a/c", true), "a/c/")
	wantNames(t, list(t, l, "a/c/", true), "a/c/d", "a/c/e")
}

func testListStops(t *testing.T, l lakelink.Lake) {
	for _, name := range []string{"a", "b/1", "b/2", "c"} {
		put(t, l, name, "")
	}
	for _, dirs := range []bool{false, true} {
		n := 0
		for _, err := range l.List(t.Context(), "", dirs) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 2 {
				break // going on would panic
			}
		}
	}
}

func testDelete(t *testing.T, l lakelink.Lake) {
	put(t, l, "a/b/c", "x")
	put(t, l, "a/d", "y")
	for _, name := range []string{"a/b/c", "a/b/c", "nothing", "a", "a/d/below"} {
		if err := l.Delete(t.Context(), name); err != nil {
			t.Errorf("Delete %s: %v", name, err)
		}
	}
	wantNames(t, list(t, l, "", false), "a/d")
	wantNames(t, list(t, l, "a/", true), "a/d")
	if _, err := l.PutNew(t.Context(), "a/b/c", strings.NewReader("again")); err != nil {
		t.Errorf("PutNew after Delete: %v", err)
	}
}

// testFoldersAreOnlyNames: an object store has no folders, so an emptied one leaves nothing, not
// even in the way of an object of that name. Where an object and a folder cannot have one name,
// the second is refused and the first unharmed.
func testFoldersAreOnlyNames(t *testing.T, l lakelink.Lake) {
	put(t, l, "a/b/c", "x")
	if err := l.Delete(t.Context(), "a/b/c"); err != nil {
		t.Fatal(err)
	}
	wantNames(t, list(t, l, "", true))
	put(t, l, "a", "an object now")

	put(t, l, "d/e", "e")
	for _, name := range []string{"a/b", "d"} {
		if _, err := l.Put(t.Context(), name, strings.NewReader("")); err != nil {
			wantKind(t, "Put "+name, err, lakelink.KindInvalid)
		}
		if _, err := l.PutNew(t.Context(), name+"2", strings.NewReader("")); err != nil {
			wantKind(t, "PutNew "+name, err, lakelink.KindInvalid)
		}
	}
	if get(t, l, "a") != "an object now" || get(t, l, "d/e") != "e" {
		t.Error("an object was harmed")
	}
}

func testOddNames(t *testing.T, l lakelink.Lake) {
	names := []string{
		"with space", " edges ", "percent%2Fsign", "plus+and&", "question?mark#hash", "quo\"te's", "semi;colon:",
		"ключ/値/ключ.csv", "emoji-😀", "_delta_log/00000000000000000000.json", ".hidden/.file", "..two", "a..b", "three...",
		"2026-11-22T10.00.00Z/account/2026-11.csv", "-dash", "~tilde", "*star", "[brackets]{braces}", "<angle>|pipe",
		strings.Repeat("n", 200) + "/" + strings.Repeat("m", 200),
	}
	for _, name := range names {
		put(t, l, name, name)
	}
	for _, name := range names {
		if got := get(t, l, name); got != name {
			t.Errorf("%q holds %q", name, got)
		}
	}
	slices.Sort(names)
	wantNames(t, list(t, l, "", false), names...)
	wantNames(t, list(t, l, "percent%", false), "percent%2Fsign")
	for _, name := range names {
		if err := l.Delete(t.Context(), name); err != nil {
			t.Errorf("Delete %q: %v", name, err)
		}
	}
	wantNames(t, list(t, l, "", true))
}

func testRefusedNames(t *testing.T, l lakelink.Lake) {
	for _, name := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a/.", "a\\b",
		"nul\x00", "line\nbreak", "\xff", strings.Repeat("n", 300), strings.Repeat("n/", 600) + "n", "_lakelink-tmp/x"} {
		_, _, err := l.Get(t.Context(), name)
		wantKind(t, "Get "+name, err, lakelink.KindInvalid)
		_, err = l.Put(t.Context(), name, strings.NewReader("x"))
		wantKind(t, "Put "+name, err, lakelink.KindInvalid)
		_, err = l.PutNew(t.Context(), name, strings.NewReader("x"))
		wantKind(t, "PutNew "+name, err, lakelink.KindInvalid)
		_, err = l.PutMatch(t.Context(), name, "1", strings.NewReader("x"))
		wantKind(t, "PutMatch "+name, err, lakelink.KindInvalid)
		wantKind(t, "Delete "+name, l.Delete(t.Context(), name), lakelink.KindInvalid)
	}
	for _, prefix := range []string{"/", "../", "a/../b", "a//"} {
		var got error
		for _, err := range l.List(t.Context(), prefix, false) {
			got = err
		}
		wantKind(t, "List "+prefix, got, lakelink.KindInvalid)
	}
	wantNames(t, list(t, l, "", false))
	wantNames(t, list(t, l, "_lakelink-tmp", true))
	wantNames(t, list(t, l, "_lakelink-tmp/", false))
}

func testOldVersionStaysReadable(t *testing.T, l lakelink.Lake) {
	old := strings.Repeat("old", 100_000)
	put(t, l, "x", old)
	replaced, _, err := l.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	put(t, l, "x", strings.Repeat("new", 100_000))
	deleted, _, err := l.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Delete(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if read(t, replaced) != old {
		t.Error("a reader saw other bytes after the object was replaced")
	}
	if read(t, deleted) != strings.Repeat("new", 100_000) {
		t.Error("a reader saw other bytes after the object was deleted")
	}
}

var errReader = errors.New("the reader failed")

// failing yields some bytes and then fails.
func failing(err error) io.Reader {
	return io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), readerFunc(func([]byte) (int, error) { return 0, err }))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func testFailingReader(t *testing.T, l lakelink.Lake) {
	kept := put(t, l, "kept", "kept")
	for name, err := range map[string]error{
		"Put":             second(l.Put(t.Context(), "x/put", failing(errReader))),
		"PutNew":          second(l.PutNew(t.Context(), "x/new", failing(errReader))),
		"Put over it":     second(l.Put(t.Context(), "kept", failing(errReader))),
		"PutMatch of it":  second(l.PutMatch(t.Context(), "kept", kept.ETag, failing(errReader))),
		"Put, not by us":  second(l.Put(t.Context(), "kept", failing(&lakelink.Error{Kind: lakelink.KindExpired, Err: errReader}))),
		"PutNew over it":  second(l.PutNew(t.Context(), "kept", failing(errReader))),
		"PutMatch of old": second(l.PutMatch(t.Context(), "kept", kept.ETag+"0", failing(errReader))),
	} {
		if !errors.Is(err, errReader) && !lakelink.IsKind(err, lakelink.KindExists) && !lakelink.IsKind(err, lakelink.KindConflict) {
			t.Errorf("%s: %v, want the reader's error", name, err)
		}
	}
	wantNames(t, list(t, l, "", false), "kept")
	if got := get(t, l, "kept"); got != "kept" {
		t.Errorf("a failed put left %d bytes", len(got))
	}
}

func second[T any](_ T, err error) error { return err }

func testCancelled(t *testing.T, l lakelink.Lake) {
	put(t, l, "x", "x")
	ctx, cancel := context.WithCancel(t.Context())
	// Cancelled while the lake is reading.
	_, err := l.Put(ctx, "x", io.MultiReader(strings.NewReader("half"), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, io.EOF
	})))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Put cancelled half-way: %v", err)
	}
	for name, err := range map[string]error{
		"Put":      second(l.Put(ctx, "x", strings.NewReader("y"))),
		"PutNew":   second(l.PutNew(ctx, "y", strings.NewReader("y"))),
		"PutMatch": second(l.PutMatch(ctx, "x", "1", strings.NewReader("y"))),
		"Stat":     second(l.Stat(ctx, "x")),
		"GetRange": second(l.GetRange(ctx, "x", 0, 1)),
		"Delete":   l.Delete(ctx, "x"),
		"List":     listError(ctx, l),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s after cancelling: %v", name, err)
		}
	}
	wantNames(t, list(t, l, "", false), "x")
	if get(t, l, "x") != "x" {
		t.Error("a cancelled Put was done")
	}
}

func listError(ctx context.Context, l lakelink.Lake) error {
	for _, err := range l.List(ctx, "", false) {
		if err != nil {
			return err
		}
	}
	return nil
}
