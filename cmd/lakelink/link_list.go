package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lakelink"
	"lakelink/internal/api"
)

func newLinkList() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "list", Short: "List links and how they stand", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			return runLinkList(cmd.Context(), c, o, cmd.OutOrStdout())
		},
	}
	o.flag(cmd)
	return cmd
}

func runLinkList(ctx context.Context, c *api.Client, o output, w io.Writer) error {
	links, err := c.Links(ctx)
	if err != nil {
		return err
	}
	return o.print(w, links, func(w io.Writer) {
		if len(links) == 0 {
			fmt.Fprintln(w, "No links yet. Make one: lakelink link create --help")
			return
		}
		fmt.Fprintln(w, "LINK\tSTATE\tCOMPLETE THROUGH\tTABLES\tENVIRONMENT\tLAKE")
		for _, s := range links {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", s.Link.Name, stateLabels[s.State], through(s),
				len(s.Link.Tables), s.Link.Environment.URL, s.Link.Lake)
		}
	})
}

// through says how far a link is complete.
func through(s lakelink.LinkStatus) string {
	if s.CompleteThrough.IsZero() {
		return "not yet"
	}
	return s.CompleteThrough.Local().Format("15:04:05") + ", " + ago(s.CompleteThrough)
}
