package incrementalreader

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTokenizer(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"a,b\n", "a|b;"},
		{"a,\n,\n", "a|;|;"},
		{"\"a\",\"\",b\n", "<a>|<>|b;"},
		{"\"a\"\"b\",\"c,\nd\"\n", "<a\"b>|<c,\nd>;"},
		{"\n\na\n", ";;a;"},
		{"a,b\r\nc\r\n", "a|b;c; [3.1:1 3.1:2]"},
		{"\"a\r\nb\"\n", "<a\r\nb>;"},
		{"a", "a; [3.1:1]"},
		{"a,", "a|; [3.1:1]"},
		{"\"\"", "<>; [3.1:1]"},
		{"\ufeffa\n", "a; [3.1:1]"},
		{"\xff\n", "\xff; [3.1:1]"},
		{"\"\"\"\"\n", "<\">;"},
		{"a\"b\n", "C2"},
		{"\"a\"b\n", "C2"},
		{"a\rb\n", "C2"},
		{"a\r", "C2"},
		{"ok\n\"a\n", "ok;C14"},
		{"\"a\"\"", "C14"},
	} {
		for _, slow := range []bool{false, true} {
			if got := tokens(test.in, slow); got != test.want {
				t.Errorf("%q: got %q, want %q", test.in, got, test.want)
			}
		}
	}
}

// tokens prints records: | between cells, ; after records, <> for quotes.
func tokens(in string, slow bool) string {
	var out strings.Builder
	var warned []string
	var source io.Reader = strings.NewReader(in)
	if slow {
		source = iotest.OneByteReader(source)
	}
	r := newCSVReader(source, func(rule string, line int, _ string) {
		warned = append(warned, fmt.Sprintf("%s:%d", rule, line))
	})
	for {
		row, err := r.next()
		if s, ok := err.(*syntaxError); ok {
			out.WriteString(s.rule)
			return out.String()
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err.Error()
		}
		for i, c := range row {
			if i > 0 {
				out.WriteByte('|')
			}
			if c.quoted {
				fmt.Fprintf(&out, "<%s>", c.text)
			} else {
				out.Write(c.text)
			}
		}
		out.WriteByte(';')
	}
	if warned != nil {
		fmt.Fprintf(&out, " %v", warned)
	}
	return out.String()
}

func TestReadError(t *testing.T) {
	r := newCSVReader(iotest.ErrReader(io.ErrClosedPipe), func(string, int, string) {})
	if _, err := r.next(); err != io.ErrClosedPipe {
		t.Error(err)
	}
}

// TestLongFile: memory is bounded by the record, and the line numbers hold.
func TestLongFile(t *testing.T) {
	const n = 200_000
	in := io.MultiReader(strings.NewReader(strings.Repeat("a,\"b\nc\"\n", n)), strings.NewReader("x\n"))
	r := newCSVReader(in, func(rule string, line int, text string) { t.Error(rule, line, text) })
	records := 0
	for {
		if _, err := r.next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		records++
	}
	if records != n+1 || cap(r.buf) > 1<<10 {
		t.Errorf("%d records, buffer of %d", records, cap(r.buf))
	}
}

