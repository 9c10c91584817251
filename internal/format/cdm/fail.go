package cdm

import (
	"errors"
	"fmt"

	"lakelink"
)

// fail makes the error of one operation on a table ("" for the whole link). Its kind is that of err.
func fail(op string, table lakelink.TableName, err error) error {
	return &lakelink.Error{Op: op, Table: table, Err: err}
}

func failKind(kind lakelink.Kind, op string, table lakelink.TableName, format string, args ...any) error {
	return &lakelink.Error{Op: op, Table: table, Kind: kind, Err: fmt.Errorf(format, args...)}
}

// damaged says that an object of the lake is not what was written.
func damaged(name, format string, args ...any) error {
	return &lakelink.Error{Op: "read " + name, Kind: lakelink.KindDamaged, Err: fmt.Errorf(format, args...),
		Hint: "restore the file; or remove what is left of it and resync the table"}
}

// overtaken says that another instance has closed a folder, or is about to.
func overtaken(what string) error {
	return &lakelink.Error{Op: "close interval", Kind: lakelink.KindConflict,
		Err: fmt.Errorf("another instance writes to this lake: %s", what)}
}

var errClosed = errors.New("the writer is closed")

func isNotFound(err error) bool { return lakelink.IsKind(err, lakelink.KindNotFound) }
