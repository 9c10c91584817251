// Package odata reads the query options of the Web API: $select, $filter and $orderby. It knows
// the grammar, not the tables: whether a name exists and what an operator means to it is the
// caller's business.
package odata

import (
	"fmt"
	"strings"
)

// An Expr is a node of a filter: Binary, Not, Call, Path or Literal.
type Expr interface{ isExpr() }

// An Op is an operator between two expressions.
type Op string

// The operators.
const (
	Eq  Op = "eq"
	Ne  Op = "ne"
	Gt  Op = "gt"
	Ge  Op = "ge"
	Lt  Op = "lt"
	Le  Op = "le"
	And Op = "and"
	Or  Op = "or"
)

// Binary is Left Op Right.
type Binary struct {
	Op          Op
	Left, Right Expr
}

// Not is the negation of a condition.
type Not struct{ Operand Expr }

// Call is a function such as contains.
type Call struct {
	Name string
	Args []Expr
}

// Path names a property, perhaps of a related row: "name", "primarycontactid/fullname".
type Path []string

// A Kind is what a literal is.
type Kind int

// The kinds of literal.
const (
	Null     Kind = iota
	String        // 'text'; Text has single quotes undoubled
	Number        // 12, -3.50
	Bool          // true, false
	GUID          // 36 characters, lower case
	DateTime      // 2026-03-01T12:30:00Z
	Date          // 2026-03-01
	Enum          // Namespace.Type'Member'; Text is the member
)

// Literal is a constant.
type Literal struct {
	Kind Kind
	Text string
}

func (Binary) isExpr()  {}
func (Not) isExpr()     {}
func (Call) isExpr()    {}
func (Path) isExpr()    {}
func (Literal) isExpr() {}

// String returns the path as it was written.
func (p Path) String() string { return strings.Join(p, "/") }

// An Order is one term of $orderby.
type Order struct {
	Path Path
	Desc bool
}

// A SyntaxError says where an option cannot be understood.
type SyntaxError struct {
	Option string // the whole option
	At     int    // byte offset into it
	Reason string // "" where there is nothing more to say
}

func (e *SyntaxError) Error() string {
	if e.Reason != "" {
		return e.Reason
	}
	return fmt.Sprintf("Syntax error at position %d in '%s'.", e.At, e.Option)
}

// MaxConditions is how many comparisons one filter may have.
const MaxConditions = 500

// TooManyConditions is the error of a filter with more than MaxConditions comparisons.
type TooManyConditions struct{}

func (TooManyConditions) Error() string {
	return "Number of conditions in query exceeded maximum limit."
}

// Select splits $select into names. "*" and the empty option mean all columns and give nil.
func Select(option string) []string {
	var names []string
	for name := range strings.SplitSeq(option, ",") {
		name = strings.TrimSpace(name)
		if name == "*" {
			return nil
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// OrderBy reads $orderby.
func OrderBy(option string) ([]Order, error) {
	var orders []Order
	at := 0
	for term := range strings.SplitSeq(option, ",") {
		words := strings.Fields(term)
		switch {
		case len(words) == 0 && strings.TrimSpace(option) == "":
			return nil, nil
		case len(words) == 1, len(words) == 2 && words[1] == "asc":
			orders = append(orders, Order{Path: strings.Split(words[0], "/")})
		case len(words) == 2 && words[1] == "desc":
			orders = append(orders, Order{Path: strings.Split(words[0], "/"), Desc: true})
		default:
			return nil, &SyntaxError{Option: option, At: at}
		}
		at += len(term) + 1
	}
	return orders, nil
}
