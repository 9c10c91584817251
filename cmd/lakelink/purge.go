package main

import (
	"context"
	"regexp"
	"strings"

	"lakelink"
	"lakelink/internal/lake/owner"
)

// ours matches what a link writes at the root of its lake (spec/synapse-link.md §2.5). What else lies
// there is somebody else's, and stays.
var ours = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\dZ/|deltalake/|Changelog/|OptionsetMetadata/|` +
	`Microsoft\.Athena\.TrickleFeedService/|_lakelink/|model\.json$)`)

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
