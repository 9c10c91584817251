package dataverse

import (
	"context"
	"strings"

	"lakelink"
)

// An attribute is what is read of an AttributeMetadata and its derived types (Appendix B).
type attribute struct {
	ID                    string `json:"MetadataId"`
	LogicalName           string
	AttributeOf           string
	IsValidForRead        bool
	IsValidODataAttribute bool
	AttributeTypeName     struct{ Value string }
	SourceType            int
	MaxLength             int
	Precision             int
	CalculationOf         string
	IsBaseCurrency        bool
	DateTimeBehavior      struct{ Value string }
	Targets               []lakelink.TableName
}

// replicated are the types that carry a value of their own on the wire. Virtual, PartyList,
// CalendarRules, Image, File and ManagedProperty are left out on purpose (§11.1), and what comes
// new until it has a type here.
var replicated = map[lakelink.ColumnType]bool{
	lakelink.TypeString: true, lakelink.TypeMemo: true, lakelink.TypeInteger: true, lakelink.TypeBigInt: true,
	lakelink.TypeDecimal: true, lakelink.TypeDouble: true, lakelink.TypeMoney: true, lakelink.TypeBoolean: true,
	lakelink.TypeDateTime: true, lakelink.TypeChoice: true, lakelink.TypeMultiChoice: true, lakelink.TypeState: true,
	lakelink.TypeStatus: true, lakelink.TypeLookup: true, lakelink.TypeCustomer: true, lakelink.TypeOwner: true,
	lakelink.TypeUniqueidentifier: true, lakelink.TypeEntityName: true,
}

// Values of SourceType that are worked out when the row is read: they change without the row
// (§2.3). Rollups (2) are stored.
const (
	sourceCalculated = 1
	sourceFormula    = 3
)

// column turns an attribute into a column, or reports that it is not replicated.
func (a *attribute) column(t *lakelink.Table) (lakelink.Column, bool) {
	c := lakelink.Column{
		Name: a.LogicalName, ID: a.ID, MaxLength: a.MaxLength, Precision: a.Precision, Targets: a.Targets,
		Type:       lakelink.ColumnType(strings.TrimSuffix(a.AttributeTypeName.Value, "Type")),
		BaseTwin:   a.CalculationOf != "" || a.IsBaseCurrency,
		Calculated: a.SourceType == sourceCalculated || a.SourceType == sourceFormula,
	}
	switch c.Name {
	case t.PrimaryKey:
		c.Type, c.Targets = lakelink.TypeUniqueidentifier, nil
		return c, true
	case lakelink.VersionColumn:
		c.Type = lakelink.TypeBigInt
		return c, true
	}
	if c.Type == lakelink.TypeDateTime {
		c.Behavior = lakelink.UserLocal
		switch b := lakelink.DateBehavior(a.DateTimeBehavior.Value); b {
		case lakelink.DateOnly, lakelink.TimeZoneIndependent:
			c.Behavior = b
		}
	}
	return c, a.IsValidForRead && a.IsValidODataAttribute && a.AttributeOf == "" && replicated[c.Type]
}

// columns reads the columns of a table, in the environment's order.
func (c *Client) columns(ctx context.Context, root string, t *lakelink.Table) ([]lakelink.Column, error) {
	var (
		columns []lakelink.Column
		a       attribute
	)
	at := map[string]int{} // a list that was cut is read again
	k := call{op: "describe the table's columns", table: t.Name, link: root + "/Attributes"}
	_, err := list(ctx, c, k, &a, func() error {
		col, ok := a.column(t)
		i, again := at[col.Name]
		switch {
		case !ok:
		case again:
			columns[i] = col
		default:
			at[col.Name] = len(columns)
			columns = append(columns, col)
		}
		return nil
	})
	return columns, noTable(err)
}
