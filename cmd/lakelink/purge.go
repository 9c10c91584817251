package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"lakelink"
	"lakelink/internal/lake/owner"
)

// ours matches what a link writes at the root of its lake (spec/synapse-link.md §2.5). What else lies
// there is somebody else's, and stays.
var ours = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\dZ/|deltalake/|Changelog/|OptionsetMetadata/|` +
	`Microsoft\.Athena\.TrickleFeedService/|_lakelink/|model\.json$)`)

// claim makes the lake the link's own. It refuses one that holds tables which nobody claims: they are
// another producer's, such as Azure Synapse Link's.
func claim(ctx context.Context, lake lakelink.Lake, l lakelink.Link, env lakelink.Environment) (lakelink.Link, error) {
	_, err := owner.Read(ctx, lake)
	if !lakelink.IsKind(err, lakelink.KindNotFound) {
		return owner.Claim(ctx, lake, l, env)
	}
	for info, err := range lake.List(ctx, "", true) {
		if err != nil {
			return l, err
		}
		if ours.MatchString(info.Name) && info.Name != "_lakelink/" {
			return l, &lakelink.Error{Op: "claim lake", Link: l.Name, Kind: lakelink.KindOwned,
				Err:  fmt.Errorf("%s holds %s, which no link claims", lake.URL(), info.Name),
				Hint: "choose an empty folder"}
		}
	}
	return owner.Claim(ctx, lake, l, env)
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
