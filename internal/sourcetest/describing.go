package sourcetest

import (
	"testing"

	"lakelink"
)

func testEnvironment(t *testing.T, e *env) {
	first, err := e.Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.ID == "" || first.URL == "" {
		t.Errorf("Environment = %+v, want an ID and a URL", first)
	}
	e.Create(e.table.Name, 1)
	again, err := e.restart().Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again.ID != first.ID {
		t.Errorf("the environment's ID went from %s to %s by itself", first.ID, again.ID)
	}
}

func testTables(t *testing.T, e *env) {
	all, err := e.Source.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[lakelink.TableName]lakelink.Table{}
	for _, def := range all {
		if _, twice := byName[def.Name]; twice {
			t.Errorf("table %s is listed twice", def.Name)
		}
		if len(def.Columns) > 0 || len(def.Choices) > 0 {
			t.Errorf("table %s is listed with columns or choices", def.Name)
		}
		byName[def.Name] = def
	}
	for _, want := range []*lakelink.Table{e.table, e.other} {
		got, ok := byName[want.Name]
		if !ok {
			t.Errorf("table %s is not listed", want.Name)
		} else if got.ID != want.ID || got.Tracked != want.Tracked || got.PrimaryKey != want.PrimaryKey {
			t.Errorf("table %s is listed as %+v, and described as %+v", want.Name, got, want)
		}
	}
}

func testTable(t *testing.T, e *env) {
	for _, def := range []*lakelink.Table{e.table, e.other} {
		if err := def.Validate(); err != nil {
			t.Error(err)
		}
		if !def.Tracked {
			t.Errorf("table %s is not tracked; Mutator.Tables names tracked ones", def.Name)
		}
		seen := map[string]bool{}
		for _, f := range def.Fields() {
			if seen[f.Name] {
				t.Errorf("table %s has two fields %s", def.Name, f.Name)
			}
			seen[f.Name] = true
		}
	}
}

func testUnknownTable(t *testing.T, e *env) {
	if _, err := e.Source.Table(t.Context(), "nosuchtable"); !lakelink.IsKind(err, lakelink.KindNotFound) {
		t.Errorf("Table(nosuchtable): %v, want %s", err, lakelink.KindNotFound)
	}
	unknown := *e.table
	unknown.Name, unknown.EntitySet = "nosuchtable", "nosuchtables"
	if _, err := e.firstError(t.Context(), &unknown, ""); !lakelink.IsKind(err, lakelink.KindNotFound) {
		t.Errorf("Feed(nosuchtable): %v, want %s", err, lakelink.KindNotFound)
	}
}

func testUntracked(t *testing.T, e *env) {
	if e.Untracked() == "" {
		t.Skip("no untracked table here")
	}
	def := e.describe(t, e.Untracked())
	if def.Tracked {
		t.Errorf("table %s says that it is tracked", def.Name)
	}
	n, err := e.firstError(t.Context(), def, "")
	if !lakelink.IsKind(err, lakelink.KindUntracked) || n > 0 {
		t.Errorf("Feed: %d batches, then %v; want %s at once", n, err, lakelink.KindUntracked)
	}
}

func testVersion(t *testing.T, e *env) {
	last := e.version(t)
	grow := func(what string) {
		t.Helper()
		now := e.version(t)
		if now <= last {
			t.Errorf("Version after a %s is %d, and was %d before", what, now, last)
		}
		last = now
	}
	id := e.Create(e.table.Name, 1)[0]
	grow("create")
	e.Create(e.other.Name, 1)
	grow("create in another table")
	e.Update(e.table.Name, id)
	grow("update")

	r := e.read(t, e.table, lakelink.Position{}, nil)
	if r.end.Version < last {
		t.Errorf("a load asked for at version %d ends at version %d", last, r.end.Version)
	}
	e.Update(e.table.Name, id)
	grow("second update")
	r = e.read(t, e.table, r.end, nil)
	if r.end.Version < last || r.end.Version > e.version(t) {
		t.Errorf("changes asked for at version %d end at version %d; now is %d", last, r.end.Version, e.version(t))
	}
}

func (e *env) version(t *testing.T) int64 {
	t.Helper()
	v, err := e.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}
