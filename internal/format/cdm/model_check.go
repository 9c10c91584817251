package cdm

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"lakelink"
)

// The manifest decides what a folder holds, and everybody else goes by model.json and the choice files,
// which follow from it. The functions here report where they do not: a reader that looked at the manifest
// alone would find whole what no consumer can read.

// checkMarker compares a table in a closed folder's model.json with the folder's manifest.
func checkMarker(ctx context.Context, lake lakelink.Lake, m *manifest, t lakelink.TableName) error {
	name := m.Folder.path(markerFile)
	in, have, err := readEntity(ctx, lake, name, t)
	if err != nil {
		return err
	}
	base := in.base(m)
	want := entityOf(t, m.Tables[t], func(t lakelink.TableName, f file) string { return base + m.Folder.data(t, f.Name) })
	if !slices.EqualFunc(have.Attributes, want.Attributes, says[modelAttribute]) {
		return damaged(name, "table %s has other columns than in %s", t, m.Folder.path(manifestFile))
	}
	if !slices.EqualFunc(have.Partitions, want.Partitions, says[partition]) {
		return damaged(name, "table %s has other files than in %s", t, m.Folder.path(manifestFile))
	}
	if !says(have.all, want) {
		return damaged(name, "table %s has other remarks than follow from %s", t, m.Folder.path(manifestFile))
	}
	return nil
}

// checkRoot compares the columns of a table in the root model.json with those of the newest folder. The
// root may be ahead, by columns that the next folder brings and by remarks.
func checkRoot(ctx context.Context, lake lakelink.Lake, m *manifest, t lakelink.TableName) error {
	_, have, err := readEntity(ctx, lake, rootModelName, t)
	if err != nil {
		return err
	}
	want := entityOf(t, m.Tables[t], nil).Attributes
	if len(have.Attributes) < len(want) || !slices.EqualFunc(have.Attributes[:len(want)], want, says[modelAttribute]) {
		return damaged(rootModelName, "table %s has other columns than in %s", t, m.Folder.path(manifestFile))
	}
	return nil
}

// checkChoices compares a folder's choice files with what was written.
func checkChoices(ctx context.Context, lake lakelink.Lake, m *manifest) error {
	for _, file := range choiceFiles {
		name := m.Folder.path(choiceFolder + file)
		b, _, err := readAll(ctx, lake, name)
		if isNotFound(err) {
			return damaged(name, "it is gone")
		}
		if err != nil {
			return err
		}
		if digest(b) != m.Choices[file] {
			return damaged(name, "it has other content than was written")
		}
	}
	return nil
}

// The parts of a model.json that are compared, as they are written: Go takes names in any case, which others do not.
type (
	writtenModel  struct{ Entities []writtenEntity }
	writtenEntity struct {
		Name                   string
		Attributes, Partitions []json.RawMessage
		all                    json.RawMessage
	}
)

func (e *writtenEntity) UnmarshalJSON(b []byte) error {
	type plain writtenEntity
	e.all = slices.Clone(b)
	return json.Unmarshal(b, (*plain)(e))
}

// readEntity reads a model.json, and what it says about one table.
func readEntity(ctx context.Context, lake lakelink.Lake, name string, t lakelink.TableName) (*writtenModel, *writtenEntity, error) {
	b, _, err := readAll(ctx, lake, name)
	if isNotFound(err) {
		return nil, nil, damaged(name, "it is gone")
	}
	if err != nil {
		return nil, nil, err
	}
	if !utf8.Valid(b) {
		return nil, nil, damaged(name, "it is not UTF-8")
	}
	var m writtenModel
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, nil, damaged(name, "%w", err)
	}
	i := slices.IndexFunc(m.Entities, func(e writtenEntity) bool { return e.Name == string(t) })
	if i < 0 {
		return nil, nil, damaged(name, "it does not describe table %s", t)
	}
	return &m, &m.Entities[i], nil
}

// base is what precedes the names of objects in most locations: where the lake was when the folder was closed.
func (m *writtenModel) base(of *manifest) (base string) {
	counts := map[string]int{}
	for _, e := range m.Entities {
		for _, raw := range e.Partitions {
			var p partition
			if json.Unmarshal(raw, &p) != nil {
				continue
			}
			if b, ok := strings.CutSuffix(p.Location, of.Folder.data(lakelink.TableName(e.Name), p.Name+".csv")); ok {
				counts[b]++
			}
		}
	}
	for b, n := range counts {
		if n > counts[base] || n == counts[base] && b < base {
			base = b
		}
	}
	return base
}

// says reports whether a part of a model.json says what it was written from.
func says[T any](have json.RawMessage, from T) bool {
	b, err := json.Marshal(from)
	if err != nil {
		return false
	}
	var x, y any
	return json.Unmarshal(have, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
