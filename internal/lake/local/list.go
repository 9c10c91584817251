package local

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"lakelink"
	"lakelink/internal/lake"
)

// errStop ends a walk whose reader has seen enough.
var errStop = errors.New("stop")

// List yields the objects whose name starts with prefix, by name. One folder's names are in memory
// at a time. Objects that come or go meanwhile may be in it or not.
func (l *Lake) List(ctx context.Context, prefix string, dirs bool) iter.Seq2[lakelink.ObjectInfo, error] {
	return func(yield func(lakelink.ObjectInfo, error) bool) {
		err := lake.CheckPrefix("list", prefix)
		if err == nil {
			w := walk{l, ctx, prefix, dirs, func(info lakelink.ObjectInfo) error {
				if !yield(info, nil) {
					return errStop
				}
				return nil
			}}
			dir, _ := path.Split(prefix)
			err = w.folder(dir)
		}
		if err != nil && err != errStop {
			yield(lakelink.ObjectInfo{}, failure("list", prefix, err))
		}
	}
}

type walk struct {
	lake   *Lake
	ctx    context.Context
	prefix string
	fold   bool
	visit  func(lakelink.ObjectInfo) error
}

// folder visits what is in dir, which is "" or ends in "/".
func (w *walk) folder(dir string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	names, err := w.lake.names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, w.prefix) {
			continue
		}
		if err := w.entry(name); err != nil {
			return err
		}
	}
	return w.ctx.Err()
}

func (w *walk) entry(name string) error {
	switch isDir := strings.HasSuffix(name, "/"); {
	case isDir && w.fold:
		return w.folded(name)
	case isDir:
		return w.folder(name)
	}
	info, err := w.lake.stat("list", name)
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return nil // deleted meanwhile, or no regular file
	}
	if err != nil {
		return err
	}
	return w.visit(info)
}

// folded visits a folder if there is an object in it.
func (w *walk) folded(name string) error {
	in := *w
	in.prefix, in.fold = name, false
	in.visit = func(lakelink.ObjectInfo) error { return errStop }
	err := in.folder(name)
	if err == errStop {
		return w.visit(lakelink.ObjectInfo{Name: name})
	}
	return err
}

// names lists a folder in the order of the names below it: a folder sorts as if it ended in "/".
func (l *Lake) names(dir string) ([]string, error) {
	if strings.HasPrefix(dir, lake.Reserved+"/") {
		return nil, nil
	}
	entries, err := os.ReadDir(l.Locate(dir))
	if isNotFound(err) {
		return nil, l.present()
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		name := dir + e.Name()
		if name == lake.Reserved {
			continue
		}
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 && isFolder(l.Locate(name)) {
			name += "/"
		}
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare[string])
	return names, nil
}
