package cdm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"lakelink"
)

// The choice files of a folder (§4.3).
var choiceFiles = []string{"GlobalOptionsetMetadata.csv", "OptionsetMetadata.csv", "StateMetadata.csv",
	"StatusMetadata.csv", "TargetMetadata.csv"}

// A choice is one label of one option of one column of one table.
type choice struct {
	table  lakelink.TableName
	column string
	kind   lakelink.ColumnType
	global string
	state  int
	value  int
	label  lakelink.Label
}

// choicesOf lists the labels of a table's choices in the order of their keys, each key once (K3).
// An option without a label has no key and is left out.
func choicesOf(t *lakelink.Table) []choice {
	var out []choice
	for _, set := range t.Choices {
		for _, o := range set.Options {
			for _, l := range o.Labels {
				if l.Language != 0 {
					out = append(out, choice{t.Name, set.Column, set.Type, set.Global, o.State, o.Value, l})
				}
			}
		}
	}
	key := func(a, b choice) int {
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(a.global, b.global), cmp.Compare(a.state, b.state),
			cmp.Compare(a.value, b.value), cmp.Compare(a.label.Language, b.label.Language))
	}
	slices.SortStableFunc(out, key)
	return slices.CompactFunc(out, func(a, b choice) bool { return key(a, b) == 0 })
}

// A target is one table that a lookup can refer to.
type target struct {
	EntityName          lakelink.TableName
	AttributeName       string
	ReferencedEntity    lakelink.TableName
	ReferencedAttribute string
}

