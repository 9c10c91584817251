package sample

import (
	"math"
	"time"

	"lakelink/internal/devserver/store"
)

// The first rows of some tables hold the extremes that columns allow: what few real rows have and
// every reader must stand.

var (
	earliest = time.Date(1753, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// An edge is what one row gets instead of its usual values.
type edge map[string]any

// An exact stands for a text of so many UTF-16 units.
type exact int

// edge gives row i of a table what is special about it, if anything.
func (b *builder) edge(i int, edges []edge) {
	if b.live || i >= len(edges) {
		return
	}
	for _, c := range b.table.Columns {
		switch v := edges[i][c.LogicalName].(type) {
		case nil:
		case exact:
			b.set(c.LogicalName, b.exactly(int(v)))
		default:
			b.set(c.LogicalName, v)
		}
	}
}

var deviceEdges = []edge{
	{"new_reading": store.Decimal("100000000000"), "new_commissionedon": store.Date("1753-01-01"), "new_servicewindow": earliest, "importsequencenumber": math.MaxInt32},
	{"new_reading": store.Decimal("-100000000000"), "new_commissionedon": store.Date("9999-12-31"), "new_servicewindow": latest, "importsequencenumber": math.MinInt32},
	{"new_reading": store.Decimal("0.0000000001"), "new_notes": exact(1_048_576)},
	{"new_reading": store.Decimal("-0.0000000001"), "new_notes": "\r\n"},
	{"new_reading": store.Decimal("99999999999.9999999999"), "new_capabilities": store.MultiSelect{100000000, 100000001, 100000002, 100000003, 100000004, 100000005, 100000006, 100000007}},
	{"new_reading": store.Decimal("0"), "new_capabilities": store.MultiSelect{100000007}},
	{"new_commissionedon": store.Date("1899-12-31"), "new_servicewindow": time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)},
	{"new_commissionedon": store.Date("2024-02-29"), "new_servicewindow": time.Date(2026, 3, 29, 2, 30, 0, 0, time.UTC)},
}

var contactEdges = []edge{
	{"entityimage_timestamp": int64(math.MaxInt64), "importsequencenumber": math.MaxInt32},
	{"entityimage_timestamp": int64(math.MinInt64), "importsequencenumber": math.MinInt32},
	{"entityimage_timestamp": int64(1<<53 + 1), "importsequencenumber": 0, "numberofchildren": 0},
	{"birthdate": store.Date("1753-01-01"), "lastusedincampaign": earliest},
	{"birthdate": store.Date("9999-12-31"), "lastusedincampaign": latest},
	{"description": `"`, "department": `\`},
	{"description": exact(2000), "department": "\r\n"},
}

var taskEdges = []edge{
	{"actualdurationminutes": math.MaxInt32, "scheduledstart": earliest},
	{"actualdurationminutes": 0, "scheduledend": latest},
}

var annotationEdges = []edge{
	{"documentbody": "TGFrZWxpbms=", "filename": "naïve \"résumé\".txt", "mimetype": "text/plain", "filesize": 8},
}
