package incrementalreader

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ordinals are the positions of the columns that the row checks need.
type ordinals struct {
	id, created, modified, version, isDelete int
}

func ordinalsOf(e *entity) ordinals {
	return ordinals{
		id: e.index("Id"), created: e.index("SinkCreatedOn"), modified: e.index("SinkModifiedOn"),
		version: e.index("versionnumber"), isDelete: e.index("IsDelete"),
	}
}

// text returns a cell's text, nothing when the row is too short or the column
// is missing.
func text(row []cell, i int) []byte {
	if i < 0 || i >= len(row) {
		return nil
	}
	return row[i].text
}

// isDeleteRow reads IsDelete as consumers do: case-insensitively (C7).
func isDeleteRow(row []cell, at ordinals) bool {
	return strings.EqualFold(string(text(row, at.isDelete)), "true")
}

// openCSV opens one data or choice file; close it after use.
func (r *Reader) openCSV(path string, warn func(rule string, line int, text string)) (*csvReader, io.Closer, error) {
	f, err := os.Open(filepath.Join(r.dir, filepath.FromSlash(path)))
	if err != nil {
		return nil, nil, err
	}
	return newCSVReader(f, warn), f, nil
}

// eachRecord streams a file, turning what the tokenizer objects to into
// violations.
func (r *Reader) eachRecord(c *collector, path string, do func(row []cell, line int)) {
	in, closer, err := r.openCSV(path, func(rule string, line int, text string) {
		c.add(rule, path, "line %d: %s", line, text)
	})
	if err != nil {
		c.add("IO", path, "%v", err)
		return
	}
	defer closer.Close()
	for {
		row, err := in.next()
		var syntax *syntaxError
		switch {
		case err == io.EOF:
			return
		case errors.As(err, &syntax):
			c.add(syntax.rule, path, "%v", err)
			return
		case err != nil:
			c.add("IO", path, "%v", err)
			return
		}
		do(row, in.start)
	}
}

// fileFacts is what the comparison of a folder's files needs.
type fileFacts struct {
	widest           int
	upserts, deletes int
}

// checkTable streams every file of one table over all committed batches, in
// the order consumers replay them: the C rules, M6, and the O rules by state.
func (r *Reader) checkTable(c *collector, lk *lake, table string) {
	state := newTableState()
	for folder, b := range lk.committed() {
		e := b.model.entity(table)
		if e == nil {
			continue
		}
		dir := b.name + "/" + table
		widest, rows := 0, 0
		greatestDelete, smallestUpsert := -1, -1
		for _, name := range b.dataFiles(table) {
			facts := r.checkFile(c, dir+"/"+name+".csv", e, state, folder)
			widest, rows = max(widest, facts.widest), rows+facts.upserts+facts.deletes
			if n, ok := fileNumber(name); ok {
				if facts.deletes > 0 && n > greatestDelete {
					greatestDelete = n
				}
				if facts.upserts > 0 && (smallestUpsert < 0 || n < smallestUpsert) {
					smallestUpsert = n
				}
			}
		}
		if greatestDelete >= 0 && smallestUpsert >= 0 && greatestDelete >= smallestUpsert {
			c.add("C10", dir, "deletes in %d.csv, upserts in %d.csv", greatestDelete, smallestUpsert)
		}
		if rows > 0 && widest != len(e.attributes) {
			c.add("M6", b.name+"/"+modelFile, "%s has %d attributes, its widest row %d cells", table, len(e.attributes), widest)
		}
		state.endFolder()
	}
}

// checkFile streams one data file.
func (r *Reader) checkFile(c *collector, path string, e *entity, state *tableState, folder int) (facts fileFacts) {
	at := ordinalsOf(e)
	widest := 0
	lastSink, anySink := int64(0), false
	first := true
	r.eachRecord(c, path, func(row []cell, line int) {
		if len(row) == 1 && len(row[0].text) == 0 && !row[0].quoted {
			c.add("C14", path, "line %d: blank line", line)
			return
		}
		if first && isHeader(row, e) {
			c.add("C1", path, "line %d: a header row", line)
			first = false
			return
		}
		first = false
		checkWidth(c, path, line, row, e, at, widest)
		widest = max(widest, len(row))
		deleted := isDeleteRow(row, at)
		if deleted {
			facts.deletes++
		} else {
			facts.upserts++
		}
		if deleted && facts.upserts > 0 || !deleted && facts.deletes > 0 {
			c.add("C9", path, "line %d: deletes and upserts in one file", line)
		}
		checkCells(c, path, line, row, e)
		checkRequired(c, path, line, row, at, deleted)

		sink, ok := parseSink(text(row, at.modified))
		if ok && anySink && sink < lastSink {
			c.add("O2", path, "line %d: SinkModifiedOn %s goes back", line, text(row, at.modified))
		}
		if ok {
			lastSink, anySink = sink, true
		}
		version, err := strconv.ParseInt(string(text(row, at.version)), 10, 64)
		id := text(row, at.id)
		if !ok || err != nil || len(id) == 0 {
			return // reported above
		}
		state.row(c, path, line, string(id), idState{
			version: version, sink: sink, hash: state.hash(row, at), folder: folder, deleted: deleted,
		})
	})
	facts.widest = widest
	return facts
}

