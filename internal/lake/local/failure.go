package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"lakelink"
	"lakelink/internal/lake"
)

var (
	errFolder    = errors.New("a folder has that name")
	errNotFolder = errors.New("something in that path is a file, not a folder")
	errNoLinks   = errors.New("the file system has no hard links, which commits need")
)

// failure says what a file system's error means. The path is in err where the system told it.
func failure(op, name string, err error) error {
	if errors.Is(err, errKept) {
		return err
	}
	var from *sourceError
	if errors.As(err, &from) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s %s: %w", op, name, err)
	}
	var known *lakelink.Error
	if errors.As(err, &known) {
		return err
	}
	e := &lakelink.Error{Op: op, Err: fmt.Errorf("%s: %w", name, err)}
	path := name
	var pe *fs.PathError
	if errors.As(err, &pe) {
		path = pe.Path
		if dir, _, unfinished := strings.Cut(path, "/"+lake.Reserved); unfinished {
			// The file of a put that failed is gone, and its name says nothing to anybody.
			path, e.Err = dir, fmt.Errorf("%s: %w", name, pe.Err)
		}
	}
	switch {
	case errors.Is(err, errFolder), errors.Is(err, errNotFolder), isNotFolder(err) && op != "get" && op != "stat":
		e.Kind, e.Hint = lakelink.KindInvalid, "choose another name or remove what is in the way"
	case isNotFound(err) && op == "open lake":
		e.Kind, e.Hint = lakelink.KindForbidden, "give a folder that can be made, such as file:///data/lake"
	case isNotFound(err) && op != "put":
		e.Kind, e.Err = lakelink.KindNotFound, fmt.Errorf("there is no %s", name)
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		e.Kind, e.Hint = lakelink.KindFull, "free space, or raise the quota, where "+path+" is"
	case errors.Is(err, unix.EROFS):
		e.Kind, e.Hint = lakelink.KindForbidden, "mount the file system of "+path+" for writing"
	case errors.Is(err, errNoLinks), errors.Is(err, unix.EXDEV), errors.Is(err, unix.ENOLCK):
		e.Kind, e.Hint = lakelink.KindForbidden, "put the whole lake on one file system that has hard links and locks, such as ext4, XFS or APFS"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = lakelink.KindForbidden, "let the user that Lakelink runs as read and write "+path
	case errors.Is(err, unix.ENAMETOOLONG):
		e.Kind = lakelink.KindInvalid
	case errors.Is(err, unix.EIO):
		e.Kind, e.Hint = lakelink.KindTransient, "look after the disk that holds "+path
	}
	return e
}

// failure is failure for errors that may be due to the whole folder being gone: an object that
// cannot be found may only be called missing while the lake is there.
func (l *Lake) failure(op, name string, err error) error {
	if isNotFound(err) {
		if gone := l.present(); gone != nil {
			return gone
		}
	}
	return failure(op, name, err)
}

// present reports a lake whose folder was unmounted or removed while it was open.
func (l *Lake) present() error {
	if _, err := os.Stat(l.temp.dir); errors.Is(err, fs.ErrNotExist) {
		return &lakelink.Error{Op: "reach lake", Kind: lakelink.KindUnreachable,
			Err: fmt.Errorf("%s is no longer there", l.temp.dir), Hint: "mount " + l.dir + " again, or restart Lakelink if it is to be empty"}
	}
	return nil
}
