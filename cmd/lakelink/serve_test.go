package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lakelink"
	"lakelink/internal/devserver/devservertest"
)

// decodeLine reads one line of JSON, and then lets the rest go by.
func decodeLine(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	b := bufio.NewReader(r)
	line, err := b.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	v := map[string]string{}
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	go io.Copy(io.Discard, b) //nolint:errcheck // until the writer ends
	return v
}

func TestServiceThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := t.TempDir()
	_, stop, err := serveIn(busy, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer stop() //nolint:errcheck // judged elsewhere
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free := "127.0.0.1:0"
	for name, c := range map[string]struct {
		words []string
		args  []string
	}{
		"port in use":        {[]string{taken.Addr().String(), "address already in use", "--addr"}, []string{"--addr", taken.Addr().String()}},
		"address of others":  {[]string{"192.0.2.1:7780", "--addr"}, []string{"--addr", "192.0.2.1:7780", "--api-token", "file:/etc/hostname"}},
		"no address":         {[]string{`"nope"`, "127.0.0.1:7780"}, []string{"--addr", "nope"}},
		"open without token": {[]string{"0.0.0.0:0", "apiToken", "127.0.0.1"}, []string{"--addr", "0.0.0.0:0"}},
		"token in the open":  {[]string{"apiToken", "env:NAME or file:PATH"}, []string{"--addr", "0.0.0.0:0", "--api-token", "hunter2"}},
		"token not set":      {[]string{"NOT_SET_ANYWHERE", "set it"}, []string{"--addr", "0.0.0.0:0", "--api-token", "env:NOT_SET_ANYWHERE"}},
		"data in use":        {[]string{busy, "in use by process", "another directory"}, []string{"--data", busy, "--addr", free}},
		"data is a file":     {[]string{file, "give a directory"}, []string{"--data", file, "--addr", free}},
		"data not writable":  {[]string{"/proc/lakelink", "give a directory"}, []string{"--data", "/proc/lakelink", "--addr", free}},
		"too little memory":  {[]string{"memory", "64MiB"}, []string{"--memory", "1KB"}},
		"bad duration":       {[]string{"--poll-min", `"soon"`, "30s"}, []string{"--poll-min", "soon"}},
		"no configuration":   {[]string{"/nope.yml", "--config"}, []string{"--config", "/nope.yml"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve"}, c.args...)
			if name != "data in use" && name != "data is a file" && name != "data not writable" {
				args = append(args, "--data", t.TempDir())
			}
			message := refuse(t, exitFailure, c.words, args...)
			if strings.Contains(message, "hunter2") {
				t.Errorf("the secret is in: %s", message)
			}
		})
	}
}

func TestConfigurationThatIsWrongIsNamedByItsLine(t *testing.T) {
	t.Parallel()
	for text, words := range map[string][]string{
		"adr: 127.0.0.1:1\n":          {":1:", `"adr"`, "addr?"},
		"\npollMin: fast\n":           {":2:", "pollMin", `"fast"`, "30s"},
		"links:\n  - nam: x\n":        {":2:", `"nam"`, "name"},
		"a: [\n":                      {"is not YAML", "line 1"},
		"links:\n  - name: a b\n":     {":2:", `"a b"`, "letters, digits"},
		"maxLoads: many\n":            {":1:", "maxLoads", `"many"`},
		"log:\n  level: everything\n": {"log.level", `"everything"`, "debug"},
	} {
		file := filepath.Join(t.TempDir(), "lakelink.yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		refuse(t, exitFailure, append(words, file), "serve", "--config", file, "--data", t.TempDir())
	}
}

func TestTokenGuardsTheAPI(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/token", []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	done := make(chan int, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		done <- run(ctx, []string{"serve", "--data", dir + "/state", "--addr", "0.0.0.0:0", "--api-token", "file:" + dir + "/token", "-o", "json"}, in, io.Discard)
	}()
	url := decodeLine(t, out)["url"]
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	url = "http://127.0.0.1:" + port
	t.Setenv("LAKELINK_URL", url)
	refuse(t, exitFailure, []string{"token", "LAKELINK_TOKEN"}, "link", "list")
	t.Setenv("LAKELINK_TOKEN", "wrong")
	refuse(t, exitFailure, []string{"token", "LAKELINK_TOKEN"}, "link", "list")
	t.Setenv("LAKELINK_TOKEN", "s3cret")
	succeed(t, "link", "list")
	for _, probe := range []string{"/healthz", "/readyz"} {
		resp, err := http.Get(url + probe)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answers %s", probe, resp.Status)
		}
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("serve ended with %d", code)
	}
}

