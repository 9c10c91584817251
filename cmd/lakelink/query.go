package main

import (
	"github.com/spf13/cobra"

	"lakelink"
	"lakelink/internal/api"
)

func newQuery() *cobra.Command {
	var (
		q    api.Query
		link string
	)
	cmd := &cobra.Command{
		Use:   `query "SQL"`,
		Short: "Ask the current rows with SQL",
		Long: `Runs one reading statement over the current rows of a link's tables, a table per Dataverse table.
The dialect is DuckDB's.`,
		Example: `  lakelink query "select statecode, count(*) from account group by all"`,
		Args:    exactly("statement"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			q.SQL, q.Link = args[0], lakelink.LinkName(link)
			return c.Query(cmd.Context(), q, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&link, "link", "", "whose tables; may be left out where there is only one link")
	q.Format = "table"
	cmd.Flags().VarP(&choice{&q.Format, []string{"table", "csv", "json"}}, "output", "o", "form of the answer: table, csv or json")
	return cmd
}
