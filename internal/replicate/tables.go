package replicate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lakelink"
)

// checkTables refuses tables that do not exist or whose changes are not tracked, all at once, with
// the nearest names of those that do.
func checkTables(ctx context.Context, source lakelink.Source, names []lakelink.TableName) error {
	all, err := source.Tables(ctx)
	if err != nil {
		return err
	}
	var wrong []string
	kind := lakelink.KindNotFound
	for _, name := range names {
		i := slices.IndexFunc(all, func(t lakelink.Table) bool { return t.Name == name })
		switch {
		case i < 0:
			text := "there is no table " + string(name)
			if near := nearest(string(name), all); near != "" {
				text += " (" + near + "?)"
			}
			wrong = append(wrong, text)
		case !all[i].Tracked && all[i].CanTrack:
			kind = lakelink.KindUntracked
			wrong = append(wrong, fmt.Sprintf("changes of %s are not tracked: switch on change tracking for it in the environment", name))
		case !all[i].Tracked:
			kind = lakelink.KindUntracked
			wrong = append(wrong, fmt.Sprintf("Dataverse cannot track %s: leave it out", name))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &lakelink.Error{Op: "choose tables", Kind: kind, Err: errors.New(strings.Join(wrong, "; "))}
}

// nearest returns the table whose name is at most two edits away, or "".
func nearest(name string, all []lakelink.Table) string {
	best, at := "", 3
	for _, t := range all {
		if d := edits(name, string(t.Name)); d < at {
			best, at = string(t.Name), d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
