package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lakelink/internal/devserver/odata"
	"lakelink/internal/devserver/schema"
)

// A QueryError is a filter or order that does not fit the table.
type QueryError struct{ Message string }

func (e *QueryError) Error() string { return e.Message }

func queryError(format string, args ...any) error {
	return &QueryError{fmt.Sprintf(format, args...)}
}

// noProperty is the error for a name that a table does not have.
func noProperty(name string, t *Table) error {
	return queryError("Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.%s'.", name, t.LogicalName)
}

// A compiler turns OData conditions on one table, which is called r, into SQL.
type compiler struct {
	store *Store
	table *Table
	args  []any
}

// An operand is one side of a comparison.
type operand struct {
	sql    string
	args   []any
	column *schema.Column // nil for a literal
	key    bool           // a primary key, a blob in SQL
	lit    odata.Literal
}

var sqlOps = map[odata.Op]string{
	odata.Eq: "=", odata.Ne: "<>", odata.Gt: ">", odata.Ge: ">=", odata.Lt: "<", odata.Le: "<=",
	odata.And: "AND", odata.Or: "OR",
}

// condition returns the SQL of a filter; its arguments gather in c.args.
func (c *compiler) condition(e odata.Expr) (string, error) {
	switch e := e.(type) {
	case odata.Not:
		inner, err := c.condition(e.Operand)
		return "NOT (" + inner + ")", err
	case odata.Call:
		return c.call(e)
	case odata.Binary:
		if e.Op == odata.And || e.Op == odata.Or {
			left, err := c.condition(e.Left)
			if err != nil {
				return "", err
			}
			right, err := c.condition(e.Right)
			return "(" + left + " " + sqlOps[e.Op] + " " + right + ")", err
		}
		return c.comparison(e)
	case odata.Path:
		o, err := c.path(e)
		if err != nil {
			return "", err
		}
		if o.column.Type != schema.Boolean {
			return "", queryError("The property '%s' is not a condition.", e)
		}
		return c.use(o) + " = 1", nil
	case odata.Literal:
		if e.Kind == odata.Bool {
			return map[string]string{"true": "1", "false": "0"}[e.Text], nil
		}
	}
	return "", queryError("The filter is not a condition.")
}

// use takes over an operand's arguments and returns its SQL. Operands must be used in the order
// in which they stand in the statement.
func (c *compiler) use(o operand) string {
	c.args = append(c.args, o.args...)
	return o.sql
}

func (c *compiler) comparison(e odata.Binary) (string, error) {
	left, err := c.operand(e.Left)
	if err != nil {
		return "", err
	}
	right, err := c.operand(e.Right)
	if err != nil {
		return "", err
	}
	if left.column == nil && right.column == nil {
		return "", queryError("A comparison needs a property.")
	}
	for _, pair := range [][2]*operand{{&left, &right}, {&right, &left}} {
		if o, to := pair[0], pair[1]; o.column == nil && o.lit.Kind == odata.Null {
			switch e.Op {
			case odata.Eq:
				return c.use(*to) + " IS NULL", nil
			case odata.Ne:
				return c.use(*to) + " IS NOT NULL", nil
			}
			return "NULL", nil // neither true nor false, so that not makes it no more true
		}
		if err := bind(pair[0], pair[1], e.Op); err != nil {
			return "", err
		}
	}
	if left.key != right.key {
		for _, o := range []*operand{&left, &right} {
			if o.key && o.column != nil {
				o.sql = guidText(o.sql)
			}
		}
	}
	return c.use(left) + " " + sqlOps[e.Op] + " " + c.use(right), nil
}

// guidText is SQL that turns a primary key into the text that dv_col gives for a GUID.
func guidText(key string) string {
	h := "lower(hex(" + key + "))"
	return fmt.Sprintf("(substr(%[1]s,1,8)||'-'||substr(%[1]s,9,4)||'-'||substr(%[1]s,13,4)||'-'||substr(%[1]s,17,4)||'-'||substr(%[1]s,21))", h)
}

func (c *compiler) operand(e odata.Expr) (operand, error) {
	switch e := e.(type) {
	case odata.Path:
		return c.path(e)
	case odata.Literal:
		return operand{lit: e}, nil
	}
	return operand{}, queryError("Only properties and constants can be compared.")
}

// path resolves a property of the table, or of the row a lookup of it points to.
func (c *compiler) path(p odata.Path) (operand, error) {
	if len(p) == 1 {
		col := c.table.Property(p[0])
		if col == nil || c.table.IsSecret(col) {
			return operand{}, noProperty(p[0], c.table)
		}
		return c.columnOf(c.table, "r", col), nil
	}
	if len(p) > 2 {
		return operand{}, queryError("The path '%s' is too long.", p)
	}
	for _, rel := range c.table.Relationships {
		if rel.ReferencingProperty != p[0] {
			continue
		}
		target, lookup := c.store.tables[rel.ReferencedEntity], c.table.Column(rel.ReferencingColumn)
		if target == nil || lookup == nil {
			break
		}
		col := target.Property(p[1])
		if col == nil || target.IsSecret(col) {
			return operand{}, noProperty(p[1], target)
		}
		inner := c.columnOf(target, "n", col)
		inner.sql = fmt.Sprintf("(SELECT %s FROM %s n WHERE n.id = dv_ref(r.body, %d))", inner.sql, target.sqlName, lookup.Number)
		return inner, nil
	}
	return operand{}, noProperty(p[0], c.table)
}

