package dataverse

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/devserver/devservertest"
)

const leadDefinition = `{"@odata.context":"x","LogicalName":"lead","EntitySetName":"leads","PrimaryIdAttribute":"leadid","MetadataId":"dc65",
 "IsIntersect":false,"DataProviderId":null,"ChangeTrackingEnabled":true,"CanChangeTrackingBeEnabled":{"Value":true,"CanBeChanged":true},
 "DisplayName":{"LocalizedLabels":[{"Label":"Lead","LanguageCode":1033}],"UserLocalizedLabel":{"Label":"Kundeemne","LanguageCode":1030}}}`

// leadColumns has a column for each rule of §11.1.
const leadColumns = `{"value":[
 {"LogicalName":"leadid","MetadataId":"m1","AttributeOf":null,"IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"UniqueidentifierType"},"SourceType":null},
 {"@odata.type":"#x","LogicalName":"subject","MetadataId":"m2","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"StringType"},"MaxLength":300,"DisplayName":{"LocalizedLabels":[]}},
 {"LogicalName":"owneridname","AttributeOf":"ownerid","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"StringType"}},
 {"LogicalName":"hidden","IsValidForRead":false,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"StringType"}},
 {"LogicalName":"customeridtype","IsValidForRead":true,"IsValidODataAttribute":false,"AttributeTypeName":{"Value":"EntityNameType"}},
 {"LogicalName":"entityimage","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"ImageType"}},
 {"LogicalName":"contract","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"FileType"}},
 {"LogicalName":"parties","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"PartyListType"}},
 {"LogicalName":"virtual","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"VirtualType"}},
 {"LogicalName":"managed","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"ManagedPropertyType"}},
 {"LogicalName":"future","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"HologramType"}},
 {"LogicalName":"budget","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"MoneyType"},"Precision":2,"CalculationOf":null,"IsBaseCurrency":false},
 {"LogicalName":"budget_base","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"MoneyType"},"Precision":4,"CalculationOf":"budget","IsBaseCurrency":true},
 {"LogicalName":"score","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"DecimalType"},"Precision":2,"SourceType":1},
 {"LogicalName":"due","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"DateTimeType"},"DateTimeBehavior":{"Value":"DateOnly"},"SourceType":2},
 {"LogicalName":"createdon","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"DateTimeType"},"DateTimeBehavior":null},
 {"LogicalName":"customerid","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"CustomerType"},"Targets":["account","contact"]},
 {"LogicalName":"tier","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"PicklistType"}},
 {"LogicalName":"statuscode","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"StatusType"}},
 {"LogicalName":"donotemail","IsValidForRead":true,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"BooleanType"}},
 {"LogicalName":"versionnumber","IsValidForRead":false,"IsValidODataAttribute":true,"AttributeTypeName":{"Value":"BigIntType"}}]}`

const labels = `"Label":{"LocalizedLabels":[{"Label":"New","LanguageCode":1033},{"Label":"Ny","LanguageCode":1030}],"UserLocalizedLabel":{"Label":"Ny","LanguageCode":1030}}`

func leadWire(fail func(path string) bool) *wire {
	return &wire{answer: func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, apiPath)
		answer := map[string]string{
			"EntityDefinitions(LogicalName='lead')":            leadDefinition,
			"EntityDefinitions(LogicalName='lead')/Attributes": leadColumns,
			"EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata": `{"value":[{"LogicalName":"tier",
			 "OptionSet":{"Name":"new_tier","IsGlobal":true,"Options":[{"Value":1,` + labels + `}]},"GlobalOptionSet":{"Name":"new_tier","Options":[{"Value":1,` + labels + `}]}},
			 {"LogicalName":"notreplicated","OptionSet":{"Name":"x","Options":[]},"GlobalOptionSet":null}]}`,
			"EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata":  `{"value":[{"LogicalName":"statuscode","OptionSet":{"Name":"lead_statuscode","IsGlobal":false,"Options":[{"@odata.type":"x","Value":4,"State":2,"Color":null,` + labels + `}]}}]}`,
			"EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.BooleanAttributeMetadata": `{"value":[{"LogicalName":"donotemail","OptionSet":{"Name":"b","TrueOption":{"Value":1,` + labels + `},"FalseOption":{"Value":0,` + labels + `}}}]}`,
		}[path]
		switch {
		case answer == "":
			replyError(w, 404, "0x80060888", "Could not find an entity with specified name")
		case fail != nil && fail(path):
			reply(w, 200, answer[:len(answer)*2/3])
		default:
			reply(w, 200, answer)
		}
	}}
}

