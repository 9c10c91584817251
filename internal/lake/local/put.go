package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lakelink"
	"lakelink/internal/lake"
)

// errKept says that something was there already and that it was not touched.
var errKept = errors.New("kept")

// Put writes or replaces an object.
func (l *Lake) Put(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, name, r, func(unfinished, path string) error {
		unlock, err := l.temp.share()
		if err != nil {
			return err
		}
		defer unlock()
		return os.Rename(unfinished, path)
	})
}

// PutNew writes an object that is not there yet. It needs no lock: link(2) never replaces.
func (l *Lake) PutNew(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	info, err := l.put(ctx, name, r, link)
	if errors.Is(err, errKept) {
		err = &lakelink.Error{Op: "put", Kind: lakelink.KindExists, Err: fmt.Errorf("%s is there already", name)}
	}
	return info, err
}

// PutMatch replaces an object that still has that ETag. No Put or Delete of any process comes
// between the look at the ETag and the replacing.
func (l *Lake) PutMatch(ctx context.Context, name, etag string, r io.Reader) (lakelink.ObjectInfo, error) {
	info, err := l.put(ctx, name, r, func(unfinished, path string) error {
		unlock, err := l.temp.exclude()
		if err != nil {
			return err
		}
		defer unlock()
		switch old, err := l.stat("stat", name); {
		case lakelink.IsKind(err, lakelink.KindNotFound):
			return errKept
		case err != nil:
			return err
		case old.ETag != etag:
			return errKept
		}
		return os.Rename(unfinished, path)
	})
	if errors.Is(err, errKept) {
		err = &lakelink.Error{Op: "put", Kind: lakelink.KindConflict, Err: fmt.Errorf("%s was changed by somebody else", name)}
	}
	return info, err
}

// put writes r to an unfinished file, lets place give it its name, and makes that durable.
func (l *Lake) put(ctx context.Context, name string, r io.Reader, place func(unfinished, path string) error) (lakelink.ObjectInfo, error) {
	if err := ready(ctx, "put", name); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	unfinished, fi, err := l.temp.write(lake.Reader(ctx, r))
	if err != nil {
		return lakelink.ObjectInfo{}, l.failure("put", name, err)
	}
	defer os.Remove(unfinished) // after a rename there is none
	if err := ctx.Err(); err != nil {
		return lakelink.ObjectInfo{}, fmt.Errorf("put %s: %w", name, err)
	}
	path := l.Locate(name)
	if err := l.place(unfinished, path, place); err != nil {
		return lakelink.ObjectInfo{}, l.failure("put", name, err)
	}
	// A folder that is gone was pruned by a Delete, which came after this Put.
	if err := syncFolder(filepath.Dir(path)); err != nil && !isNotFound(err) {
		return lakelink.ObjectInfo{}, failure("put", name, err)
	}
	return objectInfo(name, fi), nil
}

// placeTries bounds how often a folder may be removed under us, or an empty one be in the way.
const placeTries = 100

func (l *Lake) place(unfinished, path string, place func(unfinished, path string) error) error {
	var err error
	for range placeTries {
		if err = l.makeParents(filepath.Dir(path)); err != nil && !isNotFound(err) {
			return err
		}
		if err == nil {
			err = place(unfinished, path)
		}
		if err == nil || errors.Is(err, errKept) && !isFolder(path) {
			return err
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			l.forget(filepath.Dir(path)) // somebody's Delete has just pruned the folder
		case isFolder(path):
			if os.Remove(path) != nil {
				return errFolder
			}
		default:
			return err
		}
	}
	return err
}

// link is rename without replacing. A lost answer of a network file system makes a link that
// succeeded look as if the name had been taken; the number of links tells.
func link(unfinished, path string) error {
	err := os.Link(unfinished, path)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if fi, err := os.Stat(unfinished); err == nil && links(fi) > 1 {
		return nil
	}
	return errKept
}

// makeParents makes dir, and makes durable that it is there.
func (l *Lake) makeParents(dir string) error {
	l.mu.Lock()
	known := l.synced[dir]
	l.mu.Unlock()
	if known {
		return nil
	}
	if err := l.makeParents(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := makeFolder(dir); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	l.mu.Lock()
	l.synced[dir] = true
	l.mu.Unlock()
	return nil
}

// forget makes the next makeParents look at dir and all above it again.
func (l *Lake) forget(dir string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ; dir != l.dir && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		delete(l.synced, dir)
	}
}

func isFolder(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// makeFolder makes a folder where there is none.
func makeFolder(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	fi, err := os.Stat(dir)
	if err == nil && !fi.IsDir() {
		err = errNotFolder
	}
	return err
}

// makeFolders makes the lake's own folder, where there is none, and what it lies in.
func makeFolders(dir string) error {
	fi, err := os.Stat(dir)
	if err == nil && !fi.IsDir() {
		return errNotFolder
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeFolders(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := makeFolder(dir); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
