package main

import (
	"encoding/json"
	"fmt"
)

// The answers about the table's metadata, with what a client reads of the original's.

func label(text string) map[string]any {
	l := map[string]any{"Label": text, "LanguageCode": 1033}
	return map[string]any{"LocalizedLabels": []any{l}, "UserLocalizedLabel": l}
}

func entityDefinition() map[string]any {
	return map[string]any{
		"MetadataId": "70816501-edb9-4740-a16c-6a5efbc05d84", "LogicalName": tableName, "EntitySetName": entitySet,
		"PrimaryIdAttribute": columnDefs[0].name, "IsIntersect": false, "DataProviderId": nil, "ChangeTrackingEnabled": true,
		"CanChangeTrackingBeEnabled": map[string]any{"Value": true}, "DisplayName": label("Account"),
	}
}

func attributes() []any {
	var out []any
	for i := range columnDefs {
		c := &columnDefs[i]
		a := map[string]any{
			"MetadataId": fmt.Sprintf("a1965545-44bc-4b7b-b1ae-93074d0e%04x", i), "LogicalName": c.name, "AttributeOf": nil,
			"IsValidForRead": true, "IsValidODataAttribute": true, "AttributeTypeName": map[string]any{"Value": c.typ},
			"DisplayName": label(c.name),
		}
		if c.isLookup() {
			a["Targets"] = c.targets
		}
		for k, v := range c.more {
			a[k] = v
		}
		out = append(out, a)
	}
	return out
}

// choiceColumns are the columns of a type with their options.
func choiceColumns(typ string) []any {
	var out []any
	for i := range columnDefs {
		c := &columnDefs[i]
		if c.typ != typ {
			continue
		}
		set := map[string]any{"Name": tableName + "_" + c.name, "IsGlobal": false}
		if typ == "BooleanType" {
			set["TrueOption"] = map[string]any{"Value": 1, "Label": label("Yes")}
			set["FalseOption"] = map[string]any{"Value": 0, "Label": label("No")}
		} else {
			var options []any
			for v := range 34 {
				options = append(options, map[string]any{"Value": v, "State": 0, "Label": label(fmt.Sprint("Option ", v))})
			}
			set["Options"] = options
		}
		out = append(out, map[string]any{"LogicalName": c.name, "OptionSet": set})
	}
	return out
}

// list is an answer that is a list.
func list(elements ...any) []byte { return answer(map[string]any{"value": elements}) }

func answer(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and booleans
	}
	return b
}
