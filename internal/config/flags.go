package config

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Flags are the keys of the file that a command line may override. Empty ones were not given.
type Flags struct {
	Addr, Data, PublicURL, APIToken, Memory, MaxLoads string
	LagObjective, PollMin, PollMax                    string
	LogLevel, LogFormat                               string
}

// A flagSet is what Register needs of a command's flags.
type flagSet interface {
	StringVar(p *string, name, value, usage string)
}

// Register adds the flags to a command. Their defaults are empty: those of the service, and of its file,
// hold where a flag is not given.
func (f *Flags) Register(to flagSet) {
	for _, one := range f.all() {
		to.StringVar(one.value, one.name, "", one.usage)
	}
}

type oneFlag struct {
	name  string
	value *string
	key   string // of the file, below its group
	usage string
}

func (f *Flags) all() []oneFlag {
	return []oneFlag{
		{"addr", &f.Addr, "addr", "where the API and the UI listen (127.0.0.1:7780)"},
		{"data", &f.Data, "data", "directory of the service's state (data)"},
		{"public-url", &f.PublicURL, "publicUrl", "where the environment reaches this service with webhooks"},
		{"api-token", &f.APIToken, "apiToken", "where the API's token is, env:NAME or file:PATH"},
		{"memory", &f.Memory, "memory", "bound of what may be in memory at once (256MiB)"},
		{"max-loads", &f.MaxLoads, "maxLoads", "initial syncs at once (4)"},
		{"lag-objective", &f.LagObjective, "lagObjective", "a table with less lag is up to date (10s)"},
		{"poll-min", &f.PollMin, "pollMin", "how soon a busy table is looked at again (1s)"},
		{"poll-max", &f.PollMax, "pollMax", "how late a quiet table is looked at again (30s)"},
		{"log-level", &f.LogLevel, "log.level", "debug, info, warn or error (info)"},
		{"log-format", &f.LogFormat, "log.format", "text or json (text)"},
	}
}

// Merge puts the flags that were given over the configuration, and checks the whole again. It
// changes nothing where it fails.
func (c *Config) Merge(f Flags) error {
	merged := *c
	fields := merged.fields()
	fields = append(fields, field{"log.level", text(&merged.Log.Level)}, field{"log.format", text(&merged.Log.Format)})
	for _, one := range f.all() {
		if *one.value == "" {
			continue
		}
		to, ok := find(fields, one.key)
		if !ok {
			return fmt.Errorf("--%s sets %s, which is no key", one.name, one.key)
		}
		// As in the file: a plain value, whose type the field knows.
		var n yaml.Node
		n.Kind, n.Value = yaml.ScalarNode, *one.value
		if err := to.set(&n); err != nil {
			return invalid(fmt.Errorf("--%s: %w", one.name, err), "")
		}
	}
	if err := merged.Check(); err != nil {
		return invalid(err, "")
	}
	*c = merged
	return nil
}
