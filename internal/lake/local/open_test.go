package local_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lakelink"
	"lakelink/internal/lake"
	"lakelink/internal/lake/local"
)

func TestOpenAddresses(t *testing.T) {
	dir := t.TempDir()
	for _, address := range []string{"file://" + dir + "/a", "file:" + dir + "/a", "file://localhost" + dir + "/a/", dir + "/a", "file://" + dir + "/new%20folders/b"} {
		l := open(t, address)
		if _, err := l.Put(t.Context(), "x/y", strings.NewReader("data")); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(l.Locate("x/y"))
		if err != nil || string(data) != "data" || !strings.HasPrefix(l.Locate("x"), dir) {
			t.Errorf("%s: %q %v at %s", address, data, err, l.Locate("x"))
		}
		again, err := local.Path(l.URL())
		if err != nil || again != l.Locate("") {
			t.Errorf("%s: its URL %s leads to %q, %v", address, l.URL(), again, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new folders", "b")); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"":                     "is neither a file: URL nor an absolute path; write it like file:///data/lake",
		"data/lake":            "is neither a file: URL nor an absolute path; write it like file:///data/lake",
		"file:data/lake":       "is not an absolute path; write it like",
		"file://nas/data/lake": "names another machine",
		"file:///data/lake#1":  "has a ? or # in it; write them as %3F and %23",
		"file:///da%zz":        "is neither a file: URL",
		"file://" + file:       "is a file, not a folder; choose another name or remove",
		file + "/below":        "choose another name or remove what is in the way",
	} {
		_, err := local.Open(address)
		if err == nil || !strings.Contains(err.Error(), want) || !lakelink.IsKind(err, lakelink.KindInvalid) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
}

// TestCleansAfterTheDead: what a killed writer left goes when the lake is opened, what a living
// one is writing stays.
func TestCleansAfterTheDead(t *testing.T) {
	dir := t.TempDir()
	living := open(t, dir)
	temps := filepath.Join(dir, lake.Reserved)
	for _, name := range []string{"dead.lock", "dead-1", "dead-22", "orphan-1"} {
		if err := os.WriteFile(filepath.Join(temps, name), []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	reading, finish := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := living.Put(t.Context(), "x", reading)
		done <- err
	}()
	if _, err := finish.Write([]byte("first half, ")); err != nil {
		t.Fatal(err)
	}

	other := open(t, dir)
	left, err := filepath.Glob(filepath.Join(temps, "*-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if base := filepath.Base(name); strings.HasPrefix(base, "dead") || strings.HasPrefix(base, "orphan") {
			t.Errorf("%s is still there", base)
		}
	}
	if _, err := finish.Write([]byte("second half")); err != nil {
		t.Fatal(err)
	}
	finish.Close()
	if err := <-done; err != nil {
		t.Fatalf("Put of a living lake: %v", err)
	}
	r, _, err := other.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, _ := io.ReadAll(r); string(data) != "first half, second half" {
		t.Errorf("got %q", data)
	}
}

func TestNothingUnfinishedStays(t *testing.T) {
	dir := t.TempDir()
	l, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = l.PutNew(t.Context(), "x", strings.NewReader("x"))
	}
	if !lakelink.IsKind(err, lakelink.KindExists) {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, lake.Reserved))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "puts.lock" {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// TestTwoLakesOneFolder: ETags and their checks hold between lakes, and through a restart.
func TestTwoLakesOneFolder(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	info, err := a.Put(t.Context(), "x", strings.NewReader("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.PutMatch(t.Context(), "x", info.ETag, strings.NewReader("2")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.PutMatch(t.Context(), "x", info.ETag, strings.NewReader("3")); !lakelink.IsKind(err, lakelink.KindConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
}

// TestFolderGone: a lake that was unmounted is unreachable. It must not look empty.
func TestFolderGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lake")
	l, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	_, statErr := l.Stat(t.Context(), "x")
	_, putErr := l.Put(t.Context(), "x", strings.NewReader(""))
	var listErr error
	for _, err := range l.List(t.Context(), "", false) {
		listErr = err
	}
	for what, err := range map[string]error{"Stat": statErr, "Put": putErr, "List": listErr} {
		if !lakelink.IsKind(err, lakelink.KindUnreachable) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestReaderErrorIsNotTheLakes(t *testing.T) {
	l := open(t, t.TempDir())
	_, err := l.Put(t.Context(), "x", errReader{&fs.PathError{Op: "open", Path: "elsewhere", Err: unix.ENOSPC}})
	if lakelink.KindOf(err) != lakelink.KindOther || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("got %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestFull(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mounting a small file system needs root: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	l, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Put(t.Context(), "x", strings.NewReader("small")); err != nil {
		t.Fatal(err)
	}
	_, err = l.Put(t.Context(), "x", strings.NewReader(strings.Repeat("x", 1<<20)))
	if !lakelink.IsKind(err, lakelink.KindFull) || !strings.Contains(err.Error(), "free space") || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	if info, err := l.Stat(t.Context(), "x"); err != nil || info.Size != 5 {
		t.Errorf("what was there: %+v, %v", info, err)
	}
	if _, err := l.Put(t.Context(), "y", strings.NewReader(strings.Repeat("y", 20_000))); err != nil {
		t.Errorf("the failed Put did not give its space back: %v", err)
	}
}

func TestForbidden(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may do everything")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	_, err := local.Open(dir)
	if !lakelink.IsKind(err, lakelink.KindForbidden) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}
