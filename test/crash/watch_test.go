//go:build crash

package crash

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lakelink/test/incrementalreader"
)

// watcher reads the lake as its consumers do, all the time, and remembers whatever they must not see.
type watcher struct {
	t    *testing.T
	lake string
	mu   sync.Mutex
	seen map[string]bool // problems, once each

	reader *incrementalreader.Reader
	since  string
	closed *incrementalreader.Frozen
	logs   map[string]int // commits read per Delta table

	quit chan struct{}
	done chan struct{}
}

func watchLake(t *testing.T, lake string) *watcher {
	w := &watcher{t: t, lake: lake, seen: map[string]bool{}, reader: incrementalreader.Open(lake), logs: map[string]int{},
		quit: make(chan struct{}), done: make(chan struct{})}
	w.reader.Live = true
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.quit:
				return
			case <-time.After(50 * time.Millisecond):
				w.look()
			}
		}
	}()
	t.Cleanup(w.stop)
	return w
}

// stop ends the watching and reports what was seen.
func (w *watcher) stop() {
	select {
	case <-w.quit:
		return
	default:
	}
	close(w.quit)
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.seen {
		w.t.Errorf("a reader saw: %s", p)
	}
	if len(w.logs) == 0 {
		w.t.Error("the watcher never saw a Delta table")
	}
}

// look reads once.
func (w *watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.folders()
	w.tables()
}

// folders polls the incremental layout, and holds closed folders against what they were before.
func (w *watcher) folders() {
	folders, err := w.reader.Poll(w.since)
	var poll *incrementalreader.PollError
	switch {
	case errors.As(err, &poll):
		w.seen[err.Error()] = true
	case err != nil && !errors.Is(err, os.ErrNotExist):
		w.seen[err.Error()] = true
	}
	if len(folders) == 0 {
		return
	}
	w.since = folders[len(folders)-1]
	if w.closed != nil {
		for _, v := range w.reader.CheckUnchanged(*w.closed) {
			w.seen[fmt.Sprintf("%s %s: %s", v.Rule, v.Path, v.Detail)] = true
		}
	}
	if frozen, err := w.reader.Snapshot(); err == nil {
		w.closed = &frozen
	}
}

// tables follows every Delta log: commits come one after the other, each is whole, and every file
// that one adds is there, whole.
func (w *watcher) tables() {
	dirs, _ := filepath.Glob(filepath.Join(w.lake, "deltalake", "*_partitioned"))
	for _, dir := range dirs {
		for {
			n := w.logs[dir]
			text, err := os.ReadFile(filepath.Join(dir, "_delta_log", fmt.Sprintf("%020d.json", n)))
			if err != nil {
				break
			}
			w.logs[dir] = n + 1
			for _, problem := range readCommit(dir, text) {
				w.seen[fmt.Sprintf("%s, commit %d: %s", filepath.Base(dir), n, problem)] = true
			}
		}
	}
}

func readCommit(dir string, text []byte) (problems []string) {
	if !bytes.HasSuffix(text, []byte("}")) && !bytes.HasSuffix(text, []byte("}\n")) {
		problems = append(problems, "does not end like a commit")
	}
	for line := range strings.Lines(string(text)) {
		var action struct {
			Add *struct {
				Path string
				Size int64
			}
		}
		if err := json.Unmarshal([]byte(line), &action); err != nil {
			problems = append(problems, err.Error())
			continue
		}
		if action.Add == nil {
			continue
		}
		path, err := url.PathUnescape(action.Add.Path)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		if problem := wholeParquet(filepath.Join(dir, path), action.Add.Size); problem != "" {
			problems = append(problems, path+": "+problem)
		}
	}
	return problems
}

// wholeParquet checks that a Parquet file has the size that the log says, and both of its marks.
func wholeParquet(path string, size int64) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	if info.Size() != size {
		return fmt.Sprintf("has %d bytes, the log says %d", info.Size(), size)
	}
	var head, tail [4]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return err.Error()
	}
	if _, err := f.ReadAt(tail[:], size-4); err != nil {
		return err.Error()
	}
	if string(head[:]) != "PAR1" || string(tail[:]) != "PAR1" {
		return "is cut off"
	}
	return ""
}
