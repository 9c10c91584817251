package sample

import "lakelink/internal/devserver/store"

// Service: cases, contracts, entitlements, articles, and the devices in the field.

func incident(b *builder, i int) {
	b.text("title", b.subject())
	b.set("ticketnumber", b.numbered("CAS-", 10000+i, 5))
	if i%5 == 4 {
		b.set("customerid", b.any("contact"))
	} else {
		b.set("customerid", b.any("account"))
		b.maybe(60, "primarycontactid", b.any("contact"))
	}
	b.maybe(40, "productid", b.any("product"))
	b.maybe(30, "productserialnumber", b.numbered("SN", b.r.IntN(1<<30), 10))
	b.maybe(70, "description", b.prose(1+b.r.IntN(8), 2000))
	b.maybe(30, "entitlementid", b.any("entitlement"))
	b.maybe(10, "parentcaseid", b.parent(i))
	b.maybe(20, "slaid", b.any("sla"))
	b.maybe(50, "resolveby", b.after(5))
	b.maybe(20, "followupby", b.after(20))
	b.maybe(10, "escalatedon", b.after(3))
	b.mostly(30)
}

func contract(b *builder, i int) {
	customer := b.any("account")
	b.text("title", b.numbered("Service contract ", 1+i, 3))
	b.set("contractnumber", b.numbered("CNR-", 1000+i, 5))
	b.set("customerid", customer)
	b.set("billingcustomerid", customer)
	b.set("activeon", b.made)
	b.set("expireson", b.made.AddDate(1+i%3, 0, 0))
	b.priced()
	b.money("totalprice", 40_000)
	b.money("netprice", 40_000)
}

func entitlement(b *builder, i int) {
	b.text("name", b.numbered("Entitlement ", 1+i, 3))
	b.set("customerid", b.any("account"))
	b.set("startdate", b.made)
	b.set("enddate", b.made.AddDate(1, 0, 0))
	b.set("totalterms", store.Decimal("40"))
	b.set("remainingterms", store.Decimal(decimal(b.r.Int64N(4000), 2)))
	b.in(1)
}

func knowledgeArticle(b *builder, i int) {
	b.text("title", b.subject())
	b.text("content", b.prose(10+b.r.IntN(60), 100_000))
	b.text("keywords", b.join(pick(b.r, topics), pick(b.r, topics)))
	b.text("articlepublicnumber", b.numbered("KA-", 1000+i, 5))
	b.set("majorversionnumber", 1)
	b.set("minorversionnumber", b.r.IntN(9))
	b.set("primaryauthorid", b.user())
	b.set("publishon", b.after(30))
	b.set("rating", store.Decimal(decimal(b.r.Int64N(500), 2)))
	b.mostly(20)
}

func device(b *builder, i int) {
	b.text("new_name", b.numbered(pick(b.r, productNames)+" #", i+1, 4))
	b.set("new_serialnumber", b.numbered("SN", i+1, 10))
	b.edge(i, deviceEdges)
	b.maybe(85, "new_commissionedon", date(b.made))
	b.maybe(60, "new_servicewindow", b.after(600))
	b.set("new_capabilities", b.capabilities())
	b.maybe(90, "new_reading", store.Decimal(decimal(b.r.Int64N(2_000_000_000_000)-1_000_000_000_000, 10)))
	b.maybe(80, "new_accountid", b.any("account"))
	if i%4 == 0 {
		b.set("new_customerid", b.any("contact"))
	} else {
		b.set("new_customerid", b.any("account"))
	}
	b.maybe(30, "new_notes", b.prose(1+b.r.IntN(20), 1_048_576))
	b.set("new_active", b.r.IntN(5) > 0)
}

// capabilities are some of a device's multi-select options, in their order.
func (b *builder) capabilities() store.Value {
	c := b.table.Column("new_capabilities")
	if c == nil {
		return nil
	}
	var chosen store.MultiSelect
	for _, o := range c.Options {
		if oneIn(b.r, 4) {
			chosen = append(chosen, o.Value)
		}
	}
	if chosen == nil {
		return nil
	}
	return chosen
}

func visit(b *builder, i int) {
	b.text("new_name", b.numbered("Visit ", i+1, 4))
	b.set("new_visitedon", b.after(30))
	b.set("new_accountid", b.any("account"))
	b.set("new_deviceid", b.any("new_device"))
	b.text("new_report", b.prose(2+b.r.IntN(10), 10_000))
}

func systemLog(b *builder, i int) {
	b.text("new_name", b.numbered("Entry ", i+1, 6))
	b.set("new_loggedon", b.made)
	b.text("new_message", b.prose(1, 100_000))
}
