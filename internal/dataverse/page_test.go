package dataverse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// kindsTable has a column of each kind.
func kindsTable() *lakelink.Table {
	return &lakelink.Table{Name: "kinds", EntitySet: "kinds", PrimaryKey: "kindid", Columns: []lakelink.Column{
		{Name: "kindid", Type: lakelink.TypeUniqueidentifier},
		{Name: "text", Type: lakelink.TypeString},
		{Name: "whole", Type: lakelink.TypeInteger},
		{Name: "big", Type: lakelink.TypeBigInt},
		{Name: "amount", Type: lakelink.TypeMoney, Precision: 2},
		{Name: "rate", Type: lakelink.TypeDecimal, Precision: 12},
		{Name: "double", Type: lakelink.TypeDouble},
		{Name: "flag", Type: lakelink.TypeBoolean},
		{Name: "instant", Type: lakelink.TypeDateTime, Behavior: lakelink.UserLocal},
		{Name: "day", Type: lakelink.TypeDateTime, Behavior: lakelink.DateOnly},
		{Name: "clock", Type: lakelink.TypeDateTime, Behavior: lakelink.TimeZoneIndependent},
		{Name: "tags", Type: lakelink.TypeMultiChoice},
		{Name: "customer", Type: lakelink.TypeCustomer, Targets: []lakelink.TableName{"account", "contact"}},
		{Name: "parent", Type: lakelink.TypeLookup, Targets: []lakelink.TableName{"kinds"}},
		{Name: "typecode", Type: lakelink.TypeEntityName},
		{Name: "versionnumber", Type: lakelink.TypeBigInt},
	}}
}

const kindsPage = "\ufeff" + ` {"@odata.context":"x","@Microsoft.Dynamics.CRM.totalrecordcount":-1,"value":[
 {"@odata.etag":"W/\"7\"","kindid":"60C4E274-0d87-e711-80e5-00155db19e6d","text":"a \"b\"\\\/\b\f\n\r\t \u00e9\ud83d\ude00\ud800 ü","whole":-2147483648,
  "big":9223372036854775807,"amount":922337203685477.5807,"amount@OData.Community.Display.V1.FormattedValue":"x","rate":0.123456789012,"double":1.5e-3,"flag":true,
  "instant":"2026-03-01T12:30:00Z","day":"1753-01-01","clock":"9999-12-31T23:59:59Z","tags":"1,9,17",
  "_customer_value@Microsoft.Dynamics.CRM.lookuplogicalname":"contact","_customer_value":"70bf4d48-34cb-ed11-b596-0022481d68cd",
  "_parent_value":"70bf4d48-34cb-ed11-b596-0022481d68cd","typecode":8,"versionnumber":7,"_transactioncurrencyid_value":null,"extra":{"a":[1,{"b":null}]}},
 {"versionnumber":8,"kindid":"60c4e274-0d87-e711-80e5-00155db19e6e","text":null,"amount":-0.5000000,"rate":1,"day":"2024-02-29T00:00:00Z","typecode":"account","flag":false,"instant":"1969-12-31T23:59:59.9999999+01:00"},
 {"@odata.context":"https://x/$metadata#kinds/$deletedEntity","id":"2e451703-c686-e711-80e5-00155db19e6d","reason":"deleted"},
 {"id":"https://x/kinds(2e451703-c686-e711-80e5-00155db19e6e)","reason":"deleted"}],
 "@odata.nextLink":"https://x/y?a=b\u0026c=%2520"} `

const kindsWant = `kindid=YMTidA2H5xGA5QAVXbGebQ== text=a "b"\/` + "\b\f\n\r\t é😀\ufffd ü" + ` whole=-2147483648 big=9223372036854775807 amount=922337203685477.5807 rate=0.123456789012 double=0.0015 flag=true instant=2026-03-01T12:30:00Z day=1753-01-01 clock=9999-12-31T23:59:59 tags=1,9,17 customer=cL9NSDTL7RG1lgAiSB1ozQ== customer_entitytype=contact parent=cL9NSDTL7RG1lgAiSB1ozQ== parent_entitytype=kinds typecode=8 versionnumber=7
kindid=YMTidA2H5xGA5QAVXbGebg== text=(null) whole=(null) big=(null) amount=-0.5 rate=1 double=(null) flag=false instant=1969-12-31T22:59:59.999999Z day=2024-02-29 clock=(null) tags=(null) customer=(null) customer_entitytype=(null) parent=(null) parent_entitytype=(null) typecode=account versionnumber=8
`

