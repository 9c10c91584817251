package delta_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/format/delta"
	"lakelink/internal/format/writertest"
	"lakelink/internal/lake/local"
)

// readByOthers reads a table with delta-rs, through its log, its checkpoint and its statistics.
const readByOthers = `
import json, sys
from deltalake import DeltaTable
import pyarrow.compute as pc
t = DeltaTable(sys.argv[1])
p = t.protocol()
a = t.to_pyarrow_table()
one = t.to_pyarrow_table(filters=[("versionnumber", ">=", 7), ("versionnumber", "<=", 8)])
adds = t.get_add_actions(flatten=True)
print(json.dumps({
  "protocol": [p.min_reader_version, p.min_writer_version],
  "partition": t.metadata().partition_columns,
  "columns": t.schema().to_arrow().names if hasattr(t.schema().to_arrow(), "names") else [f.name for f in t.schema().fields],
  "rows": a.num_rows,
  "records": sum(x.as_py() for x in adds["num_records"]) if hasattr(adds, "__getitem__") else 0,
  "sevenAndEight": one.num_rows,
  "cells": {f: {str(k): str(v) for k, v in zip(a["accountid"].to_pylist(), a[f].to_pylist()) if v is not None}
            for f in ("exchangerate", "sequence", "foundedon", "opensat", "ownerid", "name", "PartitionId", "IsDelete")},
}))
`

// TestOthersRead compares with what an independent reader makes of a table. It runs where
// LAKELINK_DELTA_PYTHON names a Python that has deltalake and pyarrow.
func TestOthersRead(t *testing.T) {
	python := os.Getenv("LAKELINK_DELTA_PYTHON")
	if python == "" {
		t.Skip("LAKELINK_DELTA_PYTHON names no Python with deltalake and pyarrow")
	}
	dir := t.TempDir()
	lake, err := local.Open("file://" + dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lake.Close()
	w := delta.New(delta.Options{Lake: lake, LinkID: "1", IndexDir: t.TempDir(), CheckpointEvery: 4})
	defer w.Close()
	table := writertest.Account()
	tw, err := w.Table(t.Context(), table)
	must(t, err)
	rows := writertest.Extremes()
	for i, r := range rows {
		must(t, tw.Write(t.Context(), writertest.Rows(table, r)))
		if i%2 == 0 {
			must(t, tw.Commit(t.Context(), writertest.At(int64(i+1))))
		}
	}
	must(t, tw.Commit(t.Context(), writertest.At(99)))

	out, err := exec.Command(python, "-c", readByOthers, dir+"/deltalake/account_partitioned").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got struct {
		Protocol, Partition, Columns any
		Rows, Records, SevenAndEight int
		Cells                        map[string]map[string]string
	}
	if err := json.Unmarshal(out[strings.Index(string(out), "{"):], &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Rows != len(rows) || got.Records != len(rows) || got.SevenAndEight != 2 {
		t.Errorf("%d rows, %d records, %d of versions 7 and 8; want %d, %[4]d, 2", got.Rows, got.Records, got.SevenAndEight, len(rows))
	}
	if diff := cmp.Diff([]any{1.0, 2.0}, got.Protocol); diff != "" {
		t.Errorf("protocol: %s", diff)
	}
	if len(got.Cells["IsDelete"]) != 0 {
		t.Errorf("IsDelete is not always null: %v", got.Cells["IsDelete"])
	}
	for _, r := range rows {
		id := r["accountid"].(lakelink.ID).String()
		for _, column := range []string{"exchangerate", "name", "ownerid"} {
			want := ""
			switch v := r[column].(type) {
			case string:
				want = v
			case lakelink.ID:
				want = v.String()
			}
			if have := got.Cells[column][id]; column == "exchangerate" && want != "" {
				if strings.TrimRight(have, "0") != strings.TrimRight(want, "0") && have != "1E-12" {
					t.Errorf("%s of %s is %q, want %q", column, id, have, want)
				}
			} else if have != want {
				t.Errorf("%s of %s is %q, want %q", column, id, have, want)
			}
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
