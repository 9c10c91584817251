package lake

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"lakelink"
)

// Reserved is the folder at a lake's root in which the local lake keeps files that are still being
// written. No object may be in it, in any lake, so that a lake can be copied into a folder. It
// starts with "_" because consumers take what sorts before the batches of a lake for one of them
// (spec/synapse-link.md, L10).
const Reserved = "_lakelink-tmp"

// The longest names: what file systems take in one segment, and what S3 and Azure take in all.
const (
	maxSegment = 255
	maxName    = 1024
)

// CheckName refuses names that some lake could not hold, or that lead out of it, with KindInvalid.
func CheckName(op, name string) error {
	return check(op, name, false)
}

// CheckPrefix is CheckName for the prefix of a listing, which may be empty or end anywhere.
func CheckPrefix(op, prefix string) error {
	if prefix == "" {
		return nil
	}
	return check(op, prefix, true)
}

func check(op, name string, prefix bool) error {
	if why := reason(name, prefix); why != "" {
		return &lakelink.Error{Op: op, Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("%q cannot name an object of a lake: %s", name, why)}
	}
	return nil
}

func reason(name string, prefix bool) string {
	switch {
	case name == "":
		return "it is empty"
	case len(name) > maxName:
		return fmt.Sprintf("it is longer than %d bytes", maxName)
	case !utf8.ValidString(name):
		return "it is not UTF-8"
	case strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }):
		return `it has a "\" or a control character in it`
	}
	segments := strings.Split(name, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case s == "" && !(prefix && last):
			return "it has an empty segment"
		case (s == "." || s == "..") && !(prefix && last):
			return `it has a "." or ".." segment`
		case len(s) > maxSegment:
			return fmt.Sprintf("a segment is longer than %d bytes", maxSegment)
		}
	}
	if segments[0] == Reserved && !prefix {
		return Reserved + " is kept for unfinished files"
	}
	return ""
}

// CheckRange refuses a range that starts or reaches before the object, with KindInvalid.
func CheckRange(op, name string, off, n int64) error {
	if off < 0 || n < 0 {
		return &lakelink.Error{Op: op, Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("%s: no such range: %d bytes from %d", name, n, off)}
	}
	return nil
}
