package lakelink

import (
	"context"
	"io"
	"iter"
	"time"
)

// A Lake is an object store or a folder. Names are relative, separated by "/", without "." or
// ".." segments. It is safe for concurrent use. laketest.Run holds what every implementation must do.
type Lake interface {
	// URL is the lake's address as a user writes it, without credentials.
	URL() string

	// Get opens a whole object. KindNotFound: there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, ObjectInfo, error)

	// GetRange opens n bytes from off, fewer at the object's end.
	GetRange(ctx context.Context, name string, off, n int64) (io.ReadCloser, error)

	// Stat tells about an object. KindNotFound: there is none.
	Stat(ctx context.Context, name string) (ObjectInfo, error)

	// Put writes an object, replacing the one of that name in one step. When it returns, the
	// object is durable; until then readers see what was there before. A failed Put leaves nothing
	// under name.
	Put(ctx context.Context, name string, r io.Reader) (ObjectInfo, error)

	// PutNew is Put for a name that must not be taken. KindExists: it is taken, and untouched. Of
	// several writers exactly one wins.
	PutNew(ctx context.Context, name string, r io.Reader) (ObjectInfo, error)

	// PutMatch is Put for an object that must still have that ETag. KindConflict: it has not.
	PutMatch(ctx context.Context, name, etag string, r io.Reader) (ObjectInfo, error)

	// List yields the objects whose name starts with prefix, by name. Where dirs is true, names that
	// have a "/" after the prefix are folded into one entry each, which ends in "/".
	List(ctx context.Context, prefix string, dirs bool) iter.Seq2[ObjectInfo, error]

	// Delete removes an object. One that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// An ObjectInfo describes an object of a lake.
type ObjectInfo struct {
	Name    string
	Size    int64
	ETag    string // changes whenever the content does; empty in listings of lakes that do not tell
	ModTime time.Time
}

// A Locator is implemented by lakes whose objects have addresses that other programs can open.
type Locator interface {
	// Locate returns the object's address: a path on this machine or a URL.
	Locate(name string) string
}
