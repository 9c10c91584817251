// Package config is the checked configuration of a service: defaults, then a YAML file, then flags,
// then the checks. Every mistake is one line that says where it is and what to write instead.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"lakelink"
)

// A Config says how a service runs. Reading one starts nothing and touches nothing.
type Config struct {
	Addr         string             // where the API and the UI listen
	Data         string             // directory of the state, the spool and caches
	PublicURL    string             // where the environment reaches this service with webhooks; none: it polls
	APIToken     lakelink.SecretRef // what callers of the API must show; none: nothing, on loopback only
	Memory       Size               // bound of what loads and changes may hold at once
	MaxLoads     int                // initial syncs at once
	LagObjective lakelink.Duration  // a table with less lag is up to date
	PollMin      lakelink.Duration  // how soon a busy table is looked at again
	PollMax      lakelink.Duration  // how late a quiet one is
	Log          Log
	Links        []lakelink.Link // made at the start where they are missing; without ID and Created
}

// Log says how the service logs.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
}

// Default is the configuration of a service that was told nothing.
func Default() *Config {
	return &Config{
		Addr:         "127.0.0.1:7780",
		Data:         "data",
		Memory:       256 << 20,
		MaxLoads:     4,
		LagObjective: lakelink.Duration(10 * time.Second),
		PollMin:      lakelink.Duration(time.Second),
		PollMax:      lakelink.Duration(30 * time.Second),
		Log:          Log{Level: "info", Format: "text"},
	}
}

// Load reads a file over the defaults, and checks what comes of it. Without a path it is the defaults.
// A relative data directory in the file is meant from where the file is.
func Load(path string) (*Config, error) {
	c := Default()
	if path == "" {
		return c, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, invalid(err, "give the path of a file that can be read with --config")
	}
	given := c.Data
	if err := c.decode(path, data); err != nil {
		return nil, err
	}
	if c.Data != given && !filepath.IsAbs(c.Data) {
		c.Data = filepath.Join(filepath.Dir(path), c.Data)
	}
	if err := c.Check(); err != nil {
		return nil, invalid(fmt.Errorf("%s: %w", path, err), "")
	}
	return c, nil
}

func (c *Config) decode(path string, data []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return invalid(fmt.Errorf("%s is not YAML: %s", path, strings.TrimPrefix(oneLine(err), "yaml: ")), "")
	}
	if len(doc.Content) == 0 {
		return nil // nothing in it, or comments only
	}
	if err := decodeMap(doc.Content[0], "", c.fields()); err != nil {
		return invalid(fmt.Errorf("%s:%w", path, err), "")
	}
	return nil
}

func (c *Config) fields() []field {
	return []field{
		{"addr", text(&c.Addr)},
		{"data", text(&c.Data)},
		{"publicUrl", text(&c.PublicURL)},
		{"apiToken", text(&c.APIToken)},
		{"memory", parsed(&c.Memory)},
		{"maxLoads", number(&c.MaxLoads)},
		{"lagObjective", parsed(&c.LagObjective)},
		{"pollMin", parsed(&c.PollMin)},
		{"pollMax", parsed(&c.PollMax)},
		{"log", group("log", []field{
			{"level", text(&c.Log.Level)},
			{"format", text(&c.Log.Format)},
		})},
		{"links", list("links", &c.Links, decodeLink)},
	}
}

// decodeLink reads one declared link over its defaults.
func decodeLink(n *yaml.Node, path string) (lakelink.Link, error) {
	l := lakelink.Link{
		Formats:  []lakelink.Format{lakelink.Incremental, lakelink.Delta},
		Interval: lakelink.Duration(lakelink.DefaultInterval),
	}
	env := &l.Environment
	err := decodeMap(n, path, []field{
		{"name", text(&l.Name)},
		{"environment", group(path+".environment", []field{
			{"url", text(&env.URL)},
			{"tenant", text(&env.Tenant)},
			{"authority", text(&env.Authority)},
			{"clientId", text(&env.ClientID)},
			{"clientSecret", text(&env.ClientSecret)},
		})},
		{"lake", text(&l.Lake)},
		{"tables", texts(&l.Tables)},
		{"formats", texts(&l.Formats)},
		{"interval", parsed(&l.Interval)},
		{"paused", flag(&l.Paused)},
	})
	if err == nil {
		err = at(n, path, l.Validate())
	}
	return l, err
}

func invalid(err error, hint string) error {
	return &lakelink.Error{Op: "read configuration", Kind: lakelink.KindInvalid, Err: err, Hint: hint}
}
