package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lakelink"
	"lakelink/internal/api"
	"lakelink/internal/verify"
)

func newVerify() *cobra.Command {
	var (
		o      output
		tables []string
	)
	cmd := &cobra.Command{
		Use:   "verify LINK",
		Short: "Compare the contents of the lake with the environment, row by row",
		Long: `Reads every row of the environment and of each format in the lake, and compares their contents at a
known point, while changes go on. It exits 0 only if they are equal, 3 if they are not.`,
		Args: exactly("link"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			return runVerify(cmd.Context(), c, lakelink.LinkName(args[0]), tableNames(tables), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringSliceVar(&tables, "table", nil, "only these tables")
	o.flag(cmd)
	return cmd
}

func runVerify(ctx context.Context, c *api.Client, link lakelink.LinkName, tables []lakelink.TableName, o output, w, stderr io.Writer) error {
	if len(tables) == 0 {
		s, err := c.Link(ctx, link)
		if err != nil {
			return err
		}
		tables = s.Link.Tables
	}
	line := newProgress(stderr)
	var results []verify.Result
	for i, t := range tables { // one by one, so that something can be said meanwhile
		line.say("Comparing %s, %d of %d ...", t, i+1, len(tables))
		var one verify.Report
		if err := c.Verify(ctx, link, []lakelink.TableName{t}, &one); err != nil {
			line.end()
			return err
		}
		results = append(results, one.Tables...)
	}
	line.end()
	report := verify.NewReport(results)
	if err := o.print(w, report, func(w io.Writer) { printReport(w, report) }); err != nil {
		return err
	}
	if !report.Equal {
		return &exitError{code: exitNotEqual}
	}
	return nil
}

func printReport(w io.Writer, r verify.Report) {
	fmt.Fprintln(w, "TABLE\tFORMAT\tROWS\tMISSING\tEXTRA\tDIFFERENT\t")
	for _, t := range r.Tables {
		note := ""
		switch {
		case t.Error != "":
			note = t.Error
		case t.Unsettled > 0:
			note = fmt.Sprintf("%s rows keep changing", count(t.Unsettled))
		case t.Equal():
			note = "equal"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Table, t.Format, count(t.Rows), count(t.Missing), count(t.Extra), count(t.Different), note)
	}
	for _, t := range r.Tables {
		for _, e := range t.Examples {
			fmt.Fprintf(w, "%s in %s: row %s is %s\n", t.Table, t.Format, e.ID, e.Kind)
			for _, c := range e.Columns {
				fmt.Fprintf(w, "    %s: %s in the environment, %s in the lake\n", c.Column, shown(c.Source), shown(c.Lake))
			}
		}
	}
	if r.Equal {
		fmt.Fprintln(w, "Equal: nothing is missing, nothing is extra, nothing differs.")
		return
	}
	fmt.Fprintln(w, "Not equal. A resync makes a table right; see `lakelink table resync --help`")
}

func shown(s *string) string {
	if s == nil {
		return "null"
	}
	return fmt.Sprintf("%q", *s)
}