func wantLead() *lakelink.Table {
	both := []lakelink.Label{{Language: 1033, Text: "New"}, {Language: 1030, Text: "Ny"}}
	return &lakelink.Table{
		Name: "lead", ID: "dc65", EntitySet: "leads", DisplayName: "Kundeemne", PrimaryKey: "leadid", Tracked: true, CanTrack: true,
		Columns: []lakelink.Column{
			{Name: "leadid", ID: "m1", Type: lakelink.TypeUniqueidentifier},
			{Name: "subject", ID: "m2", Type: lakelink.TypeString, MaxLength: 300},
			{Name: "budget", Type: lakelink.TypeMoney, Precision: 2},
			{Name: "budget_base", Type: lakelink.TypeMoney, Precision: 4, BaseTwin: true},
			{Name: "score", Type: lakelink.TypeDecimal, Precision: 2, Calculated: true},
			{Name: "due", Type: lakelink.TypeDateTime, Behavior: lakelink.DateOnly},
			{Name: "createdon", Type: lakelink.TypeDateTime, Behavior: lakelink.UserLocal},
			{Name: "customerid", Type: lakelink.TypeCustomer, Targets: []lakelink.TableName{"account", "contact"}},
			{Name: "tier", Type: lakelink.TypeChoice},
			{Name: "statuscode", Type: lakelink.TypeStatus},
			{Name: "donotemail", Type: lakelink.TypeBoolean},
			{Name: "versionnumber", Type: lakelink.TypeBigInt},
		},
		Choices: []lakelink.ChoiceSet{
			{Column: "tier", Type: lakelink.TypeChoice, Global: "new_tier", Options: []lakelink.Option{{Value: 1, Labels: both}}},
			{Column: "statuscode", Type: lakelink.TypeStatus, Options: []lakelink.Option{{Value: 4, State: 2, Labels: both}}},
			{Column: "donotemail", Type: lakelink.TypeBoolean, Options: []lakelink.Option{{Value: 0, Labels: both}, {Value: 1, Labels: both}}},
		},
	}
}

func TestTableIsDescribed(t *testing.T) {
	got, err := dial(t, leadWire(nil)).Table(t.Context(), "lead")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantLead(), got); diff != "" {
		t.Error(diff)
	}
}

func TestDescriptionSurvivesCutAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := map[string]bool{}
		w := leadWire(func(path string) bool {
			first := !failed[path]
			failed[path] = true
			return first
		})
		got, err := dial(t, w).Table(t.Context(), "lead")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wantLead(), got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUnknownTable(t *testing.T) {
	c := dial(t, leadWire(nil))
	for _, name := range []lakelink.TableName{"nosuch", "Lead", "lead')/Attributes", ""} {
		_, err := c.Table(t.Context(), name)
		if e := wantKind(t, err, lakelink.KindNotFound, "logical name"); e.Table != name {
			t.Errorf("%v names %q", err, e.Table)
		}
	}
}

// TestEveryTableOfALocalServer describes and loads every tracked table with a row in it.
func TestEveryTableOfALocalServer(t *testing.T) {
	env := devservertest.Start(t)
	c := connect(t, env)
	tables, err := c.Tables(t.Context())
	if err != nil || len(tables) < 40 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, listed := range tables {
		if !listed.Tracked {
			continue
		}
		table, err := c.Table(t.Context(), listed.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, err := range c.Feed(t.Context(), table, "") {
			if err != nil {
				t.Error(err)
			}
		}
		if _, err := json.Marshal(table); err != nil {
			t.Error(err)
		}
	}
	env.Fill("account", 20)
	account, err := c.Table(t.Context(), "account")
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range c.Feed(t.Context(), account, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"ownerid", "ownerid_entitytype", "createdon"} {
			if b.NumRows() > 0 && b.Rows.Column(b.Rows.Schema().FieldIndices(f)[0]).NullN() > 0 {
				t.Errorf("%s is null", f)
			}
		}
	}
}
