// Package sourcetest is the contract of lakelink.Source, executable. Every implementation runs it in a
// few lines; what it does not ask for, callers must not rely on.
//
// Read suite.go for what is needed to run it, reading.go for what holds of every batch, and the
// other files for one group of promises each.
package sourcetest

import (
	"testing"

	"lakelink"
)

// A Mutator changes the environment that the Source under test reads. When a method returns, what
// it did is committed and the Source can see it. A Mutator that cannot do what it is asked fails
// the test.
type Mutator interface {
	// Tables names two tables that are tracked and have no rows.
	Tables() [2]lakelink.TableName
	// Untracked names a table that is not tracked; "" leaves that promise out.
	Untracked() lakelink.TableName
	// PageRows is the page size that the Source was made with, such as 3; the suite makes several
	// pages' worth of rows.
	PageRows() int

	// Create makes n rows, with values that differ from row to row.
	Create(table lakelink.TableName, n int) []lakelink.ID
	// Update changes a row that is there.
	Update(table lakelink.TableName, id lakelink.ID)
	// Delete deletes a row that is there.
	Delete(table lakelink.TableName, id lakelink.ID)
	// Recreate makes a row that was deleted anew, with the same id.
	Recreate(table lakelink.TableName, id lakelink.ID)
	// Expire makes every Position of the table told so far too old.
	Expire(table lakelink.TableName)
}

// A Reopener is a Mutator that can open the environment a second time, as the program does when it
// is started anew. Without it, what a restart must not lose is tried on the first Source.
type Reopener interface{ Reopen() lakelink.Source }

// A Factory makes an environment of its own for one test, and cleans up with t.Cleanup.
type Factory func(t *testing.T) (lakelink.Source, Mutator)

// Run tests a Source.
func Run(t *testing.T, make Factory) {
	promises := []struct {
		name string
		test func(*testing.T, *env)
	}{
		{"Environment", testEnvironment},
		{"TablesAreListed", testTables},
		{"TableIsDescribed", testTable},
		{"UnknownTable", testUnknownTable},
		{"UntrackedTable", testUntracked},
		{"VersionGrows", testVersion},

		{"LoadTellsEveryRowOnce", testLoad},
		{"LoadOfOnePage", testLoadOfOnePage},
		{"LoadOfEmptyTable", testEmptyLoad},
		{"LoadTellsNoDeletes", testLoadAfterDeletes},
		{"LoadResumesAfterEveryPage", testLoadResumes},
		{"ChangesDuringLoadFollowIt", testChangesDuringLoad},
		{"ChangesDuringResumedLoadFollowIt", testChangesDuringResumedLoad},

		{"NoChanges", testNoChanges},
		{"ChangesTellEachRowOnce", testChanges},
		{"DeletesArrive", testDeletes},
		{"DeletesPageToo", testManyDeletes},
		{"CreatedAndDeleted", testCreatedAndDeleted},
		{"RecreatedRowIsLive", testRecreated},
		{"RecreatedRowIsLiveAcrossCycles", testRecreatedLater},
		{"OldPositionCanBeReadAgain", testReadAgain},
		{"ChangesDuringCycleAreNotLost", testChangesDuringCycle},
		{"OtherTablesChangesAreNotTold", testOtherTable},
		{"RandomHistory", testRandomHistory},

		{"ExpiredPosition", testExpired},
		{"CancelEndsRanging", testCancel},
		{"RangingMayStopEarly", testStopEarly},
		{"TablesAreReadConcurrently", testConcurrent},
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			source, m := make(t)
			p.test(t, newEnv(t, source, m))
		})
	}
}

// An env is one test's environment: its Source, what changes it, and its two tables.
type env struct {
	lakelink.Source
	Mutator
	table, other *lakelink.Table
}

func newEnv(t *testing.T, source lakelink.Source, m Mutator) *env {
	t.Helper()
	e := &env{Source: source, Mutator: m}
	e.table, e.other = e.describe(t, m.Tables()[0]), e.describe(t, m.Tables()[1])
	return e
}

func (e *env) describe(t *testing.T, name lakelink.TableName) *lakelink.Table {
	t.Helper()
	def, err := e.Source.Table(t.Context(), name)
	if err != nil {
		t.Fatalf("Table(%s): %v", name, err)
	}
	return def
}

// restart is the environment as a program that was started anew sees it.
func (e *env) restart() *env {
	again := *e
	if r, ok := e.Mutator.(Reopener); ok {
		again.Source = r.Reopen()
	}
	return &again
}

// several is enough rows for more than two pages.
func (e *env) several() int { return 2*e.PageRows() + 1 }
