package delta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"lakelink"
)

// manifestVersion is the version of the staging manifest (docs/format/delta.md).
const manifestVersion = 1

// A manifest lists what a load has staged. The files lie in the table's folder already; no reader
// sees them, as the log does not name them.
type manifest struct {
	Format int     `json:"format"`
	Link   string  `json:"link"`
	Load   string  `json:"load"`             // made once for each load
	Schema string  `json:"schema,omitempty"` // of the files, as in metaData
	Stages []stage `json:"stages"`
}

// A stage is what one call of Stage made durable.
type stage struct {
	Position lakelink.Position `json:"position"`
	Files    []*addFile        `json:"files"`
}

// fits reports whether what is staged can be read under the table's columns as they are now.
func (m *manifest) fits(t *lakelink.Table) bool {
	if m.Schema == "" || len(m.Stages) == 0 {
		return true
	}
	s, err := parseSchema(m.Schema)
	if err == nil {
		_, err = s.merge(t, false)
	}
	return err == nil
}

func (m *manifest) files() []*addFile {
	var files []*addFile
	if m != nil {
		for _, s := range m.Stages {
			files = append(files, s.Files...)
		}
	}
	return files
}

// readManifest reads a table's manifest and its ETag; nil where there is none.
func readManifest(ctx context.Context, lake lakelink.Lake, table lakelink.TableName) (*manifest, string, error) {
	r, info, err := lake.Get(ctx, stagingName(table))
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, "", err
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, "", &lakelink.Error{Op: "read staging", Table: table, Kind: lakelink.KindDamaged,
			Err: fmt.Errorf("%s: %w", stagingName(table), err), Hint: "delete that file"}
	}
	if m.Format > manifestVersion {
		return nil, "", &lakelink.Error{Op: "read staging", Table: table, Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("%s was written by a later version of Lakelink", stagingName(table)), Hint: "update Lakelink"}
	}
	return &m, info.ETag, nil
}

// writeManifest writes the manifest, provided that nobody else has since it was read, and returns its
// new ETag. KindConflict: somebody has.
func writeManifest(ctx context.Context, lake lakelink.Lake, table lakelink.TableName, m *manifest, etag string) (string, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	var info lakelink.ObjectInfo
	if etag == "" {
		info, err = lake.PutNew(ctx, stagingName(table), bytes.NewReader(b))
	} else {
		info, err = lake.PutMatch(ctx, stagingName(table), etag, bytes.NewReader(b))
	}
	if lakelink.IsKind(err, lakelink.KindExists) || lakelink.IsKind(err, lakelink.KindNotFound) {
		err = &lakelink.Error{Op: "stage", Table: table, Kind: lakelink.KindConflict,
			Err: fmt.Errorf("somebody else is loading the table: %w", err)}
	}
	return info.ETag, err
}
