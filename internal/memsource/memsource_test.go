package memsource

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/sourcetest"
)

// contract lends a Source to the suite.
type contract struct{ *Source }

func (contract) Tables() [2]lakelink.TableName { return [2]lakelink.TableName{"account", "contact"} }
func (contract) Untracked() lakelink.TableName { return "lead" }
func (c contract) PageRows() int               { return c.pageRows }

func TestSource(t *testing.T) {
	for name, inLoads := range map[string]bool{"LoadsFixed": false, "LoadsShowChanges": true} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T) (lakelink.Source, sourcetest.Mutator) {
				s := newSource()
				s.ShowChangesInLoads(inLoads)
				return s, contract{s}
			})
		})
	}
}

func newSource() *Source {
	lead := SampleTable("lead")
	lead.Tracked = false
	s := New(SampleTable("account"), SampleTable("contact"), lead)
	s.SetPageRows(3)
	return s
}

func feed(t *testing.T, s *Source, def *lakelink.Table, since lakelink.Checkpoint) []*lakelink.Batch {
	t.Helper()
	var all []*lakelink.Batch
	for b, err := range s.Feed(t.Context(), def, since) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func TestRowsReadAsWritten(t *testing.T) {
	s := New(SampleTable("account"))
	def, _ := s.Table(t.Context(), "account")
	id := s.Upsert("account", map[string]any{
		"name": "", "numberofemployees": 7, "revenue": "-12.5", "exchangerate": "0.0000000001",
		"createdon": "2026-11-20T08:00:00.123456Z", "birthdate": "1815-12-10", "creditonhold": false,
		"ownerid": "4026be43-6b69-e111-8f65-78e7d1620f5e", "ownerid_entitytype": "systemuser",
	})
	owner, _ := lakelink.ParseID("4026be43-6b69-e111-8f65-78e7d1620f5e")
	want := map[string]any{
		"accountid": id, "versionnumber": int64(1001),
		"name": "", "numberofemployees": int32(7), "revenue": "-12.5000", "exchangerate": "0.0000000001",
		"createdon": time.Date(2026, 11, 20, 8, 0, 0, 123456000, time.UTC),
		"birthdate": time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC), "creditonhold": false,
		"ownerid": owner, "ownerid_entitytype": "systemuser",
	}
	if diff := cmp.Diff(want, s.Row("account", id)); diff != "" {
		t.Error(diff)
	}
	s.Create("account", 200)
	rows := s.Rows("account")
	for _, b := range feed(t, s, def, "") {
		for i := range b.NumRows() {
			got := Values(b.Rows, i)
			if diff := cmp.Diff(rows[got["accountid"].(lakelink.ID)], got); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestUpsertKeepsWhatItDoesNotName(t *testing.T) {
	s := New(SampleTable("account"))
	id := s.Upsert("account", map[string]any{"name": "Contoso", "description": "x"})
	s.Upsert("account", map[string]any{"accountid": id, "description": nil})
	want := map[string]any{"accountid": id, "versionnumber": int64(1002), "name": "Contoso"}
	if diff := cmp.Diff(want, s.Row("account", id)); diff != "" {
		t.Error(diff)
	}
}

func TestChangesComeByVersionThenDeletes(t *testing.T) {
	s := newSource()
	def, _ := s.Table(t.Context(), "account")
	ids := s.Create("account", 10)
	all := feed(t, s, def, "")
	for _, i := range []int{5, 2, 7, 2} {
		s.Update("account", ids[i])
	}
	s.Delete("account", ids[9])
	s.Delete("account", ids[0])
	var rows, gone []lakelink.ID
	for _, b := range feed(t, s, def, all[len(all)-1].Next.Checkpoint) {
		for i := range b.NumRows() {
			rows = append(rows, Values(b.Rows, i)["accountid"].(lakelink.ID))
		}
		for _, d := range b.Deletes {
			gone = append(gone, d.ID)
		}
	}
	if diff := cmp.Diff([]lakelink.ID{ids[5], ids[7], ids[2]}, rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]lakelink.ID{ids[9], ids[0]}, gone); diff != "" {
		t.Error(diff)
	}
}

func TestPositionsExpireWithAge(t *testing.T) {
	s := newSource()
	def, _ := s.Table(t.Context(), "account")
	now := time.Now()
	s.SetClock(func() time.Time { return now })
	end := feed(t, s, def, "")[0].Next
	now = now.Add(7 * 24 * time.Hour)
	end = feed(t, s, def, end.Checkpoint)[0].Next
	now = now.Add(7*24*time.Hour + time.Second)
	for _, err := range s.Feed(t.Context(), def, end.Checkpoint) {
		if !lakelink.IsKind(err, lakelink.KindExpired) {
			t.Errorf("after more than KeepDeletes: %v", err)
		}
	}
}

func TestReplacedEnvironmentVoidsPositionsAhead(t *testing.T) {
	s := newSource()
	def, _ := s.Table(t.Context(), "account")
	s.Create("account", 2)
	end := feed(t, s, def, "")[0].Next
	s.Replace("other")
	if env, _ := s.Environment(t.Context()); env.ID != "other" {
		t.Errorf("environment is %s", env.ID)
	}
	for _, err := range s.Feed(t.Context(), def, end.Checkpoint) {
		if !lakelink.IsKind(err, lakelink.KindExpired) {
			t.Errorf("a position of the replaced environment: %v", err)
		}
	}
}

func TestFailNextFailsPages(t *testing.T) {
	s := newSource()
	def, _ := s.Table(t.Context(), "account")
	other, _ := s.Table(t.Context(), "contact")
	s.Create("account", 10)
	down := &lakelink.Error{Kind: lakelink.KindTransient}
	s.BetweenPages(func(_ lakelink.TableName, page int) {
		if page == 2 {
			s.FailNext("account", 1, down)
		}
	})
	pages, failures := 0, 0
	for b, err := range s.Feed(t.Context(), def, "") {
		switch {
		case err == down && b == nil:
			failures++
		case err == nil:
			pages++
		}
	}
	if pages != 2 || failures != 1 {
		t.Errorf("%d pages, %d failures", pages, failures)
	}
	s.BetweenPages(nil)
	s.FailNext("account", 1, down)
	feed(t, s, other, "")
	if _, err := s.Version(t.Context()); err != nil {
		t.Error("a fault of one table hit a call about none")
	}
}

func TestSchemaChange(t *testing.T) {
	s := newSource()
	old, _ := s.Table(t.Context(), "account")
	id := s.Upsert("account", map[string]any{"name": "7", "numberofemployees": 7, "description": "x"})
	end := feed(t, s, old, "")[0].Next

	def := SampleTable("account")
	kept := def.Columns[:0]
	for _, c := range def.Columns {
		switch c.Name {
		case "description":
			continue
		case "numberofemployees":
			c.Type = lakelink.TypeBigInt
		}
		kept = append(kept, c)
	}
	def.Columns = append(kept, lakelink.Column{Name: "new_size", Type: lakelink.TypeInteger})
	s.SetTable(def)
	want := map[string]any{"accountid": id, "versionnumber": int64(1001), "name": "7", "numberofemployees": int64(7)}
	if diff := cmp.Diff(want, s.Row("account", id)); diff != "" {
		t.Error(diff)
	}
	for _, err := range s.Feed(t.Context(), old, end.Checkpoint) {
		if !lakelink.IsKind(err, lakelink.KindInvalid) {
			t.Errorf("a schema with a column that went away: %v", err)
		}
	}
	s.Upsert("account", map[string]any{"accountid": id, "new_size": 3})
	b := feed(t, s, def, end.Checkpoint)[0]
	if got := Values(b.Rows, 0)["new_size"]; got != int32(3) {
		t.Errorf("the old position under the new schema tells %v", got)
	}
}

func TestTwoSourcesAreAlike(t *testing.T) {
	tell := func() any {
		s := newSource()
		ids := s.Create("account", 20)
		s.Update("account", ids[3])
		s.Delete("account", ids[4])
		s.Recreate("account", ids[4])
		return s.Rows("account")
	}
	if diff := cmp.Diff(tell(), tell()); diff != "" {
		t.Error(diff)
	}
}
