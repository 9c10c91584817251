package cdm

import (
	"bytes"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"pgregory.net/rapid"

	"lakelink"
)

func TestTextForms(t *testing.T) {
	at := time.Date(2024, 3, 1, 10, 0, 0, 120_000, time.UTC).UnixMicro()
	for _, c := range []struct{ got, want string }{
		{string(appendQuoted(nil, "")), ""},
		{string(appendQuoted(nil, `Adventure "Works"`)), `"Adventure ""Works"""`},
		{string(appendQuoted(nil, `"`)), `""""`},
		{string(appendQuoted(nil, "a\r\nb")), "\"a\r\nb\""},
		{string(appendBool(nil, true)) + string(appendBool(nil, false)), "TrueFalse"},
		{string(appendTime(nil, at, "Z")), `"2024-03-01T10:00:00.0001200Z"`},
		{string(appendTime(nil, -1, "+00:00")), `"1969-12-31T23:59:59.9999990+00:00"`},
		{string(appendDecimal(nil, decimal128.FromI64(12505000), 4)), "1250.5"},
		{string(appendDecimal(nil, decimal128.FromI64(-1), 10)), "-0.0000000001"},
		{string(appendDecimal(nil, decimal128.FromI64(0), 4)), "0"},
		{string(appendDecimal(nil, decimal128.FromI64(1000000), 4)), "100"},
		{string(appendFloat(nil, 1e21)), "1000000000000000000000"},
		{string(appendFloat(nil, 47.61234)), "47.61234"},
		{sinkText(time.Date(2026, 1, 2, 0, 5, 9, 0, time.UTC)), "1/2/2026 12:05:09 AM"},
		{sinkText(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), "11/22/2026 12:00:00 PM"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestDecimalsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.IntRange(4, 24).Draw(t, "scale")
		v, _ := new(big.Int).SetString(rapid.StringMatching(`-?[1-9][0-9]{0,37}`).Draw(t, "value"), 10)
		want := decimal128.FromBigInt(v)
		text := string(appendDecimal(nil, want, scale))
		got, err := parseDecimal(text, scale)
		if err != nil || got != want {
			t.Fatalf("%s with %d decimals is written %s and read %v, %v", v, scale, text, got, err)
		}
		if strings.ContainsAny(text, "eE") || strings.Contains(text, ".") && strings.HasSuffix(text, "0") {
			t.Fatalf("%s has an exponent or padding", text)
		}
	})
}

func TestTimesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Int64Range(-62135596800*microsPerSecond, 253402300800*microsPerSecond-1).Draw(t, "micros")
		text := appendTime(nil, want, "Z")
		if at := time.UnixMicro(want).UTC(); string(text) != at.Format(`"2006-01-02T15:04:05.000000`)+`0Z"` {
			t.Fatalf("%v is written %s", at, text)
		}
		got, err := parseTime(text[1 : len(text)-1])
		if err != nil || got != want {
			t.Fatalf("%s is read %d, %v, want %d", text, got, err, want)
		}
		if yearOf(want) != time.UnixMicro(want).UTC().Year() {
			t.Fatalf("the year of %s is %d", text, yearOf(want))
		}
	})
}

// Records come back whatever is in them, also over many reads.
func TestRecordsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.StringOf(rapid.RuneFrom([]rune("a,\"\r\n é"))), 2, 4), 1, 20).Draw(t, "rows")
		var file []byte
		for _, row := range rows {
			for i, cell := range row {
				if i > 0 {
					file = append(file, ',')
				}
				file = appendQuoted(file, cell)
			}
			file = append(file, '\n')
		}
		r := newCSVReader(bytes.NewReader(file))
		for _, row := range rows {
			cells, err := r.next()
			if err != nil || len(cells) != len(row) {
				t.Fatalf("%d cells, %v, want %d", len(cells), err, len(row))
			}
			for i := range row {
				if string(cells[i]) != row[i] {
					t.Fatalf("%q is read as %q", row[i], cells[i])
				}
			}
		}
		if _, err := r.next(); err != io.EOF {
			t.Fatalf("after the last record: %v", err)
		}
	})
}

func TestRecordsLongerThanTheBuffer(t *testing.T) {
	long := strings.Repeat("line, \"quoted\"\n", 100_000)
	file := append(appendQuoted(nil, long), ",1\n2,3\n"...)
	r := newCSVReader(bytes.NewReader(file))
	cells, err := r.next()
	if err != nil || len(cells) != 2 || string(cells[0]) != long {
		t.Fatalf("%d cells, %v", len(cells), err)
	}
	if cells, err = r.next(); err != nil || len(cells) != 2 || string(cells[0]) != "2" {
		t.Fatalf("%q, %v", cells, err)
	}
}

// Whatever is sorted, on disk or not, comes out in order.
func TestSorterOrders(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSorter(t.TempDir(), 0)
		defer s.close()
		s.limit = rapid.IntRange(1, 40).Draw(rt, "limit")
		versions := rapid.SliceOf(rapid.Int64Range(0, 50)).Draw(rt, "versions")
		for i, v := range versions {
			if err := s.add(newRecord(lakelink.ID{byte(v % 7)}, v, uint64(i))); err != nil {
				rt.Fatal(err)
			}
		}
		n := 0
		var last record
		for r, err := range s.sorted() {
			if err != nil {
				rt.Fatal(err)
			}
			if n > 0 && compareRecords(last, r) > 0 {
				rt.Fatalf("%v comes after %v", r, last)
			}
			last = r
			n++
		}
		if n != len(versions) {
			rt.Fatalf("%d records became %d", len(versions), n)
		}
	})
}

// The order of columns is the one of the original (§3.3), and lengths are ones that readers take (M9).
func TestLayout(t *testing.T) {
	def := account()
	def.Columns = append(def.Columns, lakelink.Column{Name: "id", Type: lakelink.TypeString, MaxLength: 5000})
	var got []string
	for _, a := range layout(def) {
		got = append(got, a.name)
	}
	want := "Id SinkCreatedOn SinkModifiedOn statecode statuscode industrycode creditonhold ismanaged parentaccountid " +
		"parentaccountid_entitytype customerid customerid_entitytype ownerid ownerid_entitytype revenue revenue_base " +
		"accountid versionnumber createdon modifiedon name description numberofemployees sequence exchangerate " +
		"address1_latitude markets foundedon opensat processid entityname id_ IsDelete"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	for n, want := range map[int]int{0: -1, 1: 1, 4000: 4000, 4001: 9999, 7999: 9999, 8000: 8000} {
		if got := textLimit(n); got != want {
			t.Errorf("a text of %d is declared with %d, want %d", n, got, want)
		}
	}
}

func TestChangedTypeIsRefused(t *testing.T) {
	def := account()
	changed := *def
	changed.Columns = append([]lakelink.Column(nil), def.Columns...)
	changed.Columns[4].Type = lakelink.TypeInteger
	if _, err := extend(layout(def), &changed); !lakelink.IsKind(err, lakelink.KindInvalid) {
		t.Errorf("%v, want KindInvalid", err)
	}
}
