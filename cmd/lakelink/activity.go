package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lakelink"
)

func newActivity() *cobra.Command {
	var (
		o     output
		link  string
		limit int
	)
	cmd := &cobra.Command{
		Use: "activity", Short: "Show what happened, newest first", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			list, err := c.Activity(cmd.Context(), lakelink.LinkName(link), limit)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), list, func(w io.Writer) {
				for _, a := range list {
					where := string(a.Link)
					if a.Table != "" {
						where += "/" + string(a.Table)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Time.Local().Format("2006-01-02 15:04:05"), where, a.Text, a.Actor)
				}
			})
		},
	}
	cmd.Flags().StringVar(&link, "link", "", "only of this link")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many entries at most")
	o.flag(cmd)
	return cmd
}
