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
			return runServe(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.file, "config", "", "configuration file (YAML)")
	o.flags.Register(cmd.Flags())
	o.flag(cmd)
	return cmd
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
