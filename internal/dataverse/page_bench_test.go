package dataverse

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"lakelink"
)

// benchTable has 30 columns in the mix of a customer-facing table: a third texts, eight lookups
// and ids, four dates, four amounts, some numbers and choices.
func benchTable() *lakelink.Table {
	t := &lakelink.Table{Name: "bench", EntitySet: "benches", PrimaryKey: "benchid", Tracked: true}
	add := func(typ lakelink.ColumnType, names ...string) {
		for _, n := range names {
			t.Columns = append(t.Columns, lakelink.Column{Name: n, Type: typ, Precision: 2})
		}
	}
	add(lakelink.TypeUniqueidentifier, "benchid")
	add(lakelink.TypeString, "name", "number", "phone", "email", "city", "street", "postalcode", "country")
	add(lakelink.TypeMemo, "description")
	add(lakelink.TypeMoney, "revenue", "revenue_base", "credit")
	add(lakelink.TypeDecimal, "exchangerate")
	add(lakelink.TypeInteger, "employees", "score")
	add(lakelink.TypeChoice, "category")
	add(lakelink.TypeState, "statecode")
	add(lakelink.TypeStatus, "statuscode")
	add(lakelink.TypeBoolean, "donotemail", "private")
	add(lakelink.TypeDateTime, "createdon", "modifiedon", "lastcall")
	add(lakelink.TypeOwner, "ownerid")
	add(lakelink.TypeLookup, "createdby", "modifiedby", "parentid", "currencyid")
	add(lakelink.TypeDouble, "latitude")
	add(lakelink.TypeBigInt, "versionnumber")
	return t
}

// benchPage writes a page of n rows as the environment does.
func benchPage(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	guid := func() string {
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", rnd.Uint32(), rnd.IntN(1<<16), rnd.IntN(1<<16), rnd.IntN(1<<16), rnd.Int64N(1<<48))
	}
	users := []string{guid(), guid(), guid()}
	text := func(words int) string {
		var b strings.Builder
		for i := range words {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString([]string{"Contoso", "Northwind", "M\u00fcnchen", "quarterly", "review", "of", "the", "account", `said \"yes\"`}[rnd.IntN(9)])
		}
		return b.String()
	}
	var b bytes.Buffer
	b.WriteString(`{"@odata.context":"https://contoso.crm4.dynamics.com/api/data/v9.2/$metadata#benches","value":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		lookup := func(name, table, id string) {
			fmt.Fprintf(&b, `"_%s_value@Microsoft.Dynamics.CRM.lookuplogicalname":"%s","_%s_value":"%s",`, name, table, name, id)
		}
		fmt.Fprintf(&b, `{"@odata.etag":"W/\"%d\"","benchid":"%s","name":"%s","number":"A-%06d","phone":"+49 89 %07d","email":"someone%d@example.com","city":"%s","street":"%d Main Street","postalcode":"%05d","country":null,"description":"%s\r\n%s",`,
			900000+i, guid(), text(2), i, rnd.IntN(1e7), i, text(1), rnd.IntN(400), rnd.IntN(1e5), text(6), text(4))
		fmt.Fprintf(&b, `"revenue":%d.%04d,"revenue_base":%d.%04d,"credit":null,"exchangerate":1.0000000000,"employees":%d,"score":null,"category":%d,"statecode":0,"statuscode":1,"donotemail":false,"private":true,`,
			rnd.IntN(1e7), rnd.IntN(1e4), rnd.IntN(1e7), rnd.IntN(1e4), rnd.IntN(1000), rnd.IntN(5))
		fmt.Fprintf(&b, `"createdon":"2026-0%d-1%dT08:%02d:00Z","modifiedon":"2026-11-%02dT09:12:%02dZ","lastcall":null,`, 1+rnd.IntN(9), rnd.IntN(10), rnd.IntN(60), 1+rnd.IntN(28), rnd.IntN(60))
		lookup("ownerid", "systemuser", users[rnd.IntN(3)])
		lookup("createdby", "systemuser", users[rnd.IntN(3)])
		lookup("modifiedby", "systemuser", users[rnd.IntN(3)])
		b.WriteString(`"_parentid_value":null,`)
		lookup("currencyid", "transactioncurrency", users[0])
		fmt.Fprintf(&b, `"latitude":%.6f,"versionnumber":%d}`, rnd.Float64()*90, 900000+i)
	}
	b.WriteString(`],"@odata.nextLink":"https://contoso.crm4.dynamics.com/api/data/v9.2/benches?$skiptoken=x"}`)
	return b.Bytes()
}

// BenchmarkPage decodes a full page of 30 columns into Arrow.
func BenchmarkPage(b *testing.B) {
	body := benchPage(5000)
	d := newDecoder(benchTable())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := d.decode(bytes.NewReader(body))
		if err != nil || p.rows.NumRows() != 5000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(5000*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkTokens only takes the same page apart with jsontext, for comparison.
func BenchmarkTokens(b *testing.B) {
	body := benchPage(5000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
	for b.Loop() {
		d.Reset(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
		for {
			if k := d.PeekKind(); k == '{' || k == '[' || k == '}' || k == ']' {
				if _, err := d.ReadToken(); err != nil {
					b.Fatal(err)
				}
				continue
			}
			if _, err := d.ReadValue(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(5000*b.N)/b.Elapsed().Seconds(), "rows/s")
}
