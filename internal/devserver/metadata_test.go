package devserver_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"lakelink/internal/devserver/devservertest"
)

const discovery = "EntityDefinitions?$select=LogicalName,SchemaName,EntitySetName,LogicalCollectionName,PrimaryIdAttribute,PrimaryNameAttribute," +
	"ObjectTypeCode,OwnershipType,TableType,IsCustomEntity,IsIntersect,IsActivity,IsLogicalEntity,IsPrivate,IsOptimisticConcurrencyEnabled," +
	"ChangeTrackingEnabled,CanChangeTrackingBeEnabled,DataProviderId,ExternalName,ModifiedOn"

func TestDiscoveryListsEveryTableAtOnce(t *testing.T) {
	e := devservertest.Start(t)
	p := e.Page(discovery, "Prefer: odata.maxpagesize=2")
	if len(p.Value) != len(e.Schema.Tables) || p.NextLink != "" {
		t.Errorf("%d of %d tables, nextLink %q", len(p.Value), len(e.Schema.Tables), p.NextLink)
	}
	for _, row := range p.Value {
		table := e.Schema.Table(row["LogicalName"].(string))
		if row["MetadataId"] != table.ID || row["EntitySetName"] != table.EntitySet || row["ChangeTrackingEnabled"] != table.ChangeTracked ||
			row["CanChangeTrackingBeEnabled"].(map[string]any)["Value"] != table.CanTrack || len(row) != 21 {
			t.Errorf("%v", row)
		}
	}
}

func TestMetadataFiltersChooseTables(t *testing.T) {
	e := devservertest.Start(t)
	count := func(keep func(i int) bool) (n int) {
		for i := range e.Schema.Tables {
			if keep(i) {
				n++
			}
		}
		return n
	}
	tables := e.Schema.Tables
	for filter, want := range map[string]int{
		"LogicalName eq 'account' or LogicalName eq 'lead' or LogicalName eq 'contact'": 3,
		"ChangeTrackingEnabled eq true":                                                count(func(i int) bool { return tables[i].ChangeTracked }),
		"ChangeTrackingEnabled eq true and IsCustomEntity eq false":                    count(func(i int) bool { return tables[i].ChangeTracked && !tables[i].Custom }),
		"ChangeTrackingEnabled eq false and CanChangeTrackingBeEnabled/Value eq false": count(func(i int) bool { return !tables[i].ChangeTracked && !tables[i].CanTrack }),
		"OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'":            count(func(i int) bool { return tables[i].Ownership == "UserOwned" }),
		"LogicalName ne 'account'":                                                     len(tables) - 1,
		"PrimaryNameAttribute eq null":                                                 count(func(i int) bool { return tables[i].PrimaryName == "" }),
		"ObjectTypeCode eq 1 and MetadataId eq " + e.Schema.Table("account").ID:        1,
	} {
		p := e.Page("EntityDefinitions?$select=LogicalName&$filter=" + filter)
		if len(p.Value) != want {
			t.Errorf("%s: %d tables, want %d", filter, len(p.Value), want)
		}
	}
}

func TestMetadataRefusesWhatTheOriginalRefuses(t *testing.T) {
	e := devservertest.Start(t)
	for _, o := range []string{"$top=1", "$orderby=LogicalName", "$skip=1"} {
		wantError(t, e.Do("GET", "EntityDefinitions?"+o, nil), 400, "0x80060888")
	}
	a := e.Do("GET", "EntityDefinitions?$filter=startswith(LogicalName,'a')", nil)
	wantError(t, a, 400, "0x8006088a")
	if _, message := a.Error(); message != `The "startswith" function isn't supported for Metadata Entities.` {
		t.Error(message)
	}
	wantError(t, e.Do("GET", "EntityDefinitions?$select=Nonsense", nil), 400, "0x80060888")
	wantError(t, e.Do("GET", "EntityDefinitions(LogicalName='nonsense')", nil), 404, "0x80040217")
	if a := e.Do("PATCH", "EntityDefinitions(LogicalName='account')", map[string]any{}); a.Status != 501 {
		t.Errorf("PATCH: %d", a.Status)
	}
}

