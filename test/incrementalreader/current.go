package incrementalreader

import (
	"fmt"
	"io"
	"strconv"
)

// reduced is one Id's winning row.
type reduced struct {
	idState
	values []string
}

// reduce replays a table over all closed folders by the rules of §5.4.6. The
// columns are those of the newest closed folder that has the table; values of
// earlier folders are brought to them by name. Unlike Check it stops at the
// first thing that it cannot read, as a loader would.
func (r *Reader) reduce(table string, keepValues bool) (map[string]reduced, []string, error) {
	closed, _, err := r.Folders()
	if err != nil {
		return nil, nil, err
	}
	type source struct {
		b *batch
		e *entity
	}
	var sources []source
	var columns []string
	for _, name := range closed {
		b, err := r.scanBatch(name)
		if err != nil {
			return nil, nil, err
		}
		ignored := newCollector()
		if b.model = r.readModel(ignored, name+"/"+modelFile, batchModel); b.model == nil {
			return nil, nil, fmt.Errorf("%s: no readable %s", name, modelFile)
		}
		if e := b.model.entity(table); e != nil {
			sources = append(sources, source{b, e})
			columns = e.columns()
		}
	}
	if sources == nil {
		return nil, nil, fmt.Errorf("no closed folder knows table %q", table)
	}
	ordinal := map[string]int{}
	for i, name := range columns {
		ordinal[name] = i
	}
	rows := map[string]reduced{}
	for i, s := range sources {
		at := ordinalsOf(s.e)
		for _, name := range s.b.dataFiles(table) {
			path := s.b.name + "/" + table + "/" + name + ".csv"
			err := r.loadFile(path, func(row []cell) error {
				next, err := rowState(row, at, i)
				if err != nil {
					return err
				}
				id := string(text(row, at.id))
				if prev, ok := rows[id]; ok && !next.replaces(prev.idState) {
					return nil
				}
				if len(row) > len(s.e.attributes) {
					return fmt.Errorf("%d cells for %d attributes", len(row), len(s.e.attributes))
				}
				won := reduced{idState: next}
				if keepValues && !next.deleted {
					won.values = make([]string, len(columns))
					for j, cell := range row {
						if k, ok := ordinal[s.e.attributes[j].name]; ok {
							won.values[k] = string(cell.text)
						}
					}
				}
				rows[id] = won
				return nil
			})
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	return rows, columns, nil
}

// rowState reads what the reduction needs of one row.
func rowState(row []cell, at ordinals, folder int) (idState, error) {
	version, err := strconv.ParseInt(string(text(row, at.version)), 10, 64)
	if err != nil {
		return idState{}, fmt.Errorf("versionnumber: %w", err)
	}
	sink, ok := parseSink(text(row, at.modified))
	if !ok || len(text(row, at.id)) == 0 {
		return idState{}, fmt.Errorf("row without Id or SinkModifiedOn: %s, %s", clip(text(row, at.id)), clip(text(row, at.modified)))
	}
	return idState{version: version, sink: sink, folder: folder, deleted: isDeleteRow(row, at)}, nil
}

func (r *Reader) loadFile(path string, do func(row []cell) error) error {
	in, closer, err := r.openCSV(path, func(string, int, string) {})
	if err != nil {
		return err
	}
	defer closer.Close()
	for {
		row, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = do(row)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", in.start, err)
		}
	}
}

// Current returns a table's current view over all closed folders: the live
// rows by Id, their values as raw text in the order of columns.
func (r *Reader) Current(table string) (rows map[string][]string, columns []string, err error) {
	all, columns, err := r.reduce(table, true)
	if err != nil {
		return nil, nil, err
	}
	rows = map[string][]string{}
	for id, row := range all {
		if !row.deleted {
			rows[id] = row.values
		}
	}
	return rows, columns, nil
}

// Versions returns the versionnumber of every live row by Id, nil when the
// table cannot be read (Current tells why).
func (r *Reader) Versions(table string) map[string]int64 {
	return r.versions(table, false)
}

// Tombstones returns the versionnumber of the delete of every Id whose last
// word is a delete, nil when the table cannot be read.
func (r *Reader) Tombstones(table string) map[string]int64 {
	return r.versions(table, true)
}

func (r *Reader) versions(table string, deleted bool) map[string]int64 {
	all, _, err := r.reduce(table, false)
	if err != nil {
		return nil
	}
	list := map[string]int64{}
	for id, row := range all {
		if row.deleted == deleted {
			list[id] = row.version
		}
	}
	return list
}
