package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"lakelink/internal/devserver/schema"
)

// A Value is what a column of a row holds. Its dynamic type is one of
//
//	nil                            no value
//	string                         String, Memo, EntityName
//	int, int64                     Integer, BigInt, Picklist, State, Status
//	bool                           Boolean
//	Decimal                        Money, Decimal, Double: exact text such as "20000.5"
//	float64                        Double
//	time.Time                      DateTime other than date only; seconds are kept, fractions dropped
//	Date                           DateTime with behaviour DateOnly
//	ID                             Uniqueidentifier
//	Ref                            Lookup, Customer, Owner
//	MultiSelect                    MultiSelectPicklist
//
// A row that is read comes back with int64 for every whole number and Decimal for every other
// number but Double's.
type Value any

// A Decimal is an exact number as text, such as "-12.50". The store pads it to the scale of its
// column: four decimals for Money, ten for Decimal.
type Decimal string

// A Date is a day, "2006-01-02".
type Date string

// A Ref points to a row of another table.
type Ref struct {
	Table string // logical name
	ID    ID
}

// MultiSelect holds the chosen values of a multi-select choice.
type MultiSelect []int

// An ID is a row's primary key.
type ID [16]byte

// String returns the ID in the form of the wire: lower case, 36 characters.
func (id ID) String() string { return string(id.AppendText(make([]byte, 0, 36))) }

// AppendText appends the form String returns to b.
func (id ID) AppendText(b []byte) []byte {
	for i, part := range [...][]byte{id[0:4], id[4:6], id[6:8], id[8:10], id[10:16]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

var errID = errors.New("not a GUID")

// ParseID reads a GUID of 36 characters in any case, with or without braces.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, errID
	}
	var digits [32]byte
	n := 0
	for i := range len(s) {
		if s[i] == '-' {
			continue
		}
		if n == len(digits) {
			return ID{}, errID
		}
		digits[n] = s[i]
		n++
	}
	if n != len(digits) {
		return ID{}, errID
	}
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return ID{}, errID
	}
	return id, nil
}

// MustParseID is ParseID for constants; it panics on anything that is not a GUID.
func MustParseID(s string) ID {
	id, err := ParseID(s)
	if err != nil {
		panic("store: " + s + ": " + err.Error())
	}
	return id
}

// An idSource makes primary keys as SQL Server's sequential GUIDs are made: neighbours in time
// are neighbours in the key's order, so that the index on keys grows at its end.
type idSource struct {
	next atomic.Uint32
	tail [12]byte // differs in every run of the program
}

func newIDSource(now time.Time) *idSource {
	s := new(idSource)
	rand.Read(s.tail[:])
	s.tail[2], s.tail[3] = s.tail[2]&0x0f|0xe0, 0x11 // reads "…-ed11-…", as real ones do
	s.tail[4] = s.tail[4]&0x3f | 0x80
	s.next.Store(uint32(now.Unix()))
	return s
}

func (s *idSource) newID() ID {
	var id ID
	binary.BigEndian.PutUint32(id[:4], s.next.Add(1))
	copy(id[4:], s.tail[:])
	return id
}

// NewID returns a random ID.
func NewID() ID {
	var id ID
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// A Field is one column of a row.
type Field struct {
	Column *schema.Column
	Value  Value
}

// A Row is some or all columns of a row, in any order. A column that is absent is left alone by
// Patch and takes its default, mostly null, in Insert.
type Row []Field

// Get returns the value of the column with the given logical name, nil when it is absent or null.
func (r Row) Get(logicalName string) Value {
	for i := range r {
		if r[i].Column.LogicalName == logicalName {
			return r[i].Value
		}
	}
	return nil
}

// String returns the value of a text column, "" when it is absent or null.
func (r Row) String(logicalName string) string {
	s, _ := r.Get(logicalName).(string)
	return s
}

// Int returns the value of a whole number or choice, and whether there is one.
func (r Row) Int(logicalName string) (int64, bool) {
	switch v := r.Get(logicalName).(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	}
	return 0, false
}

// Ref returns the value of a lookup, and whether there is one.
func (r Row) Ref(logicalName string) (Ref, bool) {
	ref, ok := r.Get(logicalName).(Ref)
	return ref, ok
}

func (m MultiSelect) appendText(b []byte) []byte {
	for i, v := range m {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return b
}

func parseMultiSelect(s string) MultiSelect {
	var m MultiSelect
	for part := range strings.SplitSeq(s, ",") {
		if v, err := strconv.Atoi(strings.TrimSpace(part)); err == nil {
			m = append(m, v)
		}
	}
	return m
}

// derivedID returns the ID that belongs to some words: the same words, the same ID, in every
// environment.
func derivedID(words ...string) ID {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	id := ID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id
}
