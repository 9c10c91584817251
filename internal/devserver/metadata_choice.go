package devserver

import (
	"lakelink/internal/devserver/schema"
)

// choiceDefinition is the OptionSet of a column: its local choice, its states or status reasons,
// the two values of a boolean, or the global choice it is based on.
func choiceDefinition(t *schema.Table, c *schema.Column) object {
	name := t.LogicalName + "_" + c.LogicalName
	if c.GlobalChoice != "" {
		name = c.GlobalChoice
	}
	o := choiceHead(c.ID, name, choiceType(c), c.DisplayName, c.GlobalChoice != "", c.Custom)
	if c.Type == schema.Boolean {
		var yes, no any
		for _, option := range c.Options {
			if option.Value == 1 {
				yes = optionDefinition(c, option)
			} else {
				no = optionDefinition(c, option)
			}
		}
		return append(o, member{"TrueOption", yes}, member{"FalseOption", no})
	}
	options := []object{}
	for _, option := range c.Options {
		options = append(options, optionDefinition(c, option))
	}
	return append(o, member{"Options", options})
}

// globalChoiceDefinition is the OptionSetMetadata of a global choice.
func globalChoiceDefinition(g *schema.Choice) object {
	options := []object{}
	for _, option := range g.Options {
		options = append(options, optionDefinition(nil, option))
	}
	o := append(object{{"@odata.type", "#" + crmNamespace + "OptionSetMetadata"}},
		choiceHead(g.ID, g.Name, "Picklist", g.DisplayName, true, false)...)
	return append(o, member{"Options", options})
}

func choiceHead(id, name, kind, displayName string, global, custom bool) object {
	return object{
		{"MetadataId", id},
		{"HasChanged", nil},
		{"IsCustomOptionSet", custom},
		{"IsGlobal", global},
		{"IsManaged", !custom},
		{"Name", name},
		{"ExternalTypeName", nil},
		{"OptionSetType", kind},
		{"IntroducedVersion", "5.0.0.0"},
		{"ParentOptionSetName", nil},
		{"Description", textLabel("", "")},
		{"DisplayName", textLabel(displayName, id)},
		{"IsCustomizable", managed("iscustomizable", true, false)},
	}
}

func choiceType(c *schema.Column) string {
	switch c.Type {
	case schema.State, schema.Status, schema.Boolean:
		return string(c.Type)
	}
	return "Picklist"
}

// optionDefinition is one option of a column, or of a global choice if c is nil.
func optionDefinition(c *schema.Column, o schema.Option) object {
	var head, tail object
	id := ""
	if c != nil {
		id = c.ID
		switch c.Type {
		case schema.Status:
			head = object{{"@odata.type", "#" + crmNamespace + "StatusOptionMetadata"}}
			tail = object{{"State", o.State}, {"TransitionData", nil}}
		case schema.State:
			head = object{{"@odata.type", "#" + crmNamespace + "StateOptionMetadata"}}
			tail = object{{"DefaultStatus", o.DefaultStatus}, {"InvariantName", o.Label}}
		}
	}
	body := object{
		{"Value", o.Value},
		{"Color", nil},
		{"IsManaged", true},
		{"ExternalValue", nil},
		{"ParentValues", []any{}},
		{"Tag", nil},
		{"IsHidden", false},
		{"MetadataId", nil},
		{"HasChanged", nil},
	}
	return append(append(append(head, body...), tail...), object{
		{"Label", textLabel(o.Label, id)},
		{"Description", textLabel("", "")},
	}...)
}
