package local

import (
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lakelink"
)

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		err  error
		kind lakelink.Kind
		hint string
	}{
		{unix.ENOSPC, lakelink.KindFull, "/lake/x"},
		{unix.EDQUOT, lakelink.KindFull, "/lake/x"},
		{unix.EACCES, lakelink.KindForbidden, "/lake/x"},
		{unix.EPERM, lakelink.KindForbidden, "/lake/x"},
		{unix.EROFS, lakelink.KindForbidden, "/lake/x"},
		{unix.EXDEV, lakelink.KindForbidden, "one file system"},
		{unix.ENAMETOOLONG, lakelink.KindInvalid, ""},
		{unix.ENOTDIR, lakelink.KindInvalid, "remove what is in the way"},
		{unix.EIO, lakelink.KindTransient, "/lake/x"},
		{unix.EMFILE, lakelink.KindOther, ""},
	} {
		err := failure("put", "x", &fs.PathError{Op: "open", Path: "/lake/x", Err: tt.err})
		le, ok := err.(*lakelink.Error)
		if !ok || le.Kind != tt.kind || !strings.Contains(le.Hint, tt.hint) {
			t.Errorf("%v: %#v", tt.err, err)
		}
	}
}
