package schema

import (
	"slices"
	"strings"
)

// fillOptions gives every choice its options, every state its default status reason and every
// boolean its two labels, where the data has none.
func fillOptions(t *Table, s *Schema, defaults map[int]int) {
	for _, c := range t.Columns {
		switch c.Type {
		case Picklist:
			fillChoice(t, c, s)
		case Boolean:
			if len(c.Options) == 0 {
				labels := booleanLabels(c.LogicalName)
				c.Options = []Option{{Value: 1, Label: labels[0]}, {Value: 0, Label: labels[1]}}
			}
		case State:
			fillDefaultStatus(t, c, defaults)
		}
	}
}

// fillChoice ties a column to the global choice of its name if the options agree, and gives it
// options if it has none.
func fillChoice(t *Table, c *Column, s *Schema) {
	if len(c.Options) == 0 {
		if states, ok := statesOf[t.LogicalName+"."+c.LogicalName]; ok {
			for _, o := range s.Table(states).Column("statecode").Options {
				c.Options = append(c.Options, Option{Value: o.Value, Label: o.Label})
			}
			return
		}
	}
	if c.GlobalChoice == "" {
		c.GlobalChoice = s.globalChoiceOf(t, c)
	}
	if c.GlobalChoice != "" && len(c.Options) == 0 {
		c.Options = slices.Clone(s.Choice(c.GlobalChoice).Options)
	}
	if len(c.Options) == 0 {
		c.Options = slices.Clone(localOptions[c.LogicalName])
	}
}

func (s *Schema) globalChoiceOf(t *Table, c *Column) string {
	for _, name := range []string{t.LogicalName + "_" + c.LogicalName, c.LogicalName, sharedChoices[t.LogicalName+"."+c.LogicalName]} {
		choice := s.Choice(name)
		if choice != nil && (len(c.Options) == 0 || slices.Equal(c.Options, choice.Options)) {
			return name
		}
	}
	return ""
}

// sharedChoices are the global choices that do not bear their column's name.
var sharedChoices = map[string]string{"incident.messagetypecode": "socialactivity_postmessagetype"}

// statesOf are choices that repeat the state of a row's parent.
var statesOf = map[string]string{
	"opportunityproduct.opportunitystatecode": "opportunity",
	"quotedetail.quotestatecode":              "quote",
	"salesorderdetail.salesorderstatecode":    "salesorder",
	"invoicedetail.invoicestatecode":          "invoice",
}

// localOptions are for columns that neither the data nor a global choice covers.
var localOptions = map[string][]Option{
	"dateformatcode": {{Value: 1, Label: "M/d/yyyy"}, {Value: 2, Label: "d/M/yyyy"}, {Value: 3, Label: "yyyy-MM-dd"}},
	"timeformatcode": {{Value: 1, Label: "h:mm tt"}, {Value: 2, Label: "HH:mm"}},
	"weekstartdaycode": {{Value: 0, Label: "Sunday"}, {Value: 1, Label: "Monday"}, {Value: 2, Label: "Tuesday"},
		{Value: 3, Label: "Wednesday"}, {Value: 4, Label: "Thursday"}, {Value: 5, Label: "Friday"}, {Value: 6, Label: "Saturday"}},
}

// booleanLabels are the labels of a boolean's true and false.
func booleanLabels(column string) [2]string {
	if labels, ok := knownBooleans[column]; ok {
		return labels
	}
	if strings.HasPrefix(column, "donot") && column != "donotsendonoptout" {
		return [2]string{"Do Not Allow", "Allow"}
	}
	return [2]string{"Yes", "No"}
}

var knownBooleans = map[string][2]string{
	"confirminterest":           {"Yes", "No"},
	"directioncode":             {"Outgoing", "Incoming"},
	"donotsendmm":               {"Do Not Send", "Send"},
	"ispriceoverridden":         {"Override Price", "Use Default"},
	"isproductoverridden":       {"Write In", "Existing"},
	"isrevenuesystemcalculated": {"System Calculated", "User Provided"},
	"lockstatus":                {"Locked", "Unlocked"},
	"type":                      {"Dynamic", "Static"},
	"willcall":                  {"Will Call", "Ship"},
}

// fillDefaultStatus takes a state's default status reason from the data, else the first one that
// belongs to the state.
func fillDefaultStatus(t *Table, state *Column, defaults map[int]int) {
	status := t.Column("statuscode")
	if status == nil {
		return
	}
	for i := range state.Options {
		o := &state.Options[i]
		if reason, ok := status.Option(defaults[o.Value]); ok && reason.State == o.Value {
			o.DefaultStatus = reason.Value
			continue
		}
		at := slices.IndexFunc(status.Options, func(r Option) bool { return r.State == o.Value })
		if at >= 0 {
			o.DefaultStatus = status.Options[at].Value
		}
	}
}
