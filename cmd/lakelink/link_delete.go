package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lakelink"
)

func newLinkDelete() *cobra.Command {
	var (
		o    output
		data bool
	)
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "Delete a link; its data stays unless told otherwise", Args: exactly("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			if err := c.DeleteLink(cmd.Context(), lakelink.LinkName(args[0]), data); err != nil {
				return err
			}
			done := map[string]any{"deleted": args[0], "data": data}
			return o.print(cmd.OutOrStdout(), done, func(w io.Writer) {
				what := "its data stays in the lake"
				if data {
					what = "so is its data"
				}
				fmt.Fprintf(w, "Link %s is deleted; %s.\n", args[0], what)
			})
		},
	}
	cmd.Flags().BoolVar(&data, "delete-data", false, "also delete everything the link has written to the lake")
	o.flag(cmd)
	return cmd
}
