package incrementalreader

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

const globalChoices = "GlobalOptionsetMetadata.csv"

// choiceColumns are the five choice files and their columns in order (§4.3).
var choiceColumns = map[string][]string{
	"OptionsetMetadata.csv": {"EntityName", "OptionSetName", "Option", "IsUserLocalizedLabel", "LocalizedLabelLanguageCode", "LocalizedLabel"},
	globalChoices:           {"OptionSetName", "Option", "IsUserLocalizedLabel", "LocalizedLabelLanguageCode", "LocalizedLabel", "GlobalOptionSetName", "EntityName", "ExternalValue"},
	"StateMetadata.csv":     {"EntityName", "State", "IsUserLocalizedLabel", "LocalizedLabelLanguageCode", "LocalizedLabel"},
	"StatusMetadata.csv":    {"EntityName", "State", "Status", "IsUserLocalizedLabel", "LocalizedLabelLanguageCode", "LocalizedLabel"},
	"TargetMetadata.csv":    {"EntityName", "AttributeName", "ReferencedEntity", "ReferencedAttribute"},
}

// choiceKeys are the natural keys of ADF's tables (K3).
var choiceKeys = map[string][]string{
	"OptionsetMetadata.csv": {"EntityName", "OptionSetName", "Option", "IsUserLocalizedLabel", "LocalizedLabelLanguageCode"},
	globalChoices:           {"GlobalOptionSetName", "OptionSetName", "Option", "IsUserLocalizedLabel", "LocalizedLabelLanguageCode", "EntityName"},
	"StateMetadata.csv":     {"EntityName", "State", "IsUserLocalizedLabel", "LocalizedLabelLanguageCode"},
	"StatusMetadata.csv":    {"EntityName", "State", "Status", "IsUserLocalizedLabel", "LocalizedLabelLanguageCode"},
	"TargetMetadata.csv":    {"EntityName", "AttributeName", "ReferencedEntity"},
}

func choiceFiles() []string {
	var names []string
	for n := range choiceColumns {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// checkChoices checks the choice files of every committed batch (K1, K3) and
// of the open one (K3, K4).
func (r *Reader) checkChoices(c *collector, lk *lake) {
	var newest *batch
	for _, b := range lk.batches {
		if !b.closed && b.model == nil {
			continue
		}
		newest = b
		for _, name := range choiceFiles() {
			path := b.name + "/" + choiceDir + "/" + name
			if _, ok := b.file(choiceDir + "/" + name); !ok {
				c.add("K1", path, "missing")
				continue
			}
			r.checkChoiceFile(c, path, name, b.model, "K1")
		}
	}
	if lk.open == "" {
		return
	}
	path := lk.open + "/" + choiceDir + "/" + globalChoices
	if _, err := os.Stat(filepath.Join(r.dir, filepath.FromSlash(path))); errors.Is(err, fs.ErrNotExist) {
		c.add("K4", path, "missing in the open folder")
		return
	}
	if newest != nil && newest.name == lk.open {
		newest = nil // its marker is there: checked above, and there is nothing newer to compare with
	}
	var m *model
	if newest != nil {
		m = newest.model
	}
	rows := r.checkChoiceFile(c, path, globalChoices, m, "K4")
	if newest == nil || rows > 0 {
		return
	}
	// Full from the start: empty only where the folder before has nothing either.
	if f, ok := newest.file(choiceDir + "/" + globalChoices); ok && f.size > 0 {
		c.add("K4", path, "empty, while %s has choices", newest.name)
	}
}

// checkChoiceFile streams one choice file; rule is the one for its columns.
func (r *Reader) checkChoiceFile(c *collector, path, name string, m *model, rule string) (rows int) {
	columns := choiceColumns[name]
	keyColumns := choiceKeys[name]
	keys := map[string]bool{}
	r.eachRecord(c, path, func(row []cell, line int) {
		rows++
		if len(row) == 1 && len(row[0].text) == 0 {
			c.add("C14", path, "line %d: blank line", line)
			return
		}
		if string(row[0].text) == columns[0] {
			c.add("C1", path, "line %d: a header row", line)
			return
		}
		older := name == globalChoices && rule == "K1" && len(row) == len(columns)-1 // before ExternalValue
		if len(row) != len(columns) && !older {
			c.add(rule, path, "line %d: %d columns, not %d", line, len(row), len(columns))
			return
		}
		values := map[string]string{}
		for i, cell := range row {
			values[columns[i]] = string(cell.text)
		}
		checkChoiceValues(c, path, line, name, values, rule)
		checkChoiceOrdinals(c, path, line, name, values, m, rule)
		var key strings.Builder
		for _, k := range keyColumns {
			if values[k] == "" {
				c.add("K3", path, "line %d: key field %s is empty", line, k)
			}
			key.WriteString(strconv.Quote(values[k]))
		}
		if keys[key.String()] {
			c.add("K3", path, "line %d: key %s again", line, key.String())
		}
		keys[key.String()] = true
	})
	return rows
}

// checkChoiceValues checks the types and lengths of ADF's tables (§4.3).
func checkChoiceValues(c *collector, path string, line int, name string, values map[string]string, rule string) {
	for column, v := range values {
		limit := 128
		switch column {
		case "Option", "State", "Status", "LocalizedLabelLanguageCode":
			if _, err := strconv.ParseInt(v, 10, 32); err != nil && v != "" {
				c.add(rule, path, "line %d: %s is %q, not an int", line, column, v)
			}
			continue
		case "IsUserLocalizedLabel":
			if v != "True" && v != "False" && v != "" {
				c.add(rule, path, "line %d: %s is %q, not True or False", line, column, v)
			}
			continue
		case "LocalizedLabel":
			limit = 700
		case "ExternalValue":
			continue
		}
		if name == "TargetMetadata.csv" || name == "StatusMetadata.csv" && column == "EntityName" {
			limit = 64
		}
		if n := len(utf16.Encode([]rune(v))); n > limit {
			c.add(rule, path, "line %d: %s has %d characters, the limit is %d", line, column, n, limit)
		}
	}
}

// checkChoiceOrdinals finds names in each other's place: a column or table
// that the model knows only under the other ordinal.
func checkChoiceOrdinals(c *collector, path string, line int, name string, values map[string]string, m *model, rule string) {
	table, column := values["EntityName"], values["OptionSetName"]
	if name == "TargetMetadata.csv" {
		column = values["AttributeName"]
	}
	if m == nil || column == "" && name != globalChoices {
		return
	}
	e := m.entity(table)
	switch {
	case e == nil && m.entity(column) != nil:
		c.add(rule, path, "line %d: EntityName is %q, but %q is the table", line, table, column)
	case name != globalChoices:
	case e == nil && m.entity(values["GlobalOptionSetName"]) != nil:
		c.add(rule, path, "line %d: EntityName is %q, but %q is the table", line, table, values["GlobalOptionSetName"])
	case e != nil && e.index(column) < 0 && e.index(values["GlobalOptionSetName"]) >= 0:
		c.add(rule, path, "line %d: OptionSetName is %q, but %q is the column", line, column, values["GlobalOptionSetName"])
	}
}
