package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lakelink"
)

// output is the choice of how a command prints what it found.
type output struct{ form string }

func (o *output) flag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.form, "output", "o", "table", "form of the output: table or json")
}

// print writes v as JSON, or lets text write it for people.
func (o *output) print(w io.Writer, v any, text func(w io.Writer)) error {
	switch o.form {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "table", "":
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		text(t)
		return t.Flush()
	}
	return usageError{fmt.Errorf("unknown output %q; choose table or json", o.form)}
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
