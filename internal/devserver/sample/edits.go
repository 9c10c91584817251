package sample

import "lakelink/internal/devserver/store"

// beginEdit starts an update: a row without key.
func (b *builder) beginEdit() {
	clear(b.has)
	b.row = b.row[:0]
	b.made = b.cast.now
}

// empty makes a column null, which set cannot: an update tells null from unchanged.
func (b *builder) empty(column string) {
	if c := b.table.Column(column); c != nil && !b.has[c.Number] {
		b.has[c.Number] = true
		b.row = append(b.row, store.Field{Column: c})
	}
}

// edit writes what somebody might change in a row of the table.
func edit(b *builder) {
	if len(b.state) > 0 && oneIn(b.r, 6) {
		b.mostly(60)
	}
	if b.std.owner != nil && oneIn(b.r, 15) {
		b.own()
	}
	if one, ok := edits[b.table.LogicalName]; ok {
		one(b)
		return
	}
	b.text("description", b.prose(1+b.r.IntN(3), 2000))
}

var edits = map[string]func(*builder){
	"account": func(b *builder) {
		switch b.r.IntN(5) {
		case 0:
			b.priced()
			b.money("revenue", 500_000_000)
		case 1:
			b.set("telephone1", b.phone())
		case 2:
			b.text("name", b.company(b.r.IntN(100)))
		case 3:
			b.empty("description")
			b.set("creditonhold", oneIn(b.r, 2))
		default:
			b.addressed("address1_", pick(b.r, places))
		}
	},
	"contact": func(b *builder) {
		switch b.r.IntN(5) {
		case 0:
			b.text("jobtitle", pick(b.r, jobTitles))
		case 1:
			b.text("lastname", b.person().last)
		case 2:
			b.set("parentcustomerid", b.any("account"))
		case 3:
			b.empty("mobilephone")
			b.set("telephone1", b.phone())
		default:
			b.text("description", b.prose(1+b.r.IntN(5), 2000))
		}
	},
	"lead": func(b *builder) {
		b.money("estimatedamount", 200_000)
		b.set("estimatedclosedate", date(b.after(200)))
	},
	"opportunity": func(b *builder) {
		b.money("estimatedvalue", 400_000)
		b.set("closeprobability", b.r.IntN(21)*5)
		if oneIn(b.r, 3) {
			b.set("stepname", [...]string{"1-Qualify", "2-Develop", "3-Propose", "4-Close"}[b.r.IntN(4)])
		}
		if oneIn(b.r, 10) {
			b.empty("actualvalue")
		}
	},
	"incident": func(b *builder) {
		b.set("escalatedon", b.made)
		b.text("description", b.prose(1+b.r.IntN(6), 2000))
	},
	"new_device": func(b *builder) {
		b.set("new_reading", store.Decimal(decimal(b.r.Int64N(2_000_000_000_000)-1_000_000_000_000, 10)))
		switch b.r.IntN(6) {
		case 0:
			b.set("new_capabilities", b.capabilities())
		case 1:
			b.empty("new_capabilities")
		case 2:
			b.set("new_active", oneIn(b.r, 2))
		case 3:
			b.set("new_servicewindow", b.after(60))
		}
	},
	"task": func(b *builder) {
		b.set("percentcomplete", b.r.IntN(21)*5)
		if oneIn(b.r, 4) {
			b.text("subject", b.subject())
		}
	},
	"annotation": func(b *builder) { b.text("notetext", b.prose(1+b.r.IntN(8), 100_000)) },
	"product": func(b *builder) {
		b.priced()
		b.money("price", 5000)
	},
	"new_visit": func(b *builder) { b.text("new_report", b.prose(2+b.r.IntN(10), 10_000)) },
}
