package cdm

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"lakelink"
	"lakelink/internal/format/writertest"
	"lakelink/test/incrementalreader"
)

func TestWriterContract(t *testing.T) {
	writertest.Run(t, func(t *testing.T, lake lakelink.Lake) (lakelink.Writer, lakelink.Reader) {
		w, err := New(t.Context(), Options{Lake: lake, LinkID: "link-1", SpoolDir: t.TempDir()})
		ok(t, err)
		return w, NewReader(lake)
	}, writertest.EmptyIsNull())
}

// The same with a memory budget that holds nothing, so that everything goes over the disk.
func TestWriterContractWithoutMemory(t *testing.T) {
	writertest.Run(t, func(t *testing.T, lake lakelink.Lake) (lakelink.Writer, lakelink.Reader) {
		w, err := New(t.Context(), Options{Lake: lake, LinkID: "link-1", SpoolDir: t.TempDir(), MemoryBudget: 1})
		ok(t, err)
		return w, NewReader(lake)
	}, writertest.EmptyIsNull())
}

// copyLake writes a lake into a folder.
func copyLake(t *testing.T, lake lakelink.Lake) string {
	t.Helper()
	dir := t.TempDir()
	for o, err := range lake.List(context.Background(), "", false) {
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := lake.Get(context.Background(), o.Name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(o.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// check holds a lake against every rule that an independent reader of the layout knows.
func check(t *testing.T, lake lakelink.Lake, live bool, removed ...string) {
	t.Helper()
	r := incrementalreader.Open(copyLake(t, lake))
	r.Live, r.Removed = live, removed
	for _, v := range r.Check() {
		t.Errorf("%s", v)
	}
}
