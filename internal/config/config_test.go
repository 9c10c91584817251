package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/config"
)

func TestLoadNothing(t *testing.T) {
	c, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.yml")
	if err := os.WriteFile(empty, []byte("# nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := config.Load(empty)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, e); diff != "" || c.Addr != "127.0.0.1:7780" {
		t.Error(diff)
	}
}

func TestLoadEverything(t *testing.T) {
	got, err := config.Load("testdata/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Addr: "0.0.0.0:8080", Data: "/var/lib/lakelink", PublicURL: "https://lakelink.contoso.com/hooks",
		APIToken: "file:/run/secrets/token", Memory: 1 << 30, MaxLoads: 2, LagObjective: lakelink.Duration(30 * time.Second),
		PollMin: lakelink.Duration(500 * time.Millisecond), PollMax: lakelink.Duration(2 * time.Minute),
		Log: config.Log{Level: "debug", Format: "json"},
		Links: []lakelink.Link{{
			Name: "sales", Lake: "file:///data/sales", Tables: []lakelink.TableName{"account", "contact"},
			Environment: lakelink.EnvironmentRef{
				URL: "https://contoso.crm4.dynamics.com", Tenant: "contoso.com", Authority: "https://login.example.com",
				ClientID: "00000000-0000-0000-0000-000000000001", ClientSecret: "env:SALES_SECRET"},
			Formats: []lakelink.Format{lakelink.Delta}, Interval: lakelink.Duration(5 * time.Minute), Paused: true,
		}, {
			Name: "service", Lake: "file:///data/service", Tables: []lakelink.TableName{"incident"},
			Environment: lakelink.EnvironmentRef{URL: "https://contoso.crm4.dynamics.com", ClientID: "app", ClientSecret: "env:SALES_SECRET"},
			Formats:     []lakelink.Format{lakelink.Incremental, lakelink.Delta}, Interval: lakelink.Duration(lakelink.DefaultInterval),
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDataIsMeantFromTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lakelink.yml")
	if err := os.WriteFile(path, []byte("data: state\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(path); err != nil || c.Data != filepath.Join(dir, "state") {
		t.Errorf("%+v, %v", c, err)
	}
}

// bad has, for each file of testdata, the message without "read configuration: testdata/<file>:".
var bad = map[string]string{
	"addr":                ` addr: "localhost" is not an address such as 127.0.0.1:7780`,
	"addr_open":           ` addr: 0.0.0.0:7780 can be reached from other machines; give an apiToken, or listen on 127.0.0.1`,
	"addr_port":           ` addr: "127.0.0.1:99999" is not an address such as 127.0.0.1:7780`,
	"api_token":           ` apiToken: not a reference; give env:NAME or file:PATH, never the token itself`,
	"duration":            `1: lagObjective: "10" is not a duration; write it like 30s, 5m or 1h`,
	"group_as_value":      `1: log: keys and values are expected here, such as level: …`,
	"key_twice":           `2: data is given twice`,
	"lag_objective":       ` lagObjective: 10ms is less than 1s`,
	"link_format":         `2: links[0]: sales: link: unknown format "parquet"; choose incremental, delta or both`,
	"link_interval":       `6: links[0].interval: "soon" is not a duration; write it like 30s, 5m or 1h`,
	"link_paused":         `6: links[0].paused: "perhaps" is neither true nor false`,
	"link_same_lake":      ` links: sales and other have the same lake, file:///data/sales; give each its own folder`,
	"link_secret":         `2: links[0]: client secret: not a reference; give env:NAME or file:PATH, never the secret itself`,
	"link_twice":          ` links: sales is declared twice`,
	"link_unknown_key":    `6: links[0]: unknown key "table"; did you mean tables?`,
	"link_without_tables": `2: links[0]: sales: link: no tables chosen; give --tables, such as account,contact`,
	"links_no_list":       `1: links: a list is expected here`,
	"log_format":          ` log.format: "xml" is neither text nor json`,
	"log_level":           ` log.level: "loud" is not one of debug, info, warn, error`,
	"max_loads":           ` maxLoads: 0 is not between 1 and 64`,
	"max_loads_text":      `1: maxLoads: "many" is not a whole number`,
	"memory_small":        ` memory: 16MiB is less than 64MiB`,
	"memory_unit":         `1: memory: "256" is not a size; write it like 256MiB or 2GiB`,
	"no_value":            `1: data: it has no value; give one or leave the key out`,
	"not_a_map":           `1: keys and values are expected here, such as addr: …`,
	"not_yaml":            ` is not YAML: line 1: did not find expected ',' or ']'`,
	"poll_min":            ` pollMin, pollMax: 1ms to 30s is not between 100ms and 24h0m0s`,
	"poll_order":          ` pollMax: 5s is less than pollMin, 10s`,
	"public_url":          ` publicUrl: "lakelink.contoso.com" is not an address such as https://lakelink.contoso.com`,
	"unknown_key":         `1: unknown key "adr"; did you mean addr?`,
	"unknown_key_far":     `1: unknown key "colour"; there are addr, data, publicUrl, apiToken, memory, maxLoads, lagObjective, pollMin, pollMax, log, links`,
	"unknown_key_nested":  `3: log: unknown key "levle"; did you mean level?`,
	"unknown_key_snake":   `1: unknown key "api_token"; did you mean apiToken?`,
	"value_as_group":      `2: addr: a single value is expected here`,
}

func TestLoadRefuses(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yml")
	if err != nil || len(files) != len(bad) {
		t.Errorf("%d bad files, %d messages, %v", len(files), len(bad), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".bad.yml")
		_, err := config.Load(file)
		if !lakelink.IsKind(err, lakelink.KindInvalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "read configuration: "+file), ":")
		if got != bad[name] {
			t.Errorf("%s:\n got %s\nwant %s", name, got, bad[name])
		}
	}
	if _, err := config.Load("testdata/none.yml"); !lakelink.IsKind(err, lakelink.KindInvalid) || !strings.Contains(err.Error(), "--config") {
		t.Errorf("got %v", err)
	}
}

func TestFlagsOverride(t *testing.T) {
	var f config.Flags
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.Register(fs)
	if err := fs.Parse([]string{"--addr", "127.0.0.1:0", "--memory", "512MiB", "--max-loads", "8", "--poll-max", "1m", "--log-level", "warn"}); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("testdata/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Merge(f); err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:0" || c.Memory != 512<<20 || c.MaxLoads != 8 || time.Duration(c.PollMax) != time.Minute || c.Log.Level != "warn" {
		t.Errorf("%+v", c)
	}
	if c.Log.Format != "json" || len(c.Links) != 2 || time.Duration(c.PollMin) != 500*time.Millisecond {
		t.Errorf("what no flag said has changed: %+v", c)
	}
}

func TestFlagsAreChecked(t *testing.T) {
	for want, f := range map[string]config.Flags{
		`read configuration: --memory: "1" is not a size; write it like 256MiB or 2GiB`: {Memory: "1"},
		`read configuration: --max-loads: "x" is not a whole number`:                    {MaxLoads: "x"},
		`read configuration: pollMax: 10ms is less than pollMin, 1s`:                    {PollMax: "10ms"},
		`read configuration: log.level: "x" is not one of debug, info, warn, error`:     {LogLevel: "x"},
	} {
		c := config.Default()
		if err := c.Merge(f); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
		if diff := cmp.Diff(config.Default(), c); diff != "" {
			t.Errorf("a merge that failed changed\n%s", diff)
		}
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) lakelink.SecretRef {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return lakelink.SecretRef("file:" + path)
	}
	t.Setenv("LAKELINK_TEST_SECRET", "from env\n")
	t.Setenv("LAKELINK_TEST_EMPTY", "")
	for ref, want := range map[lakelink.SecretRef]string{
		"env:LAKELINK_TEST_SECRET":   "from env",
		write("plain", "s3:cret "):   "s3:cret ",
		write("line", "secret\n"):    "secret",
		write("crlf", "secret\r\n"):  "secret",
		write("lines", "secret\n\n"): "secret\n",
	} {
		if got, err := config.Secret(ref); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", ref, got, err, want)
		}
	}
	for ref, want := range map[lakelink.SecretRef]string{
		"env:LAKELINK_TEST_UNSET":         "read secret: the environment variable LAKELINK_TEST_UNSET is not set; set it where the service is started, or give file:PATH",
		"env:LAKELINK_TEST_EMPTY":         "read secret: env:LAKELINK_TEST_EMPTY is empty; put the secret there",
		"hunter2":                         "client secret: not a reference; give env:NAME or file:PATH, never the secret itself",
		"":                                "client secret: not a reference; give",
		"vault:x":                         "client secret: not a reference; give",
		lakelink.SecretRef("file:" + dir): "is a directory; put the secret there",
		"file:/does/not/exist":            "no such file or directory; put the secret there, readable for",
		write("empty", "\n"):              "is empty; put the secret there",
		write("large", strings.Repeat("x", 1<<17)): "is too large to be a secret",
	} {
		_, err := config.Secret(ref)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v\nwant %s", ref, err, want)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]config.Size{"256MiB": 256 << 20, "2 GiB": 2 << 30, "1GB": 1e9, "0KiB": 0, "8KB": 8000} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: %d, %v", text, s, err)
		}
		var again config.Size
		if s != 0 && (again.UnmarshalText([]byte(s.String())) != nil || again != s) {
			t.Errorf("%s prints as %s", text, s)
		}
	}
	for _, text := range []string{"", "256", "-1MiB", "MiB", "1.5GiB", "99999999999TiB", "1PiB", "10B"} {
		var s config.Size
		if s.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is taken as %d", text, s)
		}
	}
}
