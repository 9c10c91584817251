// Command lakelink is the one binary: the service, its command line, and the local Dataverse
// environment. main wires the rooms of internal/ to each other; nothing else does.
//
// Exit codes: 0 success; 1 failure; 2 wrong use of the command line; 3 verified and not equal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set when a release is built.
var version = "dev"

// Exit codes, which scripts rely on.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitNotEqual = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var coded *exitError
	switch {
	case errors.As(err, &coded):
		if coded.err != nil {
			fmt.Fprintln(stderr, "lakelink:", oneLine(coded.err))
		}
		return coded.code
	case isUsage(err):
		fmt.Fprintf(stderr, "lakelink: %s; see `%s --help`\n", oneLine(err), cmd.CommandPath())
		return exitUsage
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(stderr, "lakelink:", oneLine(err))
	return exitFailure
}

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	err  error // nil where everything was said already
}

func (e *exitError) Error() string { return fmt.Sprint(e.err) }

// usageError marks what is wrong with the command line itself.
type usageError struct{ error }

func isUsage(err error) bool {
	var u usageError
	return errors.As(err, &u) || strings.HasPrefix(err.Error(), "unknown command") ||
		strings.HasPrefix(err.Error(), "required flag")
}

// badValue is how pflag says that a flag's value cannot be read, with the parser's own words at the end.
var badValue = regexp.MustCompile(`(?s)^invalid argument "(.*)" for "(?:-., )?--([a-z-]+)" flag: (.*)$`)

// flagError says what is wrong with a flag in words of the command line, not of the parser.
func flagError(cmd *cobra.Command, err error) error {
	m := badValue.FindStringSubmatch(err.Error())
	if m == nil {
		return usageError{err}
	}
	why := m[3]
	switch cmd.Flags().Lookup(m[2]).Value.Type() {
	case "duration":
		why = "is not a duration; write it like 30s, 5m or 1h"
	case "int", "int64":
		why = "is not a whole number"
	case "float64":
		why = "is not a number"
	case "bool":
		why = "is neither true nor false"
	}
	return usageError{fmt.Errorf("--%s: %q %s", m[2], m[1], why)}
}

// oneLine keeps an error on one line, whoever wrote it.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "lakelink",
		Short: "Keep tables of Microsoft Dataverse up to date in a data lake",
		Long: `Lakelink keeps tables of Microsoft Dataverse environments up to date in a data lake, in the
folder layout of Azure Synapse Link and as Delta Lake tables, seconds behind, and proves that
nothing is missing. Try it: lakelink demo`,
		SilenceErrors: true, SilenceUsage: true, Version: version,
	}
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newServe(), newDemo(), newLink(), newTable(), newWait(), newVerify(), newQuery(),
		newActivity(), newDataverse())
	return root
}

// exactly is cobra.ExactArgs with a message that names what is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usageError{fmt.Errorf("no %s given", names[len(args)])}
		case len(args) > len(names):
			return usageError{fmt.Errorf("%q is one argument too many", args[len(names)])}
		}
		return nil
	}
}

// group is a command that only holds others. Alone it shows its help; cobra alone would do so, and
// succeed, after a misspelt one too.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usageError{fmt.Errorf("unknown command %q", args[0])}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}
