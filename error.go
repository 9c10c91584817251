package lakelink

import (
	"errors"
	"strings"
	"time"
)

// A Kind tells a program what sort of failure an Error is. It is decided where the failure is
// understood: at the source, the lake or the writer.
type Kind string

// The kinds of failures.
const (
	KindOther       Kind = ""
	KindInvalid     Kind = "invalid"     // bad input; repeating cannot help
	KindNotFound    Kind = "not_found"   // the thing named does not exist
	KindExists      Kind = "exists"      // the name is taken
	KindConflict    Kind = "conflict"    // somebody else was faster
	KindForbidden   Kind = "forbidden"   // signed in, but lacks a right
	KindSignIn      Kind = "sign_in"     // wrong or expired credentials
	KindUnreachable Kind = "unreachable" // no answer, or one that is not from what was expected
	KindThrottled   Kind = "throttled"   // asked to come later
	KindTransient   Kind = "transient"   // the other side failed; repeating may help
	KindExpired     Kind = "expired"     // a position that the source no longer knows
	KindUntracked   Kind = "untracked"   // the source does not track the table's changes
	KindDamaged     Kind = "damaged"     // a file is not what was written
	KindFull        Kind = "full"        // no space left
	KindOwned       Kind = "owned"       // another link holds it
)

// Permanent reports whether repeating cannot help before a person has acted.
func (k Kind) Permanent() bool {
	switch k {
	case KindInvalid, KindNotFound, KindForbidden, KindSignIn, KindUntracked, KindDamaged, KindOwned:
		return true
	}
	return false
}

// An Error serves three readers: Kind for the program, Hint for the operator, Err for the log.
type Error struct {
	Op    string        // what was tried, such as "read changes"
	Link  LinkName      // where it concerns one link
	Table TableName     // where it concerns one table
	Kind  Kind          //
	Code  string        // the other side's own code, such as "0x80072322"
	Hint  string        // what the user can do, as an imperative without a full stop
	After time.Duration // KindThrottled: wait at least this long
	Err   error
}

// Error is one line: where, what, why, code, remedy.
func (e *Error) Error() string {
	var b strings.Builder
	for _, part := range []string{string(e.Link), string(e.Table), e.Op} {
		if part != "" {
			b.WriteString(part)
			b.WriteString(": ")
		}
	}
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(strings.ReplaceAll(string(e.Kind), "_", " "))
	}
	if e.Code != "" && !strings.Contains(b.String(), e.Code) {
		b.WriteString(" (" + e.Code + ")")
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost Error in err that has one.
func KindOf(err error) Kind {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return KindOther
		}
		if e.Kind != KindOther {
			return e.Kind
		}
		err = e.Err
	}
	return KindOther
}

// IsKind reports whether err is of that kind.
func IsKind(err error, k Kind) bool { return err != nil && KindOf(err) == k }
