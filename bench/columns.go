package main

// The table of the initial syncs: accounts, with the mix of columns that customer tables have.
const (
	tableName = "account"
	entitySet = "accounts"
)

// A columnDef describes a column as the environment does and makes its values.
type columnDef struct {
	name    string
	typ     string         // AttributeTypeName
	more    map[string]any // of its metadata
	targets []string
	// value appends the JSON value of the row in hand; nil: the column is written by the page itself.
	value func(g *rowGen)
}

func (c *columnDef) isLookup() bool { return len(c.targets) > 0 }

// property is the column's name on the wire.
func (c *columnDef) property() string {
	if c.isLookup() {
		return "_" + c.name + "_value"
	}
	return c.name
}

func length(n int) map[string]any    { return map[string]any{"MaxLength": n} }
func precision(n int) map[string]any { return map[string]any{"Precision": n} }
func behavior(s string) map[string]any {
	return map[string]any{"DateTimeBehavior": map[string]any{"Value": s}}
}

// columnDefs are the 30 columns.
var columnDefs = []columnDef{
	{name: "accountid", typ: "UniqueidentifierType", value: func(g *rowGen) { g.id(saltAccount, g.n) }},
	{name: "name", typ: "StringType", more: length(160), value: (*rowGen).company},
	{name: "accountnumber", typ: "StringType", more: length(20), value: func(g *rowGen) { g.numbered("AC-", 7) }},
	{name: "emailaddress1", typ: "StringType", more: length(100), value: (*rowGen).email},
	{name: "telephone1", typ: "StringType", more: length(50), value: func(g *rowGen) { g.numbered("+49 89 ", 8) }},
	{name: "address1_line1", typ: "StringType", more: length(250), value: (*rowGen).street},
	{name: "address1_city", typ: "StringType", more: length(80), value: func(g *rowGen) { g.word(cities) }},
	{name: "address1_postalcode", typ: "StringType", more: length(20), value: func(g *rowGen) { g.numbered("", 5) }},
	{name: "address1_country", typ: "StringType", more: length(80), value: func(g *rowGen) { g.maybe(80, func() { g.word(countries) }) }},
	{name: "description", typ: "MemoType", more: length(2000), value: func(g *rowGen) { g.maybe(60, g.prose) }},
	{name: "industrycode", typ: "PicklistType", value: func(g *rowGen) { g.maybe(70, func() { g.whole(1, 33) }) }},
	{name: "statecode", typ: "StateType", value: func(g *rowGen) { g.whole(0, 1) }},
	{name: "statuscode", typ: "StatusType", value: func(g *rowGen) { g.whole(1, 2) }},
	{name: "creditonhold", typ: "BooleanType", value: (*rowGen).truth},
	{name: "donotemail", typ: "BooleanType", value: (*rowGen).truth},
	{name: "numberofemployees", typ: "IntegerType", value: func(g *rowGen) { g.maybe(50, func() { g.whole(1, 250_000) }) }},
	{name: "revenue", typ: "MoneyType", more: precision(4), value: func(g *rowGen) { g.maybe(80, func() { g.decimal(10_000_000, 4) }) }},
	{name: "creditlimit", typ: "MoneyType", more: precision(4), value: func(g *rowGen) { g.maybe(30, func() { g.decimal(100_000, 4) }) }},
	{name: "exchangerate", typ: "DecimalType", more: precision(10), value: func(g *rowGen) { g.decimal(2, 10) }},
	{name: "address1_latitude", typ: "DoubleType", more: precision(5), value: func(g *rowGen) { g.maybe(40, func() { g.decimal(90, 5) }) }},
	{name: "createdon", typ: "DateTimeType", more: behavior("UserLocal"), value: func(g *rowGen) { g.instant(g.created) }},
	{name: "modifiedon", typ: "DateTimeType", more: behavior("UserLocal"), value: func(g *rowGen) { g.instant(g.modified) }},
	{name: "lastcontact", typ: "DateTimeType", more: behavior("DateOnly"), value: func(g *rowGen) { g.maybe(50, g.day) }},
	{name: "createdby", typ: "LookupType", targets: []string{"systemuser"}, value: func(g *rowGen) { g.id(saltUser, g.below(200)) }},
	{name: "modifiedby", typ: "LookupType", targets: []string{"systemuser"}, value: func(g *rowGen) { g.id(saltUser, g.below(200)) }},
	{name: "ownerid", typ: "OwnerType", targets: []string{"systemuser", "team"}, value: func(g *rowGen) { g.id(saltUser, g.below(200)) }},
	{name: "primarycontactid", typ: "LookupType", targets: []string{"contact"}, value: func(g *rowGen) { g.id(saltContact, g.n) }},
	{name: "parentaccountid", typ: "LookupType", targets: []string{"account"}, value: func(g *rowGen) { g.id(saltAccount, g.below(g.n+1)) }},
	{name: "transactioncurrencyid", typ: "LookupType", targets: []string{"transactioncurrency"}, value: func(g *rowGen) { g.id(saltCurrency, g.below(4)) }},
	{name: "versionnumber", typ: "BigIntType", value: func(g *rowGen) { g.version(g.n) }},
}
