package store

import (
	"fmt"
	"slices"

	"lakelink/internal/devserver/schema"
)

// A Table is a table of the schema with what the store has worked out about it. It is immutable.
type Table struct {
	*schema.Table

	sqlName  string
	byWire   map[string]*schema.Column
	byNumber []*schema.Column // holes are nil
	id       *schema.Column
	version  *schema.Column // nil where the table has no versionnumber

	defaults defaults
	pointer  *pointer // activities only
}

func newTable(t *schema.Table) (*Table, error) {
	p := &Table{
		Table:  t,
		byWire: make(map[string]*schema.Column, len(t.Columns)),
	}
	for _, r := range t.LogicalName {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return nil, fmt.Errorf("table %q: not a logical name", t.LogicalName)
		}
	}
	p.sqlName = "t_" + t.LogicalName
	for _, c := range t.Columns {
		if c.Number < 1 {
			return nil, fmt.Errorf("column %s.%s has no number", t.LogicalName, c.LogicalName)
		}
		if c.Number >= len(p.byNumber) {
			p.byNumber = slices.Grow(p.byNumber, c.Number+1-len(p.byNumber))[:c.Number+1]
		}
		if other := p.byNumber[c.Number]; other != nil {
			return nil, fmt.Errorf("table %s: columns %s and %s have the same number", t.LogicalName, other.LogicalName, c.LogicalName)
		}
		p.byNumber[c.Number] = c
		if OnWire(c) {
			p.byWire[WireName(c)] = c
		}
	}
	if p.id = t.Column(t.PrimaryID); p.id == nil {
		return nil, fmt.Errorf("table %s has no column %q, its primary key", t.LogicalName, t.PrimaryID)
	}
	p.version = t.Column("versionnumber")
	p.defaults = newDefaults(p)
	return p, nil
}

// connect works out what needs the other tables.
func (t *Table) connect(tables map[string]*Table) {
	t.pointer = newPointer(t, tables["activitypointer"])
}

// Property returns the column behind a property of the wire, such as "name" or
// "_ownerid_value", nil if there is none.
func (t *Table) Property(wireName string) *schema.Column { return t.byWire[wireName] }

// IsID says whether c is the primary key, which is kept beside the columns.
func (t *Table) IsID(c *schema.Column) bool { return c.Number == t.id.Number }

// IsVersion says whether c is versionnumber, which is kept beside the columns.
func (t *Table) IsVersion(c *schema.Column) bool {
	return t.version != nil && c.Number == t.version.Number
}

// IsSecret says whether c is kept and never told: the key of a service endpoint.
func (t *Table) IsSecret(c *schema.Column) bool {
	return t.LogicalName == "serviceendpoint" && c.LogicalName == "authvalue"
}

// MaxNumber is the highest column number of the table.
func (t *Table) MaxNumber() int { return len(t.byNumber) - 1 }

// OnWire says whether c is a property of rows.
func OnWire(c *schema.Column) bool {
	return c.ValidOData && c.AttributeOf == "" && c.Type != schema.Virtual && c.Type != schema.PartyList
}

// WireName is the name of c's property in rows: lookups appear as _name_value.
func WireName(c *schema.Column) string {
	if c.IsLookup() {
		return "_" + c.LogicalName + "_value"
	}
	return c.LogicalName
}
