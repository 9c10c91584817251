package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lakelink"
)

// stateVersion is that of docs/format/state.md. Newer state is refused.
const stateVersion = 1

// A mark is what state.json holds. It is rewritten whenever a link changes, which is rare.
type mark struct {
	Version int `json:"version"`
	// Links is a revision that the links had when it was written. They may be further, never behind:
	// then a file was cut short, which the JetStream cannot tell from a write cut short.
	Links uint64 `json:"links"`
}

// readMark reads the mark, nil where there is none. It refuses versions that this program does not know.
func readMark(dir string) (*mark, error) {
	path := filepath.Join(dir, "state.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, openFailure(dir, err)
	}
	var m mark
	if err := json.Unmarshal(data, &m); err != nil || m.Version < 1 {
		return nil, damaged(dir, path+" is not what Lakelink writes there")
	}
	if m.Version > stateVersion {
		return nil, &lakelink.Error{Op: "open state", Kind: lakelink.KindInvalid,
			Err:  fmt.Errorf("%s has version %d, this program knows %d", dir, m.Version, stateVersion),
			Hint: "use the newer Lakelink that wrote it, or give another directory"}
	}
	return &m, nil
}

// remember marks that the links have come to a revision.
func (c *Cluster) remember(links uint64) error {
	c.marking.Lock()
	defer c.marking.Unlock()
	if c.marked != nil && links <= c.marked.Links {
		return nil
	}
	m := mark{Version: stateVersion, Links: links}
	data, err := json.Marshal(m)
	if err == nil {
		err = writeDurably(filepath.Join(c.dir, "state.json"), append(data, '\n'))
	}
	if err != nil {
		return &lakelink.Error{Op: "remember links", Kind: lakelink.KindForbidden, Err: err,
			Hint: "see that " + c.dir + " has space and can be written"}
	}
	c.marked = &m
	return nil
}

func writeDurably(path string, data []byte) error {
	temp := path + ".tmp"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
