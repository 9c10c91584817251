package delta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// lastCheckpoint is the content of _last_checkpoint.
type lastCheckpoint struct {
	Version       int64 `json:"version"`
	Size          int64 `json:"size"` // actions
	Parts         int   `json:"parts,omitempty"`
	SizeInBytes   int64 `json:"sizeInBytes,omitempty"`
	NumOfAddFiles int64 `json:"numOfAddFiles,omitempty"`
}

// checkpointSchema is a classic checkpoint's (protocol, "Checkpoint Schema"): a row for each action,
// in the column of its kind.
var checkpointSchema = func() *arrow.Schema {
	text, long := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	flag, number := arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int32
	texts := arrow.MapOf(text, text)
	f := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	return arrow.NewSchema([]arrow.Field{
		f("txn", arrow.StructOf(f("appId", text), f("version", long), f("lastUpdated", long))),
		f("add", arrow.StructOf(f("path", text), f("partitionValues", texts), f("size", long),
			f("modificationTime", long), f("dataChange", flag), f("stats", text), f("tags", texts))),
		f("remove", arrow.StructOf(f("path", text), f("deletionTimestamp", long), f("dataChange", flag),
			f("extendedFileMetadata", flag), f("partitionValues", texts), f("size", long))),
		f("metaData", arrow.StructOf(f("id", text), f("name", text), f("description", text),
			f("format", arrow.StructOf(f("provider", text), f("options", texts))), f("schemaString", text),
			f("partitionColumns", arrow.ListOf(text)), f("configuration", texts), f("createdTime", long))),
		f("protocol", arrow.StructOf(f("minReaderVersion", number), f("minWriterVersion", number))),
	}, nil)
}()

// checkpointActions lists what a checkpoint of the state holds. Nothing in it changes data.
func (s *state) checkpointActions() []action {
	actions := []action{{Protocol: &s.protocol}, {MetaData: s.meta}}
	for _, t := range s.txns {
		actions = append(actions, action{Txn: &t})
	}
	for _, p := range s.paths() {
		add := *s.files[p]
		add.DataChange = false
		actions = append(actions, action{Add: &add})
	}
	for _, r := range s.removed {
		gone := *r
		gone.DataChange = false
		actions = append(actions, action{Remove: &gone})
	}
	return actions
}

// writeCheckpoint writes the state as a checkpoint and lets _last_checkpoint point to it.
func (l *deltaLog) writeCheckpoint(ctx context.Context, s *state) error {
	actions := s.checkpointActions()
	b, err := encodeCheckpoint(actions)
	if err != nil {
		return err
	}
	if _, err := l.lake.Put(ctx, l.object(checkpointName(s.version)), bytes.NewReader(b)); err != nil {
		return err
	}
	last, err := json.Marshal(lastCheckpoint{Version: s.version, Size: int64(len(actions)),
		SizeInBytes: int64(len(b)), NumOfAddFiles: int64(len(s.files))})
	if err != nil {
		return err
	}
	if _, err := l.lake.Put(ctx, l.object(lastCheckpointName), bytes.NewReader(last)); err != nil {
		return err
	}
	s.checkpoint = s.version
	return nil
}

