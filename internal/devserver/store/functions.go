package store

import (
	"database/sql/driver"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

// registerFunctions gives SQLite the functions that look into bodies:
//
//	dv_col(body, number)  the value of a column: a number, 0 or 1, or folded text; NULL if null
//	dv_ref(body, number)  the primary key a lookup points to, as a blob
var registerFunctions = sync.OnceFunc(func() {
	for name, f := range map[string]func(number int, body []byte) driver.Value{
		"dv_col": sqlColumn,
		"dv_ref": sqlRef,
	} {
		sqlite.MustRegisterFunction(name, &sqlite.FunctionImpl{
			NArgs:         2,
			Deterministic: true,
			VolatileArgs:  true, // nothing of the body is kept
			Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
				body, _ := args[0].([]byte)
				number, _ := args[1].(int64)
				return f(int(number), body), nil
			},
		})
	}
})

// find returns the value of one column in a body, nil if it is null.
func find(body []byte, number int) []byte {
	for len(body) > 0 {
		n, value, rest := Entry(body)
		switch {
		case n == number:
			return value
		case n == 0 || n > number:
			return nil
		}
		body = rest
	}
	return nil
}

func sqlColumn(number int, body []byte) driver.Value {
	_, literal := SplitRef(find(body, number))
	if len(literal) == 0 {
		return nil
	}
	switch literal[0] {
	case '"':
		return Fold(unquote(literal))
	case 't':
		return int64(1)
	case 'f':
		return int64(0)
	}
	if n, err := strconv.ParseInt(string(literal), 10, 64); err == nil {
		return n
	}
	f, _ := strconv.ParseFloat(string(literal), 64)
	return f
}

func sqlRef(number int, body []byte) driver.Value {
	_, literal := SplitRef(find(body, number))
	if len(literal) != 38 {
		return nil
	}
	id, err := ParseID(string(literal[1:37]))
	if err != nil {
		return nil
	}
	return id[:]
}

// Fold is the form in which texts are compared: Dataverse's collation ignores case and blanks
// at the end.
func Fold(s string) string { return strings.ToLower(strings.TrimRight(s, " ")) }

// sqlBlob writes a blob literal.
func sqlBlob(id ID) string { return "x'" + hex.EncodeToString(id[:]) + "'" }
