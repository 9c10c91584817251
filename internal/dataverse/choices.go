package dataverse

import (
	"context"

	"lakelink"
)

// A choiceCast is a kind of column whose labels are told only behind a cast (§2.2).
type choiceCast struct {
	typ   lakelink.ColumnType
	cast  string
	query string
}

const optionsQuery = "?$select=LogicalName&$expand=OptionSet($select=Options,Name,IsGlobal),GlobalOptionSet($select=Name,Options)"

var choiceCasts = []choiceCast{
	{lakelink.TypeChoice, "PicklistAttributeMetadata", optionsQuery},
	{lakelink.TypeMultiChoice, "MultiSelectPicklistAttributeMetadata", optionsQuery},
	{lakelink.TypeState, "StateAttributeMetadata", "?$select=LogicalName&$expand=OptionSet"},
	{lakelink.TypeStatus, "StatusAttributeMetadata", "?$select=LogicalName&$expand=OptionSet"},
	{lakelink.TypeBoolean, "BooleanAttributeMetadata", "?$select=LogicalName&$expand=OptionSet"},
}

// A choiceAttribute is what is read of a column behind a cast.
type choiceAttribute struct {
	LogicalName     string
	OptionSet       *optionSet
	GlobalOptionSet *optionSet
}

type optionSet struct {
	Name        string
	IsGlobal    bool
	Options     []option
	TrueOption  *option
	FalseOption *option
}

type option struct {
	Value int
	State int
	Label label
}

func (o *option) option() lakelink.Option {
	return lakelink.Option{Value: o.Value, State: o.State, Labels: o.Label.labels()}
}

// choiceSet turns the options of a column into a ChoiceSet.
func (a *choiceAttribute) choiceSet(typ lakelink.ColumnType) lakelink.ChoiceSet {
	set := lakelink.ChoiceSet{Column: a.LogicalName, Type: typ}
	for _, from := range []*optionSet{a.OptionSet, a.GlobalOptionSet} {
		if from == nil {
			continue
		}
		if from.IsGlobal || from == a.GlobalOptionSet {
			set.Global = from.Name
		}
		if len(set.Options) > 0 { // a column of a global choice tells its options twice
			continue
		}
		for i := range from.Options {
			set.Options = append(set.Options, from.Options[i].option())
		}
		for _, o := range []*option{from.FalseOption, from.TrueOption} {
			if o != nil {
				set.Options = append(set.Options, o.option())
			}
		}
	}
	return set
}

// choices reads the options of a table's columns, in the order of the columns.
func (c *Client) choices(ctx context.Context, root string, t *lakelink.Table) ([]lakelink.ChoiceSet, error) {
	kinds := map[lakelink.ColumnType]bool{}
	for i := range t.Columns {
		kinds[t.Columns[i].Type] = true
	}
	sets := map[string]lakelink.ChoiceSet{}
	for _, cast := range choiceCasts {
		if !kinds[cast.typ] {
			continue
		}
		var a choiceAttribute
		k := call{op: "read the labels of the table's choices", table: t.Name,
			link: root + "/Attributes/Microsoft.Dynamics.CRM." + cast.cast + cast.query}
		if _, err := list(ctx, c, k, &a, func() error {
			sets[a.LogicalName] = a.choiceSet(cast.typ)
			return nil
		}); err != nil {
			return nil, noTable(err)
		}
	}
	var out []lakelink.ChoiceSet
	for i := range t.Columns {
		if set, ok := sets[t.Columns[i].Name]; ok && set.Type == t.Columns[i].Type {
			out = append(out, set)
		}
	}
	return out, nil
}
