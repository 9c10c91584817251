package schema

import (
	"cmp"
	"slices"
	"sync"
)

// Standard returns the schema of a new local environment: the standard tables of Dataverse, the
// system tables the server itself needs, and a few custom tables that bring what no standard
// table has. Each call returns a copy of its own.
func Standard() (*Schema, error) {
	s, err := standard()
	if err != nil {
		return nil, err
	}
	return s.Clone(), nil
}

var standard = sync.OnceValues(func() (*Schema, error) {
	tables, err := loadTables()
	if err != nil {
		return nil, err
	}
	choices, err := loadChoices()
	if err != nil {
		return nil, err
	}
	defaults, err := loadDefaultStatus()
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		correct(t)
	}
	tables = append(tables, systemTables()...)
	tables = append(tables, customTables()...)
	slices.SortFunc(tables, func(a, b *Table) int { return cmp.Compare(a.LogicalName, b.LogicalName) })

	s, err := New(tables, choices, manyToMany())
	if err != nil {
		return nil, err
	}
	for _, t := range s.Tables {
		fillOptions(t, s, defaults[t.LogicalName])
		pairMoney(t)
		accompany(t)
		s.Relate(t)
		s.narrowTargets(t)
	}
	return s, nil
})
