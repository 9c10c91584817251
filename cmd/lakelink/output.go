package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lakelink"
)

// output is the choice of how a command prints what it found.
type output struct{ form string }

func (o *output) flag(cmd *cobra.Command) {
	o.form = "table"
	cmd.Flags().VarP(&choice{&o.form, []string{"table", "json"}}, "output", "o", "form of the output: table or json")
}

// A choice is the value of a flag that takes one of a few words. Others are refused before anything is
// done.
type choice struct {
	value *string
	of    []string
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return "string" }

// Set implements pflag.Value.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		last := len(c.of) - 1
		return fmt.Errorf("is not one of them; choose %s or %s", strings.Join(c.of[:last], ", "), c.of[last])
	}
	*c.value = s
	return nil
}

// print writes v as JSON, or lets text write it for people.
func (o *output) print(w io.Writer, v any, text func(w io.Writer)) error {
	if o.form == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	text(t)
	return t.Flush()
}

var stateLabels = map[lakelink.State]string{
	lakelink.StateWaiting: "Waiting", lakelink.StateInitialSync: "Initial sync", lakelink.StateUpToDate: "Up to date",
	lakelink.StateCatchingUp: "Catching up", lakelink.StateRetrying: "Retrying", lakelink.StateNeedsYou: "Needs you",
	lakelink.StateResync: "Resync", lakelink.StatePaused: "Paused", lakelink.StateRemoving: "Removing",
	lakelink.StateUnknown: "Not known",
}

// ago says how long something is past, as people do.
func ago(t time.Time) string {
	if t.IsZero() {
		return "not yet"
	}
	return short(time.Since(t)) + " ago"
}

// short prints a duration to the precision that people read.
func short(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return "< 0.1 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// count prints a number with separators.
func count(n int64) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
