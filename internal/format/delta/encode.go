package delta

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/uuid"

	"lakelink"
)

// chunkRows is how many rows are handed to Parquet at a time, chunkBytes how much text at most, but
// for what comes in one piece: rows with long texts would need gigabytes.
const (
	chunkRows  = 8 << 10
	chunkBytes = 32 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A layout is what all files written under one schema have in common.
type layout struct {
	fields  []field // stored ones, as in arrow
	arrow   *arrow.Schema
	props   *parquet.WriterProperties
	id      int // number of the field Id
	version int // and of versionnumber
	stats   int // statistics go to the log for this many fields
}

// statsFields is Delta's usual number of columns with statistics in the log.
const statsFields = 32

// sparkVersion tells Spark that dates and timestamps are in the proleptic Gregorian calendar. Without
// it Spark 3 refuses files that have a timestamp before 1900.
const sparkVersion = "3.4.0"

func newLayout(s *schema) (*layout, error) {
	l := &layout{fields: s.stored(), id: -1, version: -1}
	sc := s.arrow()
	meta := arrow.NewMetadata([]string{"org.apache.spark.version"}, []string{sparkVersion})
	l.arrow = arrow.NewSchema(sc.Fields(), &meta)
	props := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithDictionaryDefault(false),
		parquet.WithMaxRowGroupLength(1 << 30), // files end before
		parquet.WithCreatedBy("lakelink version 1"),
	}
	for i := range l.fields {
		f := &l.fields[i]
		switch {
		case f.Name == idColumn:
			l.id = i
		case f.column() == lakelink.VersionColumn:
			l.version = i
		case repeats(f):
			props = append(props, parquet.WithDictionaryFor(f.Name, true))
		}
	}
	if l.id < 0 || l.version < 0 {
		return nil, fmt.Errorf("the table has no column %s or no %s", idColumn, lakelink.VersionColumn)
	}
	l.stats = min(len(l.fields), statsFields)
	l.props = parquet.NewWriterProperties(props...)
	return l, nil
}

// repeats reports whether a column has few values, so that a dictionary pays.
func repeats(f *field) bool {
	if f.system() {
		return f.Name != idColumn
	}
	switch t := f.source(); lakelink.ColumnType(t) {
	case "EntityType", lakelink.TypeOwner, lakelink.TypeEntityName:
		return true
	}
	return false
}

// An encoder makes one data file. Rows are encoded as they come; the file is in memory until it is
// put into the lake.
type encoder struct {
	layout *layout
	buf    bytes.Buffer
	pq     *pqarrow.FileWriter
	cols   []builder
	rows   int   // in cols
	size   int64 // bytes of rows in memory, before encoding
	keys   []key // of the rows that are encoded
}

func newEncoder(l *layout) (*encoder, error) {
	e := &encoder{layout: l, cols: newBuilders(l.arrow)}
	var err error
	e.pq, err = pqarrow.NewFileWriter(l.arrow, &e.buf, l.props, pqarrow.DefaultWriterProps())
	return e, err
}

// A source is rows to be encoded: an array for each stored field, nil where all are null.
type source struct {
	cols []arrow.Array
	n    int // rows in each
}

// append takes those rows of src, all of them where rows is nil.
func (e *encoder) append(src source, rows []int32) error {
	n := len(rows)
	if rows == nil {
		n = src.n
	}
	for i, b := range e.cols {
		if src.cols[i] == nil {
			b.appendNulls(n)
		} else if err := b.append(src.cols[i], rows); err != nil {
			return fmt.Errorf("column %s: %w", e.layout.fields[i].Name, err)
		}
	}
	if e.rows += n; e.rows >= chunkRows || e.text() >= chunkBytes {
		return e.flush()
	}
	return nil
}

// text is how many bytes of text wait in the columns.
func (e *encoder) text() (n int) {
	for _, b := range e.cols {
		if t, ok := b.(*textBuilder); ok {
			n += len(t.data)
		}
	}
	return n
}

func (e *encoder) total() int { return len(e.keys) + e.rows }

// flush hands the rows to Parquet.
func (e *encoder) flush() error {
	if e.rows == 0 {
		return nil
	}
	arrays := make([]arrow.Array, len(e.cols))
	for i, b := range e.cols {
		arrays[i] = b.finish()
		e.size += int64(arrays[i].Data().SizeInBytes())
	}
	ids, versions := arrays[e.layout.id].(*array.String), arrays[e.layout.version].(*array.Int64)
	for i := range e.rows {
		k := key{version: versions.Value(i), row: uint32(len(e.keys))}
		if !k.id.Set(ids.Value(i)) {
			return fmt.Errorf("row %d: %q is not an id", len(e.keys), ids.Value(i))
		}
		e.keys = append(e.keys, k)
	}
	rec := array.NewRecordBatch(e.layout.arrow, arrays, int64(e.rows))
	e.rows = 0
	return e.pq.WriteBuffered(rec)
}

// finish puts the file into the lake and its key index beside the table's others.
func (e *encoder) finish(ctx context.Context, t *table, partition string, now time.Time) (*addFile, error) {
	if err := e.flush(); err != nil {
		return nil, err
	}
	if err := e.pq.Close(); err != nil {
		return nil, err
	}
	meta, err := e.pq.FileMetadata()
	if err != nil {
		return nil, err
	}
	stats, err := fileStats(e.layout, meta)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("part-00000-%s.c000.snappy.parquet", uuid.NewString())
	add := &addFile{
		Path:             partitionColumn + "=" + partition + "/" + name,
		PartitionValues:  map[string]string{partitionColumn: partition},
		Size:             int64(e.buf.Len()),
		ModificationTime: now.UnixMilli(),
		DataChange:       true,
		Stats:            stats,
		Tags:             map[string]string{checksumTag: checksum(e.buf.Bytes())},
	}
	if _, err := t.w.Lake.Put(ctx, folder(t.name)+add.Path, bytes.NewReader(e.buf.Bytes())); err != nil {
		return nil, err
	}
	return add, t.keys.write(add, e.keys)
}

func checksum(b []byte) string {
	s := strconv.FormatUint(uint64(crc32.Checksum(b, castagnoli)), 16)
	return strings.Repeat("0", 8-len(s)) + s
}