// targetsOf lists the targets of a table's lookups. The primary key of a target that the link has
// not is named as Dataverse names it: after the table.
func targetsOf(t *lakelink.Table, keys map[lakelink.TableName]string) []target {
	var out []target
	for i := range t.Columns {
		c := &t.Columns[i]
		if !c.IsLookup() {
			continue
		}
		for _, name := range slices.Compact(slices.Sorted(slices.Values(c.Targets))) {
			if name != "" {
				out = append(out, target{t.Name, c.Name, name, cmp.Or(keys[name], string(name)+"id")})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b target) int { return cmp.Compare(a.AttributeName, b.AttributeName) })
	return out
}

// primaryKeys are the names of the id columns of the link's tables.
func primaryKeys(tables []*lakelink.Table) map[lakelink.TableName]string {
	keys := map[lakelink.TableName]string{}
	for _, t := range tables {
		keys[t.Name] = t.PrimaryKey
	}
	return keys
}

// choiceMetadata makes the five choice files (K1, K4). Names are bare and labels quoted, so that
// readers that split at commas find the names (K5).
func choiceMetadata(tables []*lakelink.Table) map[string][]byte {
	out := make(map[string][]byte, len(choiceFiles))
	line := func(file string, cells ...string) { out[file] = append(out[file], strings.Join(cells, ",")+"\n"...) }
	for _, file := range choiceFiles {
		out[file] = []byte{}
	}
	keys := primaryKeys(tables)
	for _, t := range tables {
		table := string(t.Name)
		for _, c := range choicesOf(t) {
			value, language := strconv.Itoa(c.value), strconv.Itoa(c.label.Language)
			label := string(appendQuoted(nil, c.label.Text))
			switch {
			case c.kind == lakelink.TypeState:
				line("StateMetadata.csv", table, value, "False", language, label)
			case c.kind == lakelink.TypeStatus:
				line("StatusMetadata.csv", table, strconv.Itoa(c.state), value, "False", language, label)
			case c.global != "":
				line("GlobalOptionsetMetadata.csv", c.column, value, "False", language, label, c.global, table, "")
			default:
				line("OptionsetMetadata.csv", table, c.column, value, "False", language, label)
			}
		}
		for _, x := range targetsOf(t, keys) {
			line("TargetMetadata.csv", table, x.AttributeName, string(x.ReferencedEntity), x.ReferencedAttribute)
		}
	}
	return out
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func digests(files map[string][]byte) map[string]string {
	out := make(map[string]string, len(files))
	for name, b := range files {
		out[name] = digest(b)
	}
	return out
}

// The parts of <table>-EntityMetadata.json (§4.2, K2).
type (
	entityMetadata struct {
		Attributes []attributeMetadata
		Options    []optionMetadata
		Globals    []globalOptionMetadata
		States     []stateMetadata
		Statuses   []statusMetadata
		Targets    []target
	}
	attributeMetadata struct {
		EntityName        lakelink.TableName
		AttributeName     string
		AttributeType     lakelink.ColumnType
		AttributeTypeCode int
		Version           int64
		Timestamp         time.Time
		MetadataId        string
		Precision         *int
		MaxLength         *int
	}
	labelMetadata struct {
		IsUserLocalizedLabel       bool
		LocalizedLabelLanguageCode int
		LocalizedLabel             string
	}
	optionMetadata struct {
		EntityName    lakelink.TableName
		OptionSetName string
		Option        int
		labelMetadata
	}
	globalOptionMetadata struct {
		OptionSetName string
		Option        int
		labelMetadata
		GlobalOptionSetName string
	}
	stateMetadata struct {
		EntityName lakelink.TableName
		State      int
		labelMetadata
	}
	statusMetadata struct {
		EntityName lakelink.TableName
		State      int
		Status     int
		labelMetadata
	}
)

// MarshalJSON writes the six arrays under the names that readers look for.
func (m *entityMetadata) MarshalJSON() ([]byte, error) {
	return encodeJSON(struct {
		A []attributeMetadata    `json:"AttributeMetadata"`
		O []optionMetadata       `json:"OptionSetMetadata"`
		G []globalOptionMetadata `json:"GlobalOptionSetMetadata"`
		S []stateMetadata        `json:"StateMetadata"`
		T []statusMetadata       `json:"StatusMetadata"`
		R []target               `json:"TargetMetadata"`
	}{orEmpty(m.Attributes), orEmpty(m.Options), orEmpty(m.Globals), orEmpty(m.States), orEmpty(m.Statuses),
		orEmpty(m.Targets)})
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// typeCodes are the numbers of AttributeTypeCode. Those that are missing are Virtual.
var typeCodes = map[lakelink.ColumnType]int{lakelink.TypeBoolean: 0, lakelink.TypeCustomer: 1, lakelink.TypeDateTime: 2,
	lakelink.TypeDecimal: 3, lakelink.TypeDouble: 4, lakelink.TypeInteger: 5, lakelink.TypeLookup: 6, lakelink.TypeMemo: 7,
	lakelink.TypeMoney: 8, lakelink.TypeOwner: 9, lakelink.TypeChoice: 11, lakelink.TypeState: 12, lakelink.TypeStatus: 13,
	lakelink.TypeString: 14, lakelink.TypeUniqueidentifier: 15, lakelink.TypeBigInt: 18,
	lakelink.TypeManagedProperty: 19, lakelink.TypeEntityName: 20}

const virtualTypeCode = 17

func attributeMetadataOf(t *lakelink.Table, c *lakelink.Column, at time.Time) attributeMetadata {
	code, ok := typeCodes[c.Type]
	if !ok {
		code = virtualTypeCode
	}
	a := attributeMetadata{EntityName: t.Name, AttributeName: c.Name, AttributeType: c.Type, AttributeTypeCode: code,
		Timestamp: at, MetadataId: c.ID}
	switch c.Type {
	case lakelink.TypeString, lakelink.TypeMemo:
		a.MaxLength = &c.MaxLength
	case lakelink.TypeDecimal, lakelink.TypeDouble, lakelink.TypeMoney:
		a.Precision = &c.Precision
	}
	return a
}

// entityMetadataOf makes <table>-EntityMetadata.json.
func entityMetadataOf(t *lakelink.Table, keys map[lakelink.TableName]string, at time.Time) ([]byte, error) {
	m := &entityMetadata{Targets: targetsOf(t, keys)}
	for i := range t.Columns {
		m.Attributes = append(m.Attributes, attributeMetadataOf(t, &t.Columns[i], at))
	}
	for _, c := range choicesOf(t) {
		l := labelMetadata{false, c.label.Language, c.label.Text}
		switch {
		case c.kind == lakelink.TypeState:
			m.States = append(m.States, stateMetadata{t.Name, c.value, l})
		case c.kind == lakelink.TypeStatus:
			m.Statuses = append(m.Statuses, statusMetadata{t.Name, c.state, c.value, l})
		case c.global != "":
			m.Globals = append(m.Globals, globalOptionMetadata{c.column, c.value, l, c.global})
		default:
			m.Options = append(m.Options, optionMetadata{t.Name, c.column, c.value, l})
		}
	}
	return encodeJSON(m)
}
