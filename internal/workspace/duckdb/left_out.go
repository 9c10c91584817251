//go:build noduckdb || !cgo

package duckdb

import (
	"context"

	"lakelink"
)

// Query runs nothing: this program was built without DuckDB.
func Query(context.Context, Options, string, Encoder) (int64, error) {
	return 0, fail(lakelink.KindInvalid, "use a build with DuckDB, or read the Delta tables with an engine of your own",
		"this program was built without DuckDB")
}