// A state that is damaged is refused, and costs no data: the links are made again with their lakes.
func TestDamagedStateIsRefusedAndCostsNoData(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 20))
	dir := t.TempDir()
	healthy := filepath.Join(dir, "state")
	s, stop, err := serveIn(healthy, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	l := lakelink.Link{Name: "sales", ID: "00000000-0000-0000-0000-0000000000d1", Lake: "file://" + w.lake,
		Tables: []lakelink.TableName{"account"}, Formats: []lakelink.Format{lakelink.Delta}, Interval: lakelink.Duration(lakelink.MinInterval),
		Environment: lakelink.EnvironmentRef{URL: w.env.URL, ClientID: w.env.ClientID, ClientSecret: lakelink.SecretRef("file:" + w.secret)}}
	if _, err := s.manager.Create(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := s.manager.Wait(t.Context(), l.Name); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	lake, state := files(t, w.lake), files(t, healthy)
	for name, damage := range map[string]func(path string, data string) error{
		"truncated": func(path, data string) error { return os.WriteFile(path, []byte(data[:len(data)/2]), 0o600) },
		"garbage": func(path, data string) error {
			return os.WriteFile(path, []byte(strings.Repeat("\x5a\xc3", len(data)/2)), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			broken := filepath.Join(t.TempDir(), "state")
			for file, data := range state {
				path := filepath.Join(broken, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				write := func(path, data string) error { return os.WriteFile(path, []byte(data), 0o600) }
				if strings.HasSuffix(file, ".blk") {
					write = damage
				}
				if err := write(path, data); err != nil {
					t.Fatal(err)
				}
			}
			refuse(t, exitFailure, []string{broken, "is damaged", "move " + broken + " away"}, "serve", "--data", broken, "--addr", "127.0.0.1:0", "--log-level", "error")
		})
	}
	if !maps.Equal(lake, files(t, w.lake)) {
		t.Error("the lake was changed")
	}
	s, stop, err = serveIn(filepath.Join(dir, "new"), io.Discard) // what the remedy says
	if err != nil {
		t.Fatal(err)
	}
	defer stop() //nolint:errcheck // judged elsewhere
	l.ID = "00000000-0000-0000-0000-0000000000d2"
	got, err := s.manager.Create(t.Context(), l)
	if err != nil || got.ID != "00000000-0000-0000-0000-0000000000d1" {
		t.Fatalf("the link does not go on with its lake: %+v, %v", got, err)
	}
	w.env.Fill("account", 3)
	if err := s.manager.Wait(t.Context(), l.Name); err != nil {
		t.Fatal(err)
	}
	for name, data := range lake {
		if strings.HasSuffix(name, ".parquet") && files(t, w.lake)[name] != data {
			t.Errorf("%s was written again", name)
		}
	}
}

func TestDamagedEnvironmentIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dataverse.db"), []byte(strings.Repeat("garbage", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	refuse(t, exitFailure, []string{dir, "not a database", "--data"}, "dataverse", "serve", "--data", dir, "--addr", "127.0.0.1:0")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refuse(t, exitFailure, []string{file, "not a directory", "--data"}, "dataverse", "serve", "--data", file, "--addr", "127.0.0.1:0")
}
