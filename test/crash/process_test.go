//go:build crash

package crash

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const secretVariable = "LAKELINK_CRASH_SECRET"

// program builds the binary with the places at which it can be killed.
func program(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "lakelink")
	cmd := exec.Command("go", "build", "-tags", "faults", "-o", bin, "lakelink/cmd/lakelink")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// process is a running lakelink.
type process struct {
	cmd   *exec.Cmd
	first string        // first line of its standard output
	ended chan struct{} // closed when it has ended
	log   *buffer
}

// buffer keeps what a process says on its standard error.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs the binary and waits for its first line, or its end.
func start(t *testing.T, env []string, bin string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(bin, args...), ended: make(chan struct{}), log: &buffer{}}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	p.first, _ = r.ReadString('\n')
	go func() {
		defer close(p.ended)
		io.Copy(io.Discard, r) //nolint:errcheck // it ends with the process
		p.cmd.Wait()           //nolint:errcheck // how it ended is in ProcessState
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-p.ended
}

// stop ends the process the way a person would.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("%v does not end after SIGTERM\n%s", p.cmd.Args, p.log)
	}
}

// dies reports whether the process ends within d.
func (p *process) dies(d time.Duration) bool {
	select {
	case <-p.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// killed reports whether the process has ended by SIGKILL, as opposed to by itself.
func (p *process) killed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// freePort finds an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// run runs the binary to its end and returns what it printed.
func run(t *testing.T, env []string, bin string, args ...string) (stdout string, err error) {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)) + " (" + exit.String() + ")")
	}
	return string(out), err
}

func get(url string) bool {
	resp, err := http.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}
