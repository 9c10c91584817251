package sample

import "lakelink/internal/devserver/store"

// Sales: the catalogue, leads, opportunities, and what follows from them.

func uomSchedule(b *builder, i int) {
	b.set("name", [...]string{"Default Unit", "Time", "Length", "Weight"}[i%4])
	b.set("baseuomname", [...]string{"Primary Unit", "Hour", "Metre", "Kilogram"}[i%4])
	b.in(0)
}

func uom(b *builder, i int) {
	b.text("name", [...]string{"Primary Unit", "Hour", "Metre", "Kilogram", "Dozen", "Day", "Kilometre", "Tonne", "Gross", "Week", "Mile", "Pallet"}[i%12])
	b.set("uomscheduleid", b.ref("uomschedule", i))
	b.set("quantity", store.Decimal([...]string{"1", "12", "1000"}[i/4%3]))
	b.set("isschedulebaseuom", i < 4)
}

func priceLevel(b *builder, i int) {
	b.text("name", [...]string{"Retail", "Wholesale", "Partner", "Education", "Spot"}[i%5])
	b.set("transactioncurrencyid", b.ref("transactioncurrency", i))
	b.set("begindate", began)
	b.set("enddate", b.cast.now.AddDate(1, 0, 0))
	b.in(0)
}

func product(b *builder, i int) {
	b.text("name", b.numbered(pick(b.r, productNames)+" ", 100+i, 3))
	b.set("productnumber", b.numbered("P-", 10000+i, 5))
	b.priced()
	b.money("price", 5000)
	b.money("standardcost", 3000)
	b.set("defaultuomid", b.ref("uom", i%4))
	b.set("defaultuomscheduleid", b.ref("uomschedule", i%4))
	b.set("pricelevelid", b.any("pricelevel"))
	b.set("quantitydecimal", 2)
	b.set("quantityonhand", store.Decimal(decimal(b.r.Int64N(100_000_00000), 5)))
	b.maybe(50, "stockweight", store.Decimal(decimal(b.r.Int64N(100_000), 3)))
	b.maybe(40, "description", b.prose(2, 2000))
	b.mostly(85)
}

func productPriceLevel(b *builder, i int) {
	b.set("productid", b.ref("product", i/3))
	b.set("pricelevelid", b.ref("pricelevel", i%3))
	b.set("uomid", b.ref("uom", i%4))
	b.set("uomscheduleid", b.ref("uomschedule", i%4))
	b.priced()
	b.money("amount", 5000)
	b.set("productnumber", b.numbered("P-", 10000+i/3, 5))
}

func lead(b *builder, i int) {
	who := b.person()
	b.text("firstname", who.first)
	b.text("lastname", who.last)
	b.set("fullname", b.join(who.first, who.last))
	b.text("companyname", b.company(i))
	b.text("subject", b.subject())
	b.set("emailaddress1", b.email("lead", i+1))
	b.maybe(70, "telephone1", b.phone())
	b.maybe(60, "jobtitle", pick(b.r, jobTitles))
	b.priced()
	b.maybe(60, "estimatedamount", b.amount(200_000))
	b.maybe(40, "revenue", b.amount(100_000_000))
	b.maybe(30, "numberofemployees", b.r.IntN(5000))
	b.maybe(50, "estimatedclosedate", date(b.after(200)))
	b.maybe(30, "campaignid", b.any("campaign"))
	b.maybe(20, "description", b.prose(1+b.r.IntN(4), 2000))
	b.addressed("address1_", pick(b.r, places))
	b.mostly(60)
}

func opportunity(b *builder, i int) {
	b.text("name", b.subject())
	if i%12 == 11 {
		b.set("customerid", b.any("contact"))
	} else {
		customer := b.any("account")
		b.set("customerid", customer)
		b.set("parentaccountid", customer)
		b.maybe(70, "parentcontactid", b.any("contact"))
	}
	b.priced()
	b.set("pricelevelid", b.any("pricelevel"))
	b.money("estimatedvalue", 400_000)
	b.maybe(40, "budgetamount", b.amount(400_000))
	b.set("closeprobability", b.r.IntN(21)*5)
	b.set("estimatedclosedate", date(b.after(180)))
	b.set("stepname", [...]string{"1-Qualify", "2-Develop", "3-Propose", "4-Close"}[b.r.IntN(4)])
	b.maybe(50, "customerneed", b.prose(2, 2000))
	b.maybe(40, "description", b.prose(1+b.r.IntN(5), 2000))
	b.maybe(20, "campaignid", b.any("campaign"))
	b.maybe(20, "originatingleadid", b.any("lead"))
	b.maybe(15, "discountpercentage", store.Decimal(decimal(b.r.Int64N(3000), 2)))
	b.set("pricingerrorcode", 0)
	place := b.r.IntN(5)
	if place > 2 {
		place = 0
	}
	b.in(place)
	if place > 0 {
		b.set("actualclosedate", date(b.after(150)))
		b.money("actualvalue", 400_000)
	}
}

