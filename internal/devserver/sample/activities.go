package sample

import (
	"time"

	"lakelink/internal/devserver/store"
)

// Activities, who takes part in them, and notes.

// activityTables are in the order in which parties are given to their rows.
var activityTables = []string{"task", "phonecall", "email", "appointment", "letter", "fax"}

// begun sets what all activities have.
func (b *builder) begun() {
	b.text("subject", b.subject())
	b.maybe(85, "regardingobjectid", b.regarding())
	start := b.after(14)
	minutes := 15 * (1 + b.r.IntN(8))
	b.set("scheduledstart", start)
	b.set("scheduledend", start.Add(time.Duration(minutes)*time.Minute))
	b.set("scheduleddurationminutes", minutes)
	b.set("prioritycode", 1)
	b.mostly(35)
	if b.r.IntN(3) > 0 {
		b.set("actualdurationminutes", minutes)
		b.set("actualend", start.Add(time.Duration(minutes)*time.Minute))
	}
}

func (b *builder) regarding() store.Value {
	switch n := b.r.IntN(10); {
	case n < 4:
		return b.any("account")
	case n < 6:
		return b.any("contact")
	case n < 8:
		return b.any("opportunity")
	case n < 9:
		return b.any("incident")
	}
	return b.any("lead")
}

func task(b *builder, i int) {
	b.edge(i, taskEdges)
	b.begun()
	b.maybe(50, "description", b.prose(1+b.r.IntN(5), 2000))
	b.set("percentcomplete", b.r.IntN(21)*5)
	b.maybe(30, "category", pick(b.r, departments))
}

func phoneCall(b *builder, i int) {
	b.begun()
	b.set("phonenumber", b.phone())
	b.set("directioncode", b.r.IntN(3) > 0)
	b.set("leftvoicemail", oneIn(b.r, 5))
	b.maybe(60, "description", b.prose(1+b.r.IntN(4), 2000))
}

func email(b *builder, i int) {
	b.begun()
	outgoing := oneIn(b.r, 2)
	b.set("directioncode", outgoing)
	b.set("torecipients", b.email("contact", 1+b.r.IntN(100_000))+";"+b.email("info", 1+b.r.IntN(10_000)))
	if outgoing {
		b.set("emailsender", b.user())
		b.set("sender", b.email("user", 1+b.r.IntN(1000)))
	} else {
		b.set("sender", b.email("contact", 1+b.r.IntN(100_000)))
		b.set("emailsender", b.any("contact"))
	}
	b.set("senton", b.made)
	b.set("messageid", b.email("<message", i+1)+">")
	b.set("mimetype", "text/html")
	b.set("attachmentcount", b.r.IntN(3))
	b.text("description", b.prose(3+b.r.IntN(15), 100_000))
	b.maybe(20, "opencount", b.r.IntN(50))
}

func appointment(b *builder, i int) {
	b.begun()
	b.text("location", b.join(b.street(), pick(b.r, places).city))
	b.set("isalldayevent", oneIn(b.r, 15))
	b.set("instancetypecode", 0)
	b.maybe(50, "description", b.prose(1+b.r.IntN(4), 2000))
}

func letter(b *builder, i int) {
	b.begun()
	b.text("address", b.street())
	b.set("directioncode", true)
	b.maybe(50, "description", b.prose(2, 2000))
}

func fax(b *builder, i int) {
	b.begun()
	b.set("faxnumber", b.phone())
	b.set("numberofpages", 1+b.r.IntN(9))
	b.text("coverpagename", b.subject())
	b.set("directioncode", false)
}

// A role is what somebody is in an activity.
const (
	sender   = 1
	to       = 2
	cc       = 3
	required = 5
	optional = 6
	organize = 7
	about    = 8
	ownedBy  = 9
)

// rolesOf are the parties of an activity, in the order in which they are made.
var rolesOf = map[string][]int{
	"task":        {ownedBy, about},
	"phonecall":   {sender, to, ownedBy},
	"email":       {sender, to, ownedBy, cc, about},
	"appointment": {organize, required, optional, ownedBy},
	"letter":      {sender, to, ownedBy},
	"fax":         {sender, to, ownedBy},
}

// activityParty gives the activities their parties, one after another, as far as the rows go.
func activityParty(b *builder, i int) {
	activities := 0
	for _, table := range activityTables {
		activities += b.cast.pools[table].len()
	}
	if activities == 0 {
		return
	}
	n, turn := i%activities, i/activities
	for _, table := range activityTables {
		count := b.cast.pools[table].len()
		if n < count {
			roles := rolesOf[table]
			b.party(b.ref(table, n), roles[turn%len(roles)])
			return
		}
		n -= count
	}
}

// party puts somebody into an activity.
func (b *builder) party(activity store.Value, role int) {
	b.set("activityid", activity)
	b.set("participationtypemask", role)
	b.set("instancetypecode", 0)
	switch role {
	case sender, organize, ownedBy:
		b.set("partyid", b.user())
	case about:
		b.set("partyid", b.any("account"))
	default:
		b.set("partyid", b.any("contact"))
		b.set("addressused", b.email("contact", 1+b.r.IntN(100_000)))
	}
	b.maybe(30, "scheduledstart", b.made)
}

func annotation(b *builder, i int) {
	b.edge(i, annotationEdges)
	b.set("objectid", b.regarding())
	b.text("subject", b.subject())
	sentences := 1 + b.r.IntN(6)
	if oneIn(b.r, 50) {
		sentences = 100 + b.r.IntN(200)
	}
	b.text("notetext", b.prose(sentences, 100_000))
	b.set("isdocument", oneIn(b.r, 10))
}

func queueItem(b *builder, i int) {
	b.set("queueid", b.any("queue"))
	if i%2 == 0 {
		b.set("objectid", b.any("incident"))
	} else {
		b.set("objectid", b.any("email"))
	}
	b.text("title", b.subject())
	b.set("enteredon", b.made)
	b.maybe(40, "workerid", b.user())
	b.set("objecttypecode", nil)
}
