//go:build !noduckdb && cgo

package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"lakelink"
)

// Query runs one statement over the tables and hands its result to out, row by row. It returns the
// number of rows. KindInvalid: the statement is wrong, or is not one that only reads.
func Query(ctx context.Context, o Options, statement string, out Encoder) (int64, error) {
	if err := single(statement); err != nil {
		return 0, err
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return 0, fail(lakelink.KindOther, "", "start DuckDB: %w", err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, fail(lakelink.KindOther, "", "start DuckDB: %w", err)
	}
	defer conn.Close()
	if err := prepare(ctx, conn, o, statement); err != nil {
		return 0, told(ctx, err)
	}
	var n int64
	err = conn.Raw(func(c any) error {
		n, err = run(ctx, c.(*duckdb.Conn), statement, out)
		return err
	})
	return n, told(ctx, err)
}

// single refuses anything but one statement: DuckDB runs all but the last while it prepares them.
// Splitting is left to DuckDB's own parser, in a database that has nothing in it.
func single(statement string) error {
	var db mapping.Database
	if mapping.Open(":memory:", &db) == mapping.StateError {
		return fail(lakelink.KindOther, "", "start DuckDB")
	}
	defer mapping.Close(&db)
	var conn mapping.Connection
	if mapping.Connect(db, &conn) == mapping.StateError {
		return fail(lakelink.KindOther, "", "start DuckDB")
	}
	defer mapping.Disconnect(&conn)
	var statements mapping.ExtractedStatements
	n := mapping.ExtractStatements(conn, statement, &statements)
	defer mapping.DestroyExtracted(&statements)
	switch {
	case n == 1:
		return nil
	case n > 1:
		return fail(lakelink.KindInvalid, "", "give one statement at a time, not %d", n)
	}
	if message := mapping.ExtractStatementsError(statements); message != "" {
		return fail(lakelink.KindInvalid, "", "%s", oneLine(message))
	}
	return fail(lakelink.KindInvalid, "", "the statement is empty")
}

// prepare makes the views, and then shuts the database in: no files but the tables', no extensions,
// and no way to change that.
func prepare(ctx context.Context, conn *sql.Conn, o Options, statement string) error {
	settings := []string{
		"SET TimeZone = 'UTC'",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET parquet_metadata_cache = true",
		"SET temp_directory = ''",
	}
	if o.Memory > 0 {
		settings = append(settings, fmt.Sprintf("SET memory_limit = '%dB'", o.Memory))
	}
	if o.Threads > 0 {
		settings = append(settings, fmt.Sprintf("SET threads = %d", o.Threads))
	}
	for _, s := range settings {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	named := strings.ToLower(statement)
	for _, t := range o.Tables {
		view, err := viewOf(ctx, conn, t, strings.Contains(named, strings.ToLower(t.Name)))
		if err == nil {
			_, err = conn.ExecContext(ctx, view)
		}
		if err != nil {
			return &lakelink.Error{Op: "query", Table: lakelink.TableName(t.Name), Kind: kindOf(err), Err: errors.New(oneLine(err.Error()))}
		}
	}
	for _, s := range []string{
		"SET allowed_directories = " + list(o.folders()),
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// folders lists what the query may read: the given folders, and those of the tables' files.
func (o *Options) folders() []string {
	folders := append([]string(nil), o.Folders...)
	seen := map[string]bool{}
	for _, t := range o.Tables {
		for _, f := range t.Files {
			if dir := filepath.Dir(f); !seen[dir] {
				seen[dir] = true
				folders = append(folders, dir)
			}
		}
	}
	for i, f := range folders {
		folders[i] = strings.TrimSuffix(f, "/") + "/"
	}
	return folders
}

// run runs the statement, provided that it only reads.
func run(ctx context.Context, conn *duckdb.Conn, statement string, out Encoder) (int64, error) {
	stmt, err := conn.PrepareContext(ctx, statement)
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	if err := onlyReads(ctx, conn, stmt.(*duckdb.Stmt), statement); err != nil {
		return 0, err
	}
	rows, err := stmt.(*duckdb.Stmt).QueryContext(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns := make([]ResultColumn, len(rows.Columns()))
	for i, name := range rows.Columns() {
		columns[i] = ResultColumn{name, rows.(driver.RowsColumnTypeDatabaseTypeName).ColumnTypeDatabaseTypeName(i)}
	}
	if err := out.Columns(columns); err != nil {
		return 0, err
	}
	values := make([]driver.Value, len(columns))
	row := make([]any, len(columns))
	for n := int64(0); ; n++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		switch err := rows.Next(values); {
		case err == io.EOF:
			return n, out.Close()
		case err != nil:
			return n, err
		}
		for i, v := range values {
			row[i] = plain(v, columns[i].Type)
		}
		if err := out.Row(row); err != nil {
			return n, err
		}
	}
}

var explain = regexp.MustCompile(`(?is)^\s*explain\s+(analyze\s+)?(\([^)]*\)\s*)?`)

// onlyReads decides from the type of the prepared statement. What EXPLAIN explains is looked at by
// itself, as EXPLAIN ANALYZE runs it.
func onlyReads(ctx context.Context, conn *duckdb.Conn, stmt *duckdb.Stmt, statement string) error {
	kind, err := stmt.StatementType()
	if err != nil {
		return err
	}
	switch kind {
	case duckdb.STATEMENT_TYPE_SELECT:
		return nil
	case duckdb.STATEMENT_TYPE_EXPLAIN:
		rest := explain.ReplaceAllString(statement, "")
		if rest == statement {
			return refused
		}
		inner, err := conn.PrepareContext(ctx, rest)
		if err != nil {
			return err
		}
		defer inner.Close()
		return onlyReads(ctx, conn, inner.(*duckdb.Stmt), rest)
	}
	return refused
}

var refused = fail(lakelink.KindInvalid, "write a SELECT", "only statements that read are run here")

// told puts an error of DuckDB into one line and gives it a kind.
func told(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var mine *lakelink.Error
	if errors.As(err, &mine) {
		return err
	}
	return fail(kindOf(err), "", "%s", oneLine(err.Error()))
}

func kindOf(err error) lakelink.Kind {
	var e *duckdb.Error
	if !errors.As(err, &e) {
		return lakelink.KindOther
	}
	switch e.Type {
	case duckdb.ErrorTypeIO:
		return lakelink.KindDamaged
	case duckdb.ErrorTypeOutOfMemory:
		return lakelink.KindFull
	case duckdb.ErrorTypePermission:
		return lakelink.KindForbidden
	}
	return lakelink.KindInvalid
}

var spaces = regexp.MustCompile(`\s*\n\s*`)

// oneLine keeps what DuckDB says, without the picture of where it is.
func oneLine(message string) string {
	if i := strings.Index(message, "\nLINE "); i >= 0 {
		message = message[:i]
	}
	return spaces.ReplaceAllString(strings.TrimSpace(message), " ")
}
