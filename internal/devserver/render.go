package devserver

import (
	"context"
	"slices"
	"strconv"

	"lakelink/internal/devserver/odata"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// A projection turns stored rows into JSON: it knows which columns a client wants, in which
// order, with which annotations. It works for one request.
type projection struct {
	table   *store.Table
	columns []projected
	slots   []int16  // by column number: 1 + index into columns, 0 for columns not wanted
	values  [][]byte // by index into columns: the current row
	names   []string // as selected, nil for all
	format  *formatter
}

// A projected column has the pieces of JSON that do not change from row to row.
type projected struct {
	column     *schema.Column
	key        string            // ,"name":
	null       string            // ,"name":null
	lookup     string            // ,"_x_value@…lookuplogicalname":" or empty
	navigation map[string]string // target table to ,"_x_value@…associatednavigationproperty":"x"
	formatted  string            // ,"name@…FormattedValue": or empty
	kind       projectedKind
}

type projectedKind int

const (
	stored projectedKind = iota
	primaryKey
	version
	secret // stored, and never shown
)

// newProjection selects columns by $select. The primary key always comes along, and the currency
// with any amount of money.
func newProjection(t *store.Table, selected []string, a annotations) (*projection, error) {
	p := &projection{table: t, names: selected, slots: make([]int16, t.MaxNumber()+1)}
	if selected == nil {
		for _, c := range t.Columns {
			if store.OnWire(c) {
				p.add(c, a)
			}
		}
	}
	money := false
	for _, name := range selected {
		c := t.Property(name)
		if c == nil {
			return nil, badRequest("Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.%s'.", name, t.LogicalName)
		}
		money = money || c.Type == schema.Money
		p.add(c, a)
	}
	p.add(t.Column(t.PrimaryID), a)
	if c := t.Column("transactioncurrencyid"); money && c != nil {
		p.add(c, a)
	}
	p.values = make([][]byte, len(p.columns))
	return p, nil
}

func (p *projection) add(c *schema.Column, a annotations) {
	if p.slots[c.Number] != 0 {
		return
	}
	name := store.WireName(c)
	col := projected{column: c, key: `,"` + name + `":`, null: `,"` + name + `":null`}
	switch {
	case p.table.IsID(c):
		col.kind = primaryKey
	case p.table.IsVersion(c):
		col.kind = version
	case p.table.IsSecret(c):
		col.kind = secret
	}
	if c.IsLookup() && a.include(lookupTable) {
		col.lookup = `,"` + name + `@` + lookupTable + `":"`
	}
	if c.IsLookup() && a.include(lookupNavigation) {
		col.navigation = map[string]string{}
		for _, rel := range p.table.Relationships {
			if rel.ReferencingColumn == c.LogicalName {
				col.navigation[rel.ReferencedEntity] = `,"` + name + `@` + lookupNavigation + `":"` + rel.ReferencingProperty + `"`
			}
		}
	}
	if a.include(formattedValue) {
		col.formatted = `,"` + name + `@` + formattedValue + `":`
	}
	p.columns = append(p.columns, col)
	p.slots[c.Number] = int16(len(p.columns))
}

// formatWith gives the projection what it needs for formatted values: the rows that lookups
// point to. It is called once, inside the snapshot that the rows come from.
func (p *projection) formatWith(ctx context.Context, st *store.Store, snap *store.Snapshot) {
	if slices.ContainsFunc(p.columns, func(c projected) bool { return c.formatted != "" }) {
		p.format = newFormatter(ctx, st, snap)
	}
}

// context is what follows $metadata# for rows of this projection.
func (p *projection) context() string {
	if p.names == nil {
		return p.table.EntitySet
	}
	b := append([]byte(p.table.EntitySet), '(')
	for i, name := range p.names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, name...)
	}
	return string(append(b, ')'))
}

// load makes a row the current one.
func (p *projection) load(body []byte) {
	clear(p.values)
	for len(body) > 0 {
		number, value, rest := store.Entry(body)
		if number == 0 {
			break
		}
		if number < len(p.slots) && p.slots[number] != 0 {
			p.values[p.slots[number]-1] = value
		}
		body = rest
	}
}

// appendRow writes the members of a row, from its ETag on, without the braces.
func (p *projection) appendRow(b []byte, id store.ID, version int64, body []byte) []byte {
	p.load(body)
	b = append(b, `"@odata.etag":"W/\"`...)
	b = strconv.AppendInt(b, version, 10)
	b = append(b, `\""`...)
	for i := range p.columns {
		b = p.appendColumn(b, &p.columns[i], p.values[i], id, version)
	}
	return b
}

func (p *projection) appendColumn(b []byte, c *projected, value []byte, id store.ID, v int64) []byte {
	switch {
	case c.kind == primaryKey:
		b = append(append(b, c.key...), '"')
		return append(id.AppendText(b), '"')
	case c.kind == version:
		if c.formatted != "" {
			b = appendQuoted(append(b, c.formatted...), groupDigits(strconv.FormatInt(v, 10)))
		}
		return strconv.AppendInt(append(b, c.key...), v, 10)
	case value == nil || c.kind == secret:
		return append(b, c.null...)
	}
	target, literal := store.SplitRef(value)
	if c.formatted != "" {
		if text, ok := p.format.value(c.column, target, literal, p.values, p.slots, p.table); ok {
			b = appendQuoted(append(b, c.formatted...), text)
		}
	}
	if target != nil {
		b = append(b, c.navigation[string(target)]...)
		if c.lookup != "" {
			b = append(append(append(b, c.lookup...), target...), '"')
		}
	}
	return append(append(b, c.key...), literal...)
}

// selectOption reads $select.
func (r *request) selectOption() []string {
	value, _ := r.option("$select")
	return odata.Select(value)
}
