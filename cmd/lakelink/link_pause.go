package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lakelink"
	"lakelink/internal/api"
)

func newLinkPause() *cobra.Command {
	return newLinkSwitch("pause", "Stop a link until it is resumed; its data and its place stay",
		(*api.Client).PauseLink, "Link %s is paused. Go on: lakelink link resume %[1]s\n")
}

func newLinkResume() *cobra.Command {
	return newLinkSwitch("resume", "Go on where a paused link stopped",
		(*api.Client).ResumeLink, "Link %s goes on where it stopped.\n")
}

// newLinkSwitch is a command that changes a link's state and prints the link.
func newLinkSwitch(verb, text string, do func(*api.Client, context.Context, lakelink.LinkName) (lakelink.Link, error),
	said string) *cobra.Command {

	var o output
	cmd := &cobra.Command{
		Use: verb + " NAME", Short: text, Args: exactly("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			l, err := do(c, cmd.Context(), lakelink.LinkName(args[0]))
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), l, func(w io.Writer) { fmt.Fprintf(w, said, l.Name) })
		},
	}
	o.flag(cmd)
	return cmd
}
