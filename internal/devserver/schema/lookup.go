package schema

import "slices"

// Table returns the table with that logical name, nil if there is none.
func (s *Schema) Table(logicalName string) *Table { return s.byName[logicalName] }

// BySet returns the table with that entity set name, nil if there is none.
func (s *Schema) BySet(entitySet string) *Table { return s.bySet[entitySet] }

// Choice returns the global choice of that name, nil if there is none.
func (s *Schema) Choice(name string) *Choice {
	for _, c := range s.Choices {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Column returns the column with that logical name, nil if there is none.
func (t *Table) Column(logicalName string) *Column { return t.byName[logicalName] }

// Relationship returns the many-to-one relationship behind a lookup column for rows of target,
// nil if there is none. Owner columns have one relationship, to owner, whatever the target.
func (t *Table) Relationship(column, target string) *Relationship {
	for _, r := range t.Relationships {
		if r.ReferencingColumn == column && (r.ReferencedEntity == target || r.ReferencedEntity == "owner") {
			return r
		}
	}
	return nil
}

// Companion returns the EntityName column that tells which table a lookup points to, nil if
// there is none.
func (t *Table) Companion(column string) *Column {
	for _, c := range t.Columns {
		if c.Type == EntityName && c.AttributeOf == column {
			return c
		}
	}
	return nil
}

// IsLookup tells whether a column holds the id of a row: on the wire it is _name_value.
func (c *Column) IsLookup() bool {
	return c.Type == Lookup || c.Type == Customer || c.Type == Owner
}

// HasOption tells whether v is one of the column's options.
func (c *Column) HasOption(v int) bool {
	return slices.ContainsFunc(c.Options, func(o Option) bool { return o.Value == v })
}

// Option returns the column's option with that value.
func (c *Column) Option(v int) (Option, bool) {
	i := slices.IndexFunc(c.Options, func(o Option) bool { return o.Value == v })
	if i < 0 {
		return Option{}, false
	}
	return c.Options[i], true
}
