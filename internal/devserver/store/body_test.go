package store

import (
	"testing"
	"time"

	"lakelink/internal/devserver/schema"
	"pgregory.net/rapid"
)

func TestDecimalsKeepEveryDigitAndTheirScale(t *testing.T) {
	for in, want := range map[string]string{
		"20000": "20000.0000", "20000.": "20000.0000", ".5": "0.5000", "-0.5": "-0.5000", "1.23456": "1.2346", "-1.23455": "-1.2346",
		"922337203685477.5807": "922337203685477.5807", "007": "7.0000", "1e3": "1000.0000", "+4": "4.0000", "0": "0.0000",
	} {
		if got, err := appendDecimal(nil, in, 4); err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-", "1/3", "x", "1.2.3", "--1"} {
		if got, err := appendDecimal(nil, in, 4); err == nil {
			t.Errorf("%q became %s", in, got)
		}
	}
}

func TestBodiesComeBackAsTheyWereWritten(t *testing.T) {
	table := &schema.Table{LogicalName: "t"}
	types := []schema.Type{schema.String, schema.BigInt, schema.Boolean, schema.Money, schema.Double, schema.DateTime,
		schema.Uniqueidentifier, schema.Lookup, schema.MultiSelectPicklist}
	tab := &Table{Table: table, byNumber: []*schema.Column{nil}}
	for i, kind := range types {
		tab.byNumber = append(tab.byNumber, &schema.Column{LogicalName: string(kind), Number: i + 1, Type: kind})
	}
	rapid.Check(t, func(t *rapid.T) {
		id := ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		values := []Value{
			rapid.String().Draw(t, "text"),
			rapid.Int64().Draw(t, "number"),
			rapid.Bool().Draw(t, "bool"),
			Decimal("12.3400"),
			rapid.Float64Range(-1e11, 1e11).Draw(t, "double"),
			time.Unix(rapid.Int64Range(-6e9, 2e10).Draw(t, "seconds"), 0).UTC(),
			id,
			Ref{"account", id},
		}
		var body, scratch []byte
		var err error
		for i, v := range values {
			if body, scratch, err = appendEntry(body, scratch, tab.byNumber[i+1], v); err != nil {
				t.Fatal(err)
			}
		}
		row, err := tab.decodeBody(body)
		if err != nil || len(row) != len(values) {
			t.Fatalf("%v %v", row, err)
		}
		for i, f := range row {
			if f.Value != values[i] {
				t.Errorf("%s: %v, want %v", f.Column.LogicalName, f.Value, values[i])
			}
		}
	})
}

func TestDamagedBodiesAreErrorsNotPanics(t *testing.T) {
	tab := &Table{Table: &schema.Table{LogicalName: "t"}, byNumber: []*schema.Column{nil, {LogicalName: "l", Number: 1, Type: schema.Lookup}}}
	for _, body := range [][]byte{{1}, {1, 200}, {0xff}, {1, 2, '@', 9}, {1, 1, '@'}, {1, 3, '@', 200, 'x'}} {
		if row, err := tab.decodeBody(body); err == nil {
			t.Errorf("%v was read as %v", body, row)
		}
		sqlColumn(1, body)
		sqlRef(1, body)
	}
}
