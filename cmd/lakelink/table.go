package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lakelink"
	"lakelink/internal/api"
)

func newTable() *cobra.Command {
	return group("table", "List, add, remove and resync a link's tables",
		newTableList(), newTableAdd(), newTableRemove(), newTableResync())
}

func newTableList() *cobra.Command {
	return newTableCommand("list LINK", "List a link's tables and how they stand", 1, 1,
		func(ctx context.Context, c *api.Client, link lakelink.LinkName, _ []lakelink.TableName, o output, w io.Writer) error {
			s, err := c.Link(ctx, link)
			if err != nil {
				return err
			}
			return o.print(w, s.Tables, func(w io.Writer) { printTables(w, s.Tables) })
		})
}

func newTableAdd() *cobra.Command {
	return newTableCommand("add LINK TABLE...", "Add tables to a link", 2, -1,
		func(ctx context.Context, c *api.Client, link lakelink.LinkName, tables []lakelink.TableName, o output, w io.Writer) error {
			l, err := c.AddTables(ctx, link, tables)
			if err != nil {
				return err
			}
			return o.print(w, l, func(w io.Writer) {
				fmt.Fprintf(w, "Link %s has %d tables now; the new ones start with an initial sync.\n", l.Name, len(l.Tables))
			})
		})
}

func newTableRemove() *cobra.Command {
	return newTableCommand("remove LINK TABLE...", "Take tables out of a link; their data stays", 2, -1,
		func(ctx context.Context, c *api.Client, link lakelink.LinkName, tables []lakelink.TableName, o output, w io.Writer) error {
			l, err := c.RemoveTables(ctx, link, tables)
			if err != nil {
				return err
			}
			return o.print(w, l, func(w io.Writer) {
				fmt.Fprintf(w, "Link %s has %d tables now; the data of the removed ones stays in the lake.\n", l.Name, len(l.Tables))
			})
		})
}

func newTableResync() *cobra.Command {
	return newTableCommand("resync LINK [TABLE...]", "Read tables anew, all where none is named; the old rows stay readable", 1, -1,
		func(ctx context.Context, c *api.Client, link lakelink.LinkName, tables []lakelink.TableName, o output, w io.Writer) error {
			if err := c.Resync(ctx, link, tables); err != nil {
				return err
			}
			return o.print(w, map[string]any{"resync": tables}, func(w io.Writer) {
				fmt.Fprintf(w, "The resync is ordered. Watch it: lakelink table list %s\n", link)
			})
		})
}

// newTableCommand is a command whose arguments are a link and tables, separated by blanks or commas.
func newTableCommand(use, text string, least, most int,
	do func(context.Context, *api.Client, lakelink.LinkName, []lakelink.TableName, output, io.Writer) error) *cobra.Command {

	var o output
	cmd := &cobra.Command{
		Use: use, Short: text,
		Args: func(_ *cobra.Command, args []string) error {
			names := []string{"link", "table"}
			if len(args) < least {
				return usageError{fmt.Errorf("no %s given", names[len(args)])}
			}
			if most > 0 && len(args) > most {
				return usageError{fmt.Errorf("%q is one argument too many", args[most])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			return do(cmd.Context(), c, lakelink.LinkName(args[0]), tableNames(strings.Split(strings.Join(args[1:], ","), ",")), o, cmd.OutOrStdout())
		},
	}
	o.flag(cmd)
	return cmd
}

func printTables(w io.Writer, tables []lakelink.TableStatus) {
	fmt.Fprintln(w, "TABLE\tSTATE\tLOADED\tCHANGES\tLAST CHANGE\tLAG\tPROBLEM")
	for _, t := range tables {
		loaded := count(t.Rows)
		if t.Expected > 0 {
			loaded += " of " + count(t.Expected)
		}
		last, lag, problem := "", "", ""
		if !t.LastChange.IsZero() {
			last = ago(t.LastChange)
		}
		if t.State == lakelink.StateUpToDate || t.State == lakelink.StateCatchingUp {
			lag = short(time.Duration(t.Lag))
		}
		if t.Problem != nil {
			problem = t.Problem.Detail
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Table, stateLabels[t.State], loaded, count(t.Changes), last, lag, problem)
	}
}

func short2(d lakelink.Duration) string { return time.Duration(d).String() }
