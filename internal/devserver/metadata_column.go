package devserver

import (
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// columnDefinition is the metadata of a column, in the original's order: the base type's scalar
// properties, the derived type's, then the complex ones. Types without a derived class have no
// @odata.type.
func columnDefinition(t *schema.Table, c *schema.Column) object {
	isID, isName := c.LogicalName == t.PrimaryID, c.LogicalName == t.PrimaryName
	canWrite := !c.ReadOnly && c.AttributeOf == ""
	var o object
	if class := columnClass(c); class != "" {
		o = append(o, member{"@odata.type", "#" + crmNamespace + class})
	}
	o = append(o, object{
		{"MetadataId", c.ID},
		{"HasChanged", nil},
		{"AttributeOf", text(c.AttributeOf)},
		{"AttributeType", attributeType(c)},
		{"ColumnNumber", c.Number},
		{"DeprecatedVersion", nil},
		{"IntroducedVersion", "5.0.0.0"},
		{"EntityLogicalName", t.LogicalName},
		{"IsCustomAttribute", c.Custom},
		{"IsPrimaryId", isID},
		{"IsValidODataAttribute", store.OnWire(c)},
		{"IsPrimaryName", isName},
		{"IsValidForCreate", canWrite},
		{"IsValidForRead", true},
		{"IsValidForUpdate", canWrite && !isID},
		{"CanBeSecuredForRead", false},
		{"CanBeSecuredForCreate", false},
		{"CanBeSecuredForUpdate", false},
		{"IsSecured", false},
		{"IsRetrievable", true},
		{"IsFilterable", false},
		{"IsSearchable", false},
		{"IsManaged", !c.Custom},
		{"LinkedAttributeId", nil},
		{"LogicalName", c.LogicalName},
		{"IsValidForForm", true},
		{"IsRequiredForForm", false},
		{"IsValidForGrid", true},
		{"SchemaName", c.SchemaName},
		{"ExternalName", nil},
		{"IsLogical", c.AttributeOf != ""},
		{"IsDataSourceSecret", false},
		{"InheritsFrom", nil},
		{"CreatedOn", schemaDate},
		{"ModifiedOn", schemaDate},
		{"SourceType", 0},
		{"AutoNumberFormat", ""},
	}...)
	scalar, complex := derivedProperties(c)
	o = append(o, scalar...)
	o = append(o, object{
		{"AttributeTypeName", object{{"Value", string(c.Type) + "Type"}}},
		{"Description", textLabel("", "")},
		{"DisplayName", textLabel(c.DisplayName, c.ID)},
		{"IsAuditEnabled", managed("canmodifyauditsettings", false, true)},
		{"IsGlobalFilterEnabled", managed("canmodifyglobalfiltersettings", false, true)},
		{"IsSortableEnabled", managed("canmodifyissortablesettings", false, true)},
		{"IsCustomizable", managed("iscustomizable", true, false)},
		{"IsRenameable", managed("isrenameable", true, false)},
		{"IsValidForAdvancedFind", managed("canmodifysearchsettings", true, true)},
		{"RequiredLevel", requiredLevel(c)},
		{"CanModifyAdditionalSettings", managed("canmodifyadditionalsettings", true, false)},
		{"Settings", []object{}},
	}...)
	return append(o, complex...)
}

// columnClass is the derived class of a column's metadata, "" for those that are of the base.
func columnClass(c *schema.Column) string {
	switch c.Type {
	case schema.Uniqueidentifier, schema.Virtual:
		return ""
	case schema.Customer, schema.Owner, schema.PartyList:
		return "LookupAttributeMetadata"
	}
	return string(c.Type) + "AttributeMetadata"
}

// attributeType is the old AttributeType, which calls newer types Virtual.
func attributeType(c *schema.Column) string {
	if c.Type == schema.MultiSelectPicklist {
		return "Virtual"
	}
	return string(c.Type)
}

func requiredLevel(c *schema.Column) object {
	level := c.RequiredLevel
	if level == "" {
		level = "None"
	}
	return object{{"Value", level}, {"CanBeChanged", level != "SystemRequired"},
		{"ManagedPropertyLogicalName", "canmodifyrequirementlevelsettings"}}
}

// derivedProperties are what the derived class of a column adds, before and after the complex
// properties of the base.
func derivedProperties(c *schema.Column) (scalar, complex object) {
	formula := object{{"FormulaDefinition", nil}, {"SourceTypeMask", 0}}
	limits := object{{"MaxValue", limit(c.MaxValue)}, {"MinValue", limit(c.MinValue)}}
	switch c.Type {
	case schema.String:
		scalar = append(object{{"Format", format(c, "Text")}, {"ImeMode", "Auto"}, {"MaxLength", c.MaxLength},
			{"YomiOf", nil}, {"IsLocalizable", false}, {"DatabaseLength", 2 * c.MaxLength}}, formula...)
		complex = object{{"FormatName", object{{"Value", format(c, "Text")}}}}
	case schema.Memo:
		scalar = object{{"Format", format(c, "TextArea")}, {"ImeMode", "Auto"}, {"MaxLength", c.MaxLength}, {"IsLocalizable", false}}
		complex = object{{"FormatName", object{{"Value", format(c, "TextArea")}}}}
	case schema.Integer:
		scalar = append(append(object{{"Format", format(c, "None")}}, limits...), formula...)
	case schema.BigInt:
		scalar = limits
	case schema.Decimal:
		scalar = append(append(limits, object{{"Precision", c.Precision}, {"ImeMode", "Disabled"}}...), formula...)
	case schema.Double:
		scalar = append(object{{"ImeMode", "Disabled"}}, append(limits, member{"Precision", c.Precision})...)
	case schema.Money:
		scalar = append(append(limits, object{{"Precision", c.Precision}, {"PrecisionSource", 2}, {"ImeMode", "Disabled"},
			{"CalculationOf", text(c.CalculationOf)}, {"IsBaseCurrency", c.CalculationOf != ""}}...), formula...)
	case schema.Boolean:
		scalar = append(object{{"DefaultValue", false}}, formula...)
	case schema.DateTime:
		scalar = object{{"MinSupportedValue", "1753-01-01T00:00:00Z"}, {"MaxSupportedValue", "9999-12-30T23:59:59Z"},
			{"Format", format(c, "DateAndTime")}, {"ImeMode", "Inactive"}, {"SourceTypeMask", 0}, {"FormulaDefinition", nil}}
		behavior := c.Behavior
		if behavior == "" {
			behavior = schema.UserLocal
		}
		complex = object{{"DateTimeBehavior", object{{"Value", string(behavior)}}},
			{"CanChangeDateTimeBehavior", managed("canmodifydatetimebehavior", c.Custom, c.Custom)}}
	case schema.Picklist, schema.MultiSelectPicklist:
		scalar = append(append(object{{"DefaultFormValue", -1}}, formula...),
			object{{"ParentPicklistLogicalName", nil}, {"ChildPicklistLogicalNames", []string{}}}...)
	case schema.State, schema.Status:
		scalar = object{{"DefaultFormValue", nil}}
	case schema.EntityName:
		scalar = object{{"DefaultFormValue", nil}, {"IsEntityReferenceStored", false}}
	case schema.Lookup, schema.Customer, schema.Owner, schema.PartyList:
		scalar = object{{"Targets", append([]string{}, c.Targets...)}, {"Format", "None"}}
	}
	return scalar, complex
}

func format(c *schema.Column, otherwise string) string {
	if c.Format != "" {
		return c.Format
	}
	return otherwise
}

// limit is a bound of a number's range.
func limit(s string) any {
	if s == "" {
		return nil
	}
	return number(s)
}
