package sample

import (
	"time"

	"lakelink/internal/devserver/store"
)

// Customers: accounts, contacts, their addresses and connections, marketing lists.

func account(b *builder, i int) {
	p := pick(b.r, places)
	b.text("name", b.company(i))
	b.set("accountnumber", b.numbered("A-", 100000+i, 6))
	b.priced()
	b.maybe(70, "revenue", b.amount(500_000_000))
	b.maybe(60, "numberofemployees", b.r.IntN(20_000))
	b.maybe(30, "creditlimit", b.amount(250_000))
	b.maybe(5, "marketcap", b.amount(2_000_000_000))
	b.maybe(5, "tickersymbol", string([]byte{'A' + byte(b.r.IntN(26)), 'A' + byte(b.r.IntN(26)), 'A' + byte(b.r.IntN(26))}))
	b.maybe(40, "description", b.prose(1+b.r.IntN(6), 2000))
	b.set("emailaddress1", b.email("info", i+1))
	b.set("telephone1", b.phone())
	b.maybe(20, "fax", b.phone())
	b.maybe(60, "websiteurl", b.numbered("https://www.example.com/", i, 1))
	b.addressed("address1_", p)
	if oneIn(b.r, 5) {
		b.set("parentaccountid", b.parent(i))
	}
	if !b.live && !oneIn(b.r, 10) {
		b.set("primarycontactid", b.ref("contact", i))
	}
	b.set("territoryid", b.any("territory"))
	b.maybe(20, "preferredsystemuserid", b.user())
	b.maybe(25, "lastusedincampaign", b.after(400))
	b.pictured()
}

// company is the name of the account at place i.
func (b *builder) company(i int) string {
	if oneIn(b.r, 500) {
		return b.join(pick(b.r, companyHeads), pick(b.r, awkward))
	}
	if i%7 == 0 {
		return b.join(pick(b.r, companyHeads), pick(b.r, places).city, pick(b.r, companyTails))
	}
	return b.join(pick(b.r, companyHeads), pick(b.r, companyTails))
}

// pictured gives one row in twelve an image, of which only the traces are kept.
func (b *builder) pictured() {
	if oneIn(b.r, 12) {
		b.set("entityimage_timestamp", int64(638_000_000_000_000_000)+b.made.Unix()*10_000_000)
	}
}

func contact(b *builder, i int) {
	b.edge(i, contactEdges)
	if !b.live && i < len(awkward) {
		b.set("nickname", awkward[i])
	}
	who := b.person()
	b.text("firstname", who.first)
	b.text("lastname", who.last)
	b.set("fullname", b.join(who.first, who.last))
	b.maybe(15, "middlename", pick(b.r, latinFirst))
	b.maybe(40, "salutation", pick(b.r, []string{"Mr.", "Ms.", "Dr.", "Frau", "Herr", "Mme", "様", "Prof. Dr. h.c."}))
	b.text("jobtitle", pick(b.r, jobTitles))
	b.maybe(50, "department", pick(b.r, departments))
	b.set("emailaddress1", b.email("contact", i+1))
	b.maybe(70, "telephone1", b.phone())
	b.maybe(50, "mobilephone", b.phone())
	switch b.r.IntN(20) {
	case 0:
	case 1:
		b.set("parentcustomerid", b.parent(i))
	default:
		b.set("parentcustomerid", b.ref("account", i))
	}
	b.addressed("address1_", pick(b.r, places))
	b.maybe(20, "birthdate", date(time.Date(1940+b.r.IntN(65), time.Month(1+b.r.IntN(12)), 1+b.r.IntN(28), 0, 0, 0, 0, time.UTC)))
	b.maybe(3, "anniversary", date(b.made.AddDate(-b.r.IntN(30), 0, 0)))
	b.maybe(12, "description", b.prose(1+b.r.IntN(4), 2000))
	if oneIn(b.r, 10) {
		b.priced()
		b.money("creditlimit", 50_000)
		b.maybe(50, "annualincome", b.amount(300_000))
	}
	b.maybe(10, "preferredsystemuserid", b.user())
	b.pictured()
}

func customerAddress(b *builder, i int) {
	p := pick(b.r, places)
	if i%3 == 0 {
		b.set("parentid", b.ref("contact", shuffled(i, 1<<30)))
	} else {
		b.set("parentid", b.ref("account", shuffled(i, 1<<30)))
	}
	b.set("addressnumber", 1+i%3)
	b.text("name", p.city)
	b.addressed("", p)
}

func competitor(b *builder, i int) {
	b.text("name", b.join(companyHeads[i%len(companyHeads)], "Competition"))
	b.priced()
	b.money("reportedrevenue", 90_000_000)
	b.set("winpercentage", float64(b.r.IntN(101)))
	b.text("keyproduct", pick(b.r, productNames))
	b.text("strengths", b.prose(3, 2000))
	b.text("weaknesses", b.prose(3, 2000))
	b.addressed("address1_", pick(b.r, places))
}

func connection(b *builder, i int) {
	b.set("record1id", b.any("contact"))
	if i%4 == 0 {
		b.set("record2id", b.any("account"))
	} else {
		b.set("record2id", b.any("contact"))
	}
	b.set("record1roleid", b.any("connectionrole"))
	b.set("record2roleid", b.any("connectionrole"))
	b.set("record1objecttypecode", nil)
	b.set("record2objecttypecode", nil)
	b.set("ismaster", true)
	b.text("name", b.numbered("Connection ", i+1, 1))
	b.set("effectivestart", b.made)
	b.maybe(20, "effectiveend", b.after(900))
	b.maybe(10, "description", b.prose(1, 2000))
}

func campaign(b *builder, i int) {
	b.text("name", b.join(pick(b.r, verbs), pick(b.r, topics)))
	b.set("codename", b.numbered("CMP-", 1000+i, 5))
	b.priced()
	b.money("budgetedcost", 60_000)
	b.money("expectedrevenue", 400_000)
	b.set("actualstart", b.made)
	b.set("actualend", b.after(120))
	b.text("objective", b.prose(2, 2000))
	b.set("expectedresponse", b.r.IntN(100))
}

func list(b *builder, i int) {
	b.text("listname", b.numbered(pick(b.r, topics)+" ", i+1, 1))
	b.set("createdfromcode", []store.Value{1, 2, 4}[i%3])
	b.set("membertype", []store.Value{1, 2, 4}[i%3])
	b.set("membercount", b.r.IntN(500))
	b.set("type", false)
	b.priced()
	b.maybe(40, "cost", b.amount(5000))
}

// listMember puts into a list what it is made of.
func listMember(b *builder, i int) {
	lists := max(b.cast.pools["list"].len(), 1)
	n := b.r.IntN(lists)
	kind := [...]string{"account", "contact", "lead"}[n%3]
	b.set("listid", b.ref("list", n))
	b.set("entityid", b.any(kind))
	b.set("entitytype", [...]int{1, 2, 4}[n%3])
	b.text("name", b.numbered("Member ", i+1, 1))
}

// association makes rows of an N:N table. Neighbouring rows pair different rows, so that no pair
// comes twice.
func association(column1, table1, column2, table2 string) func(*builder, int) {
	return func(b *builder, i int) {
		first, second := b.cast.pools[table1], b.cast.pools[table2]
		if first.len() == 0 || second.len() == 0 {
			return
		}
		b.set(column1, first.at(i%first.len()))
		b.set(column2, second.at((i+i/first.len())%second.len()))
		if b.table.Column("name") != nil {
			b.text("name", b.numbered(b.table.SchemaName+" ", i+1, 1))
		}
	}
}