func TestOneTableIsFoundByNameAndByID(t *testing.T) {
	e := devservertest.Start(t)
	lead := e.Schema.Table("lead")
	for _, key := range []string{"LogicalName='lead'", "LogicalName=%27lead%27", lead.ID} {
		a := e.Get("EntityDefinitions(" + key + ")?$select=LogicalName,EntitySetName,ChangeTrackingEnabled,CanChangeTrackingBeEnabled")
		want := `{"@odata.context":"` + e.API + `$metadata#EntityDefinitions(LogicalName,EntitySetName,ChangeTrackingEnabled,CanChangeTrackingBeEnabled)/$entity",` +
			`"LogicalName":"lead","EntitySetName":"leads","ChangeTrackingEnabled":true,` +
			`"CanChangeTrackingBeEnabled":{"Value":true,"CanBeChanged":true,"ManagedPropertyLogicalName":"canchangetrackingbeenabled"},"MetadataId":"` + lead.ID + `"}`
		if string(a.Body) != want {
			t.Errorf("%s:\n%s\n%s", key, a.Body, want)
		}
	}
}

func TestColumnsHaveTheirTypeAndItsProperties(t *testing.T) {
	e := devservertest.Start(t)
	p := e.Page("EntityDefinitions(LogicalName='account')/Attributes")
	if len(p.Value) != len(e.Schema.Table("account").Columns) {
		t.Errorf("%d columns", len(p.Value))
	}
	by := map[string]map[string]any{}
	for _, c := range p.Value {
		by[c["LogicalName"].(string)] = c
	}
	for _, c := range []struct {
		column, property string
		want             any
	}{
		{"name", "@odata.type", "#Microsoft.Dynamics.CRM.StringAttributeMetadata"},
		{"name", "MaxLength", json.Number("160")},
		{"name", "IsPrimaryName", true},
		{"revenue", "@odata.type", "#Microsoft.Dynamics.CRM.MoneyAttributeMetadata"},
		{"revenue_base", "CalculationOf", "revenue"},
		{"revenue_base", "IsBaseCurrency", true},
		{"accountid", "@odata.type", nil},
		{"accountid", "IsPrimaryId", true},
		{"primarycontactid", "@odata.type", "#Microsoft.Dynamics.CRM.LookupAttributeMetadata"},
		{"ownerid", "AttributeType", "Owner"},
		{"statuscode", "@odata.type", "#Microsoft.Dynamics.CRM.StatusAttributeMetadata"},
		{"createdon", "@odata.type", "#Microsoft.Dynamics.CRM.DateTimeAttributeMetadata"},
	} {
		if got := by[c.column][c.property]; got != c.want {
			t.Errorf("%s.%s = %v, want %v", c.column, c.property, got, c.want)
		}
	}
	if got := by["createdon"]["DateTimeBehavior"].(map[string]any)["Value"]; got != "UserLocal" {
		t.Errorf("createdon behaves as %v", got)
	}
	if got := by["revenue"]["AttributeTypeName"].(map[string]any)["Value"]; got != "MoneyType" {
		t.Errorf("revenue is of type %v", got)
	}
	var one map[string]any
	e.Get("EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')?$select=MaxLength").Decode(e, &one)
	if one["@odata.type"] != "#Microsoft.Dynamics.CRM.StringAttributeMetadata" || one["MaxLength"] != json.Number("160") {
		t.Errorf("one column: %v", one)
	}
}

