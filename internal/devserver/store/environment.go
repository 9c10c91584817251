package store

import (
	"context"
	"fmt"

	"lakelink/internal/devserver/schema"
)

// An Environment is who this environment is, and the rows that every environment has from its
// first moment: its organization, root business unit, application user and base currency.
type Environment struct {
	OrganizationID ID
	BusinessUnitID ID
	UserID         ID // the user behind the application, owner of what it creates
	CurrencyID     ID // the base currency, US dollars
}

// DefaultClientID is the application that the environment's user stands for.
const DefaultClientID = "51f81489-12ee-4a9e-aaae-a2591f45987d"

var (
	rootBusinessUnit = MustParseID("38e0dbe4-131b-e111-ba7e-78e7d1620f5e")
	applicationUser  = MustParseID("4026be43-6b69-e111-8f65-78e7d1620f5e")
	baseCurrency     = MustParseID("228f42f8-e646-e111-8eb7-78e7d162ced1")
)

// Environment returns the environment's identity.
func (s *Store) Environment() Environment { return s.env }

// loadEnvironment reads the environment's identity, and makes its first rows if it is new.
func (s *Store) loadEnvironment(ctx context.Context, organization ID) error {
	s.env = Environment{BusinessUnitID: rootBusinessUnit, UserID: applicationUser, CurrencyID: baseCurrency}
	t := s.tables["organization"]
	if t == nil {
		return fmt.Errorf("the schema has no table organization")
	}
	if err := s.Read(ctx, func(snap *Snapshot) error {
		rows, err := snap.Query(ctx, Query{Table: t, Limit: 1})
		if err != nil {
			return err
		}
		defer rows.Close()
		if rows.Next() {
			s.env.OrganizationID = rows.ID()
		}
		return rows.Err()
	}); err != nil {
		return err
	}
	if s.env.OrganizationID == (ID{}) {
		if s.env.OrganizationID = organization; organization == (ID{}) {
			s.env.OrganizationID = NewID()
		}
		if err := s.Update(ctx, s.insertFirstRows); err != nil {
			return fmt.Errorf("make a new environment: %w", err)
		}
	}
	return s.Update(ctx, s.insertMessages)
}

// insertFirstRows makes the rows that others refer to.
func (s *Store) insertFirstRows(tx *Tx) error {
	name := "unq" + s.env.OrganizationID.String()[:8]
	for _, r := range []struct {
		table  string
		id     ID
		values map[string]Value
	}{
		{"organization", s.env.OrganizationID, map[string]Value{
			"name": name, "expirechangetrackingindays": 7, "expiresubscriptionsindays": 90,
			"basecurrencyid": Ref{"transactioncurrency", s.env.CurrencyID}, "pricingdecimalprecision": 2, "languagecode": 1033,
			"localeid": 1033, "maxrecordsforexporttoexcel": 100_000, "plugintracelogsetting": 0,
		}},
		{"transactioncurrency", s.env.CurrencyID, map[string]Value{
			"currencyname": "US Dollar", "isocurrencycode": "USD", "currencysymbol": "$", "currencyprecision": 2, "exchangerate": rateOfBase,
		}},
		{"businessunit", s.env.BusinessUnitID, map[string]Value{"name": name, "isdisabled": false}},
		{"systemuser", s.env.UserID, map[string]Value{
			"firstname": "#", "lastname": "Lakelink", "domainname": "lakelink@" + name + ".onmicrosoft.com",
			"applicationid": MustParseID(DefaultClientID), "isdisabled": false, "accessmode": 4,
			"businessunitid": Ref{"businessunit", s.env.BusinessUnitID}, "islicensed": false,
			"internalemailaddress": "lakelink@" + name + ".onmicrosoft.com",
		}},
	} {
		t := s.tables[r.table]
		if t == nil {
			return fmt.Errorf("the schema has no table %s", r.table)
		}
		row := Row{{t.id, r.id}}
		for name, v := range r.values {
			if c := t.Column(name); c != nil && accepts(c, v) {
				row = append(row, Field{c, v})
			}
		}
		if _, err := tx.Insert(t.Table, row); err != nil {
			return err
		}
	}
	return nil
}

// accepts says whether a column can hold a value: the organization's columns vary between schemas.
func accepts(c *schema.Column, v Value) bool {
	_, err := appendValue(nil, c, v)
	return err == nil
}

// insertMessages makes the sdkmessages Create, Update and Delete, and a filter for every table
// that lacks one, so that steps can be registered for it.
func (s *Store) insertMessages(tx *Tx) error {
	messages, filters := s.tables["sdkmessage"], s.tables["sdkmessagefilter"]
	if messages == nil || filters == nil {
		return nil
	}
	have := map[ID]bool{}
	for _, t := range []*Table{messages, filters} {
		if err := tx.ids(t, have); err != nil {
			return err
		}
	}
	for _, m := range []Message{Create, Update, Delete} {
		id := derivedID("sdkmessage", string(m))
		if !have[id] {
			if _, err := tx.Insert(messages.Table, Row{
				{messages.id, id},
				{messages.Column("name"), string(m)},
			}); err != nil {
				return err
			}
		}
		for _, t := range s.schema.Tables {
			filter := derivedID("sdkmessagefilter", string(m), t.LogicalName)
			if have[filter] {
				continue
			}
			if _, err := tx.Insert(filters.Table, Row{
				{filters.id, filter},
				{filters.Column("sdkmessageid"), Ref{"sdkmessage", id}},
				{filters.Column("primaryobjecttypecode"), t.LogicalName},
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
