package lagmeter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lakelink"
)

// A table is the log of a Delta table, followed from commit to commit, and the rows that are
// waited for in it.
type table struct {
	name    string
	dir     string
	version int64 // of the commit that comes next
	rows    rows
}

// newTable begins behind the newest commit that there is.
func newTable(lake, name string) *table {
	t := &table{name: name, dir: filepath.Join(lake, "deltalake", name+"_partitioned"), rows: rows{}}
	files, err := os.ReadDir(filepath.Join(t.dir, "_delta_log"))
	if err != nil {
		return t // the table is still to be made
	}
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), ".")
		if v, err := strconv.ParseInt(number, 10, 64); err == nil && len(number) == 20 {
			t.version = max(t.version, v+1)
		}
	}
	return t
}

// A commit is what counts of one: the files it adds and what it brings readers to.
type commit struct {
	files    []dataFile
	position int64 // 0 if it does not say
}

type dataFile struct {
	path       string
	maxVersion int64 // of its rows; unlimited if the log does not say
}

// An action is a line of a commit. The names are those of the Delta protocol and of
// docs/format/delta.md.
type action struct {
	Add *struct {
		Path       string `json:"path"`
		DataChange bool   `json:"dataChange"`
		Stats      string `json:"stats"`
	} `json:"add"`
	CommitInfo *struct {
		Lakelink struct {
			Position lakelink.Position `json:"position"`
		} `json:"lakelink"`
	} `json:"commitInfo"`
}

// next reads the next commit; nil where there is none yet.
func (t *table) next() (*commit, error) {
	name := filepath.Join(t.dir, "_delta_log", fmt.Sprintf("%020d.json", t.version))
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := &commit{}
	d := json.NewDecoder(bytes.NewReader(b))
	for {
		var a action
		if err := d.Decode(&a); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := c.take(t.dir, &a); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	t.version++
	return c, nil
}

func (c *commit) take(dir string, a *action) error {
	if a.CommitInfo != nil {
		c.position = a.CommitInfo.Lakelink.Position.Version
	}
	if a.Add == nil || !a.Add.DataChange {
		return nil
	}
	path, err := url.PathUnescape(a.Add.Path)
	if err != nil {
		return err
	}
	c.files = append(c.files, dataFile{filepath.Join(dir, filepath.FromSlash(path)), maxVersion(a.Add.Stats)})
	return nil
}

// maxVersion reads the highest row version out of a file's statistics.
func maxVersion(stats string) int64 {
	var s struct {
		MaxValues struct {
			Version *int64 `json:"versionnumber"`
		} `json:"maxValues"`
	}
	if json.Unmarshal([]byte(stats), &s) != nil || s.MaxValues.Version == nil {
		return math.MaxInt64
	}
	return *s.MaxValues.Version
}
