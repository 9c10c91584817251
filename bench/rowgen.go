package main

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"
)

// A rowGen writes rows as the Web API does. The same number makes the same row.
type rowGen struct {
	b                 []byte
	r                 *rand.Rand
	n                 int // of the row in hand
	created, modified time.Time
}

// Salts keep the ids of tables apart.
const (
	saltAccount uint32 = iota
	saltContact
	saltUser
	saltCurrency
)

// firstVersion is the version of row 0; each row has the next one.
const firstVersion = 4_000_000

var (
	companies = []string{"Contoso", "Fabrikam", "Northwind Traders", "Müller & Söhne", "Adventure Works", "日本電気サービス", "Litware", `Trey "Research"`, "Société Générale d'Eau", "Woodgrove Bank"}
	endings   = []string{"GmbH", "Ltd.", "Inc.", "S.A.", "AG", "株式会社", "B.V.", "& Co."}
	cities    = []string{"München", "Seattle", "Zürich", "Kraków", "São Paulo", "Tokyo", "New York", "Aix-en-Provence", "Leeds", "Gdańsk"}
	countries = []string{"Germany", "United States", "Switzerland", "Poland", "Brazil", "Japan", "France", "United Kingdom"}
	streets   = []string{"Main Street", "Leopoldstraße", "Rue de la Paix", "Bahnhofstrasse", "Market Square", "Avenida Paulista"}
	words     = []string{"the", "customer", "asked", "for", "a", "renewal", "of", "contract", "and", "said", `"yes"`, "quarterly", "review", "über", "delivery", "was", "late;", "invoice", "sent", "to", "head", "office", "\n", "C:\\orders", "next", "call", "on", "Monday"}
)

// row appends row n. The order of its properties is that of columnDefs.
func (g *rowGen) row(n int) {
	g.r = rand.New(rand.NewPCG(1, uint64(n)))
	g.n = n
	g.created = time.Date(2018, 1, 1, 0, 0, g.r.IntN(86400*365*8), 0, time.UTC)
	g.modified = g.created.Add(time.Duration(g.r.IntN(86400*300)) * time.Second)
	g.b = append(g.b, `{"@odata.etag":"W/\"`...)
	g.version(n)
	g.b = append(g.b, `\""`...)
	for i := range columnDefs {
		g.column(&columnDefs[i])
	}
	g.b = append(g.b, '}')
}

func (g *rowGen) column(c *columnDef) {
	if c.isLookup() {
		g.lookup(c)
		return
	}
	g.name(c.name)
	c.value(g)
}

// lookup writes the id with its annotation. One in five of those that need not be set is null,
// which has no annotation.
func (g *rowGen) lookup(c *columnDef) {
	if len(c.targets) == 1 && c.targets[0] != "systemuser" && g.below(5) == 0 {
		g.name(c.property())
		g.b = append(g.b, "null"...)
		return
	}
	g.name(c.property() + "@Microsoft.Dynamics.CRM.lookuplogicalname")
	g.text(c.targets[0])
	g.name(c.property())
	c.value(g)
}

func (g *rowGen) name(s string) {
	g.b = append(g.b, `,"`...)
	g.b = append(g.b, s...)
	g.b = append(g.b, `":`...)
}

func (g *rowGen) below(n int) int { return g.r.IntN(n) }

func (g *rowGen) maybe(percent int, write func()) {
	if g.below(100) < percent {
		write()
	} else {
		g.b = append(g.b, "null"...)
	}
}

// id writes a GUID as sequential ones look: the first four bytes vary most, the last six name the
// machine. Multiplying by an odd number keeps different numbers different.
func (g *rowGen) id(salt uint32, n int) {
	var id [16]byte
	binary.BigEndian.PutUint32(id[0:], uint32(n)*0x9E3779B1+salt)
	binary.BigEndian.PutUint16(id[4:], uint16(n>>10)^uint16(salt)<<12)
	copy(id[6:], []byte{0xef, 0x11, 0x9f, 0x8a, 0x00, 0x0d, 0x3a, byte(salt), byte(n >> 18), 0x5d})
	g.b = append(g.b, '"')
	for i, end := range []int{4, 6, 8, 10, 16} {
		if i > 0 {
			g.b = append(g.b, '-')
		}
		g.b = hex.AppendEncode(g.b, id[[]int{0, 4, 6, 8, 10}[i]:end])
	}
	g.b = append(g.b, '"')
}

func (g *rowGen) version(n int) { g.b = strconv.AppendInt(g.b, int64(firstVersion+n), 10) }

func (g *rowGen) whole(from, to int) {
	g.b = strconv.AppendInt(g.b, int64(from+g.below(to-from+1)), 10)
}

func (g *rowGen) decimal(below, digits int) {
	g.b = strconv.AppendInt(g.b, int64(g.below(below)), 10)
	g.b = append(g.b, '.')
	for range digits {
		g.b = append(g.b, byte('0'+g.below(10)))
	}
}

func (g *rowGen) truth() { g.b = strconv.AppendBool(g.b, g.below(10) == 0) }

func (g *rowGen) instant(t time.Time) { g.b = t.AppendFormat(g.b, `"2006-01-02T15:04:05Z"`) }

func (g *rowGen) day() { g.b = g.modified.AppendFormat(g.b, `"2006-01-02"`) }

// text writes a text that needs no escapes.
func (g *rowGen) text(s string) {
	g.b = append(g.b, '"')
	g.b = append(g.b, s...)
	g.b = append(g.b, '"')
}

// inside appends s escaped, without quotes around it.
func (g *rowGen) inside(s string) {
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			g.b = append(g.b, '\\', c)
		case '\n':
			g.b = append(g.b, `\r\n`...)
		default:
			g.b = append(g.b, c)
		}
	}
}

func (g *rowGen) pick(from []string) { g.inside(from[g.below(len(from))]) }

func (g *rowGen) word(from []string) {
	g.b = append(g.b, '"')
	g.pick(from)
	g.b = append(g.b, '"')
}

func (g *rowGen) company() {
	g.b = append(g.b, '"')
	g.pick(companies)
	g.b = append(g.b, ' ')
	g.b = strconv.AppendInt(g.b, int64(g.n), 10)
	g.b = append(g.b, ' ')
	g.pick(endings)
	g.b = append(g.b, '"')
}

func (g *rowGen) numbered(prefix string, digits int) {
	g.b = append(append(g.b, '"'), prefix...)
	for range digits {
		g.b = append(g.b, byte('0'+g.below(10)))
	}
	g.b = append(g.b, '"')
}

func (g *rowGen) email() {
	g.b = append(g.b, `"someone.`...)
	g.b = strconv.AppendInt(g.b, int64(g.n), 10)
	g.b = append(g.b, `@example.com"`...)
}

func (g *rowGen) street() {
	g.b = append(g.b, '"')
	g.b = strconv.AppendInt(g.b, int64(1+g.below(400)), 10)
	g.b = append(g.b, ' ')
	g.pick(streets)
	g.b = append(g.b, '"')
}

func (g *rowGen) prose() {
	g.b = append(g.b, '"')
	for i := range 5 + g.below(30) {
		if i > 0 {
			g.b = append(g.b, ' ')
		}
		g.pick(words)
	}
	g.b = append(g.b, '"')
}
