package verify

import "lakelink"

// A Report is what people and programs are told about a comparison. The names of its fields in JSON
// are fixed.
type Report struct {
	Equal  bool     `json:"equal"`
	Tables []Result `json:"tables"`
}

// NewReport sums up results. Without any, nothing was compared, and nothing is equal.
func NewReport(results []Result) Report {
	r := Report{Equal: len(results) > 0, Tables: results}
	if results == nil {
		r.Tables = []Result{}
	}
	for i := range results {
		r.Equal = r.Equal && results[i].Equal()
	}
	return r
}

// A Result is how one format of one table compares with the source.
type Result struct {
	Table     lakelink.TableName `json:"table"`
	Format    lakelink.Format    `json:"format"`
	Rows      int64              `json:"rows"`      // of the source, at Position
	Missing   int64              `json:"missing"`   // the source has them, the lake has not
	Extra     int64              `json:"extra"`     // the lake has them, the source has not, or the lake twice
	Different int64              `json:"different"` // both have them, with other values or another version

	// Unsettled counts rows that changed in every round and of which the lake never showed an image
	// that the source was seen to have. They may be right; nothing proves it.
	Unsettled int64 `json:"unsettled,omitempty"`
	// NotCompared names the columns whose values were left out: calculated ones.
	NotCompared []string  `json:"notCompared,omitempty"`
	Examples    []Example `json:"examples,omitempty"`
	// Error is why the format could not be compared; the counts are then 0.
	Error string `json:"error,omitempty"`
	// Position is the point of the source that was read in full.
	Position lakelink.Position `json:"position,omitzero"`
}

// Equal reports whether the lake was proven to hold what the source holds.
func (r *Result) Equal() bool {
	return r.Error == "" && r.Missing == 0 && r.Extra == 0 && r.Different == 0 && r.Unsettled == 0
}

// A DifferenceKind says how the lake differs from the source in one row.
type DifferenceKind string

// The kinds of differences.
const (
	Missing   DifferenceKind = "missing"
	Extra     DifferenceKind = "extra"
	Different DifferenceKind = "different"
	Duplicate DifferenceKind = "duplicate" // counted as extra: the lake has several live rows of the id
)

// An Example is one row in which the lake differs. It is read again after the comparison, so that a
// row that has changed since may be described by later values, or none.
type Example struct {
	ID            lakelink.ID        `json:"id"`
	Kind          DifferenceKind     `json:"kind"`
	SourceVersion int64              `json:"sourceVersion,omitempty"`
	LakeVersion   int64              `json:"lakeVersion,omitempty"`
	Columns       []ColumnDifference `json:"columns,omitempty"` // where both sides have the row
}

// A ColumnDifference is a field with both its values, as text; nil is null. Long texts are cut down
// to where they begin to differ.
type ColumnDifference struct {
	Column string  `json:"column"`
	Source *string `json:"source"`
	Lake   *string `json:"lake"`
}
