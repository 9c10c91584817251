package incrementalreader

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Digest is the SHA-256 of a file's content.
type Digest [sha256.Size]byte

// Frozen holds the digests of all files of all folders that are closed or have
// their marker: folder name → file below it → digest.
type Frozen map[string]map[string]Digest

// Snapshot digests everything that may never change again (O5): the closed
// folders, and one that has its marker while changelog.info still names it.
func (r *Reader) Snapshot() (Frozen, error) {
	closed, open, err := r.Folders()
	if errors.Is(err, fs.ErrNotExist) {
		if closed, err = r.batchNames(); errors.Is(err, fs.ErrNotExist) {
			return Frozen{}, nil
		}
		closed = slices.DeleteFunc(closed, func(name string) bool { return !r.hasMarker(name) })
	}
	if err != nil {
		return nil, err
	}
	if open != "" && r.hasMarker(open) {
		closed = append(closed, open)
	}
	all := Frozen{}
	for _, name := range closed {
		b, err := r.scanBatch(name)
		if err != nil {
			return nil, err
		}
		files := map[string]Digest{}
		for _, f := range b.files {
			d, err := digest(filepath.Join(r.dir, name, filepath.FromSlash(f.rel)))
			if errors.Is(err, fs.ErrNotExist) {
				continue // purged meanwhile, or CheckUnchanged finds it missing
			}
			if err != nil {
				return nil, err
			}
			files[f.rel] = d
		}
		if _, err := os.Stat(filepath.Join(r.dir, name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		all[name] = files
	}
	return all, nil
}

func (r *Reader) hasMarker(folder string) bool {
	info, err := os.Stat(filepath.Join(r.dir, folder, modelFile))
	return err == nil && info.Size() > 0
}

func digest(path string) (d Digest, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return d, err
	}
	h.Sum(d[:0])
	return d, nil
}

// CheckUnchanged compares the lake with an earlier Snapshot (O5): no file of a
// folder that was closed then is changed, added or gone, and none of them is
// open again. Folders closed since are not looked at.
func (r *Reader) CheckUnchanged(prev Frozen) []Violation {
	c := newCollector()
	now, err := r.Snapshot()
	if err != nil {
		c.add("IO", ".", "%v", err)
		return c.list
	}
	var folders []string
	for name := range prev {
		folders = append(folders, name)
	}
	slices.Sort(folders)
	kept := false
	for _, name := range folders {
		files, ok := now[name]
		if !ok {
			_, err := os.Stat(filepath.Join(r.dir, name))
			switch {
			case err == nil:
				c.add("O5", name, "was closed and is not any more")
			case !r.AllowPurge:
				c.add("O5", name, "a closed folder is gone")
			case kept:
				c.add("O5", name, "purged, while an older folder is still there")
			}
			continue
		}
		kept = true
		for rel, d := range prev[name] {
			if got, ok := files[rel]; !ok {
				c.add("O5", name+"/"+rel, "gone from a closed folder")
			} else if got != d {
				c.add("O5", name+"/"+rel, "changed in a closed folder")
			}
		}
		for rel := range files {
			if _, ok := prev[name][rel]; !ok {
				c.add("O5", name+"/"+rel, "added to a closed folder")
			}
		}
	}
	return c.list
}
