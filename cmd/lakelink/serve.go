package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lakelink/internal/config"
)

type serveOptions struct {
	output
	file  string
	flags config.Flags
}

func newServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve --data DIR",
		Short: "Run the service",
		Long: `Runs the service: it keeps links going and serves the API that the command line uses. DIR holds its
state; positions are in the lakes, so a lost DIR costs no data. Every flag has a key in the
configuration file too; docs/guide/configuration.md lists them.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := noneEmpty(cmd); err != nil {
				return err
			}
			return runServe(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.file, "config", "", "configuration file (YAML)")
	o.flags.Register(cmd.Flags())
	o.flag(cmd)
	return cmd
}

// noneEmpty refuses flags that were given without a value, as a script does whose variable is not set:
// the defaults would hold for them, and one of them is to ask nobody for a token.
func noneEmpty(cmd *cobra.Command) error {
	for _, name := range []string{"addr", "api-token", "config", "data", "public-url"} {
		if f := cmd.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
			return usageError{fmt.Errorf("--%s: it is empty; give a value, or leave the flag out", name)}
		}
	}
	return nil
}

// settings are the defaults, then the file, then the flags.
func (o serveOptions) settings() (*config.Config, error) {
	cfg, err := config.Load(o.file)
	if err != nil {
		return nil, err
	}
	return cfg, cfg.Merge(o.flags)
}

func runServe(ctx context.Context, o serveOptions, stdout, stderr io.Writer) error {
	cfg, err := o.settings()
	if err != nil {
		return err
	}
	limitMemory(int64(cfg.Memory))
	s, err := openService(ctx, cfg, stderr)
	if err != nil {
		return err
	}
	if o.form == "json" {
		err = json.NewEncoder(stdout).Encode(map[string]string{"url": s.URL})
	} else {
		_, err = fmt.Fprintf(stdout, "Lakelink ready at %s\n", s.URL)
	}
	if err == nil {
		err = s.Run(ctx)
	}
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	return err
}
