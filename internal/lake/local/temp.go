package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// A temp is one Lake's share of the folder for unfinished files:
//
//	<id>.lock    held by the Lake with that id for as long as it lives
//	<id>-<n>     an unfinished file of that Lake
//	<id>-link    made and removed at once, to see that links work
//	puts.lock    held shared while something is replaced or deleted, exclusively by PutMatch
//
// A lock file that nobody holds is of a process that died; what has its id is removed.
type temp struct {
	dir  string
	id   string
	lock *os.File
	n    atomic.Int64
}

const (
	lockSuffix = ".lock"
	putsLock   = "puts" + lockSuffix
)

// openTemp cleans dir and takes a place in it.
func openTemp(dir string) (*temp, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := clean(dir); err != nil {
		return nil, err
	}
	for range placeTries {
		t := &temp{dir: dir, id: uuid.NewString()}
		taken, err := t.take()
		if err != nil {
			return nil, err
		}
		if taken {
			return t, t.checkLinks()
		}
	}
	return nil, fmt.Errorf("%s: lock files vanish as soon as they are made", dir)
}

// take makes and locks the lock file. Between the two a cleaner may have removed it: then no.
func (t *temp) take() (bool, error) {
	path := t.path(lockSuffix)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return false, err
	}
	held, err := tryLock(f)
	if err == nil && held {
		mine, _ := f.Stat()
		if there, err := os.Stat(path); err == nil && os.SameFile(mine, there) {
			t.lock = f
			return true, nil
		}
	}
	f.Close()
	return false, err
}

// checkLinks fails early, and once, on a file system on which PutNew cannot work.
func (t *temp) checkLinks() error {
	probe := t.path("-link")
	err := os.Link(t.lock.Name(), probe)
	if err != nil {
		t.close()
		return fmt.Errorf("%w: %w", errNoLinks, err)
	}
	return os.Remove(probe)
}

func (t *temp) close() error {
	err := os.Remove(t.lock.Name())
	if closeErr := t.lock.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrClosed) {
		return nil // closed before
	}
	return err
}

func (t *temp) path(suffix string) string { return filepath.Join(t.dir, t.id+suffix) }

// write makes a durable file of r, which has no name that a reader would look at.
func (t *temp) write(r io.Reader) (string, fs.FileInfo, error) {
	path := t.path(fmt.Sprintf("-%d", t.n.Add(1)))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", nil, err
	}
	from := source{r: r}
	_, err = io.Copy(f, &from)
	if from.err != nil {
		err = &sourceError{from.err}
	}
	var fi fs.FileInfo
	if err == nil {
		fi, err = finish(f)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(path)
		return "", nil, err
	}
	return path, fi, nil
}

// finish stamps and syncs the file. The file system's own clock ticks only every few milliseconds,
// in which an object can be replaced several times; the stamp tells the contents apart.
func finish(f *os.File) (fs.FileInfo, error) {
	now := time.Now()
	if err := os.Chtimes(f.Name(), now, now); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	return f.Stat()
}

// share keeps PutMatch out, exclude everybody who replaces or deletes, until the returned function is called.
func (t *temp) share() (func(), error)   { return t.hold(false) }
func (t *temp) exclude() (func(), error) { return t.hold(true) }

// hold opens the lock file anew each time: the kernel's lock is between open files, so that it
// also holds between the goroutines of this process.
func (t *temp) hold(exclusive bool) (func(), error) {
	f, err := os.OpenFile(filepath.Join(t.dir, putsLock), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := lock(f, exclusive); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// clean removes the unfinished files of lakes that are no more.
func clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	dead := map[string]string{} // the lock files of dead lakes by id, held until all is removed
	for _, e := range entries {
		id, isLock := strings.CutSuffix(e.Name(), lockSuffix)
		if !isLock || e.Name() == putsLock {
			continue
		}
		f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_RDWR, 0)
		if err != nil {
			continue // removed meanwhile, or of another user: not ours to judge
		}
		defer f.Close()
		if held, err := tryLock(f); err == nil && held {
			dead[id] = f.Name()
		}
	}
	for _, e := range entries {
		i := strings.LastIndexByte(e.Name(), '-')
		if i < 0 || strings.HasSuffix(e.Name(), lockSuffix) || !orphan(dir, e.Name()[:i], dead) {
			continue
		}
		if err := removeFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	for _, path := range dead {
		if err := removeFile(path); err != nil {
			return err
		}
	}
	return nil
}

// orphan reports whether the lake with that id is dead. One that started while the folder was being
// read may be missing among the entries: its lock file tells.
func orphan(dir, id string, dead map[string]string) bool {
	if dead[id] != "" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, id+lockSuffix))
	return errors.Is(err, fs.ErrNotExist)
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// A source remembers that it was the reader that failed, not the file.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// A sourceError is a failure of what was to be written, and says nothing about the lake.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }
