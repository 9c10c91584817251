package main

import (
	"context"
	"fmt"
	"os"

	"lakelink"
	"lakelink/internal/format/cdm"
	"lakelink/internal/format/delta"
	"lakelink/internal/lake/lakes"
	"lakelink/internal/verify"
)

// verifyBoth compares the lake that initial-sync/both has made, in both formats, with its source.
func verifyBoth(ctx context.Context, b *bench) (result, error) {
	s, err := b.source(ctx, gzipPages)
	if err != nil {
		return result{}, err
	}
	if b.lake == "" {
		if _, err := initialSyncBoth(ctx, b); err != nil {
			return result{}, err
		}
	}
	dir := b.lake + "-verify"
	if err := os.Mkdir(dir, 0o755); err != nil {
		return result{}, err
	}
	return b.measure(ctx, "verify", "verify", order{Source: s.url, Lake: b.lake, Dir: dir})
}

func verifyJob(ctx context.Context, o order) (rows int64, err error) {
	c, err := o.connect()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	t, err := c.Table(ctx, tableName)
	if err != nil {
		return 0, err
	}
	lake, err := lakes.Open(o.Lake)
	if err != nil {
		return 0, err
	}
	results, err := verify.Table(ctx, verify.Options{Source: c, Table: t, TempDir: o.Dir, Examples: 3,
		Readers: []lakelink.Reader{cdm.NewReader(lake), delta.NewReader(lake)}})
	if err != nil {
		return 0, err
	}
	for _, r := range results {
		if !r.Equal() {
			return 0, fmt.Errorf("lake and source differ, which no figure can make good: %+v", r)
		}
	}
	return results[0].Rows, nil
}
