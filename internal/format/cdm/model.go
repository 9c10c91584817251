package cdm

import (
	"maps"
	"slices"
	"strings"

	"lakelink"
)

// maxModel is the largest model.json that every reader takes (M16).
const maxModel = 4 << 20

// The parts of model.json (§4.1). Members are written in the order of the original.
type (
	model struct {
		Name        string        `json:"name"`
		Description string        `json:"description"`
		Version     string        `json:"version"`
		Entities    []modelEntity `json:"entities"`
	}
	modelEntity struct {
		Type        string           `json:"$type"`
		Name        string           `json:"name"`
		Description string           `json:"description"`
		Annotations []annotation     `json:"annotations"`
		Attributes  []modelAttribute `json:"attributes"`
		Partitions  []partition      `json:"partitions"`
	}
	annotation struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	modelAttribute struct {
		Name      string  `json:"name"`
		DataType  string  `json:"dataType"`
		MaxLength int     `json:"maxLength"`
		Traits    []trait `json:"cdm:traits,omitempty"`
	}
	trait struct {
		Reference string     `json:"traitReference"`
		Arguments []argument `json:"arguments"`
	}
	argument struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
	}
	partition struct {
		Name        string       `json:"name"`
		Location    string       `json:"location"`
		Traits      []trait      `json:"cdm:traits"`
		Settings    fileSettings `json:"fileFormatSettings"`
		Annotations []annotation `json:"annotations"`
	}
	fileSettings struct {
		Type          string `json:"$type"`
		ColumnHeaders bool   `json:"columnHeaders"`
		Delimiter     string `json:"delimiter"`
		QuoteStyle    string `json:"quoteStyle"`
		CSVStyle      string `json:"csvStyle"`
		Encoding      string `json:"encoding"`
	}
)

// modelOf makes the model.json of the tables in a manifest, sorted by name (M4); locate gives data
// files their address, and is nil for the root file, which names none.
func modelOf(tables map[lakelink.TableName]*entry, locate func(lakelink.TableName, file) string) ([]byte, error) {
	m := model{Name: "cdm", Description: "cdm", Version: "1.0", Entities: []modelEntity{}}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		m.Entities = append(m.Entities, entityOf(name, tables[name], locate))
	}
	return encodeJSON(m)
}

func entityOf(name lakelink.TableName, e *entry, locate func(lakelink.TableName, file) string) modelEntity {
	out := modelEntity{Type: "LocalEntity", Name: string(name), Description: string(name),
		Annotations: []annotation{{"Athena:PartitionGranularity", "Year"}, {"Athena:InitialSyncState", syncState(e)}},
		Partitions:  []partition{}}
	if !e.Completed.IsZero() {
		out.Annotations = append(out.Annotations,
			annotation{"Athena:InitialSyncDataCompletedTime", sinkText(e.Completed)})
	}
	for _, a := range e.Attributes {
		out.Attributes = append(out.Attributes, modelAttributeOf(a))
	}
	if locate == nil {
		return out
	}
	for _, f := range e.Files {
		out.Partitions = append(out.Partitions, partitionOf(f, locate(name, f)))
	}
	return out
}

func syncState(e *entry) string {
	switch {
	case !e.Position.IsZero():
		return "Completed"
	case e.Loading:
		return "InProgress"
	}
	return "NotStarted"
}

// modelAttributeOf gives decimals their precision and scale as the first trait (M8) and every
// attribute a maxLength (M9).
func modelAttributeOf(a attribute) modelAttribute {
	out := modelAttribute{Name: a.name, DataType: a.kind, MaxLength: -1}
	switch {
	case a.kind == typeDecimal:
		out.Traits = []trait{{"is.dataFormat.numeric.shaped", []argument{{"precision", 38}, {"scale", a.limit}}}}
	case a.kind == typeString && a.limit > 0:
		out.MaxLength = a.limit
		out.Traits = []trait{{"is.constrained", []argument{{"maximumLength", a.limit}}}}
	}
	return out
}

func partitionOf(f file, location string) partition {
	year := strings.TrimSuffix(f.Name, ".csv")
	return partition{Name: year, Location: location,
		Traits: []trait{{"is.partition.format.CSV", []argument{{"raggedRight", "true"}}}},
		Settings: fileSettings{Type: "CsvFormatSettings", Delimiter: ",", QuoteStyle: "QuoteStyle.Csv",
			CSVStyle: "CsvStyle.QuoteAlways", Encoding: "UTF-8"},
		Annotations: []annotation{{"Athena:PartitionYear", year}}}
}