func TestCastsBringChoices(t *testing.T) {
	e := devservertest.Start(t)
	cast := func(table, kind, expand string) []map[string]any {
		t.Helper()
		return e.Page("EntityDefinitions(LogicalName='" + table + "')/Attributes/Microsoft.Dynamics.CRM." + kind +
			"AttributeMetadata?$select=LogicalName&$expand=" + url.QueryEscape(expand)).Value
	}
	options := func(rows []map[string]any, column string) (labels []string) {
		t.Helper()
		for _, row := range rows {
			if row["LogicalName"] != column {
				continue
			}
			for _, o := range row["OptionSet"].(map[string]any)["Options"].([]any) {
				labels = append(labels, o.(map[string]any)["Label"].(map[string]any)["UserLocalizedLabel"].(map[string]any)["Label"].(string))
			}
		}
		return labels
	}
	rows := cast("account", "Picklist", "OptionSet($select=Options,Name,IsGlobal),GlobalOptionSet($select=Name,Options)")
	if got := options(rows, "accountcategorycode"); strings.Join(got, ",") != "Preferred Customer,Standard" {
		t.Errorf("accountcategorycode: %q", got)
	}
	for _, row := range rows {
		if global, ok := row["GlobalOptionSet"]; !ok || global != nil && row["OptionSet"].(map[string]any)["IsGlobal"] != true {
			t.Errorf("%v", row)
		}
		if len(row["OptionSet"].(map[string]any)) != 4 { // three asked for, and MetadataId
			t.Errorf("OptionSet %v", row["OptionSet"])
		}
	}
	if got := options(cast("account", "State", "OptionSet"), "statecode"); strings.Join(got, ",") != "Active,Inactive" {
		t.Errorf("statecode: %q", got)
	}
	status := cast("account", "Status", "OptionSet")
	option := status[0]["OptionSet"].(map[string]any)["Options"].([]any)[1].(map[string]any)
	if option["@odata.type"] != "#Microsoft.Dynamics.CRM.StatusOptionMetadata" || option["State"] != json.Number("1") {
		t.Errorf("status reason %v", option)
	}
	if got := options(cast("new_device", "MultiSelectPicklist", "OptionSet"), "new_capabilities"); len(got) != 8 {
		t.Errorf("new_capabilities: %q", got)
	}
	for _, row := range cast("account", "Boolean", "OptionSet") {
		set := row["OptionSet"].(map[string]any)
		if set["TrueOption"] == nil || set["FalseOption"] == nil {
			t.Errorf("%v has no two options", row["LogicalName"])
		}
	}
	wantError(t, e.Do("GET", "EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.EnumAttributeMetadata", nil), 400, "0x80060888")
}

func TestRelationshipsNameTheirNavigationProperties(t *testing.T) {
	e := devservertest.Start(t)
	found := map[any]any{}
	for _, row := range e.Page("EntityDefinitions(LogicalName='opportunity')/ManyToOneRelationships?$select=SchemaName,ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName").Value {
		if row["ReferencingAttribute"] == "customerid" {
			found[row["ReferencedEntity"]] = row["ReferencingEntityNavigationPropertyName"]
		}
	}
	if found["account"] != "customerid_account" || found["contact"] != "customerid_contact" {
		t.Errorf("customerid: %v", found)
	}
	if p := e.Page("EntityDefinitions(LogicalName='account')/Keys?$select=LogicalName,KeyAttributes,EntityKeyIndexStatus"); p.Value == nil {
		t.Error("Keys has no value")
	}
}

func TestExpandBringsAllColumnsOfAllTables(t *testing.T) {
	e := devservertest.Start(t)
	p := e.Page("EntityDefinitions?$select=LogicalName&$expand=Attributes($select=LogicalName)&$filter=LogicalName eq 'account'")
	if got := len(p.Value[0]["Attributes"].([]any)); got != len(e.Schema.Table("account").Columns) {
		t.Errorf("%d columns", got)
	}
	e.Get("EntityDefinitions?$expand=Attributes")
}

func TestGlobalChoicesAreListedAndFound(t *testing.T) {
	e := devservertest.Start(t)
	p := e.Page("GlobalOptionSetDefinitions")
	if len(p.Value) != len(e.Schema.Choices) || len(p.Value) == 0 {
		t.Fatalf("%d of %d choices", len(p.Value), len(e.Schema.Choices))
	}
	name := e.Schema.Choices[0].Name
	var one map[string]any
	e.Get("GlobalOptionSetDefinitions(Name='"+name+"')").Decode(e, &one)
	if one["Name"] != name || one["IsGlobal"] != true {
		t.Errorf("%v", one)
	}
}

func TestServiceDocumentListsTheSets(t *testing.T) {
	e := devservertest.Start(t)
	for _, version := range []string{"v9.0", "v9.1", "v9.2"} {
		p := e.Page(e.URL + "/api/data/" + version + "/")
		if len(p.Value) != len(e.Schema.Tables) || p.Context != e.URL+"/api/data/"+version+"/$metadata" {
			t.Errorf("%s: %d sets, %s", version, len(p.Value), p.Context)
		}
	}
}
