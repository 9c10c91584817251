// Package memlake is a lake in memory. It behaves as the local lake does, including that a name
// cannot be an object and a folder at once, so that tests on it tell the truth.
package memlake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lakelink"
	"lakelink/internal/lake"
)

// A Lake keeps its objects in memory. The bytes of an object never change once they are put: a
// reader goes on with the version it opened.
type Lake struct {
	mu      sync.RWMutex
	objects map[string]object
	folders map[string]int // how many objects are below each folder
	puts    uint64         // makes ETags
}

type object struct {
	info lakelink.ObjectInfo
	data []byte
}

// New returns an empty lake.
func New() *Lake {
	return &Lake{objects: map[string]object{}, folders: map[string]int{}}
}

// URL is "mem:"; it does not tell one lake in memory from another.
func (l *Lake) URL() string { return "mem:" }

// Get opens a whole object.
func (l *Lake) Get(ctx context.Context, name string) (io.ReadCloser, lakelink.ObjectInfo, error) {
	o, err := l.find(ctx, "get", name)
	if err != nil {
		return nil, lakelink.ObjectInfo{}, err
	}
	return io.NopCloser(bytes.NewReader(o.data)), o.info, nil
}

// GetRange opens n bytes from off.
func (l *Lake) GetRange(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if err := lake.CheckRange("get", name, off, n); err != nil {
		return nil, err
	}
	o, err := l.find(ctx, "get", name)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.NewSectionReader(bytes.NewReader(o.data), off, n)), nil
}

// Stat tells about an object.
func (l *Lake) Stat(ctx context.Context, name string) (lakelink.ObjectInfo, error) {
	o, err := l.find(ctx, "stat", name)
	return o.info, err
}

// Put writes or replaces an object.
func (l *Lake) Put(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, name, r, func(object, bool) error { return nil })
}

// PutNew writes an object that is not there yet.
func (l *Lake) PutNew(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, name, r, func(_ object, there bool) error {
		if there {
			return fail("put", lakelink.KindExists, "%s is there already", name)
		}
		return nil
	})
}

// PutMatch replaces an object that still has that ETag.
func (l *Lake) PutMatch(ctx context.Context, name, etag string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, name, r, func(old object, there bool) error {
		if !there || old.info.ETag != etag {
			return fail("put", lakelink.KindConflict, "%s was changed by somebody else", name)
		}
		return nil
	})
}

// Delete removes an object.
func (l *Lake) Delete(ctx context.Context, name string) error {
	if err := ready(ctx, "delete", name); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.objects[name]; there {
		delete(l.objects, name)
		l.count(name, -1)
	}
	return nil
}

// List yields the objects whose name starts with prefix, as they were when ranging began.
func (l *Lake) List(ctx context.Context, prefix string, dirs bool) iter.Seq2[lakelink.ObjectInfo, error] {
	return func(yield func(lakelink.ObjectInfo, error) bool) {
		if err := lake.CheckPrefix("list", prefix); err != nil {
			yield(lakelink.ObjectInfo{}, err)
			return
		}
		for _, info := range l.matching(prefix, dirs) {
			if err := ctx.Err(); err != nil {
				yield(lakelink.ObjectInfo{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(lakelink.ObjectInfo{}, err)
		}
	}
}

func (l *Lake) matching(prefix string, dirs bool) []lakelink.ObjectInfo {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var infos []lakelink.ObjectInfo
	folded := map[string]bool{}
	for name, o := range l.objects {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if i := strings.IndexByte(rest, '/'); dirs && i >= 0 {
			dir := prefix + rest[:i+1]
			if !folded[dir] {
				folded[dir] = true
				infos = append(infos, lakelink.ObjectInfo{Name: dir})
			}
			continue
		}
		infos = append(infos, o.info)
	}
	slices.SortFunc(infos, func(a, b lakelink.ObjectInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos
}

func (l *Lake) find(ctx context.Context, op, name string) (object, error) {
	if err := ready(ctx, op, name); err != nil {
		return object{}, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	o, there := l.objects[name]
	if !there {
		return object{}, fail(op, lakelink.KindNotFound, "there is no %s", name)
	}
	return o, nil
}

// put reads all of r first and then decides and replaces under one lock.
func (l *Lake) put(ctx context.Context, name string, r io.Reader, allow func(old object, there bool) error) (lakelink.ObjectInfo, error) {
	if err := ready(ctx, "put", name); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	data, err := io.ReadAll(lake.Reader(ctx, r))
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return lakelink.ObjectInfo{}, fmt.Errorf("put %s: %w", name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.checkFolders(name); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	old, there := l.objects[name]
	if err := allow(old, there); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	l.puts++
	info := lakelink.ObjectInfo{Name: name, Size: int64(len(data)), ETag: strconv.FormatUint(l.puts, 10), ModTime: time.Now()}
	l.objects[name] = object{info, data}
	if !there {
		l.count(name, 1)
	}
	return info, nil
}

// checkFolders refuses a name that is a folder, or lies below an object.
func (l *Lake) checkFolders(name string) error {
	if l.folders[name] > 0 {
		return fail("put", lakelink.KindInvalid, "%s is a folder", name)
	}
	for dir := range parents(name) {
		if _, there := l.objects[dir]; there {
			return fail("put", lakelink.KindInvalid, "%s is an object and cannot be a folder of %s", dir, name)
		}
	}
	return nil
}

func (l *Lake) count(name string, n int) {
	for dir := range parents(name) {
		if l.folders[dir] += n; l.folders[dir] == 0 {
			delete(l.folders, dir)
		}
	}
}

// parents yields the folders that name lies in, the nearest first.
func parents(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := strings.LastIndexByte(name, '/'); i >= 0; i = strings.LastIndexByte(name[:i], '/') {
			if !yield(name[:i]) {
				return
			}
		}
	}
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

func fail(op string, kind lakelink.Kind, format string, args ...any) error {
	return &lakelink.Error{Op: op, Kind: kind, Err: fmt.Errorf(format, args...)}
}
