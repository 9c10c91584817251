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

type versionFile struct {
	Version int `json:"version"`
}

// readVersion reports whether the directory has state of a version that this program knows.
func readVersion(dir string) (bool, error) {
	path := filepath.Join(dir, "state.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, openFailure(dir, err)
	}
	var f versionFile
	if err := json.Unmarshal(data, &f); err != nil || f.Version < 1 {
		return false, damaged(dir, path+" is not what Lakelink writes there")
	}
	if f.Version > stateVersion {
		return false, &lakelink.Error{Op: "open state", Kind: lakelink.KindInvalid,
			Err:  fmt.Errorf("%s has version %d, this program knows %d", dir, f.Version, stateVersion),
			Hint: "use the newer Lakelink that wrote it, or give another directory"}
	}
	return true, nil
}

func writeVersion(dir string) error {
	data, err := json.Marshal(versionFile{stateVersion})
	if err == nil {
		err = writeDurably(filepath.Join(dir, "state.json"), append(data, '\n'))
	}
	if err != nil {
		return openFailure(dir, err)
	}
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
