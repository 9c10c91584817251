package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/sample"
	"lakelink/internal/devserver/store"
)

func newDataverseServe() *cobra.Command {
	var (
		o   environmentOptions
		out output
	)
	cmd := &cobra.Command{
		Use:   "serve --data DIR",
		Short: "Serve a local Dataverse environment",
		Long: `Serves a Dataverse environment of your own: the Web API over a database in DIR, with change
tracking, webhooks and, if asked for, sample data and living traffic. It is for development and
tests; what it has and has not is in docs/guide/dataverse.md.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDataverseServe(cmd.Context(), o, out, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.addr, "addr", "127.0.0.1:7790", "address to listen on")
	f.StringVar(&o.dir, "data", "", "folder of the environment; made if it is not there")
	environmentFlags(cmd, &o)
	f.StringVar(&o.tenant, "tenant", devserver.DefaultTenant, "directory (tenant) id of its sign-in")
	f.StringVar(&o.clientID, "client-id", store.DefaultClientID, "application id that may sign in")
	f.StringVar(&o.clientSecret, "client-secret", devserver.DefaultClientSecret, "secret of that application; it guards nothing but this local environment")
	f.StringVar(&o.seed, "seed", "", "fill a new environment with sample data: crm")
	out.flag(cmd)
	cmd.MarkFlagRequired("data") //nolint:errcheck // the flag is the one above
	return cmd
}

// environmentFlags are the flags that the demo shares.
func environmentFlags(cmd *cobra.Command, o *environmentOptions) {
	f := cmd.Flags()
	f.IntVar(&o.rows, "rows", 20_000, "rows of sample data, over all tables")
	f.Int64Var(&o.randomSeed, "random-seed", 1, "the same seed makes the same sample data")
	f.Float64Var(&o.changesPerSecond, "changes-per-second", o.changesPerSecond, "creates, updates and deletes a second; 0 for none")
}

func runDataverseServe(ctx context.Context, o environmentOptions, out output, stdout, stderr io.Writer) error {
	line := newProgress(stderr)
	env, err := openEnvironment(ctx, o, func(done, total int) {
		line.say("Sample data: %s of %s rows", count(int64(done)), count(int64(total)))
	})
	line.end()
	if err != nil {
		return err
	}
	traffic, err := env.traffic(ctx)
	if err != nil {
		env.Close()
		return err
	}
	switch out.form {
	case "json":
		err = json.NewEncoder(stdout).Encode(map[string]string{"url": env.URL, "token_url": env.TokenURL,
			"tenant": o.tenant, "client_id": o.clientID, "client_secret": o.clientSecret})
	default:
		_, err = fmt.Fprintf(stdout, "Dataverse environment ready at %s (tenant %s, client %s, secret %s)\n",
			env.URL, o.tenant, o.clientID, o.clientSecret)
	}
	if err == nil {
		err = env.Run(ctx, traffic)
	}
	if cerr := env.Close(); err == nil {
		err = cerr
	}
	return err
}

// traffic makes the changes that were asked for; nil where there are none.
func (e *localEnvironment) traffic(ctx context.Context) (*sample.Traffic, error) {
	if e.options.changesPerSecond <= 0 {
		return nil, nil
	}
	return sample.NewTraffic(ctx, e.store, sample.TrafficOptions{
		PerSecond: e.options.changesPerSecond, RandomSeed: e.options.randomSeed})
}
