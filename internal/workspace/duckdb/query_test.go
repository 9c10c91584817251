//go:build !noduckdb && cgo

package duckdb

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"lakelink"
)

var (
	narrow = arrow.NewSchema([]arrow.Field{
		{Name: "Id", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "IsDelete", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	}, nil)
	broad = arrow.NewSchema(append(narrow.Fields(), arrow.Field{Name: "money",
		Type: &arrow.Decimal128Type{Precision: 38, Scale: 4}, Nullable: true}), nil)
)

func file(t *testing.T, dir, partition string, s *arrow.Schema, rows string) string {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.NewGoAllocator(), s, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, "PartitionId="+partition)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(dir, "part-*.parquet")
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(s, f, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// lake has a table whose files differ, one without rows, and a secret beside them.
func lake(t *testing.T) (Options, string) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(secret, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	columns := []Column{{Name: "Id", Type: "string"}, {Name: "n", Type: "long"}, {Name: "IsDelete", Type: "boolean"},
		{Name: "PartitionId", Type: "string", Partition: true}, {Name: "money", Type: "decimal(38,4)"},
		{Name: "added", Type: "timestamp"}}
	return Options{Threads: 2, Memory: 256 << 20, Tables: []Table{
		{Name: "account", Columns: columns, Files: []string{
			file(t, dir, "2023", narrow, `[{"Id":"a","n":1},{"Id":"b","n":2},{"Id":"gone","n":3,"IsDelete":true}]`),
			file(t, dir, "2024", broad, `[{"Id":"c","n":4,"money":"12345678901234567890.1234"}]`),
		}},
		{Name: "even", Columns: columns[:4], Files: []string{
			file(t, t.TempDir(), "0099", narrow, `[{"Id":"x","n":null},{"Id":"y","n":-7,"IsDelete":false}]`),
		}},
		{Name: "order", Columns: columns},
		{Name: "lost", Columns: columns, Files: []string{filepath.Join(dir, "none.parquet")}},
	}}, secret
}

func query(t *testing.T, o Options, sql string) (string, error) {
	t.Helper()
	var b strings.Builder
	e, err := NewEncoder("csv", &b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Query(t.Context(), o, sql, e)
	return strings.ReplaceAll(b.String(), "\r\n", "\n"), err
}

func TestQuery(t *testing.T) {
	o, _ := lake(t)
	for sql, want := range map[string]string{
		`SELECT * FROM account ORDER BY Id`:                         "Id,n,IsDelete,PartitionId,money,added\na,1,,2023,,\nb,2,,2023,,\nc,4,,2024,12345678901234567890.1234,\n",
		`SELECT * FROM even ORDER BY Id`:                            "Id,n,IsDelete,PartitionId\nx,,,0099\ny,-7,false,0099\n",
		`SELECT count(*) AS c, max(money) AS m FROM "order"`:        "c,m\n0,\n",
		`SELECT count(*) AS c FROM account a JOIN even USING (Id);`: "c\n0\n",
		`SELECT DATE '2024-02-29' AS d, TIMESTAMPTZ '2024-02-29 12:00:00+02' AS t, 1.50::DECIMAL(9,2) AS m, [1,2] AS l`: "d,t,m,l\n2024-02-29,2024-02-29T10:00:00Z,1.50,\"[1,2]\"\n",
		`WITH x AS (SELECT 1 AS a) SELECT a FROM x -- the end; of it`:                                                   "a\n1\n",
		`SELECT ';' AS semicolon`: "semicolon\n;\n",
	} {
		got, err := query(t, o, sql)
		if err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", sql, err, got, want)
		}
	}
	for _, sql := range []string{`DESCRIBE account`, `SHOW TABLES`, `EXPLAIN ANALYZE SELECT * FROM account`, `SUMMARIZE even`} {
		if got, err := query(t, o, sql); err != nil || !strings.Contains(got, "\n") {
			t.Errorf("%s: %v\n%s", sql, err, got)
		}
	}
}

func TestQueryRefuses(t *testing.T) {
	o, secret := lake(t)
	into := filepath.Join(filepath.Dir(o.Tables[0].Files[0]), "stolen.csv")
	for sql, want := range map[string]string{
		`COPY account TO '` + into + `'`:                       "only statements that read",
		`EXPLAIN ANALYZE COPY account TO '` + into + `'`:       "only statements that read",
		`/* */ EXPLAIN ANALYZE COPY account TO '` + into + `'`: "only statements that read",
		`COPY (SELECT 1) TO '` + into + `'; SELECT 1`:          "one statement at a time",
		`SELECT 1; SELECT 2`:                                   "one statement at a time",
		`ATTACH '` + into + `' AS x`:                           "only statements that read",
		`INSERT INTO account VALUES (1)`:                       "",
		`CREATE TABLE x AS SELECT 1`:                           "only statements that read",
		`SET threads = 1`:                                      "only statements that read",
		`SELECT * FROM '` + secret + `'`:                       "",
		`SELECT * FROM read_text('` + secret + `')`:            "",
		`INSTALL httpfs`:                                       "only statements that read",
		`SELECT * FROM acount`:                                 "account",
		`SELECT nmae FROM account`:                             "nmae",
		`SELEC 1`:                                              "syntax error",
		``:                                                     "empty",
		`SELECT * FROM lost`:                                   "none.parquet",
		`SELECT * FROM query('SELECT * FROM ac' || 'c' || 'ount')`: "name the table account",
		`CREATE MACRO m() AS 1`: "only statements that read",
	} {
		_, err := query(t, o, sql)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q in one line", sql, err, want)
		}
		if _, err := os.Stat(into); err == nil {
			t.Fatalf("%s has written a file", sql)
		}
	}
}

func TestQueryHeedsItsBounds(t *testing.T) {
	o, _ := lake(t)
	o.Memory = 64 << 20
	if _, err := query(t, o, `SELECT list(a) FROM range(20000000) r(a)`); !lakelink.IsKind(err, lakelink.KindFull) {
		t.Errorf("too much memory: %v, want KindFull", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	e, err := NewEncoder("csv", cancelling{cancel})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Query(ctx, o, `SELECT a FROM range(3000000) r(a)`, e); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

type cancelling struct{ cancel func() }

func (c cancelling) Write(p []byte) (int, error) { c.cancel(); return len(p), nil }