// isHeader tells whether the first cells are the column names (C1).
func isHeader(row []cell, e *entity) bool {
	if len(row) < 2 || len(e.attributes) < 2 {
		return false
	}
	return string(row[0].text) == e.attributes[0].name && string(row[1].text) == e.attributes[1].name
}

// checkWidth checks C3, C4 and the end of C14.
func checkWidth(c *collector, path string, line int, row []cell, e *entity, at ordinals, widest int) {
	n := len(row)
	switch {
	case n <= at.isDelete:
		c.add("C3", path, "line %d: %d cells, IsDelete is number %d", line, n, at.isDelete+1)
	case n > len(e.attributes):
		c.add("C3", path, "line %d: %d cells for %d attributes", line, n, len(e.attributes))
	case n < widest:
		c.add("C3", path, "line %d: %d cells after a row of %d", line, n, widest)
	}
	if n != len(e.attributes) {
		c.add("C4", path, "line %d: %d cells for %d attributes", line, n, len(e.attributes))
	}
	if last := row[n-1]; last.quoted && len(last.text) == 0 {
		c.add("C14", path, `line %d: the empty last cell is written ""`, line)
	}
}

// checkCells checks the format of each cell (C5–C8, 3.2) and which are quoted
// (3.1).
func checkCells(c *collector, path string, line int, row []cell, e *entity) {
	for i, cell := range row[:min(len(row), len(e.attributes))] {
		a := e.attributes[i]
		if len(cell.text) == 0 {
			if cell.quoted && a.dataType != "string" {
				c.add("3.1", path, `line %d: null of %s (%s) is written ""`, line, a.name, a.dataType)
			}
			continue
		}
		if !dataTypes[a.dataType] {
			continue
		}
		if quotedType(a.dataType) != cell.quoted {
			c.add("3.1", path, "line %d: %s (%s) quoted=%v: %s", line, a.name, a.dataType, cell.quoted, clip(cell.text))
		}
		if rule := checkValue(cell.text, a); rule != "" {
			c.add(rule, path, "line %d: %s is no valid %s (%d,%d): %s", line, a.name, a.dataType, a.precision, a.scale, clip(cell.text))
		}
	}
}

// checkRequired checks C11, the same cells of upserts, and that IsDelete is
// empty on them (§3.4).
func checkRequired(c *collector, path string, line int, row []cell, at ordinals, deleted bool) {
	for _, need := range []struct {
		name, upsertRule string
		at               int
	}{
		{"Id", "C12", at.id}, {"SinkCreatedOn", "C5", at.created}, {"SinkModifiedOn", "C5", at.modified},
		{"versionnumber", "C8", at.version},
	} {
		if need.at < 0 || len(text(row, need.at)) > 0 {
			continue
		}
		rule := need.upsertRule
		if deleted {
			rule = "C11"
		}
		c.add(rule, path, "line %d: %s is empty", line, need.name)
	}
	if v := text(row, at.isDelete); !deleted && len(v) > 0 {
		c.add("3.4", path, "line %d: IsDelete of a live row is %s, not empty", line, clip(v))
	}
}

func clip(s []byte) string {
	if len(s) > 60 {
		return strconv.Quote(string(s[:60])) + "…"
	}
	return strconv.Quote(string(s))
}

// hash digests a row apart from its Sink* cells (C12). Empty cells at the end
// do not count: a column that was added later is empty in a repeated row.
func (s *tableState) hash(row []cell, at ordinals) uint64 {
	n := len(row)
	for n > 0 && len(row[n-1].text) == 0 {
		n--
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	var size [4]byte
	for i, cell := range row[:n] {
		if i == at.created || i == at.modified {
			continue
		}
		binary.LittleEndian.PutUint32(size[:], uint32(len(cell.text)))
		h.Write(size[:])
		h.Write(cell.text)
	}
	return h.Sum64()
}
