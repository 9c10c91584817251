package odata

import (
	"fmt"
	"strings"
	"testing"
)

// show writes an expression with all its parentheses.
func show(e Expr) string {
	switch e := e.(type) {
	case Binary:
		return "(" + show(e.Left) + " " + string(e.Op) + " " + show(e.Right) + ")"
	case Not:
		return "not " + show(e.Operand)
	case Call:
		args := make([]string, len(e.Args))
		for i, a := range e.Args {
			args[i] = show(a)
		}
		return e.Name + "[" + strings.Join(args, " ") + "]"
	case Path:
		return e.String()
	case Literal:
		return fmt.Sprintf("%d:%s", e.Kind, e.Text)
	}
	return "?"
}

func TestFilterReadsTheGrammar(t *testing.T) {
	for option, want := range map[string]string{
		"name eq 'x'":                                      "(name eq 1:x)",
		"name eq 'O''Neill'":                               "(name eq 1:O'Neill)",
		"a eq 1 or b eq 2 and c eq 3":                      "((a eq 2:1) or ((b eq 2:2) and (c eq 2:3)))",
		"(a eq 1 or b eq 2) and not (c eq -3.50)":          "(((a eq 2:1) or (b eq 2:2)) and not (c eq 2:-3.50))",
		"contains(name,'x,y)')":                            "contains[name 1:x,y)]",
		"not startswith(name, 'x') and a eq true":          "(not startswith[name 1:x] and (a eq 3:true))",
		"_x_value eq 60C4E274-0d87-e711-80e5-00155db19e6d": "(_x_value eq 4:60c4e274-0d87-e711-80e5-00155db19e6d)",
		"createdon ge 2026-03-01T12:30:00Z":                "(createdon ge 5:2026-03-01T12:30:00Z)",
		"createdon ge 2026-03-01":                          "(createdon ge 6:2026-03-01)",
		"sdkmessageid/name ne null":                        "(sdkmessageid/name ne 0:)",
		"X eq Microsoft.Dynamics.CRM.Types'Owned'":         "(X eq 7:Owned)",
		"isdisabled":                                       "isdisabled",
	} {
		e, err := Filter(option)
		if err != nil {
			t.Errorf("%s: %v", option, err)
		} else if got := show(e); got != want {
			t.Errorf("%s: %s, want %s", option, got, want)
		}
	}
}

func TestFilterRefusesEverythingElse(t *testing.T) {
	for _, option := range []string{"", " ", "a eq", "a eq 1 b", "(a eq 1", "a eq 1)", "a eq 'x", "a eq 1 or", "f(", "f(a", "f(a b)",
		"a/", "a eq 1;", "a eq #", "not", "1x eq 2"} {
		if e, err := Filter(option); err == nil {
			t.Errorf("%q was read as %s", option, show(e))
		}
	}
	for _, option := range []string{strings.Repeat("(", 100_000), strings.Repeat("not ", 100_000), strings.Repeat("a eq 1 and ", 600) + "a eq 1"} {
		if _, err := Filter(option); err != (TooManyConditions{}) {
			t.Errorf("%.20s…: %v", option, err)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("name eq 'x' and (a/b ge 1 or contains(c,'d'))")
	f.Fuzz(func(t *testing.T, option string) {
		e, err := Filter(option)
		if err == nil && e == nil {
			t.Error("neither an expression nor an error")
		}
	})
}

func TestOrderBy(t *testing.T) {
	got, err := OrderBy("name desc, createdon asc,primarycontactid/fullname")
	if want := "[{name true} {createdon false} {primarycontactid/fullname false}]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v %v", got, err)
	}
	for _, option := range []string{"name up", "name desc desc", "name,,x"} {
		if got, err := OrderBy(option); err == nil {
			t.Errorf("%q was read as %v", option, got)
		}
	}
}

func TestExpands(t *testing.T) {
	got, err := Expands("OptionSet($select=Options,Name;$filter=contains(Name,'a;b)')),GlobalOptionSet")
	if want := "[{OptionSet map[$filter:contains(Name,'a;b)') $select:Options,Name]} {GlobalOptionSet map[]}]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v %v", got, err)
	}
	for _, option := range []string{"a(", "a)", "a(b))", "a($filter=x eq ')"} {
		if got, err := Expands(option); err == nil {
			t.Errorf("%q was read as %v", option, got)
		}
	}
}
