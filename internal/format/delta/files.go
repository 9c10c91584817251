package delta

import (
	"context"
	"strings"

	"lakelink"
)

// A Version is a table at one version of its log, for engines that read its data files themselves.
type Version struct {
	Number   int64
	Position lakelink.Position
	Columns  []Column // the partition column is the one with Partition set
	Files    []File
}

// A Column is a column of a Delta table.
type Column struct {
	Name      string
	Type      string // Delta's, such as "long" or "decimal(38,4)"
	Partition bool   // its values are in the files' paths, not in the files
}

// A File is a data file of a Delta table.
type File struct {
	Name      string // in the lake
	Partition string // value of the partition column
	Size      int64
	Rows      int64 // -1 if unknown
}

// Files lists the files that hold the table's rows now. KindNotFound: the lake does not hold it.
func Files(ctx context.Context, lake lakelink.Lake, table lakelink.TableName) (*Version, error) {
	s, err := readState(ctx, lake, table)
	if err != nil {
		return nil, err
	}
	v := &Version{Number: s.version, Position: s.own.Position}
	for _, f := range s.schema.Fields {
		if t := f.primitive(); t != "" {
			v.Columns = append(v.Columns, Column{Name: f.Name, Type: t, Partition: f.Name == partitionColumn})
		}
	}
	for _, p := range s.paths() {
		f := s.files[p]
		name, err := objectName(table, f.Path)
		if err != nil {
			return nil, err
		}
		v.Files = append(v.Files, File{Name: name, Partition: f.partition(), Size: f.Size, Rows: f.rows()})
	}
	return v, nil
}

// Tables lists the tables that the lake has in this format.
func Tables(ctx context.Context, lake lakelink.Lake) ([]lakelink.TableName, error) {
	const root, suffix = "deltalake/", "_partitioned/"
	var tables []lakelink.TableName
	for info, err := range lake.List(ctx, root, true) {
		if err != nil {
			return nil, err
		}
		name, ok := strings.CutSuffix(strings.TrimPrefix(info.Name, root), suffix)
		if ok && name != "" {
			tables = append(tables, lakelink.TableName(name))
		}
	}
	return tables, nil
}
