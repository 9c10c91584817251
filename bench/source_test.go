package main

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
)

func TestReplayIsATableThatTheClientReads(t *testing.T) {
	for _, kind := range []sourceKind{gzipPages, identityPages} {
		const rows = pageRows + 2000
		s, err := startSource(t.Context(), t.TempDir(), kind, rows)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		c, err := (&order{Source: s.url}).connect()
		if err != nil {
			t.Fatal(err)
		}
		table, err := c.Table(t.Context(), tableName)
		if err != nil {
			t.Fatal(err)
		}
		if len(table.Columns) != len(columnDefs) || len(table.Choices) == 0 {
			t.Fatalf("%d columns and %d choices, want %d and some", len(table.Columns), len(table.Choices), len(columnDefs))
		}
		ids := map[string]bool{}
		version := int64(0)
		for b, err := range c.Feed(t.Context(), table, "") {
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.NumRows() {
				ids[string(b.Rows.Column(0).(*array.FixedSizeBinary).Value(i))] = true
			}
			version = b.Next.Version
		}
		if highest, err := c.Version(t.Context()); len(ids) != rows || err != nil || version != highest {
			t.Errorf("%s: %d ids through version %d of %d, %v, want %d", kind, len(ids), version, highest, err, rows)
		}
	}
}
