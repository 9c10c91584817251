package incrementalreader

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxModelSize is the size the ADF Lookup activity stops at (M16).
const maxModelSize = 4 << 20

type attribute struct {
	name, dataType string
	precision      int // decimals only
	scale          int
}

type partition struct{ name, location string }

type entity struct {
	name       string
	attributes []attribute
	partitions []partition
	syncState  string
}

// index returns the ordinal of a column, -1 without it.
func (e *entity) index(column string) int {
	for i, a := range e.attributes {
		if a.name == column {
			return i
		}
	}
	return -1
}

func (e *entity) columns() []string {
	names := make([]string, len(e.attributes))
	for i, a := range e.attributes {
		names[i] = a.name
	}
	return names
}

type model struct{ entities []entity }

func (m *model) entity(name string) *entity {
	if m == nil {
		return nil
	}
	for i := range m.entities {
		if m.entities[i].name == name {
			return &m.entities[i]
		}
	}
	return nil
}

// modelKind is the place of a model file (§4.1.4).
type modelKind int

const (
	batchModel modelKind = iota // <ts>/model.json
	rootModel                   // /model.json
	tableModel                  // …/<table>-model.json
)

// object is a JSON object with its members' raw text. Member names are matched
// with their exact case, which encoding/json does not do for structs.
type object map[string]json.RawMessage

func asObject(raw json.RawMessage) (object, bool) {
	var o object
	if first(raw) != '{' || json.Unmarshal(raw, &o) != nil {
		return nil, false
	}
	return o, true
}

func asArray(raw json.RawMessage) ([]json.RawMessage, bool) {
	var a []json.RawMessage
	if first(raw) != '[' || json.Unmarshal(raw, &a) != nil {
		return nil, false
	}
	return a, true
}

func asString(raw json.RawMessage) (string, bool) {
	var s string
	if first(raw) != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// asInt accepts JSON integers only: no fraction, exponent or quotes.
func asInt(raw json.RawMessage) (int, bool) {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(raw)), 10, 32)
	return int(n), err == nil
}

