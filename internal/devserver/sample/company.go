package sample

import "lakelink/internal/devserver/store"

// The company itself: currencies, units, people, teams, queues.

// currencies besides the environment's own: code, name, symbol, decimals, worth of one unit of the
// base currency.
var currencies = []struct {
	code, name, symbol string
	precision          int
	rate               store.Decimal
}{
	{"EUR", "Euro", "€", 2, "0.9234567891"}, {"GBP", "Pound Sterling", "£", 2, "0.7891000000"}, {"JPY", "日本円", "¥", 0, "149.8500000000"},
	{"CHF", "Schweizer Franken", "CHF", 2, "0.8812345678"}, {"SEK", "Svensk krona", "kr", 2, "10.4500000000"},
	{"INR", "भारतीय रुपया", "₹", 2, "83.2512000000"}, {"KWD", "دينار كويتي", "د.ك", 3, "0.3075000001"},
}

func currency(b *builder, i int) {
	c := currencies[i%len(currencies)]
	b.set("currencyname", c.name)
	b.set("isocurrencycode", c.code)
	b.set("currencysymbol", c.symbol)
	b.set("currencyprecision", c.precision)
	b.set("exchangerate", c.rate)
	b.in(0)
}

func businessUnit(b *builder, i int) {
	p := places[shuffled(i, len(places))]
	b.text("name", b.numbered(p.country+" ", i+1, 2))
	b.text("divisionname", pick(b.r, departments))
	b.set("parentbusinessunitid", b.ref("businessunit", i/3))
	b.text("costcenter", b.numbered("CC-", 1000+i, 4))
	b.set("creditlimit", float64(b.r.IntN(1_000_000)))
	b.addressed("address1_", p)
}

var positions = []string{"Chief Sales Officer", "Regional Director", "Sales Manager", "Account Manager", "Service Manager", "Service Agent", "Back Office"}

func position(b *builder, i int) {
	b.set("name", positions[i])
	if i > 0 {
		b.set("parentpositionid", b.ref("position", (i-1)/2))
	}
}

// colleague is the name of the user at place i.
func colleague(i int) name {
	if i%9 == 8 {
		return wholeNames[i/9%len(wholeNames)]
	}
	return name{latinFirst[shuffled(i, len(latinFirst))], latinLast[shuffled(i*7+3, len(latinLast))]}
}

func systemUser(b *builder, i int) {
	who := colleague(i)
	b.set("firstname", who.first)
	b.set("lastname", who.last)
	b.set("fullname", b.join(who.first, who.last))
	mail := b.email("user", i+1)
	b.set("internalemailaddress", mail)
	b.set("domainname", mail)
	b.text("title", pick(b.r, jobTitles))
	b.set("businessunitid", b.ref("businessunit", i))
	b.set("positionid", b.any("position"))
	b.set("parentsystemuserid", b.parent(i))
	b.set("territoryid", b.any("territory"))
	b.maybe(60, "mobilephone", b.phone())
	b.set("azureactivedirectoryobjectid", newIDSpace(int64(i), "directory").at(0))
	b.set("islicensed", i%20 != 19)
	b.set("isdisabled", i%20 == 19)
	b.set("accessmode", 0)
}

func team(b *builder, i int) {
	b.text("name", b.numbered(pick(b.r, departments)+" team ", i+1, 2))
	b.set("businessunitid", b.ref("businessunit", i))
	b.set("administratorid", b.user())
	b.set("teamtype", 0)
	b.maybe(40, "description", b.prose(2, 2000))
}

// owner repeats users: it is the table behind owner lookups.
func owner(b *builder, i int) {
	who := colleague(i)
	b.set("name", b.join(who.first, who.last))
	b.set("owneridtype", 8)
}

func teamMembership(b *builder, i int) {
	users, teams := b.cast.pools["systemuser"], b.cast.pools["team"]
	if users.len() == 0 || teams.len() == 0 {
		return
	}
	b.set("systemuserid", users.at(i%users.len()))
	b.set("teamid", teams.at((i+i/users.len())%teams.len()))
}

func territory(b *builder, i int) {
	p := places[i%len(places)]
	b.text("name", b.numbered(p.city+" ", i/len(places)+1, 1))
	b.set("managerid", b.user())
	b.maybe(30, "description", b.prose(1, 2000))
}

func queue(b *builder, i int) {
	b.text("name", b.numbered(pick(b.r, departments)+" queue ", i+1, 2))
	b.set("emailaddress", b.email("queue", i+1))
	b.set("businessunitid", b.ref("businessunit", i))
	b.set("numberofitems", b.r.IntN(200))
	b.in(0)
}

var slaNames = []string{"Gold", "Silver", "Bronze", "Platinum 24×7", "Standard", "Best effort"}

func sla(b *builder, i int) {
	b.set("name", slaNames[i])
	b.set("isdefault", i == 0)
	b.set("primaryentityotc", 112)
	b.text("description", b.prose(1, 2000))
}

var connectionRoles = []string{"Colleague", "Former employee", "Stakeholder", "Decision maker", "Influencer", "Spouse", "Friend", "Partner", "Supplier", "Referred by"}

func connectionRole(b *builder, i int) {
	b.set("name", connectionRoles[i])
	b.text("description", b.prose(1, 2000))
	b.set("componentstate", 0)
	b.in(0)
}

// addressed sets an address; prefix is "address1_" in tables that have several.
func (b *builder) addressed(prefix string, p place) {
	b.text(prefix+"line1", b.street())
	b.text(prefix+"city", p.city)
	b.text(prefix+"stateorprovince", p.region)
	b.text(prefix+"postalcode", p.postal)
	b.text(prefix+"country", p.country)
	if oneIn(b.r, 4) {
		b.set(prefix+"latitude", float64(b.r.IntN(18_000_000)-9_000_000)/100_000)
		b.set(prefix+"longitude", float64(b.r.IntN(36_000_000)-18_000_000)/100_000)
	}
	b.maybe(30, prefix+"telephone1", b.phone())
}