func (c *compiler) columnOf(t *Table, alias string, col *schema.Column) operand {
	switch {
	case t.IsID(col):
		return operand{sql: alias + ".id", column: col, key: true}
	case t.IsVersion(col):
		return operand{sql: alias + ".version", column: col}
	}
	return operand{sql: fmt.Sprintf("dv_col(%s.body, %d)", alias, col.Number), column: col}
}

// bind turns a literal into an argument of the type of the column it is compared with.
func bind(o, to *operand, op odata.Op) error {
	if o.column != nil {
		return nil
	}
	v, err := argument(o.lit, to.column)
	if err != nil {
		return queryError("A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
			edmType(to.column), err, operatorKind[op])
	}
	if to.key {
		id, err := ParseID(v.(string))
		if err != nil {
			return queryError("'%s' is not a GUID.", o.lit.Text)
		}
		o.sql, o.key = sqlBlob(id), true
		return nil
	}
	o.sql, o.args = "?", []any{v}
	return nil
}

var operatorKind = map[odata.Op]string{
	odata.Eq: "Equal", odata.Ne: "NotEqual", odata.Gt: "GreaterThan", odata.Ge: "GreaterThanOrEqual",
	odata.Lt: "LessThan", odata.Le: "LessThanOrEqual",
}

// wrongKind is the EDM type of a literal that does not suit.
type wrongKind string

func (w wrongKind) Error() string { return string(w) }

var literalType = map[odata.Kind]string{
	odata.String: "Edm.String", odata.Number: "Edm.Decimal", odata.Bool: "Edm.Boolean", odata.GUID: "Edm.Guid",
	odata.DateTime: "Edm.DateTimeOffset", odata.Date: "Edm.Date", odata.Enum: "Microsoft.Dynamics.CRM.Enum",
}

// argument returns a literal as dv_col would return a value of the column.
func argument(lit odata.Literal, c *schema.Column) (any, error) {
	bad := wrongKind(literalType[lit.Kind])
	switch c.Type {
	case schema.String, schema.Memo, schema.EntityName, schema.MultiSelectPicklist:
		if lit.Kind == odata.String {
			return Fold(lit.Text), nil
		}
	case schema.Integer, schema.BigInt, schema.Picklist, schema.State, schema.Status,
		schema.Decimal, schema.Double, schema.Money:
		if lit.Kind != odata.Number {
			break
		}
		if n, err := strconv.ParseInt(lit.Text, 10, 64); err == nil {
			return n, nil
		}
		return strconv.ParseFloat(lit.Text, 64)
	case schema.Boolean:
		switch {
		case lit.Kind == odata.Bool:
			return map[string]int64{"true": 1}[lit.Text], nil
		case lit.Kind == odata.Number && (lit.Text == "0" || lit.Text == "1"):
			return strconv.ParseInt(lit.Text, 10, 64)
		}
	case schema.Uniqueidentifier, schema.Lookup, schema.Customer, schema.Owner:
		if lit.Kind == odata.GUID {
			return lit.Text, nil
		}
		if id, err := ParseID(lit.Text); lit.Kind == odata.String && err == nil {
			return id.String(), nil
		}
	case schema.DateTime:
		return dateArgument(lit, c)
	}
	return nil, bad
}

// dateArgument returns a moment in the form of stored ones; fractions of seconds are dropped, as
// stored values have none.
func dateArgument(lit odata.Literal, c *schema.Column) (any, error) {
	if lit.Kind != odata.Date && lit.Kind != odata.DateTime {
		return nil, wrongKind(literalType[lit.Kind])
	}
	if c.Behavior == schema.DateOnly {
		return lit.Text[:10], nil
	}
	text := lit.Text
	if lit.Kind == odata.Date {
		text += "T00:00:00Z"
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, wrongKind("Edm.DateTimeOffset")
	}
	return Fold(at.UTC().Format(wireTime)), nil
}

func edmType(c *schema.Column) string {
	switch c.Type {
	case schema.Integer, schema.Picklist, schema.State, schema.Status:
		return "Edm.Int32"
	case schema.BigInt:
		return "Edm.Int64"
	case schema.Decimal, schema.Money:
		return "Edm.Decimal"
	case schema.Double:
		return "Edm.Double"
	case schema.Boolean:
		return "Edm.Boolean"
	case schema.Uniqueidentifier, schema.Lookup, schema.Customer, schema.Owner:
		return "Edm.Guid"
	case schema.DateTime:
		if c.Behavior == schema.DateOnly {
			return "Edm.Date"
		}
		return "Edm.DateTimeOffset"
	}
	return "Edm.String"
}

// call compiles contains, startswith and endswith. As on the original, % and _ in the text are
// wildcards.
func (c *compiler) call(e odata.Call) (string, error) {
	patterns := map[string]string{"contains": "%%%s%%", "startswith": "%s%%", "endswith": "%%%s"}
	pattern, ok := patterns[e.Name]
	if !ok {
		return "", queryError("An unknown function with name '%s' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.", e.Name)
	}
	if len(e.Args) != 2 {
		return "", queryError("No function signature for the function with name '%s' matches the specified arguments.", e.Name)
	}
	o, err := c.operand(e.Args[0])
	if err != nil {
		return "", err
	}
	lit, isLiteral := e.Args[1].(odata.Literal)
	if o.column == nil || edmType(o.column) != "Edm.String" || !isLiteral || lit.Kind != odata.String {
		return "", queryError("No function signature for the function with name '%s' matches the specified arguments.", e.Name)
	}
	sql := c.use(o) + " LIKE ?"
	c.args = append(c.args, fmt.Sprintf(pattern, strings.ToLower(lit.Text)))
	return sql, nil
}
