package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"lakelink/internal/devserver/schema"
)

// FileName is the name of the database inside the directory given to Open.
const FileName = "dataverse.db"

// firstVersion is where the row version counter of a new environment begins: real ones have a
// history, and clients must not rely on small numbers.
const firstVersion = 900_000

var (
	// ErrNotFound means that there is no row with that primary key.
	ErrNotFound = errors.New("row does not exist")
	// ErrExists means that a row with that primary key is there already.
	ErrExists = errors.New("row exists already")
)

// Options of a store. The zero value suits a server.
type Options struct {
	// Now is the clock; time.Now by default.
	Now func() time.Time
	// Bulk gives up durability against power loss while the store is open, for filling an
	// environment quickly. Close makes everything durable again.
	Bulk bool
	// OrganizationID is the identity of an environment that Open creates; random by default.
	// It has no effect on one that exists.
	OrganizationID ID
}

// A Store is the database of one environment. It may be used by many goroutines at once:
// readers see the newest committed state and never wait, writers take turns.
type Store struct {
	schema  *schema.Schema
	tables  map[string]*Table // by logical name
	sets    map[string]*Table // by entity set name
	now     func() time.Time
	ids     *idSource
	readers *sql.DB
	writing *sql.DB
	writer  *writer
	turn    chan struct{} // holds one token: the right to use writer and subscribers
	env     Environment

	subscribers []Subscriber // guarded by turn

	unsynced string // in a bulk store, the file that Close makes durable
}

// Open opens the environment kept in dir, or makes a new one there with the rows every
// environment has (see Environment). Tables that s has and the database lacks are added.
// Other processes may write to the same environment; subscribers learn of this store's writes only.
func Open(ctx context.Context, dir string, s *schema.Schema, o Options) (_ *Store, err error) {
	registerFunctions()
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	st := &Store{
		schema: s,
		tables: map[string]*Table{},
		sets:   map[string]*Table{},
		now:    o.Now,
		ids:    newIDSource(o.Now()),
		turn:   make(chan struct{}, 1),
	}
	st.unlock()
	for _, t := range s.Tables {
		table, err := newTable(t)
		if err != nil {
			return nil, err
		}
		st.tables[t.LogicalName], st.sets[t.EntitySet] = table, table
	}
	for _, t := range st.tables {
		t.connect(st.tables)
	}
	path := filepath.Join(dir, FileName)
	if st.writing, err = openDB(path, o.Bulk, 1); err != nil {
		return nil, err
	}
	if o.Bulk {
		st.unsynced = path
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.Close())
		}
	}()
	if err := st.createTables(ctx); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if st.readers, err = openDB(path, o.Bulk, max(4, 2*runtime.GOMAXPROCS(0))); err != nil {
		return nil, err
	}
	if st.writer, err = newWriter(ctx, st.writing); err != nil {
		return nil, err
	}
	if err := st.loadEnvironment(ctx, o.OrganizationID); err != nil {
		return nil, err
	}
	return st, nil
}

