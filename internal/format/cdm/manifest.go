package cdm

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"time"

	"lakelink"
)

// formatVersion is that of every file that Lakelink adds to the layout. Newer ones are refused.
const formatVersion = 1

// A manifest is what Lakelink keeps about one folder, in its _lakelink.json: what is in it, and
// where every table of the link stands with it. Whoever makes it decides what the folder holds.
type manifest struct {
	Format   int                           `json:"format"`
	Link     string                        `json:"link"`
	Folder   folder                        `json:"folder"`
	Previous folder                        `json:"previous,omitempty"` // closed folder
	Next     folder                        `json:"next"`               // opened when this one is closed
	Sink     time.Time                     `json:"sink"`               // the time that its rows bear
	Tables   map[lakelink.TableName]*entry `json:"tables"`
	// Forgotten keeps what must outlive a table's stay in the link: the order of its columns (M12)
	// and where its rows are (O10).
	Forgotten map[lakelink.TableName]*entry `json:"forgotten,omitempty"`
	Choices   map[string]string             `json:"choices"` // sha256 by file name
}

// An entry is a table in a manifest.
type entry struct {
	Position   lakelink.Position `json:"position,omitzero"`
	Loading    bool              `json:"loading,omitempty"`  // a first load is under way
	Completed  time.Time         `json:"completed,omitzero"` // when the last load was shown
	Load       string            `json:"load,omitempty"`     // the id of that load
	Attributes []attribute       `json:"attributes"`         // in order
	Rows       int64             `json:"rows,omitempty"`     // in this folder
	Deletes    int64             `json:"deletes,omitempty"`  // in this folder
	Files      []file            `json:"files,omitempty"`    // in this folder
	Last       folder            `json:"last,omitempty"`     // the newest folder with files of the table
	Before     folder            `json:"before,omitempty"`   // the one before Last, where Last is this one
}

// A file is a data file of a folder.
type file struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// stored is what of an entry carries over to the next folder.
func (e *entry) stored() *entry {
	return &entry{Position: e.Position, Completed: e.Completed, Load: e.Load, Attributes: e.Attributes, Last: e.Last}
}

func (m *manifest) encode() ([]byte, error) { return encodeJSON(m) }

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// readManifest reads the manifest of a folder. KindNotFound: it has none.
func readManifest(ctx context.Context, lake lakelink.Lake, f folder) (*manifest, error) {
	var m manifest
	if _, err := readJSON(ctx, lake, f.path(manifestFile), &m); err != nil {
		return nil, err
	}
	if m.Folder != f || m.Next <= f || m.Tables == nil {
		return nil, damaged(f.path(manifestFile), "it is not of this folder")
	}
	for _, entries := range []map[lakelink.TableName]*entry{m.Tables, m.Forgotten} {
		for name, e := range entries {
			if e == nil || len(e.Attributes) <= sinkAttributes {
				return nil, damaged(f.path(manifestFile), "table %s has no columns", name)
			}
		}
	}
	return &m, nil
}

// readJSON reads one of our side files into v and returns its ETag.
func readJSON(ctx context.Context, lake lakelink.Lake, name string, v any) (etag string, err error) {
	b, info, err := readAll(ctx, lake, name)
	if err != nil {
		return "", err
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return "", damaged(name, "%w", err)
	}
	if head.Format > formatVersion {
		return "", failKind(lakelink.KindInvalid, "read "+name, "", "a newer release wrote it, in format %d", head.Format)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return "", damaged(name, "%w", err)
	}
	return info.ETag, nil
}

func readAll(ctx context.Context, lake lakelink.Lake, name string) ([]byte, lakelink.ObjectInfo, error) {
	r, info, err := lake.Get(ctx, name)
	if err != nil {
		return nil, info, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return b, info, err
}
