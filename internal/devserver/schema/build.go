package schema

import "strings"

// Wide limits, shared by column builders.
const (
	maxInt32   = "2147483647"
	minInt32   = "-2147483648"
	maxInt64   = "9223372036854775807"
	minInt64   = "-9223372036854775808"
	maxDecimal = "100000000000"
	minDecimal = "-100000000000"
	maxMoney   = "922337203685477"
	minMoney   = "-922337203685477"
)

// column makes a column of a type from its schema name; what else it needs is set by the
// functions below or by the caller.
func column(schemaName, displayName string, typ Type) *Column {
	return &Column{
		LogicalName: strings.ToLower(schemaName), SchemaName: schemaName, DisplayName: displayName,
		Type: typ, ValidOData: typ != PartyList && typ != Virtual, RequiredLevel: "None",
	}
}

func stringColumn(schemaName, displayName string, maxLength int) *Column {
	c := column(schemaName, displayName, String)
	c.MaxLength, c.Format = maxLength, "Text"
	return c
}

func memoColumn(schemaName, displayName string, maxLength int) *Column {
	c := column(schemaName, displayName, Memo)
	c.MaxLength, c.Format = maxLength, "TextArea"
	return c
}

func integerColumn(schemaName, displayName, lowest, highest string) *Column {
	c := column(schemaName, displayName, Integer)
	c.MinValue, c.MaxValue, c.Format = lowest, highest, "None"
	return c
}

func dateColumn(schemaName, displayName, format string, behavior Behavior) *Column {
	c := column(schemaName, displayName, DateTime)
	c.Format, c.Behavior = format, behavior
	return c
}

func boolColumn(schemaName, displayName, whenTrue, whenFalse string) *Column {
	c := column(schemaName, displayName, Boolean)
	c.Options = []Option{{Value: 1, Label: whenTrue}, {Value: 0, Label: whenFalse}}
	return c
}

func choiceColumn(schemaName, displayName string, options ...Option) *Column {
	c := column(schemaName, displayName, Picklist)
	c.Options = options
	return c
}

func lookupColumn(schemaName, displayName string, targets ...string) *Column {
	c := column(schemaName, displayName, Lookup)
	c.Targets = targets
	return c
}

func guidColumn(schemaName, displayName string) *Column {
	return column(schemaName, displayName, Uniqueidentifier)
}

func readOnly(c *Column) *Column {
	c.ReadOnly = true
	return c
}

func required(c *Column) *Column {
	c.RequiredLevel = "SystemRequired"
	return c
}

func versionColumn() *Column {
	c := readOnly(column("VersionNumber", "Version Number", BigInt))
	c.MinValue, c.MaxValue = minInt64, maxInt64
	return c
}

func keyColumn(schemaName, displayName string) *Column {
	return required(guidColumn(schemaName, displayName))
}

// companion makes the EntityName column that tells a lookup's table. It is not on the wire.
func companion(of *Column, schemaName string) *Column {
	c := readOnly(column(schemaName, of.DisplayName+" Type", EntityName))
	c.AttributeOf, c.ValidOData = of.LogicalName, false
	return c
}

// stateColumns are statecode and statuscode with the two states most tables have.
func stateColumns() []*Column {
	state := required(column("statecode", "Status", State))
	state.Options = []Option{{Value: 0, Label: "Active", DefaultStatus: 1}, {Value: 1, Label: "Inactive", DefaultStatus: 2}}
	status := column("statuscode", "Status Reason", Status)
	status.Options = []Option{{Value: 1, Label: "Active", State: 0}, {Value: 2, Label: "Inactive", State: 1}}
	return []*Column{state, status}
}

// StandardColumns are the columns Dataverse gives to every new table of that ownership, after its
// primary key and name (spec §2.8): who made it and when, whose it is, its state, its version.
func StandardColumns(ownership string) []*Column {
	columns := []*Column{
		readOnly(dateColumn("CreatedOn", "Created On", "DateAndTime", UserLocal)),
		readOnly(lookupColumn("CreatedBy", "Created By", "systemuser")),
		readOnly(dateColumn("ModifiedOn", "Modified On", "DateAndTime", UserLocal)),
		readOnly(lookupColumn("ModifiedBy", "Modified By", "systemuser")),
		readOnly(lookupColumn("CreatedOnBehalfBy", "Created By (Delegate)", "systemuser")),
		readOnly(lookupColumn("ModifiedOnBehalfBy", "Modified By (Delegate)", "systemuser")),
	}
	switch ownership {
	case "UserOwned":
		owner := required(column("OwnerId", "Owner", Owner))
		owner.Targets = []string{"systemuser", "team"}
		columns = append(columns, owner, companion(owner, "OwnerIdType"),
			readOnly(lookupColumn("OwningBusinessUnit", "Owning Business Unit", "businessunit")),
			readOnly(lookupColumn("OwningUser", "Owning User", "systemuser")),
			readOnly(lookupColumn("OwningTeam", "Owning Team", "team")))
	case "OrganizationOwned":
		columns = append(columns, readOnly(lookupColumn("OrganizationId", "Organization Id", "organization")))
	}
	columns = append(columns, stateColumns()...)
	return append(columns,
		versionColumn(),
		integerColumn("ImportSequenceNumber", "Import Sequence Number", minInt32, maxInt32),
		dateColumn("OverriddenCreatedOn", "Record Created On", "DateOnly", UserLocal),
		integerColumn("TimeZoneRuleVersionNumber", "Time Zone Rule Version Number", "-1", maxInt32),
		integerColumn("UTCConversionTimeZoneCode", "UTC Conversion Time Zone Code", "-1", maxInt32))
}
