// Package duckdb is the workspace inside the program: SQL over the tables of a lake, by DuckDB. A
// query opens a database in memory, makes a view for each table over its Parquet files, and runs one
// statement that reads. Nothing outside of the folders given can be read, and nothing can be written.
//
// DuckDB needs cgo. The build tag noduckdb leaves it out: Query then says so.
package duckdb

import (
	"fmt"

	"lakelink"
)

// Options say what a query is about, and within which bounds. Zero values mean the defaults.
type Options struct {
	Tables []Table
	// Folders are what the query may read beside the files of the tables.
	Folders []string
	// Memory is in bytes; beyond it DuckDB fails, as it has no folder to spill to. Default: DuckDB's.
	Memory int64
	// Threads is how many the query may use. Default: all CPUs.
	Threads int
}

// A Table is a table of the lake as its files hold it.
type Table struct {
	Name    string
	Files   []string // local paths of Parquet files; none for a table without rows
	Columns []Column // in the order of the view
}

// A Column is a column of a Table.
type Column struct {
	Name string
	// Type is that of Delta Lake: string, long, double, boolean, date, timestamp, decimal(p,s).
	Type string
	// Partition columns are in the files' paths (name=value), not in the files.
	Partition bool
}

// deleteColumn marks rows that are gone, in tables that keep them.
const deleteColumn = "IsDelete"

// An Encoder takes the result of a query, row by row.
type Encoder interface {
	// Columns is called once, before the first Row.
	Columns([]ResultColumn) error
	Row([]any) error
	// Close ends the result. It is called also where there were no rows.
	Close() error
}

// A ResultColumn is a column of a result.
type ResultColumn struct {
	Name string
	Type string // DuckDB's, such as "BIGINT" or "DECIMAL(38,4)"
}

func fail(kind lakelink.Kind, hint, format string, args ...any) error {
	return &lakelink.Error{Op: "query", Kind: kind, Err: fmt.Errorf(format, args...), Hint: hint}
}
