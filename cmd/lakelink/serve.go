package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lakelink/internal/config"
)

type serveOptions struct {
	output
	data, addr, file string
}

func newServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve --data DIR",
		Short: "Run the service",
		Long: `Runs the service: it keeps links going and serves the API that the command line uses. DIR holds its
state; positions are in the lakes, so a lost DIR costs no data.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "", "folder of the service's state; made if it is not there")
	f.StringVar(&o.addr, "addr", "", "address to listen on (default 127.0.0.1:7780)")
	f.StringVar(&o.file, "config", "", "configuration file (YAML); see docs/guide/configuration.md")
	o.flag(cmd)
	return cmd
}

// settings are the defaults, then the file, then the flags.
func (o serveOptions) settings() (config.Config, error) {
	cfg := config.Default()
	if o.file != "" {
		c, err := config.Load(o.file)
		if err != nil {
			return cfg, err
		}
		cfg = *c
	}
	if o.data != "" {
		cfg.Data = o.data
	}
	if o.addr != "" {
		cfg.Addr = o.addr
	}
	if cfg.Data == "" {
		return cfg, usageError{errors.New("no folder for the state; give --data DIR")}
	}
	return cfg, nil
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
