package lakelink

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Checkpoint marks a place in a table's changes. It is the source's own token: keep it, hand it
// back, never parse it. The zero Checkpoint is the beginning: every row, then what changed.
type Checkpoint string

// A Position is a Checkpoint with what is known about it.
type Position struct {
	Checkpoint Checkpoint `json:"checkpoint"`
	// Version is the row version through which everything was told: no later batch brings a row of a
	// lower version, and every delete before this position carries it. A row that changed again
	// while several pages were read may have fallen out of them; its newer image comes in the next
	// cycle. While a load is under way Version is 0.
	Version int64 `json:"version"`
	// At is the time through which everything the environment had committed is included, by this
	// program's clock: the moment before the read was asked for.
	At time.Time `json:"at"`
}

// IsZero reports whether nothing has been read yet.
func (p Position) IsZero() bool { return p.Checkpoint == "" }

// A Delete says that a row is gone.
type Delete struct {
	ID ID
	// Version is the delete's place among the row's versions. A source cannot tell it and leaves
	// it 0: it is then the Version of the Position that the delete is committed with.
	Version int64
}

// A Batch is a piece of a table's rows and deletes, the one in-process shape of data. Rows and
// what it refers to are immutable and garbage-collected: nobody needs to release a Batch.
type Batch struct {
	Table *Table
	// Rows are full images under Table.ArrowSchema(), never a difference; nil where there are none.
	Rows arrow.RecordBatch
	// Deletes names rows that are gone. An id is never both in the Rows and in the Deletes of one
	// cycle: a row that was deleted and made again is live.
	Deletes []Delete
	// Next is where to go on after this batch.
	Next Position
	// Load says that the batch belongs to a full read, an initial sync or a resync. Any Next of a
	// load can be gone on from.
	Load bool
	// Done ends a load or a cycle of changes: the next read comes later. Outside a load only
	// the Next of a batch that is Done may be remembered.
	Done bool
	// Expected is how many rows the load will have in all, as far as the source can tell; 0 if not.
	Expected int64
	// Requests counts what reading the batch cost the source.
	Requests int
}

// NumRows is the number of rows, deletes not counted.
func (b *Batch) NumRows() int {
	if b.Rows == nil {
		return 0
	}
	return int(b.Rows.NumRows())
}
