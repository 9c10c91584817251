package sample

// A recipe says how many rows a table gets and how one of them is made.
type recipe struct {
	table string
	// Catalogues have one row per so many of all rows, at most most; the bulk is shared out by weight.
	per, most int
	weight    int
	// twin is true for activities: each brings a row of activitypointer.
	twin bool
	fill func(b *builder, i int)
}

// recipes are in the order in which rows are made: what others point to comes first, as far as
// that is possible.
var recipes = []recipe{
	{table: "transactioncurrency", per: 30, most: len(currencies), fill: currency},
	{table: "businessunit", per: 5000, most: 40, fill: businessUnit},
	{table: "position", per: 4000, most: len(positions), fill: position},
	{table: "systemuser", per: 500, most: 400, fill: systemUser},
	{table: "team", per: 3000, most: 60, fill: team},
	{table: "owner", per: 500, most: 400, fill: owner},
	{table: "teammembership", per: 500, most: 400, fill: teamMembership},
	{table: "territory", per: 4000, most: 60, fill: territory},
	{table: "queue", per: 5000, most: 24, fill: queue},
	{table: "sla", per: 50_000, most: 6, fill: sla},
	{table: "connectionrole", per: 2000, most: len(connectionRoles), fill: connectionRole},
	{table: "uomschedule", per: 50_000, most: 4, fill: uomSchedule},
	{table: "uom", per: 10_000, most: 12, fill: uom},
	{table: "pricelevel", per: 50_000, most: 5, fill: priceLevel},
	{table: "product", per: 500, most: 800, fill: product},
	{table: "productpricelevel", per: 250, most: 2400, fill: productPriceLevel},
	{table: "competitor", per: 5000, most: 60, fill: competitor},
	{table: "knowledgearticle", per: 1500, most: 600, fill: knowledgeArticle},
	{table: "campaign", per: 4000, most: 200, fill: campaign},
	{table: "list", per: 4000, most: 200, fill: list},

	{table: "account", weight: 60, fill: account},
	{table: "contact", weight: 200, fill: contact},
	{table: "customeraddress", weight: 25, fill: customerAddress},
	{table: "lead", weight: 50, fill: lead},
	{table: "opportunity", weight: 40, fill: opportunity},
	{table: "opportunityproduct", weight: 40, fill: opportunityProduct},
	{table: "quote", weight: 8, fill: quote},
	{table: "quotedetail", weight: 16, fill: quoteDetail},
	{table: "salesorder", weight: 6, fill: salesOrder},
	{table: "salesorderdetail", weight: 12, fill: salesOrderDetail},
	{table: "invoice", weight: 5, fill: invoice},
	{table: "invoicedetail", weight: 10, fill: invoiceDetail},
	{table: "contract", weight: 2, fill: contract},
	{table: "entitlement", weight: 2, fill: entitlement},
	{table: "incident", weight: 45, fill: incident},

	{table: "task", weight: 45, twin: true, fill: task},
	{table: "phonecall", weight: 30, twin: true, fill: phoneCall},
	{table: "email", weight: 50, twin: true, fill: email},
	{table: "appointment", weight: 20, twin: true, fill: appointment},
	{table: "letter", weight: 3, twin: true, fill: letter},
	{table: "fax", weight: 1, twin: true, fill: fax},
	{table: "activityparty", weight: 320, fill: activityParty},
	{table: "annotation", weight: 70, fill: annotation},
	{table: "queueitem", weight: 8, fill: queueItem},
	{table: "connection", weight: 15, fill: connection},
	{table: "listmember", weight: 25, fill: listMember},
	{table: "accountleads", weight: 2, fill: association("accountid", "account", "leadid", "lead")},
	{table: "contactleads", weight: 2, fill: association("contactid", "contact", "leadid", "lead")},
	{table: "leadproduct", weight: 4, fill: association("leadid", "lead", "productid", "product")},
	{table: "opportunitycompetitors", weight: 6, fill: association("opportunityid", "opportunity", "competitorid", "competitor")},
	{table: "new_device", weight: 25, fill: device},
	{table: "new_device_contact", weight: 10, fill: association("new_deviceid", "new_device", "contactid", "contact")},
	{table: "new_visit", weight: 8, fill: visit},
	{table: "new_systemlog", weight: 8, fill: systemLog},
}

// size is what a row of the recipe's table adds to the environment.
func (r *recipe) size() int {
	if r.twin {
		return 2
	}
	return 1
}

// rest takes the rows that dividing leaves over.
const rest = "contact"

// plan shares out rows among the recipes: one for each table at least, and beyond that exactly as
// many as asked for.
func plan(rows int) map[string]int {
	counts := make(map[string]int, len(recipes))
	left, weights := rows, 0
	for i := range recipes {
		r := &recipes[i]
		n := 1
		if r.per > 0 {
			n = min(max(rows/r.per, 1), r.most)
		}
		counts[r.table] = n
		left -= n * r.size()
		weights += r.weight * r.size()
	}
	if left <= 0 {
		return counts
	}
	share := left
	for i := range recipes {
		r := &recipes[i]
		n := share * r.weight / weights
		counts[r.table] += n
		left -= n * r.size()
	}
	counts[rest] += left
	return counts
}