// line sets what all line items have: product, quantity, price and their product.
func (b *builder) line(i int) {
	quantity, price := 1+b.r.IntN(40), b.r.Int64N(500_000)*100
	b.set("productid", b.any("product"))
	b.set("uomid", b.ref("uom", 0))
	b.set("quantity", store.Decimal(decimal(int64(quantity), 0)))
	b.priced()
	b.set("priceperunit", store.Decimal(decimal(price, 4)))
	b.set("baseamount", store.Decimal(decimal(price*int64(quantity), 4)))
	b.set("extendedamount", store.Decimal(decimal(price*int64(quantity), 4)))
	b.maybe(30, "tax", store.Decimal(decimal(price*int64(quantity)/5, 4)))
	b.set("lineitemnumber", 1+i%4)
	b.set("sequencenumber", 1+i%4)
	b.set("pricingerrorcode", 0)
	b.set("producttypecode", 1)
	b.maybe(20, "description", b.prose(1, 2000))
}

func opportunityProduct(b *builder, i int) {
	b.set("opportunityid", b.ref("opportunity", i))
	b.text("opportunityproductname", pick(b.r, productNames))
	b.set("opportunitystatecode", 0)
	b.line(i)
}

// deal sets what quotes, orders and invoices have in common.
func (b *builder) deal(i int) {
	b.text("name", b.subject())
	b.set("customerid", b.any("account"))
	b.set("opportunityid", b.ref("opportunity", i))
	b.set("pricelevelid", b.any("pricelevel"))
	b.priced()
	total := b.amount(90_000)
	b.set("totallineitemamount", total)
	b.set("totalamountlessfreight", total)
	b.set("totalamount", total)
	b.maybe(30, "freightamount", b.amount(500))
	b.set("pricingerrorcode", 0)
	p := pick(b.r, places)
	for _, prefix := range [...]string{"billto_", "shipto_"} {
		b.text(prefix+"line1", b.street())
		b.text(prefix+"city", p.city)
		b.text(prefix+"postalcode", p.postal)
		b.text(prefix+"country", p.country)
	}
	b.maybe(25, "description", b.prose(2, 2000))
	b.mostly(40)
}

func quote(b *builder, i int) {
	b.set("quotenumber", b.numbered("QUO-", 1000+i, 5))
	b.set("revisionnumber", b.r.IntN(4))
	b.set("effectivefrom", b.made)
	b.set("effectiveto", b.after(60))
	b.deal(i)
}

func quoteDetail(b *builder, i int) {
	b.set("quoteid", b.ref("quote", i))
	b.text("quotedetailname", pick(b.r, productNames))
	b.set("quotestatecode", 0)
	b.line(i)
}

func salesOrder(b *builder, i int) {
	b.set("ordernumber", b.numbered("ORD-", 1000+i, 5))
	b.set("quoteid", b.ref("quote", i))
	b.set("submitdate", b.after(10))
	b.maybe(50, "datefulfilled", b.after(60))
	b.deal(i)
}

func salesOrderDetail(b *builder, i int) {
	b.set("salesorderid", b.ref("salesorder", i))
	b.text("salesorderdetailname", pick(b.r, productNames))
	b.set("salesorderstatecode", 0)
	b.line(i)
}

func invoice(b *builder, i int) {
	b.set("invoicenumber", b.numbered("INV-", 1000+i, 5))
	b.set("salesorderid", b.ref("salesorder", i))
	b.set("duedate", b.after(30))
	b.deal(i)
}

func invoiceDetail(b *builder, i int) {
	b.set("invoiceid", b.ref("invoice", i))
	b.text("invoicedetailname", pick(b.r, productNames))
	b.set("invoicestatecode", 0)
	b.line(i)
}
