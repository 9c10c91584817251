package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"lakelink"
)

func newWait() *cobra.Command {
	var (
		o       output
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "wait LINK",
		Short: "Return once all that the environment has committed now is readable in every format",
		Long: `Returns once all that the environment has committed at the call is readable in every format, in the
incremental format in a closed folder. A resync that runs meanwhile is waited for; a folder that only
repeats what is readable already is not.`,
		Args: exactly("link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return usageError{fmt.Errorf("--timeout: %s is no time at all; write it like 30s, 5m or 1h", timeout)}
			}
			c, err := client()
			if err != nil {
				return err
			}
			began := time.Now()
			link := lakelink.LinkName(args[0])
			line := newProgress(cmd.ErrOrStderr())
			err = watched(cmd.Context(), func(ctx context.Context) error { return c.Wait(ctx, link, timeout) }, func(ctx context.Context) {
				if s, err := c.Link(ctx, link); err == nil {
					line.say("%s", waitingFor(s))
				}
			})
			line.end()
			if err != nil {
				return err
			}
			took := time.Since(began)
			return o.print(cmd.OutOrStdout(), map[string]any{"complete": true, "seconds": took.Seconds()}, func(w io.Writer) {
				fmt.Fprintf(w, "Complete after %s.\n", short(took))
			})
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "give up after this long")
	o.flag(cmd)
	return cmd
}

// watched calls look every second while do runs.
func watched(ctx context.Context, do func(context.Context) error, look func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			look(ctx)
		}
	}
}

// waitingFor says in a line what a link is busy with.
func waitingFor(s lakelink.LinkStatus) string {
	loading, rows, expected := 0, int64(0), int64(0)
	for _, t := range s.Tables {
		if t.State == lakelink.StateWaiting || t.State == lakelink.StateInitialSync || t.State == lakelink.StateResync {
			loading++
			rows, expected = rows+t.Rows, expected+t.Expected
		}
	}
	switch {
	case loading > 0 && expected > 0:
		return fmt.Sprintf("Copying %d of %d tables: %s of about %s rows ...", loading, len(s.Tables), count(rows), count(expected))
	case loading > 0:
		return fmt.Sprintf("Copying %d of %d tables ...", loading, len(s.Tables))
	}
	return fmt.Sprintf("Complete through %s ...", through(s))
}
