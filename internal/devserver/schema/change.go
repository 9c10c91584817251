package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// New makes a schema of tables and choices, with its indexes. It takes them over.
func New(tables []*Table, choices []*Choice, manyToMany []*ManyToMany) (*Schema, error) {
	s := &Schema{Choices: choices, ManyToMany: manyToMany, byName: map[string]*Table{}, bySet: map[string]*Table{}}
	for _, t := range tables {
		if err := s.Add(t); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Add adds a table, which it takes over. What has no number, id or type code gets one.
func (s *Schema) Add(t *Table) error {
	switch {
	case t.LogicalName == "" || t.EntitySet == "":
		return fmt.Errorf("table %q: no logical name or no entity set", t.LogicalName)
	case s.byName[t.LogicalName] != nil:
		return fmt.Errorf("table %s exists already", t.LogicalName)
	case s.bySet[t.EntitySet] != nil:
		return fmt.Errorf("table %s: entity set %s exists already", t.LogicalName, t.EntitySet)
	}
	if err := t.index(); err != nil {
		return err
	}
	if t.byName[t.PrimaryID] == nil {
		return fmt.Errorf("table %s: no column for its primary key %q", t.LogicalName, t.PrimaryID)
	}
	if s.byName == nil {
		s.byName, s.bySet = map[string]*Table{}, map[string]*Table{}
	}
	s.byName[t.LogicalName], s.bySet[t.EntitySet] = t, t
	if t.TypeCode == 0 {
		t.TypeCode = s.nextTypeCode()
	}
	at, _ := slices.BinarySearchFunc(s.Tables, t.LogicalName, func(t *Table, name string) int {
		return strings.Compare(t.LogicalName, name)
	})
	s.Tables = slices.Insert(s.Tables, at, t)
	return nil
}

// nextTypeCode is a code for a custom table.
func (s *Schema) nextTypeCode() int {
	last := 10000
	for _, t := range s.Tables {
		last = max(last, t.TypeCode)
	}
	return last + 1
}

// Remove removes a table, the relationships that point to it, and the choice of it as a lookup's
// target. Lookups left without a target go on, pointing to nothing.
func (s *Schema) Remove(logicalName string) error {
	gone := s.byName[logicalName]
	if gone == nil {
		return fmt.Errorf("no table %s", logicalName)
	}
	delete(s.byName, logicalName)
	delete(s.bySet, gone.EntitySet)
	s.Tables = slices.DeleteFunc(s.Tables, func(t *Table) bool { return t == gone })
	s.ManyToMany = slices.DeleteFunc(s.ManyToMany, func(m *ManyToMany) bool {
		return m.IntersectEntity == logicalName || m.Entity1 == logicalName || m.Entity2 == logicalName
	})
	for _, t := range s.Tables {
		t.Relationships = slices.DeleteFunc(t.Relationships, func(r *Relationship) bool { return r.ReferencedEntity == logicalName })
		for _, c := range t.Columns {
			c.Targets = slices.DeleteFunc(c.Targets, func(target string) bool { return target == logicalName })
		}
	}
	return nil
}

// AddColumn adds a column, which it takes over, with the next number. Relationships of a lookup
// are the caller's to add; Relate derives them.
func (t *Table) AddColumn(c *Column) error {
	if t.byName[c.LogicalName] != nil {
		return fmt.Errorf("table %s: column %s exists already", t.LogicalName, c.LogicalName)
	}
	if err := t.adopt(c); err != nil {
		return err
	}
	t.Columns = append(t.Columns, c)
	return nil
}

// RemoveColumn removes a column, its companions and its relationships. Its number is not given
// out again.
func (t *Table) RemoveColumn(logicalName string) error {
	if t.byName[logicalName] == nil {
		return fmt.Errorf("table %s: no column %s", t.LogicalName, logicalName)
	}
	t.Columns = slices.DeleteFunc(t.Columns, func(c *Column) bool {
		gone := c.LogicalName == logicalName || c.AttributeOf == logicalName
		if gone {
			delete(t.byName, c.LogicalName)
		}
		return gone
	})
	t.Relationships = slices.DeleteFunc(t.Relationships, func(r *Relationship) bool { return r.ReferencingColumn == logicalName })
	return nil
}

// Clone returns a deep copy, which may be changed without disturbing readers of s.
func (s *Schema) Clone() *Schema {
	c := &Schema{
		Tables:     make([]*Table, len(s.Tables)),
		Choices:    make([]*Choice, len(s.Choices)),
		ManyToMany: make([]*ManyToMany, len(s.ManyToMany)),
		byName:     make(map[string]*Table, len(s.Tables)),
		bySet:      make(map[string]*Table, len(s.Tables)),
	}
	for i, t := range s.Tables {
		t = t.clone()
		c.Tables[i], c.byName[t.LogicalName], c.bySet[t.EntitySet] = t, t, t
	}
	for i, choice := range s.Choices {
		copied := *choice
		copied.Options = slices.Clone(choice.Options)
		c.Choices[i] = &copied
	}
	for i, m := range s.ManyToMany {
		copied := *m
		c.ManyToMany[i] = &copied
	}
	return c
}

func (t *Table) clone() *Table {
	copied := *t
	copied.Columns = make([]*Column, len(t.Columns))
	copied.Relationships = make([]*Relationship, len(t.Relationships))
	copied.byName = maps.Clone(t.byName)
	for i, c := range t.Columns {
		column := *c
		column.Targets, column.Options = slices.Clone(c.Targets), slices.Clone(c.Options)
		copied.Columns[i], copied.byName[c.LogicalName] = &column, &column
	}
	for i, r := range t.Relationships {
		relationship := *r
		copied.Relationships[i] = &relationship
	}
	return &copied
}

// index makes the table's column index and gives ids and numbers to what has none.
func (t *Table) index() error {
	if t.ID == "" {
		t.ID = id("table", t.LogicalName)
	}
	t.byName = make(map[string]*Column, len(t.Columns))
	for _, c := range t.Columns {
		t.LastNumber = max(t.LastNumber, c.Number)
	}
	for _, c := range t.Columns {
		if t.byName[c.LogicalName] != nil {
			return fmt.Errorf("table %s: column %s twice", t.LogicalName, c.LogicalName)
		}
		if err := t.adopt(c); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) adopt(c *Column) error {
	if c.LogicalName == "" || c.Type == "" {
		return fmt.Errorf("table %s: column %q without a name or a type", t.LogicalName, c.LogicalName)
	}
	if c.Number == 0 {
		t.LastNumber++
		c.Number = t.LastNumber
	}
	if c.ID == "" {
		c.ID = id("column", t.LogicalName, c.LogicalName)
	}
	if t.byName == nil {
		t.byName = map[string]*Column{}
	}
	t.byName[c.LogicalName] = c
	return nil
}
