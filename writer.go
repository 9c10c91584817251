package lakelink

import (
	"context"
	"iter"
)

// A Writer writes one format of one link into a lake. writertest.Run holds what every
// implementation must do.
type Writer interface {
	Format() Format

	// Table opens a table of the lake, whether or not it is there yet, and repairs what a crash
	// left. Opening writes nothing that a reader could see. Each table is opened once at a time.
	Table(ctx context.Context, t *Table) (TableWriter, error)

	// Forget removes what the format keeps of a table, for a table that leaves the link with its data.
	Forget(ctx context.Context, table TableName) error

	// Close ends the writer. What was not committed is dropped.
	Close() error
}

// A TableWriter writes one table. It is used by one goroutine at a time; the TableWriters of one
// Writer are used concurrently.
type TableWriter interface {
	// Position is how far readers of the lake are: what they see includes every change through it.
	// It is zero until a first load was finished. It comes from the lake itself, and never runs
	// ahead of it.
	Position() Position

	// Write takes a batch of changes. Readers do not see it yet, and a crash forgets it.
	Write(ctx context.Context, b *Batch) error

	// Commit makes all that was written since the last Commit readable, all or nothing, together
	// with pos; an IntervalWriter does so when its interval is closed. Deletes without a version get
	// pos.Version. Rows that the lake has in the same or a higher version change nothing. Where
	// nothing was written, Commit moves the Position and may leave the lake as it is.
	// KindConflict means that somebody else has committed meanwhile: open the table anew.
	Commit(ctx context.Context, pos Position) error

	// SetTable takes a changed schema; batches written from here on have it. Columns are only ever
	// added, as the policy for columns that went away is to keep them, null from then on.
	SetTable(ctx context.Context, t *Table) error

	// Load opens the table's load, going on with the one that a crash cut short, if any.
	Load(ctx context.Context) (LoadWriter, error)
}

// A LoadWriter takes a full read of a table and then replaces the table's rows with it, so that
// deletes nobody told are found too. Until Finish, readers see the table as it was. What has been
// staged survives a crash, on this machine and on another.
type LoadWriter interface {
	// Staged lists the positions that were staged, oldest first; the last one is where to go on
	// reading. Empty: start from the beginning.
	Staged() []Position

	// Truncate forgets everything staged after the position with that checkpoint, or everything if
	// it is zero.
	Truncate(ctx context.Context, to Checkpoint) error

	// Write takes a batch of the load.
	Write(ctx context.Context, b *Batch) error

	// Stage makes what was written since the last Stage durable, with pos as the place to go on.
	Stage(ctx context.Context, pos Position) error

	// Finish makes the load the table's content, atomically with pos, which is also staged. Rows that
	// the lake had and the load has not are deleted with pos.Version; changes that were written and
	// not committed are dropped. An IntervalWriter shows it when its interval is closed.
	Finish(ctx context.Context, pos Position) error
}

// An IntervalWriter commits all tables of the link together, on an interval, instead of each by
// itself. TableWriter.Commit then only says what the next interval may hold.
type IntervalWriter interface {
	Writer

	// CloseInterval makes everything committed before readable in one step, in all tables. It
	// does nothing where nothing was committed. The TableWriters' Positions follow.
	CloseInterval(ctx context.Context) error

	// Pending reports whether CloseInterval would have something to show.
	Pending() bool
}

// A Reader reads back what one format holds, as one of its consumers would.
type Reader interface {
	Format() Format

	// Snapshot pins the table as it is now. KindNotFound: the lake does not hold it.
	Snapshot(ctx context.Context, t *Table) (Snapshot, error)
}

// A Snapshot is a table at one commit.
type Snapshot interface {
	// Position is the one committed with what the snapshot holds.
	Position() Position

	// Batches yields the rows under t.ArrowSchema(), and for formats that keep history also older
	// images and deletes (with their versions): per id the highest version holds, and the later of
	// two equal ones. Damage in the lake is an error with KindDamaged that names the file.
	Batches(ctx context.Context) iter.Seq2[*Batch, error]
}
