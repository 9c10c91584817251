package main

import (
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
		Args:  exactly("link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return usageError{fmt.Errorf("--timeout: %s is no time at all; write it like 30s, 5m or 1h", timeout)}
			}
			c, err := client()
			if err != nil {
				return err
			}
			began := time.Now()
			if err := c.Wait(cmd.Context(), lakelink.LinkName(args[0]), timeout); err != nil {
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