func rowsText(rec arrow.RecordBatch) string {
	var b strings.Builder
	if rec == nil {
		return ""
	}
	for r := range int(rec.NumRows()) {
		for i, col := range rec.Columns() {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(rec.ColumnName(i) + "=" + col.ValueStr(r))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestPageHoldsEveryKind(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"at once":     strings.NewReader(kindsPage),
		"byte a time": iotest.OneByteReader(strings.NewReader(kindsPage)),
		"with EOF":    iotest.DataErrReader(strings.NewReader(kindsPage)),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDecoder(kindsTable())
			p, err := d.decode(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := rowsText(p.rows); got != kindsWant {
				t.Errorf("rows\n%s\nwant\n%s", got, kindsWant)
			}
			if !p.rows.Schema().Equal(kindsTable().ArrowSchema()) {
				t.Error("another schema")
			}
			if p.next != "https://x/y?a=b&c=%2520" || p.delta != "" || p.highest != 8 {
				t.Errorf("links %q %q, highest %d", p.next, p.delta, p.highest)
			}
			if fmt.Sprint(p.deletes) != "[2e451703-c686-e711-80e5-00155db19e6d 2e451703-c686-e711-80e5-00155db19e6e]" {
				t.Errorf("deletes %v", p.deletes)
			}
		})
	}
}

func TestCutPageIsNoPage(t *testing.T) {
	whole := strings.TrimRight(kindsPage, " ")
	d := newDecoder(kindsTable())
	for n := range len(whole) {
		p, err := d.decode(strings.NewReader(whole[:n]))
		if err == nil || p != nil {
			t.Fatalf("%d of %d bytes passed for a page", n, len(whole))
		}
		if k := readingFailure(err).Kind; k != lakelink.KindTransient {
			t.Fatalf("cut at %d: %v is %q", n, err, k)
		}
	}
	if p, err := d.decode(strings.NewReader(kindsPage)); err != nil || rowsText(p.rows) != kindsWant {
		t.Errorf("after that: %v", err)
	}
}

func TestPageAcrossWindows(t *testing.T) {
	long := strings.Repeat("ü\\n", 3*windowSize)
	rows := []string{}
	for i := range 50 {
		rows = append(rows, strings.Replace(row(i, int64(i+1)), "row", long[:i*windowSize/5/4*4], 1))
	}
	d := newDecoder(accountTable())
	p, err := d.decode(strings.NewReader(body("9", rows...)))
	if err != nil {
		t.Fatal(err)
	}
	text := p.rows.Column(1).(*array.String)
	for i := range 50 {
		if want := strings.ReplaceAll(long[:i*windowSize/5/4*4], `\n`, "\n"); !strings.HasPrefix(text.Value(i), want) {
			t.Fatalf("row %d lost text", i)
		}
	}
}

func TestPageRefusesWhatDoesNotFit(t *testing.T) {
	at := func(property, value string) string {
		return `{"value":[{"kindid":"60c4e274-0d87-e711-80e5-00155db19e6d","versionnumber":1,"` + property + `":` + value + `}]}`
	}
	for _, c := range []struct {
		page string
		kind lakelink.Kind
		want string
	}{
		{at("amount", "1.00001"), lakelink.KindInvalid, "amount"},
		{at("rate", "0.1234567890123"), lakelink.KindInvalid, "more than 12 digits"},
		{at("rate", "1e30"), lakelink.KindInvalid, "38 digits"},
		{at("whole", "2147483648"), lakelink.KindConflict, "whole"},
		{at("whole", "1.5"), lakelink.KindConflict, "whole"},
		{at("big", "9223372036854775808"), lakelink.KindConflict, "big"},
		{at("text", "5"), lakelink.KindConflict, "text"},
		{at("flag", "0"), lakelink.KindConflict, "flag"},
		{at("day", `"2025-02-29"`), lakelink.KindConflict, "day"},
		{at("instant", `"yesterday"`), lakelink.KindConflict, "instant"},
		{at("_parent_value", `"kinds(1)"`), lakelink.KindConflict, "parent"},
		{at("x", `01`), lakelink.KindTransient, "not JSON"},
		{at("x", `nul`), lakelink.KindTransient, "not JSON"},
		{at("text", "\"\x01\""), lakelink.KindTransient, "not JSON"},
		{at("text", "\"\xff\""), lakelink.KindTransient, "UTF-8"},
		{at("text", `"\q"`), lakelink.KindTransient, "not JSON"},
		{at("x", strings.Repeat("[", 100)), lakelink.KindTransient, "not JSON"},
		{`{"value":[{"kindid":"60c4e274-0d87-e711-80e5-00155db19e6d"}]}`, lakelink.KindConflict, "version"},
		{`{"value":[{"reason":"deleted"}]}`, lakelink.KindTransient, "id of a deleted row"},
		{`{"value":[],"error":{"code":"x"}}`, lakelink.KindTransient, "error of the environment"},
		{`{"value":[]} x`, lakelink.KindTransient, "not JSON"},
		{`[]`, lakelink.KindConflict, "an object"},
	} {
		_, err := newDecoder(kindsTable()).decode(strings.NewReader(c.page))
		if err == nil {
			t.Errorf("%s passed", c.page)
			continue
		}
		e := readingFailure(err)
		if e.Kind != c.kind || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%s: %v (%s), want %s and %q", c.page, e, e.Kind, c.kind, c.want)
		}
	}
}

