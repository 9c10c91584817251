package schema

import (
	"cmp"
	"slices"
	"strings"
)

// ownership corrects what the data tells only as far as an owner or organization column exists.
var ownership = map[string]string{
	"systemuser": "BusinessOwned", "team": "BusinessOwned", "businessunit": "BusinessOwned", "organization": "None",
}

// untrackable tables are views or settings of the platform, not data of their own.
var untrackable = []string{"organization", "owner"}

// partyTables are the tables whose rows can take part in an activity.
var partyTables = []string{
	"account", "campaign", "contact", "contract", "entitlement", "incident", "invoice",
	"knowledgearticle", "lead", "opportunity", "queue", "quote", "salesorder", "systemuser",
}

// regardingTables are the tables an activity can be about.
var regardingTables = []string{
	"account", "campaign", "contact", "contract", "entitlement", "incident", "invoice",
	"knowledgearticle", "lead", "opportunity", "quote", "salesorder",
}

// owning are the lookups that follow from a row's owner.
var owning = map[string]string{"owningbusinessunit": "businessunit", "owningteam": "team", "owninguser": "systemuser"}

// correct repairs what the derived data has wrong. A column that goes leaves a gap in the numbers.
func correct(t *Table) {
	if o := ownership[t.LogicalName]; o != "" {
		t.Ownership = o
	}
	if slices.Contains(untrackable, t.LogicalName) {
		t.ChangeTracked, t.CanTrack = false, false
	}
	if t.Activity {
		// The Common Data Model resolves the polymorphic regarding lookup into a second column, "id".
		t.Columns = slices.DeleteFunc(t.Columns, func(c *Column) bool { return c.LogicalName == "id" })
	}
	for _, c := range t.Columns {
		correctColumn(t, c)
	}
	if slices.Contains(pictured, t.LogicalName) {
		stamp := readOnly(column("EntityImage_Timestamp", "Entity Image Timestamp", BigInt))
		stamp.MinValue, stamp.MaxValue = minInt64, maxInt64
		t.Columns = append(t.Columns, stamp)
	}
}

// pictured are tables that get the time of their image back: without it versionnumber would be the
// only whole number of 64 bits.
var pictured = []string{"account", "contact"}

func correctColumn(t *Table, c *Column) {
	switch {
	case t.Activity && c.LogicalName == "regardingobjectid":
		c.Targets = slices.Clone(regardingTables)
	case c.LogicalName == "partyid" || c.Type == PartyList:
		c.Targets = slices.Clone(partyTables)
	case t.LogicalName == "queueitem" && c.LogicalName == "objectid":
		c.Targets = append(c.Targets, "incident", "knowledgearticle")
	case strings.HasSuffix(c.LogicalName, "durationminutes"):
		c.Type, c.Format, c.MinValue, c.MaxValue = Integer, "Duration", "0", maxInt32
	case t.Intersect && t.LogicalName != "listmember" && c.Type == Lookup:
		// N:N tables hold plain ids: teammembership has systemuserid, not _systemuserid_value.
		c.Type, c.Targets = Uniqueidentifier, nil
	case owning[c.LogicalName] != "" && c.Type == Uniqueidentifier:
		c.Type, c.Targets, c.ReadOnly = Lookup, []string{owning[c.LogicalName]}, true
	}
	if c.LogicalName == "languagecode" || c.LogicalName == "localeid" || c.LogicalName == "pinpointlanguagecode" || c.LogicalName == "utcoffset" {
		if c.Type == String && c.MaxLength == 0 {
			c.Type, c.Format, c.MinValue, c.MaxValue = Integer, "None", minInt32, maxInt32
		}
	}
	if c.LogicalName == t.PrimaryName {
		c.Type = String // knowledgearticle's title is long enough to pass for a memo
	}
	if c.Type == Integer {
		c.Format = cmp.Or(c.Format, "None")
		c.MinValue, c.MaxValue = cmp.Or(c.MinValue, minInt32), cmp.Or(c.MaxValue, maxInt32)
	}
	if c.Type == String && c.Format == "" {
		c.Format = "Text"
	}
	if c.Type == Memo && c.Format == "" {
		c.Format = "TextArea"
	}
}

// pairMoney marks the twins in base currency.
func pairMoney(t *Table) {
	for _, c := range t.Columns {
		of, isTwin := strings.CutSuffix(c.LogicalName, "_base")
		if original := t.Column(of); isTwin && original != nil && c.Type == Money && original.Type == Money {
			c.CalculationOf, c.ReadOnly = of, true
		}
	}
}

// accompany attaches each EntityName column to its lookup. The two that belong to none
// (activitytypecode; annotation's objecttypecode) are properties in their own right.
func accompany(t *Table) {
	for _, c := range t.Columns {
		if c.Type != EntityName || c.AttributeOf != "" || c.LogicalName == "objecttypecode" {
			continue
		}
		for _, suffix := range []string{"objecttypecode", "typecode", "type"} {
			of, found := strings.CutSuffix(c.LogicalName, suffix)
			if !found {
				continue
			}
			for _, name := range []string{of, of + "id", of + "objectid"} {
				if lookup := t.Column(name); lookup != nil && lookup.IsLookup() && c.AttributeOf == "" {
					c.AttributeOf, c.ValidOData, c.ReadOnly = name, false, true
				}
			}
		}
	}
}

// narrowTargets leaves those of a lookup's targets that this schema has. A lookup none of whose
// targets exists keeps them: its column is there, always empty, without a relationship.
func (s *Schema) narrowTargets(t *Table) {
	for _, c := range t.Columns {
		present := slices.DeleteFunc(slices.Clone(c.Targets), func(name string) bool { return s.Table(name) == nil })
		slices.Sort(present)
		present = slices.Compact(present)
		if len(present) > 0 {
			c.Targets = present
		}
	}
}
