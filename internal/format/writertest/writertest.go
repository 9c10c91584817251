// Package writertest is the contract of lakelink.Writer and lakelink.Reader, executable: what every
// format must do, whatever its files look like. A format runs it in a few lines:
//
//	writertest.Run(t, func(t *testing.T, lake lakelink.Lake) (lakelink.Writer, lakelink.Reader) {
//		return delta.New(...), delta.NewReader(lake)
//	})
//
// The suite opens writers again and again over the same lake, as programs that were killed and
// started anew would.
package writertest

import (
	"testing"

	"lakelink"
)

// Open opens a Writer over lake, as a new process would, and a Reader of the same format.
type Open func(t *testing.T, lake lakelink.Lake) (lakelink.Writer, lakelink.Reader)

// An Option says in what a format may differ.
type Option func(*suite)

// EmptyIsNull is for formats that cannot tell an empty text from none, as CSV.
func EmptyIsNull() Option { return func(s *suite) { s.emptyIsNull = true } }

// Untimed is for formats that keep no fractions of a second in date-times.
func Untimed() Option { return func(s *suite) { s.untimed = true } }

// Seed sets where the random part of the suite begins.
func Seed(n uint64) Option { return func(s *suite) { s.seed = n } }

type suite struct {
	open        Open
	emptyIsNull bool
	untimed     bool
	seed        uint64
}

// Run runs the suite against the writers that open makes.
func Run(t *testing.T, open Open, options ...Option) {
	s := &suite{open: open, seed: 1}
	for _, o := range options {
		o(s)
	}
	for _, test := range []struct {
		name string
		run  func(*session)
	}{
		{"LoadAppearsWhole", loadAppearsWhole},
		{"LoadOfAnEmptyTable", loadOfAnEmptyTable},
		{"LoadGoesOnAfterReopening", loadGoesOn},
		{"LoadCanBeTruncated", loadCanBeTruncated},
		{"LoadKeepsTheHighestOfRepeatedRows", loadRepeats},
		{"FinishedLoadIsNotStagedAgain", finishedLoadIsGone},
		{"ResyncFindsMissedDeletes", resyncFindsDeletes},
		{"ResyncHidesUntilFinished", resyncHides},
		{"LoadForgetsWhatWasNotCommitted", loadForgetsUncommitted},
		{"ChangesArrive", changesArrive},
		{"ReplayChangesNothing", replayChangesNothing},
		{"LowerVersionNeverOverwrites", lowerVersion},
		{"HighestOfOneCommitHolds", highestOfOneCommit},
		{"DeletesArrive", deletesArrive},
		{"OlderDeletesChangeNothing", olderDeletes},
		{"DeleteOfUnknownRowChangesNothing", unknownDelete},
		{"RecreatedRowIsLive", recreated},
		{"UncommittedIsForgotten", uncommitted},
		{"PositionSurvivesReopening", positionSurvives},
		{"ColumnsAreAdded", columnsAreAdded},
		{"ColumnsThatWentAwayAreNull", columnsGo},
		{"AllTypesRoundTrip", allTypes},
		{"TablesAreApart", tablesAreApart},
		{"ForgetRemoves", forgetRemoves},
		{"TwoWritersDoNoHarm", twoWriters},
		{"EveryWriteMayFail", everyWriteMayFail},
		{"RandomChanges", randomChanges},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(newSession(t, s)) })
	}
}
