package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"lakelink"
	"lakelink/internal/lake/owner"
)

// ours matches what a link writes at the root of its lake (spec/synapse-link.md §2.5). What else lies
// there is somebody else's, and stays.
var ours = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\dZ/|deltalake/|Changelog/|OptionsetMetadata/|` +
	`Microsoft\.Athena\.TrickleFeedService/|_lakelink/|model\.json$)`)

// claim makes the lake the link's own. It refuses one that holds tables which nobody claims, those of a
// deleted link or of Azure Synapse Link, and a folder inside of another link's lake.
func claim(ctx context.Context, lake lakelink.Lake, l lakelink.Link, env lakelink.Environment) (lakelink.Link, error) {
	_, err := owner.Read(ctx, lake)
	if !lakelink.IsKind(err, lakelink.KindNotFound) {
		return owner.Claim(ctx, lake, l, env)
	}
	taken := func(format string, args ...any) error {
		return &lakelink.Error{Op: "claim lake", Link: l.Name, Kind: lakelink.KindOwned, Err: fmt.Errorf(format, args...),
			Hint: "choose an empty folder"}
	}
	for info, err := range lake.List(ctx, "", true) {
		if err != nil {
			return l, err
		}
		if ours.MatchString(info.Name) && info.Name != "_lakelink/" {
			return l, taken("%s already holds %s of a deleted link or of another program", lake.URL(), info.Name)
		}
	}
	if outer := around(lake); outer != "" {
		return l, taken("%s lies inside of %s, which is another link's lake", lake.URL(), outer)
	}
	return owner.Claim(ctx, lake, l, env)
}

// around returns the lake in which this one's folder lies, if there is one.
func around(lake lakelink.Lake) string {
	where, ok := lake.(lakelink.Locator)
	if !ok || !filepath.IsAbs(where.Locate("")) {
		return ""
	}
	for dir := filepath.Dir(where.Locate("")); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(owner.Name))); err == nil {
			return dir
		}
	}
	return ""
}

// purge deletes what the link has written to its lake. The claim goes last, so that a purge that is
// interrupted can be repeated and nobody takes the lake over meanwhile.
func purge(ctx context.Context, lake lakelink.Lake, l lakelink.Link) error {
	record, err := owner.Read(ctx, lake)
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if record.Link.ID != l.ID {
		return owner.Release(ctx, lake, l) // says whose it is
	}
	for info, err := range lake.List(ctx, "", false) {
		if err != nil {
			return err
		}
		if info.Name == owner.Name || strings.HasPrefix(info.Name, owner.Name) || !ours.MatchString(info.Name) {
			continue
		}
		if err := lake.Delete(ctx, info.Name); err != nil {
			return err
		}
	}
	return owner.Release(ctx, lake, l)
}
