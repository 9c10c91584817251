package schema

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the data below
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// The data's origins and licences are in data/NOTICE.md.
var (
	//go:embed data/tables.json.gz
	tablesData []byte
	//go:embed data/choices.json
	choicesData []byte
	//go:embed data/default-status.json
	defaultStatusData []byte
)

// tablesFile is data/tables.json.gz.
type tablesFile struct {
	Tables []struct {
		LogicalName          string
		SchemaName           string
		EntitySetName        string
		DisplayName          string
		Description          string
		PrimaryIDAttribute   string `json:"primaryIdAttribute"`
		PrimaryNameAttribute string
		Ownership            string
		IsActivity           bool
		IsIntersect          bool
		Columns              []columnEntry
	}
}

type columnEntry struct {
	LogicalName      string
	SchemaName       string
	DisplayName      string
	Type             Type
	MaxLength        int
	MinValue         json.Number
	MaxValue         json.Number
	Precision        *int
	Format           string
	RequiredLevel    string
	ReadOnly         bool
	DateTimeBehavior Behavior
	Targets          []string
	Options          []Option
}

// requiredLevels maps the file's words to Dataverse's.
var requiredLevels = map[string]string{
	"": "None", "none": "None", "recommended": "Recommended", "required": "ApplicationRequired", "systemrequired": "SystemRequired",
}

// loadTables reads the standard tables. Columns are numbered by their place in the file.
func loadTables() ([]*Table, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(tablesData))
	if err != nil {
		return nil, fmt.Errorf("standard tables: %w", err)
	}
	var file tablesFile
	if err := json.NewDecoder(unzipped).Decode(&file); err != nil {
		return nil, fmt.Errorf("standard tables: %w", err)
	}
	tables := make([]*Table, 0, len(file.Tables))
	for _, e := range file.Tables {
		t := &Table{
			LogicalName: e.LogicalName, SchemaName: e.SchemaName, EntitySet: e.EntitySetName,
			DisplayName: e.DisplayName, Description: e.Description,
			PrimaryID: e.PrimaryIDAttribute, PrimaryName: e.PrimaryNameAttribute,
			Ownership: e.Ownership, Activity: e.IsActivity, Intersect: e.IsIntersect,
			TypeCode: typeCodes[e.LogicalName], ChangeTracked: true, CanTrack: true,
			LastNumber: len(e.Columns),
		}
		for i, entry := range e.Columns {
			c, err := entry.column(i + 1)
			if err != nil {
				return nil, fmt.Errorf("table %s, column %s: %w", e.LogicalName, entry.LogicalName, err)
			}
			t.Columns = append(t.Columns, c)
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func (e columnEntry) column(number int) (*Column, error) {
	c := column(e.SchemaName, e.DisplayName, e.Type)
	c.LogicalName, c.Number = e.LogicalName, number
	c.MaxLength, c.Format, c.Behavior = e.MaxLength, e.Format, e.DateTimeBehavior
	c.Targets, c.Options, c.ReadOnly = e.Targets, e.Options, e.ReadOnly
	c.RequiredLevel = requiredLevels[e.RequiredLevel]
	if c.DisplayName == "" {
		c.DisplayName = c.SchemaName
	}
	if e.Precision != nil {
		c.Precision = *e.Precision
	} else {
		c.Precision = defaultPrecision[e.Type]
	}
	var err error
	if c.MinValue, err = plainNumber(e.MinValue); err != nil {
		return nil, err
	}
	if c.MaxValue, err = plainNumber(e.MaxValue); err != nil {
		return nil, err
	}
	if e.Type == BigInt {
		c.MinValue, c.MaxValue = minInt64, maxInt64
	}
	return c, nil
}

// defaultPrecision holds for columns of the file that name none.
var defaultPrecision = map[Type]int{Decimal: 10, Double: 2, Money: 2}

// plainNumber writes a JSON number as decimal text without an exponent.
func plainNumber(n json.Number) (string, error) {
	if n == "" {
		return "", nil
	}
	if _, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return string(n), nil
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return "", fmt.Errorf("limit %q is not a number", n)
	}
	digits, _ := r.FloatPrec()
	return r.FloatString(digits), nil
}

// loadChoices reads the global choices that standard columns use.
func loadChoices() ([]*Choice, error) {
	var file []struct {
		Name        string
		MetadataID  string `json:"metadataId"`
		DisplayName string
		Options     []Option
	}
	if err := json.Unmarshal(choicesData, &file); err != nil {
		return nil, fmt.Errorf("global choices: %w", err)
	}
	choices := make([]*Choice, 0, len(file))
	for _, e := range file {
		choices = append(choices, &Choice{Name: e.Name, DisplayName: e.DisplayName, ID: strings.ToLower(e.MetadataID), Options: e.Options})
	}
	return choices, nil
}

// loadDefaultStatus reads each table's default status reason by state.
func loadDefaultStatus() (map[string]map[int]int, error) {
	var file map[string]map[int]int
	if err := json.Unmarshal(defaultStatusData, &file); err != nil {
		return nil, fmt.Errorf("default status reasons: %w", err)
	}
	return file, nil
}
