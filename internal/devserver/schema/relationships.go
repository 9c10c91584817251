package schema

// Relate derives a table's many-to-one relationships from its lookups' targets, with the names of
// navigation properties as Dataverse makes them (spec §2.5). Relationships that exist stay as
// they are.
func (s *Schema) Relate(t *Table) {
	for _, c := range t.Columns {
		switch {
		case c.Type == Owner:
			// One relationship to the table behind users and teams, not one to each.
			s.relate(t, c, "owner", navigationProperty(t, c, "owner"))
		case c.IsLookup():
			for _, target := range c.Targets {
				s.relate(t, c, target, navigationProperty(t, c, target))
			}
		}
	}
}

func (s *Schema) relate(t *Table, c *Column, target, property string) {
	referenced := s.Table(target)
	if referenced == nil {
		return
	}
	for _, r := range t.Relationships {
		if r.ReferencingColumn == c.LogicalName && r.ReferencedEntity == target {
			return
		}
	}
	name := relationshipName(t, c, target)
	t.Relationships = append(t.Relationships, &Relationship{
		SchemaName: name, ID: id("relationship", t.LogicalName, c.LogicalName, target),
		ReferencingEntity: t.LogicalName, ReferencingColumn: c.LogicalName,
		ReferencedEntity: target, ReferencedColumn: referenced.PrimaryID,
		ReferencingProperty: property, ReferencedProperty: name,
	})
}

// navigationProperty names the property of the referencing table: the lookup's own name, or its
// schema name if it is custom; then the target, if there are several; then the activity, because
// all activities inherit from one table.
func navigationProperty(t *Table, c *Column, target string) string {
	if name := slaProperties[c.LogicalName]; name != "" && t.LogicalName != "incident" {
		return name + "_" + t.LogicalName + "_sla"
	}
	name := c.LogicalName
	if c.Custom {
		name = c.SchemaName
	}
	if c.Type == Customer || c.Type == Lookup && len(c.Targets) > 1 {
		name += "_" + target
	}
	if t.Activity && t.LogicalName != "activitypointer" && inheritedLookups[c.LogicalName] {
		name += "_" + t.LogicalName
	}
	return name
}

// slaProperties are how the properties of the two service-level lookups begin.
var slaProperties = map[string]string{"slaid": "sla", "slainvokedid": "slainvokedid"}

// inheritedLookups are lookups of activitypointer that every activity table has again, so that the
// plain name is taken.
var inheritedLookups = map[string]bool{
	"createdby": true, "createdonbehalfby": true, "modifiedby": true, "modifiedonbehalfby": true,
	"ownerid": true, "owningbusinessunit": true, "owningteam": true, "owninguser": true,
	"regardingobjectid": true, "serviceid": true, "transactioncurrencyid": true,
}

// relationshipName names a relationship, and with it the collection on the referenced table.
func relationshipName(t *Table, c *Column, target string) string {
	if name, ok := knownRelationships[t.LogicalName+"."+c.LogicalName+"."+target]; ok {
		return name
	}
	switch {
	case t.LogicalName == "activityparty" && c.LogicalName == "activityid":
		return target + "_activity_parties"
	case c.Type == Owner:
		return "owner_" + t.EntitySet
	case c.LogicalName == "owningbusinessunit":
		return "business_unit_" + t.EntitySet
	case c.LogicalName == "owningteam":
		return "team_" + t.EntitySet
	case c.LogicalName == "owninguser":
		return "user_" + t.EntitySet
	case target == "systemuser":
		return "lk_" + t.LogicalName + "_" + c.LogicalName
	case c.Custom:
		return c.SchemaName[:customPrefix(c.SchemaName)] + target + "_" + t.SchemaName + "_" + c.SchemaName[customPrefix(c.SchemaName):]
	case c.LogicalName == "transactioncurrencyid":
		return "transactioncurrency_" + t.LogicalName
	case t.Activity && c.LogicalName == "regardingobjectid":
		return target + "_" + t.EntitySet
	case t.LogicalName == "annotation" && c.LogicalName == "objectid":
		return target + "_annotations"
	}
	return target + "_" + t.LogicalName + "_" + c.LogicalName
}

// customPrefix is the length of a publisher's prefix, such as "new_".
func customPrefix(schemaName string) int {
	for i, r := range schemaName {
		if r == '_' {
			return i + 1
		}
	}
	return 0
}

// knownRelationships are names that follow no rule and that programs know by heart.
var knownRelationships = map[string]string{
	"account.parentaccountid.account":              "account_parent_account",
	"account.primarycontactid.contact":             "account_primary_contact",
	"contact.parentcustomerid.account":             "contact_customer_accounts",
	"contact.parentcustomerid.contact":             "contact_customer_contacts",
	"incident.customerid.account":                  "incident_customer_accounts",
	"incident.customerid.contact":                  "incident_customer_contacts",
	"lead.customerid.account":                      "lead_customer_accounts",
	"lead.customerid.contact":                      "lead_customer_contacts",
	"lead.parentaccountid.account":                 "lead_parent_account",
	"lead.parentcontactid.contact":                 "lead_parent_contact",
	"lead.campaignid.campaign":                     "campaign_leads",
	"opportunity.customerid.account":               "opportunity_customer_accounts",
	"opportunity.customerid.contact":               "opportunity_customer_contacts",
	"opportunity.parentaccountid.account":          "opportunity_parent_account",
	"opportunity.parentcontactid.contact":          "opportunity_parent_contact",
	"opportunityproduct.opportunityid.opportunity": "product_opportunities",
	"quote.customerid.account":                     "quote_customer_accounts",
	"quote.customerid.contact":                     "quote_customer_contacts",
	"salesorder.customerid.account":                "order_customer_accounts",
	"salesorder.customerid.contact":                "order_customer_contacts",
	"invoice.customerid.account":                   "invoice_customer_accounts",
	"invoice.customerid.contact":                   "invoice_customer_contacts",
}

// manyToMany are the N:N relationships of the standard and custom tables.
func manyToMany() []*ManyToMany {
	all := []*ManyToMany{
		{SchemaName: "accountleads_association", IntersectEntity: "accountleads", Entity1: "account", Entity1Attribute: "accountid", Entity2: "lead", Entity2Attribute: "leadid"},
		{SchemaName: "contactleads_association", IntersectEntity: "contactleads", Entity1: "contact", Entity1Attribute: "contactid", Entity2: "lead", Entity2Attribute: "leadid"},
		{SchemaName: "leadproduct_association", IntersectEntity: "leadproduct", Entity1: "lead", Entity1Attribute: "leadid", Entity2: "product", Entity2Attribute: "productid"},
		{SchemaName: "new_device_contact", IntersectEntity: "new_device_contact", Entity1: "new_device", Entity1Attribute: "new_deviceid", Entity2: "contact", Entity2Attribute: "contactid"},
		{SchemaName: "opportunitycompetitors_association", IntersectEntity: "opportunitycompetitors", Entity1: "opportunity", Entity1Attribute: "opportunityid", Entity2: "competitor", Entity2Attribute: "competitorid"},
		{SchemaName: "teammembership_association", IntersectEntity: "teammembership", Entity1: "team", Entity1Attribute: "teamid", Entity2: "systemuser", Entity2Attribute: "systemuserid"},
	}
	for _, m := range all {
		m.ID = id("relationship", m.SchemaName)
		m.Entity1Property, m.Entity2Property = m.SchemaName, m.SchemaName
	}
	return all
}
