package cdm

import (
	"context"
	"io"
	"iter"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"lakelink"
)

// A reader reads the folders back.
type reader struct{ lake lakelink.Lake }

// NewReader returns a reader of the incremental format in a lake.
func NewReader(lake lakelink.Lake) lakelink.Reader { return &reader{lake} }

// Format is the incremental format.
func (r *reader) Format() lakelink.Format { return lakelink.Incremental }

// A snapshot is a table as of one closed folder.
type snapshot struct {
	lake  lakelink.Lake
	table *lakelink.Table
	pos   lakelink.Position
	last  folder
}

// Snapshot pins the newest closed folder.
func (r *reader) Snapshot(ctx context.Context, t *lakelink.Table) (lakelink.Snapshot, error) {
	m, err := newestClosed(ctx, r.lake)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	none := failKind(lakelink.KindNotFound, "read incremental", t.Name, "the lake does not hold the table")
	if err != nil || m == nil || m.Tables[t.Name] == nil {
		return nil, none
	}
	e := m.Tables[t.Name]
	s := &snapshot{lake: r.lake, table: t, pos: e.Position, last: e.Last}
	var side sideFile
	if _, err := readJSON(ctx, r.lake, positionsName, &side); err == nil && side.Folder == m.Folder {
		for _, name := range side.Forgotten {
			if name == t.Name {
				return nil, none
			}
		}
		if pos, ok := side.Positions[t.Name]; ok {
			s.pos = pos
		}
	} else if err != nil && !isNotFound(err) {
		return nil, err
	}
	if s.pos.IsZero() {
		return nil, none
	}
	if err := checkRoot(ctx, r.lake, m, t.Name); err != nil {
		return nil, err
	}
	if err := checkChoices(ctx, r.lake, m); err != nil {
		return nil, err
	}
	return s, nil
}

// newestClosed finds the newest folder that has its marker: the one named in changelog.info where
// only the switch is missing, else the one before.
func newestClosed(ctx context.Context, lake lakelink.Lake) (*manifest, error) {
	open, _, err := readChangelog(ctx, lake)
	if err != nil {
		return nil, err
	}
	if _, err := lake.Stat(ctx, open.path(markerFile)); err == nil {
		return readManifest(ctx, lake, open)
	} else if !isNotFound(err) {
		return nil, err
	}
	m, err := newestBefore(ctx, lake, open)
	if err == nil && m != nil && m.Next != open {
		// Consumers take every folder but this one for complete.
		err = damaged(changelogName, "it names %s, and the one to open after %s is %s", open, m.Folder, m.Next)
	}
	return m, err
}

// Position is the one in the folder's manifest, or a later one that brought nothing.
func (s *snapshot) Position() lakelink.Position { return s.pos }

// Batches yields every folder in order, and in each folder the upserts before the deletes.
func (s *snapshot) Batches(ctx context.Context) iter.Seq2[*lakelink.Batch, error] {
	return func(yield func(*lakelink.Batch, error) bool) {
		chapters, err := history(ctx, s.lake, s.table.Name, s.last, false)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, c := range chapters {
			for _, f := range inReadingOrder(c.files) {
				if c.superseded {
					if _, err := s.lake.Stat(ctx, c.folder.data(s.table.Name, f.Name)); isNotFound(err) {
						continue
					}
				}
				for b, err := range s.file(ctx, c, f) {
					if !yield(b, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// Batches of a reader are cut when they have this many rows or this much text.
const (
	batchRows  = 5000
	batchBytes = 8 << 20
)

// file yields the rows, or the deletes, of one data file.
func (s *snapshot) file(ctx context.Context, c chapter, f file) iter.Seq2[*lakelink.Batch, error] {
	return func(yield func(*lakelink.Batch, error) bool) {
		d, err := openData(ctx, s.lake, c.folder.data(s.table.Name, f.Name), f)
		if err != nil {
			yield(nil, err)
			return
		}
		defer d.close()
		dec := newDecoder(s.table, c.attrs, f.year() == deleteYear)
		defer dec.rows.Release()
		for from := int64(0); ; {
			cells, err := d.next(len(c.attrs))
			if err == io.EOF {
				if b := dec.batch(s.pos); b != nil {
					yield(b, nil)
				}
				return
			}
			if err == nil {
				if err = dec.add(cells); err != nil {
					err = damaged(d.name, "row %d: %w", d.rows, err)
				}
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if dec.n < batchRows && d.csv.bytes-from < batchBytes {
				continue
			}
			from = d.csv.bytes
			if !yield(dec.batch(s.pos), nil) {
				return
			}
		}
	}
}

// A decoder turns records back into batches.
type decoder struct {
	table   *lakelink.Table
	rows    *array.RecordBuilder
	source  []int // per field: the cell, or -1
	fields  []func(cell []byte) error
	version int
	deletes bool

	n    int
	gone []lakelink.Delete
}

func newDecoder(t *lakelink.Table, attrs []attribute, deletes bool) *decoder {
	d := &decoder{table: t, rows: array.NewRecordBuilder(memory.DefaultAllocator, t.ArrowSchema()), deletes: deletes,
		version: indexOf(attrs, lakelink.VersionColumn)}
	for i, f := range t.Fields() {
		at := -1
		for j, a := range attrs {
			if a.name == attributeName(f.Name) {
				at = j
			}
		}
		if f.Name == t.PrimaryKey {
			at = 0 // Id is the primary key (§3.4)
		}
		d.source = append(d.source, at)
		d.fields = append(d.fields, newField(d.rows.Field(i)))
	}
	return d
}

// add takes a record: a row, or a delete.
func (d *decoder) add(cells [][]byte) error {
	d.n++
	if d.deletes {
		id, version, err := keyOf("the record", cells, d.version)
		d.gone = append(d.gone, lakelink.Delete{ID: id, Version: version})
		return err
	}
	for i, at := range d.source {
		if at < 0 || len(cells[at]) == 0 {
			d.rows.Field(i).AppendNull()
			continue
		}
		if err := d.fields[i](cells[at]); err != nil {
			return failKind(lakelink.KindDamaged, "column "+strconv.Itoa(at+1), "", "%w", err)
		}
	}
	return nil
}

// batch returns what was added since the last one; nil where that is nothing.
func (d *decoder) batch(next lakelink.Position) *lakelink.Batch {
	if d.n == 0 {
		return nil
	}
	d.n = 0
	b := &lakelink.Batch{Table: d.table, Next: next}
	if d.deletes {
		b.Deletes, d.gone = d.gone, nil
		return b
	}
	b.Rows = d.rows.NewRecordBatch()
	return b
}
