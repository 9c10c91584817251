package writertest

import (
	"math"
	"strings"
	"time"

	"lakelink"
)

func columnsAreAdded(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1, 2, 3, 4)...))
	u := With(t, lakelink.Column{Name: "emailaddress1", Type: lakelink.TypeString},
		lakelink.Column{Name: "accountid", Type: lakelink.TypeLookup, Targets: []lakelink.TableName{"account"}})
	x.ok(w.SetTable(x.ctx, u))
	row := contact(2, 6)
	row["emailaddress1"], row["accountid"], row["accountid_entitytype"] = "a@contoso.com", ID(77), "account"
	x.commit(w, At(6), Rows(u, row))
	want := append(Contacts(1, 1, 3, 4), row)
	x.want(u, At(6), want...)
	// A reader that does not know them yet sees the table without them.
	x.want(t, At(6), append(Contacts(1, 1, 3, 4), contact(2, 6))...)
	x.reopen()
	x.table(u)
	x.want(u, At(6), want...)

	v := With(u, lakelink.Column{Name: "birthdate", Type: lakelink.TypeDateTime, Behavior: lakelink.DateOnly})
	x.reopen()
	w = x.table(v) // a schema that changed while nobody was looking
	next := contact(3, 7)
	next["birthdate"] = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	x.commit(w, At(7), Rows(v, next), Deletes(v, ID(4)))
	x.want(v, At(7), contact(1, 1), row, next)
}

func columnsGo(x *session) {
	t := With(Contact(), lakelink.Column{Name: "nickname", Type: lakelink.TypeString})
	w := x.table(t)
	row := contact(1, 1)
	row["nickname"] = "Bob"
	x.load(w, At(5), Rows(t, row, contact(2, 1)))
	x.ok(w.SetTable(x.ctx, Contact()))
	x.commit(w, At(6), Rows(Contact(), Contacts(6, 2, 3)...))
	x.want(t, At(6), append(Contacts(6, 2, 3), row)...)
	x.want(Contact(), At(6), append(Contacts(6, 2, 3), contact(1, 1))...)
}

func allTypes(x *session) {
	t := Account()
	w := x.table(t)
	rows := Extremes()
	x.load(w, At(50), Rows(t, rows...))
	x.want(t, At(50), rows...)
	// The same by way of changes, and through a rewriting of what is there.
	changed := Extremes()
	for i := range changed {
		if i%2 == 0 {
			changed[i]["versionnumber"] = int64(60)
		}
	}
	x.commit(w, At(60), Rows(t, changed...))
	x.want(t, At(60), changed...)
	x.reopen()
	x.table(t)
	x.want(t, At(60), changed...)
}

// Extremes are rows of Account at the edges of what its columns can hold.
func Extremes() []Row {
	full := Row{
		"name": "Fabrikam", "description": "all is filled", "numberofemployees": 12, "sequence": 99,
		"exchangerate": "1.234567890123", "revenue": "1234.5678", "revenue_base": "-0.0001",
		"address1_latitude": 47.36667, "creditonhold": true, "industrycode": 33, "statecode": 0, "statuscode": 1,
		"markets": "1,5,100000000", "foundedon": day(1999, 12, 31), "opensat": day(2024, 2, 29).Add(9 * time.Hour),
		"parentaccountid": ID(7), "parentaccountid_entitytype": "account",
		"ownerid": ID(8), "ownerid_entitytype": "team", "customerid": ID(9), "customerid_entitytype": "contact",
		"processid": ID(10), "entityname": "account", "ismanaged": false,
		"modifiedon": time.Date(2024, 5, 6, 7, 8, 9, 123_456_000, time.UTC),
	}
	rows := []Row{
		full,
		{}, // all null
		{"name": "", "description": "", "markets": ""},
		{"name": `she said "no", twice`, "description": "one\ntwo\r\nthree\n\n", "entityname": "a\tb;c,d\\e"},
		{"name": "日本語 Ærøskøbing 👩‍👩‍👧 \u202eabc", "description": "\u00a0\ufeff" + strings.Repeat("ü", 1000)},
		{"name": " leading and trailing ", "description": "NULL", "entityname": "null"},
		{"numberofemployees": math.MaxInt32, "sequence": int64(math.MaxInt64), "statuscode": math.MinInt32},
		{"numberofemployees": math.MinInt32, "sequence": int64(math.MinInt64), "industrycode": -1},
		{"exchangerate": "99999999999999999999999999.999999999999", "revenue": "9999999999999999999999999999999999.9999"},
		{"exchangerate": "-99999999999999999999999999.999999999999", "revenue": "-922337203685477.5808"},
		{"exchangerate": "0.000000000001", "revenue": "0"},
		{"address1_latitude": math.MaxFloat64}, {"address1_latitude": -math.SmallestNonzeroFloat64},
		{"address1_latitude": 0.1 + 0.2}, {"address1_latitude": 0.0},
		{"createdon": day(1753, 1, 1), "foundedon": day(1753, 1, 1), "opensat": day(1753, 1, 1)},
		{"createdon": day(9999, 12, 31).Add(24*time.Hour - time.Second), "foundedon": day(9999, 12, 31),
			"opensat": day(9999, 12, 31).Add(24*time.Hour - time.Second)},
		{"foundedon": day(1969, 12, 31), "modifiedon": day(1969, 12, 31).Add(23 * time.Hour)},
		{"creditonhold": false, "ismanaged": true},
		{"parentaccountid": lakelink.ID{}, "ownerid": ID(3)}, // an owner without a type
	}
	for i, r := range rows {
		r["accountid"], r["versionnumber"] = ID(100+i), int64(i+1)
		if _, ok := r["createdon"]; !ok && i%3 != 1 {
			r["createdon"] = day(2015+i%8, 6, 1)
		}
	}
	return rows
}

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