func TestSinkTimes(t *testing.T) {
	for in, want := range map[string]int64{
		"1/1/1970 12:00:00 AM": 0, "1/1/1970 12:00:01 PM": 43201, "1/1/1970 1:00:00 AM": 3600,
		"12/31/1970 11:59:59 PM": 365*86400 - 1, "2/29/1972 12:00:00 AM": 789*86400 + 0,
	} {
		if got, ok := parseSink([]byte(in)); !ok || got != want {
			t.Errorf("%s: %d %v, want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "1/1/1970", "1/1/1970 0:00:00 AM", "1/1/1970 13:00:00 PM", "01/1/1970 1:00:00 AM", "1/01/1970 1:00:00 AM",
		"1/1/1970 01:00:00 AM", "1/1/70 1:00:00 AM", "2/29/1970 1:00:00 AM", "13/1/1970 1:00:00 AM", "1/1/1970 1:60:00 AM",
		"1/1/1970 1:00:60 AM", "1/1/1970 1:0:00 AM", "1/1/1970 1:00:00", "1/1/1970 1:00:00 am", "1/1/1970  1:00:00 AM",
		"1/1/1970 1:00:00 AM ", "1.1.1970 1:00:00 AM", "1/1/1970 1:00:00.5 AM", "1/1/0000 1:00:00 AM",
	} {
		if _, ok := parseSink([]byte(in)); ok {
			t.Errorf("%q accepted", in)
		}
	}
}

func TestValues(t *testing.T) {
	decimal := attribute{name: "d", dataType: "decimal", precision: 6, scale: 2}
	of := func(dataType string) attribute { return attribute{name: "x", dataType: dataType} }
	for _, test := range []struct {
		a        attribute
		in, rule string
	}{
		{decimal, "0", ""}, {decimal, "-1", ""}, {decimal, "1234.56", ""}, {decimal, "0.5", ""}, {decimal, "10", ""},
		{decimal, "12345", "C8"}, {decimal, "1.234", "C8"}, {decimal, ".5", "C8"}, {decimal, "+1", "C8"}, {decimal, "1,5", "C8"},
		{decimal, "1e2", "C8"}, {decimal, "-", "C8"}, {decimal, "1.2.3", "C8"}, {decimal, "1.50", "3.2"}, {decimal, "1.0", "3.2"},
		{of("int64"), "-9223372036854775808", ""}, {of("int64"), "+1", "C8"}, {of("int64"), "0x1", "C8"}, {of("int64"), "1_0", "C8"},
		{of("double"), "-1.5e-7", ""}, {of("double"), "1,5", "C8"}, {of("double"), "Infinity", "C8"},
		{of("boolean"), "False", ""}, {of("boolean"), "FALSE", "C7"},
		{of("guid"), idOf(1), ""}, {of("guid"), idOf(1)[1:], "3.2"}, {of("guid"), strings.Replace(idOf(1), "-", "0", 1), "3.2"},
		{of("dateTime"), "2025-02-15T00:00:00.0000000", ""}, {of("dateTime"), "0001-01-03T00:00:00", ""}, {of("dateTime"), "2024-02-29T23:59:59Z", ""},
		{of("dateTime"), "2025-02-15", "C6"}, {of("dateTime"), "2025-02-15T24:00:00Z", "C6"}, {of("dateTime"), "2025-02-15T00:00:00.Z", "C6"},
		{of("dateTime"), "2025-02-15T00:00:00.00000000Z", "C6"}, {of("dateTime"), "2/15/2025 1:00:00 AM", "C6"}, {of("dateTime"), "0000-01-01T00:00:00Z", "C6"},
		{of("dateTimeOffset"), "2025-02-15T00:00:00Z", ""}, {of("dateTimeOffset"), "2025-02-15T00:00:00.0000000Z", ""},
		{of("dateTimeOffset"), "0001-01-03T00:00:00.0000000", ""}, {of("dateTimeOffset"), "2025-02-15T00:00:00.0000000+00:00", ""},
		{of("dateTimeOffset"), "2025-02-15T00:00:00", "C6"}, {of("dateTimeOffset"), "2025-02-15T00:00:00.0000000+0000", "C6"},
		{of("string"), "any,\"thing", ""},
	} {
		if got := checkValue([]byte(test.in), test.a); got != test.rule {
			t.Errorf("%s %q: %q, want %q", test.a.dataType, test.in, got, test.rule)
		}
	}
}

// TestRealSamples reads rows with the quoting of real files (F&O, cut to fewer
// columns).
func TestRealSamples(t *testing.T) {
	const row = `000010b5-0000-0000-21aa-a55001000000,"2/3/2025 9:52:15 AM","2/3/2025 9:52:15 AM",0,,"1900-01-01T00:00:00.0000000",449,"#000000015008B2F2",1052856296,"1900-01-01T00:00:00.0000000+00:00","2025-02-03T09:52:01.0000000Z",` + "\n"
	e := &entity{name: "inventtrans", attributes: []attribute{
		{name: "Id", dataType: "guid"}, {name: "SinkCreatedOn", dataType: "dateTime"}, {name: "SinkModifiedOn", dataType: "dateTime"},
		{name: "statusissue", dataType: "int64"}, {name: "voucher", dataType: "string"}, {name: "dateexpected", dataType: "dateTime"},
		{name: "qty", dataType: "decimal", precision: 38, scale: 6}, {name: "inventdimid", dataType: "string"}, {name: "versionnumber", dataType: "int64"},
		{name: "createdon", dataType: "dateTimeOffset"}, {name: "modifiedon", dataType: "dateTime"}, {name: "IsDelete", dataType: "boolean"},
	}}
	c := newCollector()
	r := Open(tinyLake{"x.csv": row}.write(t))
	facts := r.checkFile(c, "x.csv", e, newTableState(), 0)
	wantNone(t, c.list)
	if facts.upserts != 1 || facts.deletes != 0 || facts.widest != 12 {
		t.Error(facts)
	}
}
