package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"lakelink"
)

// takeLock takes the directory for this process, until the file is closed. The kernel lets go of it
// when the process dies, however it dies.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, openFailure(dir, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		defer f.Close()
		return nil, inUse(dir, f)
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, openFailure(dir, err)
	}
	return f, nil
}

func inUse(dir string, lock *os.File) error {
	holder := "another process"
	if pid, err := io.ReadAll(io.LimitReader(lock, 20)); err == nil && len(pid) > 0 {
		holder = "process " + strings.TrimSpace(string(pid))
	}
	return &lakelink.Error{Op: "open state", Kind: lakelink.KindConflict,
		Err: fmt.Errorf("%s is in use by %s", dir, holder), Hint: "stop it, or give this one another directory"}
}
