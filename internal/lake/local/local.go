// Package local is a lake in a folder of this machine.
//
// An object is written to an unfinished file in lake.Reserved, synced, and only then renamed
// (Put) or linked (PutNew) to its name, and the folder is synced: a reader sees the old object or
// the new one, and what was acknowledged survives a power cut. Several lakes, in one process or in
// many, may share a folder; see temp.go for what they agree on. Empty folders are removed, and
// never listed: folders exist only as part of names.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"lakelink"
	"lakelink/internal/lake"
)

// A Lake is a folder.
type Lake struct {
	dir  string // absolute
	temp *temp

	mu     sync.Mutex
	synced map[string]bool // folders whose own entries in their parents are durable
}

// Open opens the folder at a file: URL or an absolute path as a lake. It makes the folder if need
// be, checks that lakes can be written there, and removes what writers that died have left.
func Open(address string) (*Lake, error) {
	dir, err := Path(address)
	if err != nil {
		return nil, err
	}
	if err := makeFolders(dir); err != nil {
		return nil, failure("open lake", dir, err)
	}
	temp, err := openTemp(filepath.Join(dir, lake.Reserved))
	if err != nil {
		return nil, failure("open lake", dir, err)
	}
	return &Lake{dir: dir, temp: temp, synced: map[string]bool{dir: true}}, nil
}

// Path is the folder that a file: URL or an absolute path names.
func Path(address string) (string, error) {
	invalid := func(why string) error {
		return &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("%q %s", address, why), Hint: "write it like file:///data/lake"}
	}
	if filepath.IsAbs(address) {
		return filepath.Clean(address), nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "file":
		return "", invalid("is neither a file: URL nor an absolute path")
	case u.Host != "" && u.Host != "localhost":
		return "", invalid("names another machine; a folder must be mounted on this one")
	case u.RawQuery != "" || u.Fragment != "":
		return "", invalid("has a ? or # in it; write them as %3F and %23")
	case !filepath.IsAbs(u.Path):
		return "", invalid("is not an absolute path")
	}
	return filepath.Clean(u.Path), nil
}

// Close releases what the Lake holds in its folder. Puts fail from then on. A Lake that is not closed
// is released when the process ends.
func (l *Lake) Close() error { return l.temp.close() }

// URL is the folder's file: URL.
func (l *Lake) URL() string { return (&url.URL{Scheme: "file", Path: l.dir}).String() }

// Locate returns the absolute path of an object.
func (l *Lake) Locate(name string) string { return filepath.Join(l.dir, filepath.FromSlash(name)) }

// Get opens a whole object. What was opened stays readable when the object is replaced or deleted.
func (l *Lake) Get(ctx context.Context, name string) (io.ReadCloser, lakelink.ObjectInfo, error) {
	f, info, err := l.open(ctx, name)
	if err != nil {
		return nil, lakelink.ObjectInfo{}, err
	}
	return f, info, nil
}

// GetRange opens n bytes from off.
func (l *Lake) GetRange(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if err := lake.CheckRange("get", name, off, n); err != nil {
		return nil, err
	}
	f, _, err := l.open(ctx, name)
	if err != nil {
		return nil, err
	}
	return rangeReader{io.NewSectionReader(f, off, n), f}, nil
}

type rangeReader struct {
	io.Reader
	io.Closer
}

func (l *Lake) open(ctx context.Context, name string) (*os.File, lakelink.ObjectInfo, error) {
	if err := ready(ctx, "get", name); err != nil {
		return nil, lakelink.ObjectInfo{}, err
	}
	f, err := os.Open(l.Locate(name))
	if err != nil {
		return nil, lakelink.ObjectInfo{}, l.failure("get", name, err)
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fs.ErrNotExist // a folder is no object
	}
	if err != nil {
		f.Close()
		return nil, lakelink.ObjectInfo{}, failure("get", name, err)
	}
	return f, objectInfo(name, fi), nil
}

// Stat tells about an object.
func (l *Lake) Stat(ctx context.Context, name string) (lakelink.ObjectInfo, error) {
	if err := ready(ctx, "stat", name); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	return l.stat("stat", name)
}

func (l *Lake) stat(op, name string) (lakelink.ObjectInfo, error) {
	fi, err := os.Stat(l.Locate(name))
	if err == nil && !fi.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return lakelink.ObjectInfo{}, l.failure(op, name, err)
	}
	return objectInfo(name, fi), nil
}

// Delete removes an object, and the folders that it leaves empty.
func (l *Lake) Delete(ctx context.Context, name string) error {
	if err := ready(ctx, "delete", name); err != nil {
		return err
	}
	path := l.Locate(name)
	switch fi, err := os.Lstat(path); {
	case isNotFound(err) || (err == nil && fi.IsDir()):
		return nil
	case err != nil:
		return failure("delete", name, err)
	}
	unlock, err := l.temp.share()
	if err != nil {
		return failure("delete", name, err)
	}
	err = os.Remove(path)
	unlock()
	if err != nil && !isNotFound(err) {
		return failure("delete", name, err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil && !isNotFound(err) {
		return failure("delete", name, err)
	}
	l.prune(filepath.Dir(path))
	return nil
}

// prune removes dir and its parents as far as they are empty. It may fail for any reason: an empty
// folder is no harm.
func (l *Lake) prune(dir string) {
	for ; dir != l.dir; dir = filepath.Dir(dir) {
		l.mu.Lock()
		delete(l.synced, dir) // before it is gone: whoever makes it again must sync it again
		l.mu.Unlock()
		if os.Remove(dir) != nil {
			return
		}
	}
}

// objectInfo makes the ETag from the file's identity. Every put makes a new file and stamps it with
// the nanosecond (see temp.finish), so that neither a reused inode nor the coarse clock of a
// file system can make two contents look the same.
func objectInfo(name string, fi fs.FileInfo) lakelink.ObjectInfo {
	etag := strconv.FormatUint(inode(fi), 36) + "-" +
		strconv.FormatInt(fi.Size(), 36) + "-" + strconv.FormatInt(fi.ModTime().UnixNano(), 36)
	return lakelink.ObjectInfo{Name: name, Size: fi.Size(), ETag: etag, ModTime: fi.ModTime()}
}

func ready(ctx context.Context, op, name string) error {
	if err := lake.CheckName(op, name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", op, name, err)
	}
	return nil
}

func isNotFound(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || isNotFolder(err)
}
