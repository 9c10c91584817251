package cluster_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lakelink"
	"lakelink/internal/cluster"
)

// fill makes a state with something in every part of it.
func fill(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for i := range 10 {
		e := create(t, c, fmt.Sprintf("link%d", i))
		if err := c.PutStatus(t.Context(), e.Link.Name, lakelink.TableStatus{Table: "account", State: lakelink.StateUpToDate}); err != nil {
			t.Fatal(err)
		}
		if err := c.AppendActivity(t.Context(), lakelink.Activity{Link: e.Link.Name, Kind: "link.created"}); err != nil {
			t.Fatal(err)
		}
	}
}

func wantFilled(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if got := names(t, c); len(got) != 10 {
		t.Errorf("links %v", got)
	}
	statuses, err := c.Statuses(t.Context(), "link3")
	if err != nil || len(statuses) != 1 {
		t.Errorf("statuses %v, %v", statuses, err)
	}
	activity, err := c.Activity(t.Context(), cluster.ActivityFilter{})
	if err != nil || len(activity) != 10 {
		t.Errorf("activity %v, %v", activity, err)
	}
}

func copyState(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "state")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	fill(t, c)
	for range 2 {
		closed(t, c)
		c = open(t, dir)
		wantFilled(t, c)
	}
}

// TestSurvivesKill: what was acknowledged is in the files at that moment. A copy of them is
// what a process finds that starts after a kill.
func TestSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	fill(t, c)
	killed := copyState(t, dir)
	c = open(t, killed)
	wantFilled(t, c)
	create(t, c, "another")
	again := copyState(t, killed)
	c = open(t, again)
	if got := names(t, c); len(got) != 11 {
		t.Errorf("links %v", got)
	}
}

// TestCutShort: a start that was killed before it was through is just done again.
func TestCutShort(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	closed(t, c)
	if err := os.Remove(filepath.Join(dir, "state.json")); err != nil {
		t.Fatal(err)
	}
	c = open(t, dir)
	fill(t, c)
	closed(t, c)
	wantFilled(t, open(t, dir))
}

func TestNewerStateIsRefused(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir))
	if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte(`{"version":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cluster.Open(t.Context(), cluster.Options{Dir: dir})
	wantKind(t, "Open", err, lakelink.KindInvalid)
	if want := "has version 2, this program knows 1; use the newer Lakelink that wrote it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cluster.Open(t.Context(), cluster.Options{Dir: file})
	wantKind(t, "Open", err, lakelink.KindForbidden)
}

// TestDamage breaks each file of a state in several ways. Opening it must never panic, take long or remove
// anything. It either refuses in one line that names the directory and the remedy, or nothing of
// what a service needs, its links, is missing.
func TestDamage(t *testing.T) {
	whole := t.TempDir()
	c := open(t, whole)
	fill(t, c)
	killed := copyState(t, whole)
	closed(t, c)
	for state, dir := range map[string]string{"closed": whole, "killed": killed} {
		for _, file := range files(t, dir) {
			for how, damage := range damages {
				t.Run(state+"/"+how+"/"+file, func(t *testing.T) {
					dir := copyState(t, dir)
					damage(t, filepath.Join(dir, file))
					wantRefusedOrWhole(t, dir)
				})
			}
		}
	}
}

var damages = map[string]func(t *testing.T, path string){
	"remove": func(t *testing.T, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	},
	"empty": func(t *testing.T, path string) { rewrite(t, path, func(b []byte) []byte { return nil }) },
	"half":  func(t *testing.T, path string) { rewrite(t, path, func(b []byte) []byte { return b[:len(b)/2] }) },
	"garbage": func(t *testing.T, path string) {
		rewrite(t, path, func(b []byte) []byte { return []byte(strings.Repeat("garbage\xff\x00", len(b)/9+1)) })
	},
	"flip": func(t *testing.T, path string) {
		rewrite(t, path, func(b []byte) []byte {
			for i := len(b) / 3; i < len(b); i += 97 {
				b[i] ^= 0x55
			}
			return b
		})
	},
}

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(data), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantRefusedOrWhole(t *testing.T, dir string) {
	t.Helper()
	before := len(files(t, dir))
	c, err := cluster.Open(t.Context(), cluster.Options{Dir: dir})
	if err != nil {
		wantKind(t, "Open", err, lakelink.KindDamaged)
		if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "move ") {
			t.Errorf("no place or remedy in %v", err)
		}
		if after := len(files(t, dir)); after < before-1 { // state.json.tmp and indexes come and go
			t.Errorf("%d files became %d", before, after)
		}
		t.Log(err)
		return
	}
	defer closed(t, c)
	if got := names(t, c); len(got) != 10 {
		t.Errorf("opened without complaint with links %v", got)
	}
	create(t, c, "another")
}