func TestPageHoldsEachRowOnce(t *testing.T) {
	d := newDecoder(accountTable())
	d.above = 100
	p, err := d.decode(strings.NewReader(body("9", row(1, 5), row(2, 9), row(1, 7), row(2, 8), row(3, 101), row(4, 4), row(4, 4))))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range int(p.rows.NumRows()) {
		got = append(got, fmt.Sprint(number(lakelink.ID(p.rows.Column(0).(*array.FixedSizeBinary).Value(i))), ":", p.rows.Column(2).(*array.Int64).Value(i)))
	}
	if want := "[2:9 1:7 4:4]"; fmt.Sprint(got) != want {
		t.Errorf("rows %v, want %s", got, want)
	}
	if p.highest != 101 {
		t.Errorf("highest %d", p.highest)
	}
}

func TestPageTooLarge(t *testing.T) {
	var rows []string
	for i := range 500 {
		rows = append(rows, strings.Replace(row(i, int64(i+1)), "row", strings.Repeat("x", 1000), 1))
	}
	d := newDecoder(accountTable())
	d.limit = 100 << 10
	if _, err := d.decode(strings.NewReader(body("9", rows...))); !errors.Is(err, errPageTooLarge) {
		t.Errorf("error %v", err)
	}
	rows = rows[:0]
	for i := range 10_000 {
		rows = append(rows, gone(i))
	}
	if _, err := d.decode(strings.NewReader(body("9", rows...))); !errors.Is(err, errPageTooLarge) {
		t.Errorf("of deletes: error %v", err)
	}
}

func TestDecimalsAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		scale := rnd.IntN(13)
		text := fmt.Sprint(rnd.Int64N(1e12))
		if n := rnd.IntN(14); n > 0 {
			text += "." + fmt.Sprintf("%0*d", n, rnd.Int64N(10))
		}
		if rnd.IntN(3) == 0 {
			text += fmt.Sprintf("e%d", rnd.IntN(9)-4)
		}
		if rnd.IntN(2) == 0 {
			text = "-" + text
		}
		want, _ := new(big.Rat).SetString(text)
		want.Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		n, why := parseDecimal([]byte(text), scale)
		if (why == "") != want.IsInt() {
			t.Fatalf("%s at scale %d: %q", text, scale, why)
		}
		if why == "" && n.BigInt().Cmp(want.Num()) != 0 {
			t.Fatalf("%s at scale %d is %s, want %s", text, scale, n.BigInt(), want.Num())
		}
	}
	for text, ok := range map[string]bool{"99999999999999999999999999999999999999": true, "100000000000000000000000000000000000000": false,
		"0.0000000000000000000000000000": true, "-0": true, "10000000000000000000000000000.000000": true} {
		if _, why := parseDecimal([]byte(text), 0); (why == "") != ok {
			t.Errorf("%s: %q", text, why)
		}
	}
}

func TestDaysAndInstants(t *testing.T) {
	for day := time.Date(1753, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 10000; day = day.Add(24 * 13 * time.Hour) {
		text := day.Format("2006-01-02")
		n, ok := parseDay([]byte(text))
		if want := day.Unix() / 86400; !ok || int64(n) != want {
			t.Fatalf("%s is day %d, want %d", text, n, want)
		}
	}
	for _, text := range []string{"2026-11-22T08:15:00Z", "1753-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-22T08:15:00.123456Z",
		"2026-11-22T08:15:00.1+05:30", "2026-11-22T08:15:00-11:00"} {
		want, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := parseInstant([]byte(text)); !ok || got != want.UnixMicro() {
			t.Errorf("%s is %d, want %d", text, got, want.UnixMicro())
		}
	}
	for _, text := range []string{"", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:60:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00ZZ", "2026-01-01 00:00:00Z"} {
		if _, ok := parseInstant([]byte(text)); ok {
			t.Errorf("%q passed for an instant", text)
		}
	}
}

// FuzzPage checks that whatever is taken for a page is JSON, and that its arrays hold together.
func FuzzPage(f *testing.F) {
	f.Add([]byte(kindsPage))
	f.Add([]byte(body("9", row(1, 2), gone(3))))
	f.Add([]byte(`{"value":[{"kindid":"60c4e274-0d87-e711-80e5-00155db19e6d","versionnumber":1,"text":"a","text":"\u00e9"}]}`))
	f.Add([]byte(`{"value":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDecoder(kindsTable())
		for _, r := range []io.Reader{bytes.NewReader(data), iotest.OneByteReader(bytes.NewReader(data))} {
			p, err := d.decode(r)
			if err != nil {
				continue
			}
			if !json.Valid(bytes.TrimPrefix(data, []byte("\ufeff"))) {
				t.Fatalf("not JSON, and taken: %q", data)
			}
			if p.rows != nil {
				_ = rowsText(p.rows) // reads every value
			}
		}
	})
}