// openDB opens a pool of connections. A page cache of 64 MiB per writing connection keeps the
// index on random primary keys in memory while millions of rows are inserted.
func openDB(path string, bulk bool, conns int) (*sql.DB, error) {
	dsn := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=temp_store(MEMORY)"
	if bulk {
		dsn += "&_pragma=synchronous(OFF)&_pragma=wal_autocheckpoint(16384)"
	} else {
		dsn += "&_pragma=synchronous(NORMAL)"
	}
	if conns == 1 {
		dsn += "&_pragma=cache_size(-65536)"
	} else {
		dsn += "&_pragma=cache_size(-16384)&_pragma=query_only(1)"
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// createTables makes the SQLite tables that are missing.
func (s *Store) createTables(ctx context.Context) error {
	tx, err := s.writing.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	statements := []string{
		`CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID`,
		fmt.Sprintf(`INSERT OR IGNORE INTO meta VALUES ('version', %d), ('oldest_token', 0), ('format', 1)`, firstVersion),
		`CREATE TABLE IF NOT EXISTS tombstone (
			tbl TEXT NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, deleted_at INTEGER NOT NULL,
			PRIMARY KEY (tbl, id)) WITHOUT ROWID`,
		`CREATE INDEX IF NOT EXISTS tombstone_version ON tombstone (tbl, version)`,
	}
	for _, t := range s.tables {
		statements = append(statements,
			`CREATE TABLE IF NOT EXISTS `+t.sqlName+` (version INTEGER PRIMARY KEY, id BLOB NOT NULL, body BLOB NOT NULL)`,
			`CREATE UNIQUE INDEX IF NOT EXISTS `+t.sqlName+`_id ON `+t.sqlName+` (id)`)
	}
	for _, sql := range statements {
		if _, err := tx.ExecContext(ctx, sql); err != nil {
			return err
		}
	}
	var format int
	if err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'format'`).Scan(&format); err != nil {
		return err
	}
	if format != 1 {
		return fmt.Errorf("the environment was written in format %d; this program reads format 1", format)
	}
	return tx.Commit()
}

// Close waits for the running Update and closes the database. No other method may be used
// afterwards.
func (s *Store) Close() error {
	var errs []error
	if s.writer != nil {
		<-s.turn
		errs = append(errs, s.writer.close())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writing != nil {
		errs = append(errs, s.writing.Close()) // the last connection moves the log into the file
	}
	if s.unsynced != "" {
		errs = append(errs, syncFile(s.unsynced))
	}
	return errors.Join(errs...)
}

// syncFile makes everything written to a file durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Checkpoint moves everything committed from the write-ahead log into the database file.
func (s *Store) Checkpoint(ctx context.Context) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	_, err := s.writer.conn.ExecContext(context.WithoutCancel(ctx), `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

// Schema returns the schema the store was opened with.
func (s *Store) Schema() *schema.Schema { return s.schema }

// Table returns the table with the given logical name, nil if there is none.
func (s *Store) Table(logicalName string) *Table { return s.tables[logicalName] }

// TableBySet returns the table with the given entity set name, nil if there is none.
func (s *Store) TableBySet(entitySet string) *Table { return s.sets[entitySet] }

func (s *Store) lock(ctx context.Context) error {
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) unlock() { s.turn <- struct{}{} }

// A Subscriber learns of committed changes.
type Subscriber interface {
	// Wants says whether Committed shall get changes of that kind. It is asked while a
	// transaction runs and must be quick.
	Wants(table *schema.Table, message Message) bool
	// Committed gets the wanted changes of one committed transaction, in the order they were
	// made. The next writer waits until it returns, so it must hand work on, and it must not
	// call Update. It may keep the changes.
	Committed(changes []Change)
}

// Subscribe adds a subscriber, and returns the function that removes it.
func (s *Store) Subscribe(sub Subscriber) (remove func()) {
	<-s.turn
	defer s.unlock()
	s.subscribers = append(s.subscribers, sub)
	return func() {
		<-s.turn
		defer s.unlock()
		for i := range s.subscribers {
			if s.subscribers[i] == sub {
				s.subscribers = append(s.subscribers[:i:i], s.subscribers[i+1:]...)
				return
			}
		}
	}
}

// A Message is what happened to a row, in the words of the SDK.
type Message string

// The messages of a Change.
const (
	Create Message = "Create"
	Update Message = "Update"
	Delete Message = "Delete"
)

// A Change is one thing that happened to one row.
type Change struct {
	Table   *schema.Table
	ID      ID
	Message Message
	Version int64
	Caller  ID
	Target  Row // Create: the whole new row; Update: the columns that were written; Delete: nil
	Before  Row // the row as it was; nil for Create
	After   Row // the row as it is; nil for Delete
}

// Update runs fn in a transaction and commits it if fn returns nil; else nothing of it remains.
// Transactions run one after another. fn must not keep tx, nor call Update.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	w := s.writer
	if err := w.begin(); err != nil {
		return err
	}
	tx := &Tx{store: s, w: w, ctx: context.WithoutCancel(ctx), caller: s.env.UserID, version: w.version}
	err := runTx(tx, fn)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		if rollback := w.rollback(); rollback != nil {
			slog.Error("roll back", "error", rollback)
		}
		return err
	}
	if err := w.commit(tx.version); err != nil {
		return err
	}
	for sub, changes := range tx.changes {
		sub.Committed(changes)
	}
	return nil
}

// runTx turns a panic of fn into one that leaves no transaction open behind it.
func runTx(tx *Tx, fn func(tx *Tx) error) (err error) {
	done := false
	defer func() {
		if !done {
			_ = tx.w.rollback()
		}
	}()
	err = fn(tx)
	done = true
	return err
}
