package main

import (
	"strings"

	"lakelink"
)

// drift says how a table's columns have changed; "" if only labels have.
func drift(from, to *lakelink.Table) string {
	var parts []string
	for i := range to.Columns {
		c := &to.Columns[i]
		switch old := from.Column(c.Name); {
		case old == nil:
			parts = append(parts, "column "+c.Name+" was added; rows from before show it once they change, or after a resync")
		case old.Type != c.Type:
			parts = append(parts, "column "+c.Name+" became "+string(c.Type)+", and was "+string(old.Type))
		}
	}
	for i := range from.Columns {
		if name := from.Columns[i].Name; to.Column(name) == nil {
			parts = append(parts, "column "+name+" went away; it stays in the lake, empty from now on")
		}
	}
	return strings.Join(parts, "; ")
}
