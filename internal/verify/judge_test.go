package verify

import "testing"

func TestJudge(t *testing.T) {
	none, gone, lost := record{}, record{state: deleted, version: 20}, record{state: unseen}
	row := func(version int64, value byte) record {
		return record{state: live, version: version, digest: digest{value}}
	}
	for _, c := range []struct {
		name                string
		source, lake, fresh record
		want                DifferenceKind
	}{
		{"at rest, lost", row(5, 1), none, none, Missing},
		{"at rest, deleted in the lake only", row(5, 1), gone, none, Missing},
		{"at rest, never seen", none, row(5, 1), none, Extra},
		{"at rest, deleted", gone, row(5, 1), none, Extra},
		{"at rest, not found before", lost, row(5, 1), none, Extra},
		{"at rest, older", row(6, 2), row(5, 1), none, Different},
		{"at rest, other content", row(5, 2), row(5, 1), none, Different},

		{"ahead", row(5, 1), row(6, 2), row(6, 2), ""},
		{"ahead, deleted", row(5, 1), none, gone, ""},
		{"ahead, created", none, row(6, 2), row(6, 2), ""},

		{"moving, other content of the old version", row(5, 1), row(5, 2), row(6, 3), Different},
		{"moving, other content of the new version", row(5, 1), row(6, 2), row(6, 3), Different},
		{"moving, between", row(5, 1), row(6, 2), row(7, 3), undecided},
		{"moving, older", row(5, 1), row(4, 2), row(6, 3), undecided},
		{"moving, missing", row(5, 1), none, row(6, 3), undecided},
		{"moving, deleted since", row(5, 1), row(6, 1), gone, undecided},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (dispute{source: c.source, lake: c.lake, fresh: c.fresh}).judge(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
