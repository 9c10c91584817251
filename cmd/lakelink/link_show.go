package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lakelink"
	"lakelink/internal/api"
)

func newLinkShow() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show how a link stands", Args: exactly("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			return runLinkShow(cmd.Context(), c, lakelink.LinkName(args[0]), o, cmd.OutOrStdout())
		},
	}
	o.flag(cmd)
	return cmd
}

func runLinkShow(ctx context.Context, c *api.Client, name lakelink.LinkName, o output, w io.Writer) error {
	s, err := c.Link(ctx, name)
	if err != nil {
		return err
	}
	return o.print(w, s, func(w io.Writer) { printLink(w, s) })
}

func printLink(w io.Writer, s lakelink.LinkStatus) {
	l := s.Link
	fmt.Fprintf(w, "%s\t%s\n", l.Name, stateLabels[s.State])
	fmt.Fprintf(w, "from\t%s\n", l.Environment.URL)
	fmt.Fprintf(w, "to\t%s\n", l.Lake)
	formats := make([]string, len(l.Formats))
	for i, f := range l.Formats {
		formats[i] = string(f)
	}
	fmt.Fprintf(w, "formats\t%s, folders every %s\n", strings.Join(formats, ", "), short2(l.Interval))
	fmt.Fprintf(w, "complete through\t%s\n", through(s))
	if s.HeldBackBy != "" && s.State != lakelink.StateUpToDate {
		fmt.Fprintf(w, "held back by\t%s\n", s.HeldBackBy)
	}
	hints := "the timer alone"
	if s.Push {
		hints = "webhooks and the timer"
	}
	fmt.Fprintf(w, "looks when told by\t%s\n", hints)
	if s.Problem != nil {
		fmt.Fprintf(w, "problem\t%s\n", s.Problem.Detail)
	}
	fmt.Fprintln(w)
	printTables(w, s.Tables)
}