func encodeCheckpoint(actions []action) ([]byte, error) {
	var buf bytes.Buffer
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithDictionaryDefault(false), parquet.WithCreatedBy("lakelink version 1"))
	pq, err := pqarrow.NewFileWriter(checkpointSchema, &buf, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	b := array.NewRecordBuilder(memory.NewGoAllocator(), checkpointSchema)
	defer b.Release()
	for i := range actions {
		row, err := checkpointRow(&actions[i])
		if err != nil {
			return nil, err
		}
		if err := b.UnmarshalJSON(row); err != nil {
			return nil, err
		}
		if i%chunkRows == chunkRows-1 || i == len(actions)-1 {
			if err := pq.WriteBuffered(b.NewRecordBatch()); err != nil {
				return nil, err
			}
		}
	}
	if err := pq.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// A pair is an entry of a map, as Arrow's JSON has it.
type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func pairs(m map[string]string) []pair {
	out := []pair{}
	for k, v := range m {
		out = append(out, pair{k, v})
	}
	return out
}

// The maps of an action, in the order in which they stand in checkpointSchema.
type (
	addRow struct {
		*addFile
		PartitionValues []pair `json:"partitionValues"`
		Tags            []pair `json:"tags"`
	}
	removeRow struct {
		*removeFile
		PartitionValues []pair `json:"partitionValues"`
	}
	metaDataRow struct {
		*metaData
		Format        formatRow `json:"format"`
		Configuration []pair    `json:"configuration"`
	}
	formatRow struct {
		Provider string `json:"provider"`
		Options  []pair `json:"options"`
	}
)

// checkpointRow is an action as a row of the checkpoint, in Arrow's JSON.
func checkpointRow(a *action) ([]byte, error) {
	row := map[string]any{}
	switch {
	case a.Add != nil:
		row["add"] = addRow{a.Add, pairs(a.Add.PartitionValues), pairs(a.Add.Tags)}
	case a.Remove != nil:
		row["remove"] = removeRow{a.Remove, pairs(a.Remove.PartitionValues)}
	case a.MetaData != nil:
		row["metaData"] = metaDataRow{a.MetaData, formatRow{a.MetaData.Format.Provider,
			pairs(a.MetaData.Format.Options)}, pairs(a.MetaData.Configuration)}
	case a.Txn != nil:
		row["txn"] = a.Txn
	case a.Protocol != nil:
		row["protocol"] = a.Protocol
	}
	return json.Marshal(row)
}

// readCheckpoint reads the checkpoint of a version, in as many parts as somebody else may have
// written it in. KindNotFound: there is none.
func (l *deltaLog) readCheckpoint(ctx context.Context, version int64, parts int) (*state, error) {
	names := []string{checkpointName(version)}
	if parts > 0 {
		names = nil
		for i := 1; i <= parts; i++ {
			names = append(names, fmt.Sprintf("%s%020d.checkpoint.%010d.%010d.parquet", logFolder, version, i, parts))
		}
	}
	s := newState()
	for _, name := range names {
		b, err := l.get(ctx, name)
		if err != nil {
			return nil, err
		}
		actions, err := decodeCheckpoint(ctx, b)
		if err == nil {
			err = s.apply(version, actions)
		}
		if err != nil {
			return nil, l.damaged(name, err)
		}
	}
	if s.meta == nil {
		return nil, l.damaged(names[0], errors.New("it has no metaData"))
	}
	s.checkpoint = version
	return s, nil
}

func decodeCheckpoint(ctx context.Context, b []byte) ([]action, error) {
	pq, err := file.NewParquetReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	defer pq.Close()
	var actions []action
	for rec, err := range readParquet(ctx, pq, nil) {
		if err != nil {
			return nil, err
		}
		for c, f := range rec.Schema().Fields() {
			col := rec.Column(c)
			for i := range int(rec.NumRows()) {
				if col.IsNull(i) {
					continue
				}
				a, err := checkpointAction(f.Name, col, i)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", f.Name, err)
				}
				actions = append(actions, a)
			}
		}
	}
	return actions, nil
}

// checkpointAction is the inverse of checkpointRow, for one column of a row.
func checkpointAction(kind string, col arrow.Array, i int) (a action, err error) {
	var into any
	var add addRow
	var remove removeRow
	var meta metaDataRow
	switch kind {
	case "add":
		add.addFile = &addFile{}
		into = &add
	case "remove":
		remove.removeFile = &removeFile{}
		into = &remove
	case "metaData":
		meta.metaData = &metaData{}
		into = &meta
	case "txn":
		a.Txn = &txn{}
		into = a.Txn
	case "protocol":
		a.Protocol = &protocol{}
		into = a.Protocol
	default:
		return a, nil
	}
	b, err := json.Marshal(col.GetOneForMarshal(i))
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return a, err
	}
	switch kind {
	case "add":
		a.Add = add.addFile
		a.Add.PartitionValues, a.Add.Tags = unpair(add.PartitionValues), unpair(add.Tags)
	case "remove":
		a.Remove = remove.removeFile
		a.Remove.PartitionValues = unpair(remove.PartitionValues)
	case "metaData":
		a.MetaData = meta.metaData
		a.MetaData.Format = fileFormat{meta.Format.Provider, unpair(meta.Format.Options)}
		a.MetaData.Configuration = unpair(meta.Configuration)
	}
	return a, nil
}

func unpair(pairs []pair) map[string]string {
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		m[p.Key] = p.Value
	}
	return m
}