func first(raw []byte) byte {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// parseModel reads one model file and checks all that needs no other file:
// M1, M2, M4 (order), M5a, M5 (shape), M7–M11, M16, C13. It returns nil when
// the text is not a model at all.
func parseModel(c *collector, raw []byte, path string, kind modelKind) *model {
	if len(raw) >= maxModelSize {
		c.add("M16", path, "%d bytes, the limit is %d", len(raw), maxModelSize)
	}
	top, ok := asObject(raw)
	if !ok || !utf8.Valid(raw) {
		c.add("M1", path, "not one complete JSON object in UTF-8 (%d bytes)", len(raw))
		return nil
	}
	for _, w := range [][2]string{{"name", "cdm"}, {"description", "cdm"}, {"version", "1.0"}} {
		if got, ok := asString(top[w[0]]); !ok || got != w[1] {
			c.add("M1", path, "%s is %s, not %q", w[0], top[w[0]], w[1])
		}
	}
	list, ok := asArray(top["entities"])
	if !ok {
		c.add("M2", path, "no entities array")
		return nil
	}
	m := &model{}
	for _, raw := range list {
		if e, ok := parseEntity(c, raw, path, kind); ok {
			m.entities = append(m.entities, e)
		}
	}
	for i := 1; i < len(m.entities); i++ {
		if m.entities[i-1].name >= m.entities[i].name {
			c.add("M4", path, "entity %q after %q: not sorted or not unique", m.entities[i].name, m.entities[i-1].name)
		}
	}
	return m
}

func parseEntity(c *collector, raw json.RawMessage, path string, kind modelKind) (entity, bool) {
	o, ok := asObject(raw)
	if !ok {
		c.add("M2", path, "an entity is not an object")
		return entity{}, false
	}
	var e entity
	e.name, ok = asString(o["name"])
	if !ok || e.name == "" || utf8.RuneCountInString(e.name) > 256 || strings.ContainsAny(e.name, `."`) {
		c.add("M2", path, "entity name is %s", o["name"])
	}
	if reservedDirs[e.name] {
		c.add("L10", path, "entity %q collides with a reserved name", e.name)
	}
	if t, _ := asString(o["$type"]); t != "LocalEntity" {
		c.add("M2", path, "%s: $type is %s", e.name, o["$type"])
	}
	if _, ok := asString(o["description"]); !ok {
		c.add("M2", path, "%s: description is %s", e.name, o["description"])
	}
	attributes, ok := asArray(o["attributes"])
	if !ok {
		c.add("M2", path, "%s: no attributes array", e.name)
	}
	for _, raw := range attributes {
		e.attributes = append(e.attributes, parseAttribute(c, raw, path, e.name))
	}
	checkColumns(c, path, &e)
	parsePartitions(c, o["partitions"], path, kind, &e)
	parseAnnotations(c, o["annotations"], path, kind, &e)
	return e, true
}

// dataTypes are the types that readers know (M11).
var dataTypes = map[string]bool{
	"string": true, "int64": true, "decimal": true, "double": true, "boolean": true,
	"guid": true, "dateTime": true, "dateTimeOffset": true,
}

func parseAttribute(c *collector, raw json.RawMessage, path, table string) attribute {
	var a attribute
	o, _ := asObject(raw)
	name, ok := asString(o["name"])
	if !ok || name == "" {
		c.add("M2", path, "%s: an attribute without a name", table)
	}
	a.name = name
	where := table + "." + name
	if strings.ContainsAny(name, `'\`) {
		c.add("M16", path, "%s: the name contains ' or \\", where)
	}
	if a.dataType, _ = asString(o["dataType"]); !dataTypes[a.dataType] {
		c.add("M11", path, "%s: dataType is %s", where, o["dataType"])
	}
	switch n, ok := asInt(o["maxLength"]); {
	case !ok:
		c.add("M9", path, "%s: maxLength is %q, not an integer", where, o["maxLength"])
	case a.dataType != "string" && n != -1:
		c.add("M9", path, "%s: maxLength of a %s is %d, not -1", where, a.dataType, n)
	case a.dataType == "string" && n != -1 && (n < 1 || n > 4000 && n < 8000):
		c.add("M9", path, "%s: maxLength of a string is %d", where, n)
	}
	if a.dataType == "decimal" {
		if a.precision, a.scale, ok = shaped(o); !ok {
			c.add("M8", path, "%s: the first trait is not is.dataFormat.numeric.shaped with the numbers precision and scale: %s", where, o["cdm:traits"])
		}
	}
	return a
}

// shaped reads a decimal's precision and scale by position and by name (M8).
func shaped(attribute object) (precision, scale int, ok bool) {
	traits, _ := asArray(attribute["cdm:traits"])
	if len(traits) == 0 {
		return 0, 0, false
	}
	trait, _ := asObject(traits[0])
	name, _ := asString(trait["traitReference"])
	arguments, _ := asArray(trait["arguments"])
	if name != "is.dataFormat.numeric.shaped" || len(arguments) != 2 {
		return 0, 0, false
	}
	var values [2]int
	for i, want := range []string{"precision", "scale"} {
		o, _ := asObject(arguments[i])
		if name, _ := asString(o["name"]); name != want {
			return 0, 0, false
		}
		if values[i], ok = asInt(o["value"]); !ok {
			return 0, 0, false
		}
	}
	p, s := values[0], values[1]
	return p, s, p >= 1 && p <= 38 && s >= 0 && s <= p
}

// checkColumns checks M7 and C13.
func checkColumns(c *collector, path string, e *entity) {
	for _, want := range [][2]string{
		{"Id", "guid"}, {"SinkCreatedOn", "dateTime"}, {"SinkModifiedOn", "dateTime"},
		{"versionnumber", "int64"}, {"IsDelete", "boolean"},
	} {
		i := e.index(want[0])
		if i < 0 {
			c.add("M7", path, "%s: no column %s", e.name, want[0])
		} else if got := e.attributes[i].dataType; got != want[1] {
			c.add("M7", path, "%s: %s is a %s, not a %s", e.name, want[0], got, want[1])
		}
	}
	seen := map[string]string{}
	for _, a := range e.attributes {
		key := strings.ToLower(a.name)
		if other, ok := seen[key]; ok {
			c.add("C13", path, "%s: columns %q and %q", e.name, other, a.name)
		}
		seen[key] = a.name
	}
}

func parsePartitions(c *collector, raw json.RawMessage, path string, kind modelKind, e *entity) {
	if raw == nil && kind != batchModel {
		return // not relied on outside batches
	}
	list, ok := asArray(raw)
	if !ok {
		c.add("M5a", path, "%s: partitions is %q, not an array", e.name, raw)
		return
	}
	if len(list) == 0 && string(raw) != "[]" {
		c.add("M5a", path, "%s: empty partitions are written %q, not []", e.name, raw)
	}
	seen := map[string]bool{}
	for _, raw := range list {
		o, _ := asObject(raw)
		var p partition
		p.name, ok = asString(o["name"])
		if !ok || p.name == "" || seen[p.name] {
			c.add("M5", path, "%s: partition name %s is missing or repeated", e.name, o["name"])
		}
		seen[p.name] = true
		p.location, _ = asString(o["location"])
		if u, err := url.Parse(p.location); err != nil || !u.IsAbs() || u.Host == "" && (u.Scheme != "file" || !strings.HasPrefix(u.Path, "/")) {
			c.add("M5", path, "%s: partition location %q is not an absolute URI", e.name, p.location)
		}
		e.partitions = append(e.partitions, p)
	}
}

// parseAnnotations checks M10. A table is usable, and so completed, where it
// has data in a batch.
func parseAnnotations(c *collector, raw json.RawMessage, path string, kind modelKind, e *entity) {
	list, _ := asArray(raw)
	var granularity, state []string
	for _, raw := range list {
		o, _ := asObject(raw)
		name, _ := asString(o["name"])
		value, _ := asString(o["value"])
		switch name {
		case "Athena:PartitionGranularity":
			granularity = append(granularity, value)
		case "Athena:InitialSyncState":
			state = append(state, value)
		}
	}
	if len(granularity) != 1 || granularity[0] != "Year" && granularity[0] != "Month" {
		c.add("M10", path, "%s: Athena:PartitionGranularity is %q", e.name, granularity)
	}
	if len(state) != 1 {
		c.add("M10", path, "%s: Athena:InitialSyncState is %q", e.name, state)
	} else if e.syncState = state[0]; kind == batchModel && len(e.partitions) > 0 && e.syncState != "Completed" {
		c.add("M10", path, "%s has data but Athena:InitialSyncState is %q", e.name, e.syncState)
	}
}
