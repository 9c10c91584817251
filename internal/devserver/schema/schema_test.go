package schema_test

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"lakelink/internal/devserver/schema"
)

// absentTargets are tables that standard lookups point to and this environment does not have: the
// lookups are there, always empty, and have no relationship.
var absentTargets = []string{
	"calendar", "campaignresponse", "contractdetail", "discounttype", "equipment", "kbarticle", "mailbox", "mobileofflineprofile", "productassociation",
	"recurringappointmentmaster", "resourcespec", "service", "site", "slakpiinstance", "socialprofile",
}

func standard(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Standard()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNamesNumbersAndIDsAreUnique(t *testing.T) {
	s := standard(t)
	names, sets, ids, codes := map[string]bool{}, map[string]bool{}, map[string]string{}, map[int]string{}
	once := func(id, what string) {
		t.Helper()
		if id == "" || id != strings.ToLower(id) || len(id) != 36 {
			t.Errorf("%s: id %q", what, id)
		}
		if other, taken := ids[id]; taken {
			t.Errorf("%s and %s share the id %s", what, other, id)
		}
		ids[id] = what
	}
	for _, table := range s.Tables {
		if names[table.LogicalName] || sets[table.EntitySet] {
			t.Errorf("table %s (%s) twice", table.LogicalName, table.EntitySet)
		}
		names[table.LogicalName], sets[table.EntitySet] = true, true
		once(table.ID, table.LogicalName)
		if other, taken := codes[table.TypeCode]; taken || table.TypeCode == 0 {
			t.Errorf("table %s: type code %d is %q's", table.LogicalName, table.TypeCode, other)
		}
		codes[table.TypeCode] = table.LogicalName

		numbers, columns := map[int]bool{}, map[string]bool{}
		for _, c := range table.Columns {
			where := table.LogicalName + "." + c.LogicalName
			if columns[c.LogicalName] || numbers[c.Number] || c.Number < 1 || c.Number > table.LastNumber {
				t.Errorf("%s: name taken or number %d taken or out of range", where, c.Number)
			}
			columns[c.LogicalName], numbers[c.Number] = true, true
			once(c.ID, where)
		}
		for _, r := range table.Relationships {
			once(r.ID, r.SchemaName)
		}
	}
}

func TestColumnsAreWellFormed(t *testing.T) {
	s := standard(t)
	for _, table := range s.Tables {
		for _, c := range table.Columns {
			where := table.LogicalName + "." + c.LogicalName
			if c.LogicalName != strings.ToLower(c.LogicalName) || !strings.EqualFold(c.LogicalName, c.SchemaName) {
				t.Errorf("%s: schema name %s", where, c.SchemaName)
			}
			if c.DisplayName == "" || !slices.Contains([]string{"None", "Recommended", "ApplicationRequired", "SystemRequired"}, c.RequiredLevel) {
				t.Errorf("%s: display name %q, required level %q", where, c.DisplayName, c.RequiredLevel)
			}
			switch c.Type {
			case schema.String, schema.Memo:
				if c.MaxLength < 1 || c.Format == "" {
					t.Errorf("%s: %s with length %d, format %q", where, c.Type, c.MaxLength, c.Format)
				}
			case schema.Integer, schema.BigInt, schema.Decimal, schema.Double, schema.Money:
				low, ok1 := new(big.Rat).SetString(c.MinValue)
				high, ok2 := new(big.Rat).SetString(c.MaxValue)
				if !ok1 || !ok2 || low.Cmp(high) >= 0 || strings.ContainsAny(c.MinValue+c.MaxValue, "eE") {
					t.Errorf("%s: range %q to %q", where, c.MinValue, c.MaxValue)
				}
			case schema.DateTime:
				if c.Format == "" || !slices.Contains([]schema.Behavior{schema.UserLocal, schema.DateOnly, schema.TimeZoneIndependent}, c.Behavior) {
					t.Errorf("%s: format %q, behaviour %q", where, c.Format, c.Behavior)
				}
			case schema.Boolean:
				if len(c.Options) != 2 || c.Options[0].Value != 1 || c.Options[1].Value != 0 {
					t.Errorf("%s: options %v", where, c.Options)
				}
			case schema.Picklist, schema.MultiSelectPicklist, schema.State, schema.Status:
				if len(c.Options) == 0 {
					t.Errorf("%s: no options", where)
				}
			case schema.Lookup, schema.Customer, schema.Owner, schema.PartyList:
				if len(c.Targets) == 0 {
					t.Errorf("%s: no targets", where)
				}
			case schema.Uniqueidentifier, schema.EntityName:
			default:
				t.Errorf("%s: type %q", where, c.Type)
			}
			for _, o := range c.Options {
				if o.Label == "" && !strings.HasPrefix(c.LogicalName, "fiscalyearformat") || !utf8.ValidString(o.Label) {
					t.Errorf("%s: option %d has the label %q", where, o.Value, o.Label)
				}
			}
			if c.AttributeOf != "" && (table.Column(c.AttributeOf) == nil || c.ValidOData) {
				t.Errorf("%s accompanies %s, on the wire: %v", where, c.AttributeOf, c.ValidOData)
			}
			if c.GlobalChoice != "" && !slices.Equal(s.Choice(c.GlobalChoice).Options, c.Options) {
				t.Errorf("%s has other options than %s", where, c.GlobalChoice)
			}
		}
	}
}

func TestEveryTableHasItsKeyAndVersion(t *testing.T) {
	for _, table := range standard(t).Tables {
		key, version := table.Column(table.PrimaryID), table.Column("versionnumber")
		if key == nil || key.Type != schema.Uniqueidentifier {
			t.Errorf("%s: primary key %s", table.LogicalName, table.PrimaryID)
		}
		if version == nil || version.Type != schema.BigInt || !version.ReadOnly {
			t.Errorf("%s: no read-only versionnumber", table.LogicalName)
		}
		if name := table.Column(table.PrimaryName); table.PrimaryName != "" && (name == nil || name.Type != schema.String) {
			t.Errorf("%s: primary name %s", table.LogicalName, table.PrimaryName)
		}
		if table.ChangeTracked && !table.CanTrack {
			t.Errorf("%s is tracked and cannot be", table.LogicalName)
		}
	}
}

func TestLookupTargetsExist(t *testing.T) {
	s := standard(t)
	for _, table := range s.Tables {
		for _, c := range table.Columns {
			for _, target := range c.Targets {
				absent := s.Table(target) == nil
				if absent && !(slices.Contains(absentTargets, target) && len(c.Targets) == 1) {
					t.Errorf("%s.%s points to %s, which does not exist", table.LogicalName, c.LogicalName, target)
				}
				if got := table.Relationship(c.LogicalName, target); c.IsLookup() && (got == nil) != absent {
					t.Errorf("%s.%s to %s: relationship %v", table.LogicalName, c.LogicalName, target, got)
				}
			}
		}
		properties, collections := map[string]bool{}, map[string]bool{}
		for _, r := range table.Relationships {
			if properties[r.ReferencingProperty] || table.Column(r.ReferencingProperty) != nil && r.ReferencingProperty != r.ReferencingColumn {
				t.Errorf("%s: navigation property %s is taken", table.LogicalName, r.ReferencingProperty)
			}
			properties[r.ReferencingProperty] = true
			referenced := s.Table(r.ReferencedEntity)
			if referenced == nil || referenced.PrimaryID != r.ReferencedColumn || r.ReferencingEntity != table.LogicalName {
				t.Errorf("%s: relationship %+v", table.LogicalName, r)
			}
			collections[r.ReferencedEntity+"."+r.ReferencedProperty] = true
		}
		if len(collections) != len(table.Relationships) {
			t.Errorf("%s: collections share names", table.LogicalName)
		}
	}
}

func TestCollectionsHaveUniqueNames(t *testing.T) {
	s := standard(t)
	taken := map[string]string{}
	for _, table := range s.Tables {
		for _, r := range table.Relationships {
			name := r.ReferencedEntity + "." + r.ReferencedProperty
			if other := taken[name]; other != "" || s.Table(r.ReferencedEntity).Column(r.ReferencedProperty) != nil {
				t.Errorf("%s is both %s.%s and %s", name, table.LogicalName, r.ReferencingColumn, other)
			}
			taken[name] = table.LogicalName + "." + r.ReferencingColumn
		}
	}
	schemaNames := map[string]bool{}
	for _, table := range s.Tables {
		for _, r := range table.Relationships {
			if schemaNames[r.SchemaName] {
				t.Errorf("relationship %s twice", r.SchemaName)
			}
			schemaNames[r.SchemaName] = true
		}
	}
}

func TestNavigationPropertiesAreDataverses(t *testing.T) {
	s := standard(t)
	for _, c := range []struct{ table, column, target, want string }{
		{"account", "primarycontactid", "contact", "primarycontactid"},
		{"account", "ownerid", "team", "ownerid"},
		{"account", "slainvokedid", "sla", "slainvokedid_account_sla"},
		{"opportunity", "customerid", "account", "customerid_account"},
		{"contact", "parentcustomerid", "contact", "parentcustomerid_contact"},
		{"annotation", "objectid", "incident", "objectid_incident"},
		{"task", "regardingobjectid", "account", "regardingobjectid_account_task"},
		{"task", "createdby", "systemuser", "createdby_task"},
		{"email", "emailsender", "queue", "emailsender_queue"},
		{"appointment", "slaid", "sla", "sla_appointment_sla"},
		{"activitypointer", "regardingobjectid", "lead", "regardingobjectid_lead"},
		{"activityparty", "activityid", "email", "activityid_email"},
		{"activityparty", "partyid", "contact", "partyid_contact"},
		{"sdkmessageprocessingstep", "eventhandler", "serviceendpoint", "eventhandler_serviceendpoint"},
		{"sdkmessageprocessingstep", "sdkmessageid", "sdkmessage", "sdkmessageid"},
		{"new_device", "new_accountid", "account", "new_AccountId"},
		{"new_device", "new_customerid", "contact", "new_CustomerId_contact"},
	} {
		r := s.Table(c.table).Relationship(c.column, c.target)
		if r == nil || r.ReferencingProperty != c.want {
			t.Errorf("%s.%s to %s: %+v, want the property %s", c.table, c.column, c.target, r, c.want)
		}
	}
	if got := s.Table("activityparty").Relationship("activityid", "email").ReferencedProperty; got != "email_activity_parties" {
		t.Errorf("parties of an email are %s", got)
	}
}

func TestEveryStateHasStatusReasons(t *testing.T) {
	for _, table := range standard(t).Tables {
		state, status := table.Column("statecode"), table.Column("statuscode")
		if state == nil || state.Type != schema.State {
			continue
		}
		if status == nil {
			t.Errorf("%s: no status reasons", table.LogicalName)
			continue
		}
		for _, o := range status.Options {
			if !state.HasOption(o.State) {
				t.Errorf("%s: status reason %d is of state %d, which does not exist", table.LogicalName, o.Value, o.State)
			}
		}
		for _, o := range state.Options {
			if reason, ok := status.Option(o.DefaultStatus); !ok || reason.State != o.Value {
				t.Errorf("%s: state %d has the default status reason %d", table.LogicalName, o.Value, o.DefaultStatus)
			}
		}
	}
}

func TestMoneyHasTwinsInBaseCurrency(t *testing.T) {
	for _, table := range standard(t).Tables {
		for _, c := range table.Columns {
			if c.Type != schema.Money {
				continue
			}
			if c.CalculationOf == "" {
				if twin := table.Column(c.LogicalName + "_base"); twin == nil || twin.CalculationOf != c.LogicalName || !twin.ReadOnly {
					t.Errorf("%s.%s has no twin", table.LogicalName, c.LogicalName)
				}
			}
			if table.Column("transactioncurrencyid") == nil || table.Column("exchangerate") == nil {
				t.Errorf("%s has money and no currency", table.LogicalName)
			}
		}
	}
}

func TestEveryColumnTypeOccurs(t *testing.T) {
	counts := map[schema.Type]int{}
	behaviors := map[schema.Behavior]int{}
	for _, table := range standard(t).Tables {
		for _, c := range table.Columns {
			counts[c.Type]++
			if c.Type == schema.DateTime {
				behaviors[c.Behavior]++
			}
		}
	}
	for _, typ := range []schema.Type{
		schema.String, schema.Memo, schema.Integer, schema.BigInt, schema.Decimal, schema.Double, schema.Money,
		schema.Boolean, schema.DateTime, schema.Picklist, schema.MultiSelectPicklist, schema.State, schema.Status, schema.Lookup,
		schema.Customer, schema.Owner, schema.PartyList, schema.Uniqueidentifier, schema.EntityName,
	} {
		if counts[typ] == 0 {
			t.Errorf("no column of type %s", typ)
		}
	}
	for _, behavior := range []schema.Behavior{schema.UserLocal, schema.DateOnly, schema.TimeZoneIndependent} {
		if behaviors[behavior] == 0 {
			t.Errorf("no date of behaviour %s", behavior)
		}
	}
	t.Logf("%v %v", counts, behaviors)
}

func TestTablesExerciseEveryBranchOfTracking(t *testing.T) {
	s := standard(t)
	for name, want := range map[string][2]bool{
		"account": {true, true}, "task": {true, true}, "activityparty": {true, true}, "teammembership": {true, true},
		"new_device": {true, true}, "new_visit": {false, true}, "new_systemlog": {false, false}, "sdkmessage": {false, false},
	} {
		table := s.Table(name)
		if got := [2]bool{table.ChangeTracked, table.CanTrack}; got != want {
			t.Errorf("%s: tracked and trackable %v, want %v", name, got, want)
		}
	}
}

func TestManyToManyGoesThroughIntersects(t *testing.T) {
	s := standard(t)
	for _, m := range s.ManyToMany {
		table := s.Table(m.IntersectEntity)
		if table == nil || !table.Intersect || s.Table(m.Entity1) == nil || s.Table(m.Entity2) == nil {
			t.Fatalf("%+v", m)
		}
		for _, name := range []string{m.Entity1Attribute, m.Entity2Attribute} {
			if c := table.Column(name); c == nil || c.Type != schema.Uniqueidentifier {
				t.Errorf("%s: no id %s", m.IntersectEntity, name)
			}
		}
	}
}

func TestStandardIsTheSameEveryTime(t *testing.T) {
	a, err := json.Marshal(standard(t))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(standard(t))
	if string(a) != string(b) {
		t.Error("two calls differ")
	}
}

func TestCloneIsIndependent(t *testing.T) {
	s := standard(t)
	before, _ := json.Marshal(s)
	c := s.Clone()
	if err := c.Remove("competitor"); err != nil {
		t.Fatal(err)
	}
	if err := c.Table("account").RemoveColumn("primarycontactid"); err != nil {
		t.Fatal(err)
	}
	c.Table("lead").Column("subject").MaxLength = 1
	c.Table("lead").Column("statecode").Options[0].Label = "changed"
	c.Table("annotation").Column("objectid").Targets[0] = "changed"
	c.Choices[0].Options[0].Label = "changed"
	if after, _ := json.Marshal(s); string(before) != string(after) {
		t.Error("changing a clone changed the original")
	}
	if s.Table("competitor") == nil || s.Table("account").Column("primarycontactid") == nil {
		t.Error("the original's indexes changed")
	}
}

func TestColumnNumbersAreNeverReused(t *testing.T) {
	table := standard(t).Table("new_device")
	last := table.LastNumber
	add := func(name string) *schema.Column {
		c := &schema.Column{LogicalName: name, SchemaName: name, Type: schema.String, MaxLength: 10, ValidOData: true}
		if err := table.AddColumn(c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := add("new_first"); c.Number != last+1 || table.Column("new_first") != c {
		t.Errorf("number %d after %d", c.Number, last)
	}
	if err := table.RemoveColumn("new_first"); err != nil {
		t.Fatal(err)
	}
	if c := add("new_second"); c.Number != last+2 || table.Column("new_first") != nil {
		t.Errorf("number %d after %d and one removed", c.Number, last)
	}
	if err := table.AddColumn(&schema.Column{LogicalName: "new_second", Type: schema.String}); err == nil {
		t.Error("a second column of the same name was accepted")
	}
}

func TestRemovedTableLeavesNoRelationship(t *testing.T) {
	s := standard(t)
	if err := s.Remove("contact"); err != nil {
		t.Fatal(err)
	}
	for _, table := range s.Tables {
		for _, r := range table.Relationships {
			if r.ReferencedEntity == "contact" {
				t.Errorf("%s.%s still points to contact", table.LogicalName, r.ReferencingColumn)
			}
		}
	}
	if s.BySet("contacts") != nil {
		t.Error("the set is still there")
	}
}
