package lagmeter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"lakelink"
)

// idColumn holds the primary key in every Delta table, as text.
const idColumn = "Id"

// keys calls see for each row of a data file. A file that was vacuumed meanwhile has no rows: what
// was in it is in the files of a later commit.
func (t *table) keys(ctx context.Context, f dataFile, see func(id [16]byte, version int64)) error {
	r, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	if err := readKeys(ctx, r, see); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
}

func readKeys(ctx context.Context, r *os.File, see func(id [16]byte, version int64)) error {
	pq, err := file.NewParquetReader(r)
	if err != nil {
		return err
	}
	defer pq.Close()
	fields := pq.MetaData().Schema
	columns := []int{fields.ColumnIndexByName(idColumn), fields.ColumnIndexByName(lakelink.VersionColumn)}
	if columns[0] < 0 || columns[1] < 0 {
		return fmt.Errorf("there is no column %s or no %s", idColumn, lakelink.VersionColumn)
	}
	if pq.NumRows() == 0 {
		return nil
	}
	fr, err := pqarrow.NewFileReader(pq, pqarrow.ArrowReadProperties{BatchSize: 8 << 10}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	rr, err := fr.GetRecordReader(ctx, columns, nil)
	if err != nil {
		return err
	}
	defer rr.Release()
	for rr.Next() {
		rec := rr.RecordBatch()
		var ids *array.String
		var versions *array.Int64
		for _, c := range rec.Columns() {
			switch c := c.(type) {
			case *array.String:
				ids = c
			case *array.Int64:
				versions = c
			}
		}
		if ids == nil || versions == nil {
			return fmt.Errorf("%s is not text, or %s is not a whole number", idColumn, lakelink.VersionColumn)
		}
		var id lakelink.ID
		for i := range ids.Len() {
			if !id.Set(ids.Value(i)) {
				return fmt.Errorf("%q is not an id", ids.Value(i))
			}
			see(id, versions.Value(i))
		}
	}
	return rr.Err()
}
