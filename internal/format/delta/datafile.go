package delta

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"lakelink"
)

// damaged is the error for a data file that is not what was written.
func damaged(table lakelink.TableName, name string, err error) error {
	return &lakelink.Error{Op: "read data file", Table: table, Kind: lakelink.KindDamaged,
		Err: fmt.Errorf("%s: %w", name, err), Hint: "resync the table"}
}

// objectName is the lake's name of a data file.
func objectName(table lakelink.TableName, path string) (string, error) {
	p, err := url.PathUnescape(path)
	if err != nil || strings.Contains(p, "://") || strings.HasPrefix(p, "/") {
		return "", damaged(table, path, fmt.Errorf("the log names a file outside of the table"))
	}
	return folder(table) + p, nil
}

// readDataFile yields the rows of a data file. It verifies the file's size and checksum, so that
// damage is found before the first row. The names of the columns are those of the schema's fields;
// columns are left out where the file lacks them.
func readDataFile(ctx context.Context, lake lakelink.Lake, table lakelink.TableName, add *addFile) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		name, err := objectName(table, add.Path)
		if err != nil {
			yield(nil, err)
			return
		}
		b, err := getDataFile(ctx, lake, table, name, add)
		if err != nil {
			yield(nil, err)
			return
		}
		pq, err := file.NewParquetReader(bytes.NewReader(b))
		if err != nil {
			yield(nil, damaged(table, name, err))
			return
		}
		defer pq.Close()
		for rec, err := range readParquet(ctx, pq, nil) {
			if err != nil && ctx.Err() == nil {
				err = damaged(table, name, err)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

func getDataFile(ctx context.Context, lake lakelink.Lake, table lakelink.TableName, name string, add *addFile) ([]byte, error) {
	r, info, err := lake.Get(ctx, name)
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return nil, damaged(table, name, fmt.Errorf("the file is missing"))
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if info.Size != add.Size { // before there is room for as many bytes as a damaged log may tell
		return nil, damaged(table, name, fmt.Errorf("the file has %d bytes, and not the %d that the log tells", info.Size, add.Size))
	}
	b := make([]byte, add.Size+1) // one more, to notice a longer file
	n, err := io.ReadFull(r, b)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	if b = b[:n]; int64(n) != add.Size {
		return nil, damaged(table, name, fmt.Errorf("reading it gave other than the %d bytes that the log tells", add.Size))
	}
	if sum, ok := add.Tags[checksumTag]; ok && sum != checksum(b) {
		return nil, damaged(table, name, fmt.Errorf("its checksum is %s, not %s", checksum(b), sum))
	}
	return b, nil
}

// readParquet yields the chosen leaf columns of a Parquet file, all where columns is nil.
func readParquet(ctx context.Context, pq *file.Reader, columns []int) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		fr, err := pqarrow.NewFileReader(pq, pqarrow.ArrowReadProperties{BatchSize: chunkRows}, memory.NewGoAllocator())
		if err != nil {
			yield(nil, err)
			return
		}
		if pq.NumRows() == 0 {
			return
		}
		rr, err := fr.GetRecordReader(ctx, columns, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rr.Release()
		for rr.Next() {
			rec := rr.RecordBatch()
			rec.Retain()
			if !yield(rec, nil) {
				return
			}
		}
		if err := rr.Err(); err != nil && err != io.EOF {
			yield(nil, err)
		}
	}
}

// readKeys reads the keys of a data file from its columns Id and versionnumber alone.
func readKeys(ctx context.Context, lake lakelink.Lake, table lakelink.TableName, add *addFile) ([]key, error) {
	name, err := objectName(table, add.Path)
	if err != nil {
		return nil, err
	}
	fail := func(err error) error {
		if ctx.Err() != nil || (lakelink.KindOf(err) != lakelink.KindOther && !lakelink.IsKind(err, lakelink.KindNotFound)) {
			return err
		}
		return damaged(table, name, err)
	}
	pq, err := file.NewParquetReader(&objectReader{ctx: ctx, lake: lake, name: name, size: add.Size})
	if err != nil {
		return nil, fail(err)
	}
	defer pq.Close()
	sc := pq.MetaData().Schema
	columns := []int{sc.ColumnIndexByName(idColumn), sc.ColumnIndexByName(lakelink.VersionColumn)}
	if columns[0] < 0 || columns[1] < 0 {
		return nil, fail(fmt.Errorf("it has no column %s or no %s", idColumn, lakelink.VersionColumn))
	}
	keys := make([]key, 0, pq.NumRows())
	for rec, err := range readParquet(ctx, pq, columns) {
		if err != nil {
			return nil, fail(err)
		}
		var ids *array.String
		var versions *array.Int64
		for i, f := range rec.Schema().Fields() {
			switch f.Name {
			case idColumn:
				ids, _ = rec.Column(i).(*array.String)
			case lakelink.VersionColumn:
				versions, _ = rec.Column(i).(*array.Int64)
			}
		}
		if ids == nil || versions == nil {
			return nil, fail(fmt.Errorf("its columns %s and %s are not text and long", idColumn, lakelink.VersionColumn))
		}
		for i := range int(rec.NumRows()) {
			k := key{version: versions.Value(i), row: uint32(len(keys))}
			if !k.id.Set(ids.Value(i)) {
				return nil, fail(fmt.Errorf("row %d: %q is not an id", len(keys), ids.Value(i)))
			}
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// An objectReader reads parts of an object, for Parquet.
type objectReader struct {
	ctx  context.Context
	lake lakelink.Lake
	name string
	size int64
	off  int64
}

var _ parquet.ReaderAtSeeker = (*objectReader)(nil)

func (o *objectReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= o.size {
		return 0, io.EOF
	}
	r, err := o.lake.GetRange(o.ctx, o.name, off, int64(len(p)))
	if err != nil {
		return 0, err
	}
	defer r.Close()
	n, err := io.ReadFull(r, p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

func (o *objectReader) Read(p []byte) (int, error) {
	n, err := o.ReadAt(p, o.off)
	o.off += int64(n)
	return n, err
}

func (o *objectReader) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += o.off
	case io.SeekEnd:
		off += o.size
	}
	if off < 0 {
		return 0, fmt.Errorf("seek to %d", off)
	}
	o.off = off
	return off, nil
}
