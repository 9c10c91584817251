package delta

import (
	"context"
	"fmt"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// A reader is the lakelink.Reader of this format.
type reader struct{ lake lakelink.Lake }

// NewReader makes a Reader of the delta format.
func NewReader(lake lakelink.Lake) lakelink.Reader { return &reader{lake} }

// Format is lakelink.Delta.
func (r *reader) Format() lakelink.Format { return lakelink.Delta }

// Snapshot pins the newest version of the table.
func (r *reader) Snapshot(ctx context.Context, t *lakelink.Table) (lakelink.Snapshot, error) {
	s, err := readState(ctx, r.lake, t.Name)
	if err != nil {
		return nil, err
	}
	return &snapshot{lake: r.lake, table: t, state: s}, nil
}

// readState reads the newest state of a table that must be there.
func readState(ctx context.Context, lake lakelink.Lake, table lakelink.TableName) (*state, error) {
	l := deltaLog{lake: lake, table: table}
	s, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	if s.version < 0 {
		return nil, &lakelink.Error{Op: "read delta table", Table: table, Kind: lakelink.KindNotFound,
			Err: fmt.Errorf("the lake has no Delta table %s", folder(table))}
	}
	return s, nil
}

type snapshot struct {
	lake  lakelink.Lake
	table *lakelink.Table
	state *state
}

// Position is the one of our newest commit in the snapshot.
func (s *snapshot) Position() lakelink.Position { return s.state.own.Position }

// Batches yields the rows, file by file.
func (s *snapshot) Batches(ctx context.Context) iter.Seq2[*lakelink.Batch, error] {
	return func(yield func(*lakelink.Batch, error) bool) {
		out := s.table.ArrowSchema()
		for _, p := range s.state.paths() {
			for b, err := range s.file(ctx, out, s.state.files[p]) {
				if !yield(b, err) || err != nil {
					return
				}
			}
		}
	}
}

// file yields the rows of one file, and at its end an error where the log tells otherwise of it.
func (s *snapshot) file(ctx context.Context, out *arrow.Schema, add *addFile) iter.Seq2[*lakelink.Batch, error] {
	return func(yield func(*lakelink.Batch, error) bool) {
		name := folder(s.table.Name) + add.Path
		if err := add.checkPlace(); err != nil {
			yield(nil, damaged(s.table.Name, name, err))
			return
		}
		var rows int64
		for rec, err := range readDataFile(ctx, s.lake, s.table.Name, add) {
			var b *lakelink.Batch
			if err == nil {
				rows += rec.NumRows()
				if b, err = s.batch(out, rec); err != nil {
					err = damaged(s.table.Name, name, err)
				}
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
		if err := add.checkRows(rows); err != nil {
			yield(nil, damaged(s.table.Name, name, err))
		}
	}
}

// batch turns a record of a data file into the source's types.
func (s *snapshot) batch(out *arrow.Schema, rec arrow.RecordBatch) (*lakelink.Batch, error) {
	n := int(rec.NumRows())
	arrays := make([]arrow.Array, out.NumFields())
	for i, f := range out.Fields() {
		b := newBuilder(f.Type)
		stored := s.state.schema.find(f.Name)
		var src arrow.Array
		if stored != nil {
			src = columnOf(rec, stored.Name)
		}
		if src == nil {
			b.appendNulls(n)
		} else if err := b.append(src, nil); err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		arrays[i] = b.finish()
		if !f.Nullable && arrays[i].NullN() > 0 {
			return nil, fmt.Errorf("column %s has rows without a value", f.Name)
		}
	}
	return &lakelink.Batch{Table: s.table, Rows: array.NewRecordBatch(out, arrays, int64(n))}, nil
}
