//go:build !noduckdb && cgo

package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// viewOf is the statement that makes a table's view. A table that the query does not name gets a view
// of the right columns that fails when it is read: finding out about the files of every table of a
// lake takes long.
func viewOf(ctx context.Context, conn *sql.Conn, t Table, named bool) (string, error) {
	view := "CREATE VIEW " + quote(t.Name) + " AS "
	if !named {
		return view + emptyOf(t, "error("+literal("name the table "+t.Name+" in the query")+")"), nil
	}
	if len(t.Files) == 0 {
		return view + emptyOf(t, "false"), nil
	}
	uniform, err := sameColumns(ctx, conn, t)
	if err != nil {
		return "", err
	}
	columns := make([]string, len(t.Columns))
	var partitions []string
	where := ""
	for i, c := range t.Columns {
		columns[i] = quote(c.Name)
		if c.Partition {
			partitions = append(partitions, literal(c.Name)+": "+typeOf(c.Type))
		}
		if c.Name == deleteColumn {
			where = " WHERE " + quote(c.Name) + " IS NOT TRUE"
		}
	}
	read := "read_parquet(" + list(t.Files)
	if len(partitions) > 0 {
		read += ", hive_partitioning = true, hive_types = {" + strings.Join(partitions, ", ") + "}"
	} else {
		read += ", hive_partitioning = false"
	}
	if !uniform {
		// A column that no file has is there by the empty half.
		read = "(" + emptyOf(t, "false") + " UNION ALL BY NAME SELECT * FROM " + read + ", union_by_name = true))"
	} else {
		read += ")"
	}
	return view + "SELECT " + strings.Join(columns, ", ") + " FROM " + read + where, nil
}

// emptyOf selects no rows, with the columns of the table.
func emptyOf(t Table, where string) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = "CAST(NULL AS " + typeOf(c.Type) + ") AS " + quote(c.Name)
	}
	return "SELECT " + strings.Join(columns, ", ") + " WHERE " + where
}

// sameColumns reports whether all files have all columns of the table, in the same types.
func sameColumns(ctx context.Context, conn *sql.Conn, t Table) (bool, error) {
	rows, err := conn.QueryContext(ctx, `SELECT DISTINCT columns, types FROM (
		SELECT file_name, list(name ORDER BY name) AS columns, list(duckdb_type ORDER BY name) AS types
		FROM parquet_schema(`+list(t.Files)+`) WHERE num_children IS NULL GROUP BY file_name)`)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var names []any
	for n := 0; rows.Next(); n++ {
		var types []any
		if n > 0 {
			return false, nil
		}
		if err := rows.Scan(anyList{&names}, anyList{&types}); err != nil {
			return false, err
		}
	}
	for _, c := range t.Columns {
		if !c.Partition && !slices.Contains(names, any(c.Name)) {
			return false, rows.Err()
		}
	}
	return true, rows.Err()
}

// anyList scans a list.
type anyList struct{ into *[]any }

func (l anyList) Scan(v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%T is no list", v)
	}
	*l.into = list
	return nil
}

// typeOf is DuckDB's type for one of Delta Lake.
func typeOf(delta string) string {
	switch delta {
	case "long":
		return "BIGINT"
	case "integer":
		return "INTEGER"
	case "short":
		return "SMALLINT"
	case "byte":
		return "TINYINT"
	case "double":
		return "DOUBLE"
	case "float":
		return "FLOAT"
	case "boolean":
		return "BOOLEAN"
	case "date":
		return "DATE"
	case "timestamp":
		return "TIMESTAMP WITH TIME ZONE"
	case "binary":
		return "BLOB"
	}
	if strings.HasPrefix(delta, "decimal(") {
		return strings.ToUpper(delta)
	}
	return "VARCHAR"
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func list(items []string) string {
	out := make([]string, len(items))
	for i, s := range items {
		out[i] = literal(s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
