// Package delta writes and reads the delta format: one Delta Lake table per Dataverse table, at
// deltalake/<table>_partitioned/, in reader version 1 and writer version 2 of the Delta protocol, so
// that every Delta reader takes it, Synapse serverless SQL included. That version has neither
// deletion vectors nor column mapping: a changed row means that its file is written anew without it
// (copy-on-write), and the row goes into a new, small file.
//
// A commit is one object of the log, _delta_log/<version>.json, created with Lake.PutNew: of several
// writers one wins. Its commitInfo holds the lakelink.Position, so that data and position appear in
// one step. docs/format/delta.md describes all of it; docs/format/keyindex.md the local index that
// finds the file and the row of an id.
//
// Read table.go for what a TableWriter does, plan.go for what a commit rewrites, log.go for the
// log, load.go for loads, reader.go for the way back.
package delta

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"lakelink"
)

// Options say what a Writer writes for, and within which bounds. Zero values mean the defaults.
type Options struct {
	Lake   lakelink.Lake
	Link   lakelink.LinkName // for messages
	LinkID string            // owns the tables: another link's are refused
	// IndexDir is a local folder for key indexes. They are rebuilt from the lake where missing.
	IndexDir string
	Now      func() time.Time

	// Budget is how many bytes of rows a table buffers before they go to the lake as files that
	// are not in the log yet. Default 64 MiB.
	Budget int64
	// MaxFileRows and MaxFileBytes (of rows in memory, several times those of the file) bound a data
	// file, which is one Parquet row group. Default 128 Ki and 256 MiB.
	MaxFileRows  int
	MaxFileBytes int64
	// Encoders is how many files are encoded at a time, over all tables. Default: the CPUs, 4 at most.
	Encoders int
	// CheckpointEvery is the number of commits between checkpoints of the log. Default 20.
	CheckpointEvery int64
	// PositionEvery is how old the position in the lake may get while nothing changes. Default 1 h.
	PositionEvery time.Duration
	// KeepLog is how long commits stay in the log after a checkpoint has taken them in, KeepFiles how
	// long files stay that are no longer in the table, for readers of older versions. Default 30 and 7 days.
	KeepLog   time.Duration
	KeepFiles time.Duration
	// Trouble is told of maintenance that failed after a commit; it is tried again later.
	Trouble func(lakelink.TableName, error)
}

func (o *Options) defaults() {
	or(&o.Now, time.Now)
	or(&o.Trouble, func(lakelink.TableName, error) {})
	orZero(&o.Budget, 64<<20)
	orZero(&o.MaxFileRows, 128<<10)
	orZero(&o.MaxFileBytes, 256<<20)
	orZero(&o.Encoders, min(runtime.GOMAXPROCS(0), 4))
	orZero(&o.CheckpointEvery, 20)
	orZero(&o.PositionEvery, time.Hour)
	orZero(&o.KeepLog, 30*24*time.Hour)
	orZero(&o.KeepFiles, 7*24*time.Hour)
}

func or[F func() time.Time | func(lakelink.TableName, error)](f *F, v F) {
	if *f == nil {
		*f = v
	}
}

func orZero[N ~int | ~int64](n *N, v N) {
	if *n == 0 {
		*n = v
	}
}

// A writer is the lakelink.Writer of this format.
type writer struct {
	Options
	slots chan struct{} // one per file that may be encoded at a time

	mu   sync.Mutex
	open map[lakelink.TableName]*table
}

// New makes a Writer. It writes nothing until a table is committed or loaded.
func New(o Options) lakelink.Writer {
	o.defaults()
	return &writer{Options: o, slots: make(chan struct{}, o.Encoders), open: map[lakelink.TableName]*table{}}
}

// Format is lakelink.Delta.
func (w *writer) Format() lakelink.Format { return lakelink.Delta }

// Table opens a table. One that was opened before ends, as each is opened once at a time.
func (w *writer) Table(ctx context.Context, t *lakelink.Table) (lakelink.TableWriter, error) {
	if err := t.Validate(); err != nil {
		return nil, w.fail("open delta table", t.Name, lakelink.KindInvalid, err, "")
	}
	x, err := openTable(ctx, w, t)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.open[t.Name]; old != nil {
		old.close()
	}
	w.open[t.Name] = x
	return x, nil
}

// Forget removes a table: the log first, so that readers do not find a table whose files are gone, and
// its newest object first, so that what is left is a log at any time.
func (w *writer) Forget(ctx context.Context, table lakelink.TableName) error {
	if err := w.Lake.Delete(ctx, stagingName(table)); err != nil {
		return w.wrap("remove delta table", table, err)
	}
	for _, prefix := range []string{folder(table) + logFolder, folder(table)} {
		var names []string
		for info, err := range w.Lake.List(ctx, prefix, false) {
			if err != nil {
				return w.wrap("remove delta table", table, err)
			}
			names = append(names, info.Name)
		}
		for _, name := range slices.Backward(names) {
			if err := w.Lake.Delete(ctx, name); err != nil {
				return w.wrap("remove delta table", table, err)
			}
		}
	}
	return w.wrap("remove key indexes", table, os.RemoveAll(w.indexFolder(table)))
}

// Close drops what was not committed.
func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, t := range w.open {
		t.close()
		delete(w.open, name)
	}
	return nil
}

func (w *writer) indexFolder(table lakelink.TableName) string {
	return filepath.Join(w.IndexDir, string(table))
}

func (w *writer) fail(op string, table lakelink.TableName, kind lakelink.Kind, err error, hint string) error {
	return &lakelink.Error{Op: op, Link: w.Link, Table: table, Kind: kind, Err: err, Hint: hint}
}

// wrap tells where an error of the lake happened and keeps its kind.
func (w *writer) wrap(op string, table lakelink.TableName, err error) error {
	if err == nil {
		return nil
	}
	return w.fail(op, table, lakelink.KindOther, err, "")
}

// folder is the root of a table's Delta table, ending in "/".
func folder(table lakelink.TableName) string {
	return fmt.Sprintf("deltalake/%s_partitioned/", table)
}

// stagingName is the object that lists what a load has staged.
func stagingName(table lakelink.TableName) string {
	return fmt.Sprintf("_lakelink/staging/delta/%s.json", table)
}
