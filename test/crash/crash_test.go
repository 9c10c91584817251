//go:build crash

package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lakelink/test/incrementalreader"
)

// tables of the link: big and small, of activities and their pointers, an N:N table and a custom one.
var tables = []string{"account", "contact", "opportunity", "task", "activitypointer", "activityparty",
	"new_device", "new_device_contact"}

// scene is an environment, a lake and a state directory that outlive the service.
type scene struct {
	t    *testing.T
	bin  string
	dir  string
	lake string
	env  string // address of the environment
	addr string // of the service
}

func newScene(t *testing.T) *scene {
	dir := t.TempDir()
	return &scene{t: t, bin: program(t), dir: dir, lake: filepath.Join(dir, "lake"), env: freePort(t), addr: freePort(t)}
}

func (s *scene) environment(changesPerSecond int) *process {
	p := start(s.t, nil, s.bin, "dataverse", "serve", "--addr", s.env, "--data", filepath.Join(s.dir, "environment"),
		"--seed", "crm", "--rows", "3000", "--changes-per-second", strconv.Itoa(changesPerSecond), "-o", "json")
	if !strings.Contains(p.first, "token_url") {
		s.t.Fatalf("the environment does not start: %s", p.log)
	}
	return p
}

// service starts the service, to be killed at the given place of its writes; 0 is never.
func (s *scene) service(killAt int) *process {
	return start(s.t, []string{secretVariable + "=local-secret", "LAKELINK_KILL_AT=" + strconv.Itoa(killAt)},
		s.bin, "serve", "--addr", s.addr, "--data", filepath.Join(s.dir, "state"), "-o", "json")
}

func (s *scene) cli(args ...string) (string, error) {
	return run(s.t, []string{"LAKELINK_URL=http://" + s.addr}, s.bin, args...)
}

func (s *scene) createLink() {
	s.t.Helper()
	if _, err := s.cli("link", "create", "crash", "--environment", "http://"+s.env, "--lake", s.lake,
		"--tables", strings.Join(tables, ","), "--interval", "5s",
		"--client-id", "51f81489-12ee-4a9e-aaae-a2591f45987d", "--client-secret", "env:"+secretVariable); err != nil {
		s.t.Fatal(err)
	}
}

// proof stops the traffic and proves that the lake is right.
func (s *scene) proof(env *process, watch *watcher) {
	t := s.t
	t.Helper()
	env.stop(t)
	env = s.environment(0)
	service := s.service(0)
	if !strings.Contains(service.first, "url") {
		t.Fatalf("the service does not start again: %s", service.log)
	}
	if out, err := s.cli("wait", "crash", "--timeout", "2m"); err != nil {
		t.Fatalf("wait: %v\n%s\n%s", err, out, service.log)
	}
	out, err := s.cli("verify", "crash", "-o", "json")
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	for _, name := range tables {
		out, err := s.cli("query", "-o", "json", fmt.Sprintf("select count(*) - count(distinct Id) as twice from %s", name))
		if err != nil {
			t.Errorf("query: %v", err)
			continue
		}
		if twice := decode[[]map[string]any](t, out)[0]["twice"]; fmt.Sprint(twice) != "0" {
			t.Errorf("%s: %v rows are in the current view twice", name, twice)
		}
	}
	watch.stop()
	for _, v := range incrementalreader.Open(s.lake).Check() {
		t.Errorf("after recovery: %s %s: %s", v.Rule, v.Path, v.Detail)
	}
	service.stop(t)
	env.stop(t)
}

func TestKilledAtEveryWriteNothingIsLostOrSeenHalf(t *testing.T) {
	s := newScene(t)
	env := s.environment(60)
	service := s.service(0)
	if !strings.Contains(service.first, "url") {
		t.Fatalf("the service does not start: %s", service.log)
	}
	s.createLink()
	service.kill() // the first of many: in the middle of the initial syncs
	watch := watchLake(t, s.lake)

	// Each round dies one place later than the one before, so that between them they visit the
	// places of loads, commits and closing folders; later ones by larger steps.
	kills := 0
	for at := 1; at <= 240; at += 1 + at/24 {
		p := s.service(at)
		if !p.dies(20 * time.Second) {
			p.kill() // so many writes do not come in this time
			t.Logf("place %d was not reached", at)
			break
		}
		if !p.killed() {
			t.Fatalf("the service ended by itself: %s", p.log)
		}
		kills++
		watch.look()
	}
	t.Logf("killed at %d places", kills)
	if kills < 20 {
		t.Errorf("killed at %d places only", kills)
	}
	s.proof(env, watch)
}

func TestKilledAtRandomNothingIsLostOrSeenHalf(t *testing.T) {
	s := newScene(t)
	env := s.environment(100)
	service := s.service(0)
	s.createLink()
	watch := watchLake(t, s.lake)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 12 {
		time.Sleep(time.Duration(300+random.IntN(4000)) * time.Millisecond)
		service.kill()
		watch.look()
		service = s.service(0)
		if !strings.Contains(service.first, "url") {
			t.Fatalf("the service does not start again: %s", service.log)
		}
	}
	service.kill()
	s.proof(env, watch)
}

func TestLostStateDirectoryIsRebuiltFromTheLake(t *testing.T) {
	s := newScene(t)
	env := s.environment(60)
	service := s.service(0)
	s.createLink()
	watch := watchLake(t, s.lake)
	if out, err := s.cli("wait", "crash", "--timeout", "2m"); err != nil {
		t.Fatalf("wait: %v\n%s\n%s", err, out, service.log)
	}
	service.kill()
	if err := os.RemoveAll(filepath.Join(s.dir, "state")); err != nil {
		t.Fatal(err)
	}
	service = s.service(0)
	s.createLink() // as it was made the first time
	if out, err := s.cli("wait", "crash", "--timeout", "2m"); err != nil {
		t.Fatalf("wait: %v\n%s\n%s", err, out, service.log)
	}
	out, err := s.cli("activity", "--limit", "1000", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "table.loaded") {
		t.Error("tables were loaded anew although the lake holds their positions")
	}
	service.kill()
	s.proof(env, watch)
}
