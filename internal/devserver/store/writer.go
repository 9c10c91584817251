package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// A writer is the one connection that changes the database, with its statements. It is used by
// whoever has the store's turn.
type writer struct {
	conn    *sql.Conn
	version int64 // the row version counter when the running transaction began

	tables    map[*Table]*statements
	counter   *sql.Stmt
	setMeta   *sql.Stmt
	tombstone *sql.Stmt

	// Working space of the running transaction.
	draft   draft
	body    []byte
	scratch []byte
}

// statements of one table.
type statements struct{ insert, get, update, delete *sql.Stmt }

func newWriter(ctx context.Context, db *sql.DB) (_ *writer, err error) {
	w := &writer{tables: map[*Table]*statements{}}
	if w.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.conn.Close())
		}
	}()
	if w.counter, err = w.conn.PrepareContext(ctx, `SELECT value FROM meta WHERE name = 'version'`); err != nil {
		return nil, err
	}
	if w.setMeta, err = w.conn.PrepareContext(ctx, `UPDATE meta SET value = ? WHERE name = ?`); err != nil {
		return nil, err
	}
	if w.tombstone, err = w.conn.PrepareContext(ctx, `INSERT INTO tombstone (tbl, id, version, deleted_at) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET version = excluded.version, deleted_at = excluded.deleted_at`); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *writer) close() error {
	errs := []error{}
	for _, st := range w.tables {
		errs = append(errs, st.insert.Close(), st.get.Close(), st.update.Close(), st.delete.Close())
	}
	errs = append(errs, w.counter.Close(), w.setMeta.Close(), w.tombstone.Close(), w.conn.Close())
	return errors.Join(errs...)
}

// begin starts a transaction and reads the counter, which another process may have moved. No
// statement of the writer can be cancelled: that would cost it its connection.
func (w *writer) begin() error {
	ctx := context.Background()
	if _, err := w.conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	if err := w.counter.QueryRowContext(ctx).Scan(&w.version); err != nil {
		return errors.Join(err, w.rollback())
	}
	return nil
}

func (w *writer) rollback() error {
	_, err := w.conn.ExecContext(context.Background(), `ROLLBACK`)
	return err
}

// commit makes the transaction visible, together with the counter it has reached.
func (w *writer) commit(version int64) error {
	ctx := context.Background()
	_, err := w.setMeta.ExecContext(ctx, version, "version")
	if err == nil {
		_, err = w.conn.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		return fmt.Errorf("commit: %w", errors.Join(err, w.rollback()))
	}
	return nil
}

// of returns the statements of a table, prepared at first use.
func (w *writer) of(t *Table) (*statements, error) {
	if st := w.tables[t]; st != nil {
		return st, nil
	}
	st := new(statements)
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&st.insert, `INSERT INTO ` + t.sqlName + ` (version, id, body) VALUES (?, ?, ?)`},
		{&st.get, `SELECT version, body FROM ` + t.sqlName + ` WHERE id = ?`},
		{&st.update, `UPDATE ` + t.sqlName + ` SET version = ?, body = ? WHERE version = ?`},
		{&st.delete, `DELETE FROM ` + t.sqlName + ` WHERE version = ?`},
	} {
		stmt, err := w.conn.PrepareContext(context.Background(), p.text)
		if err != nil {
			return nil, err
		}
		*p.stmt = stmt
	}
	w.tables[t] = st
	return st, nil
}
