package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/config"
	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/replicate"
)

// TestMain runs one service for all tests that do not need their own, as one of them must not disturb
// another's links either.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "8") //nolint:errcheck // these tests wait for clocks more than for processors
	os.Exit(withService(m))
}

func withService(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lakelink-test")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s, stop, err := serveIn(dir, io.Discard)
	if err != nil {
		panic(err)
	}
	defer stop()
	os.Setenv("LAKELINK_URL", s.URL)
	return m.Run()
}

// hurry makes a service try again soon.
func hurry(o *replicate.Options) { o.RetryMin, o.RetryMax = 20*time.Millisecond, 300*time.Millisecond }

// serveIn runs a service on a free port until stop is called.
func serveIn(dir string, logs io.Writer) (_ *service, stop func() error, err error) {
	cfg := config.Default()
	cfg.Addr, cfg.Data = "127.0.0.1:0", dir
	cfg.PollMin, cfg.PollMax = lakelink.Duration(100*time.Millisecond), lakelink.Duration(time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := openService(ctx, cfg, logs, hurry)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for !s.started.Load() {
		select {
		case err := <-done:
			cancel()
			return nil, nil, errors.Join(err, s.Close())
		case <-time.After(time.Millisecond):
		}
	}
	return s, func() error {
		cancel()
		err := <-done
		if cerr := s.Close(); err == nil {
			err = cerr
		}
		return err
	}, nil
}

// A result is what a command left behind.
type result struct {
	code     int
	out, err string
}

// lakelinkRun runs the program with these arguments.
func lakelinkRun(t testing.TB, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	code := run(t.Context(), args, &out, &err)
	return result{code, out.String(), err.String()}
}

// succeed fails the test unless the command exits 0 with nothing to complain about.
func succeed(t testing.TB, args ...string) string {
	t.Helper()
	r := lakelinkRun(t, args...)
	if r.code != 0 || r.err != "" {
		t.Fatalf("lakelink %s: exit %d: %s%s", strings.Join(args, " "), r.code, r.err, r.out)
	}
	return r.out
}

// refuse fails the test unless the command exits with this code and one line that has all the words, and
// nothing that only programmers understand. It returns the line.
func refuse(t testing.TB, code int, words []string, args ...string) string {
	t.Helper()
	r := lakelinkRun(t, args...)
	if r.code != code {
		t.Errorf("lakelink %s: exit %d, want %d: %s%s", strings.Join(args, " "), r.code, code, r.err, r.out)
	}
	judge(t, r.err, words...)
	return r.err
}

// gibberish is what no user should have to read.
var gibberish = []string{"%!", "goroutine", "dial tcp", "strconv", "context deadline", "context canceled", "time: invalid",
	"yaml:", "<nil>", "runtime error", "unexpected EOF", "lakelink: lakelink", ".; "}

// judge fails the test unless the message is one line with all the words.
func judge(t testing.TB, message string, words ...string) {
	t.Helper()
	if !strings.HasPrefix(message, "lakelink: ") || strings.Count(message, "\n") != 1 || !strings.HasSuffix(message, "\n") {
		t.Errorf("not one line of the program: %q", message)
	}
	for _, w := range words {
		if !strings.Contains(message, w) {
			t.Errorf("%q is not in: %s", w, message)
		}
	}
	for _, w := range gibberish {
		if strings.Contains(message, w) {
			t.Errorf("%q is in: %s", w, message)
		}
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.TrimSpace(message), "; ") {
		if seen[part] {
			t.Errorf("%q is said twice: %s", part, message)
		}
		seen[part] = true
	}
}

// A world is an environment, a lake and the name of a link between them.
type world struct {
	t      *testing.T
	env    *devservertest.Env
	name   string
	lake   string // folder
	secret string // file
}

var worlds atomic.Int64

func newWorld(t *testing.T, options ...devservertest.Option) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, env: devservertest.Start(t, options...), name: fmt.Sprintf("w%d", worlds.Add(1)),
		lake: filepath.Join(dir, "lake"), secret: filepath.Join(dir, "secret")}
	w.writeSecret(w.env.ClientSecret)
	return w
}

func (w *world) writeSecret(s string) {
	w.t.Helper()
	if err := os.WriteFile(w.secret, []byte(s+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// creation is a link create that works, with what is given changed; a value of "-" leaves a flag out.
func (w *world) creation(changed ...string) []string {
	flags := [][2]string{{"environment", w.env.URL}, {"lake", w.lake}, {"tables", "account,contact"},
		{"client-id", w.env.ClientID}, {"client-secret", "file:" + w.secret}, {"formats", "delta"}, {"interval", "5s"}}
	for i := 0; i < len(changed); i += 2 {
		at := -1
		for j, f := range flags {
			if f[0] == changed[i] {
				at = j
			}
		}
		if at < 0 {
			flags = append(flags, [2]string{changed[i], changed[i+1]})
		} else {
			flags[at][1] = changed[i+1]
		}
	}
	args := []string{"link", "create", w.name}
	for _, f := range flags {
		if f[1] != "-" {
			args = append(args, "--"+f[0], f[1])
		}
	}
	return args
}

// create makes the link, which is deleted when the test ends.
func (w *world) create(changed ...string) {
	w.t.Helper()
	succeed(w.t, w.creation(changed...)...)
	w.t.Cleanup(func() {
		run(context.Background(), []string{"link", "delete", w.name}, io.Discard, io.Discard) // the test may have done so
	})
}

// equal waits for the link and proves that nothing is missing.
func (w *world) equal() {
	w.t.Helper()
	succeed(w.t, "wait", w.name, "--timeout", "2m")
	succeed(w.t, "verify", w.name)
}

// status is how the link stands.
func (w *world) status() lakelink.LinkStatus {
	w.t.Helper()
	return answer[lakelink.LinkStatus](w.t, "link", "show", w.name)
}

// problem is the first problem of the link or of its tables.
func (w *world) problem() *lakelink.Problem {
	w.t.Helper()
	s := w.status()
	if s.Problem != nil {
		return s.Problem
	}
	for _, t := range s.Tables {
		if t.Problem != nil {
			return t.Problem
		}
	}
	return nil
}

// troubled waits until the link or a table of it has a problem that says all the words.
func (w *world) troubled(words ...string) {
	w.t.Helper()
	var last *lakelink.Problem
	until(w.t, func() bool {
		if last = w.problem(); last == nil {
			return false
		}
		for _, word := range words {
			if !strings.Contains(last.Detail, word) {
				return false
			}
		}
		return true
	}, func() string { return fmt.Sprintf("a problem that says %q; it is %+v", words, last) })
	judge(w.t, "lakelink: "+last.Detail+"\n")
}

// well waits until nothing has a problem.
func (w *world) well() {
	w.t.Helper()
	until(w.t, func() bool { return w.problem() == nil }, func() string { return "a link without problems" })
}

// answer decodes what a command says with -o json.
func answer[T any](t testing.TB, args ...string) (v T) {
	t.Helper()
	out := succeed(t, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("lakelink %s: %v in %s", strings.Join(args, " "), err, out)
	}
	return v
}

// until waits for something to come true. It fails the test long after it should have.
func until(t testing.TB, ok func() bool, what func() string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for !ok() {
		select {
		case <-late:
			t.Fatal("waited in vain for " + what())
		case <-tick.C:
		}
	}
}

// files are the objects of a folder with their contents.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) || err == nil && !d.Type().IsRegular() || strings.Contains(path, "_lakelink-tmp") {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		found[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
