package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"lakelink/internal/devserver/odata"
	"lakelink/internal/devserver/schema"
)

// A Snapshot is the environment as it was at one moment. It is valid inside the function given
// to Read, and for one goroutine.
type Snapshot struct {
	store   *Store
	tx      *sql.Tx
	version int64
	oldest  int64
}

// Read runs fn on the newest committed state. Writers are not held up, and do not show.
func (s *Store) Read(ctx context.Context, fn func(*Snapshot) error) error {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	snap := &Snapshot{store: s, tx: tx}
	// The first statement fixes what the transaction sees.
	row := tx.QueryRowContext(ctx, `SELECT v.value, o.value FROM meta v, meta o WHERE v.name = 'version' AND o.name = 'oldest_token'`)
	if err := row.Scan(&snap.version, &snap.oldest); err != nil {
		return err
	}
	return fn(snap)
}

// Version is the row version counter: every version up to it is in the snapshot, and none above.
func (s *Snapshot) Version() int64 { return s.version }

// OldestToken is the lowest version from which changes can still be told: tombstones below it
// may be gone.
func (s *Snapshot) OldestToken() int64 { return s.oldest }

// A Query asks for rows of one table.
type Query struct {
	Table  *Table
	Filter odata.Expr // nil for all
	Order  []odata.Order
	After  *Position // nil for the beginning
	Limit  int       // 0 for no limit
}

// A Position is a place in the order of a query: just after the row with that primary key and
// those values of the order's terms, each nil, int64, float64 or string.
type Position struct {
	ID     ID
	Values []any
}

// Query returns the rows asked for, ordered by q.Order and then by primary key. It returns a
// *QueryError if filter or order do not fit the table.
func (s *Snapshot) Query(ctx context.Context, q Query) (*Rows, error) {
	c := &compiler{store: s.store, table: q.Table}
	terms, err := c.order(q.Order)
	if err != nil {
		return nil, err
	}
	var sql strings.Builder
	sql.WriteString("SELECT r.version, r.id, r.body")
	for _, t := range terms {
		sql.WriteString(", " + t.sql)
	}
	fmt.Fprintf(&sql, " FROM %s r WHERE ", q.Table.sqlName)
	if err := c.where(&sql, q, terms); err != nil {
		return nil, err
	}
	sql.WriteString(" ORDER BY ")
	for _, t := range terms {
		sql.WriteString(t.sql + t.direction() + ", ")
	}
	sql.WriteString("r.id")
	if q.Limit > 0 {
		fmt.Fprintf(&sql, " LIMIT %d", q.Limit)
	}
	return s.rows(ctx, len(terms), sql.String(), c.args...)
}

// Count returns how many rows there are, but no more than q.Limit if that is set.
func (s *Snapshot) Count(ctx context.Context, q Query) (int64, error) {
	c := &compiler{store: s.store, table: q.Table}
	var sql strings.Builder
	fmt.Fprintf(&sql, "SELECT 1 FROM %s r WHERE ", q.Table.sqlName)
	if err := c.where(&sql, q, nil); err != nil {
		return 0, err
	}
	if q.Limit > 0 {
		fmt.Fprintf(&sql, " LIMIT %d", q.Limit)
	}
	var n int64
	err := s.tx.QueryRowContext(ctx, "SELECT count(*) FROM ("+sql.String()+")", c.args...).Scan(&n)
	return n, err
}

func (c *compiler) where(sql *strings.Builder, q Query, terms []term) error {
	condition := "1"
	if q.Filter != nil {
		var err error
		if condition, err = c.condition(q.Filter); err != nil {
			return err
		}
	}
	sql.WriteString("(" + condition + ")")
	if q.After != nil {
		if len(q.After.Values) != len(terms) {
			return queryError("The paging cookie does not belong to this query.")
		}
		sql.WriteString(" AND (" + c.after(q.After, terms) + ")")
	}
	return nil
}

// A term is one term of an order.
type term struct {
	sql  string
	desc bool
}

func (t term) direction() string {
	if t.desc {
		return " DESC"
	}
	return ""
}

// order compiles $orderby. Lookups go by the name of the row they point to.
func (c *compiler) order(orders []odata.Order) ([]term, error) {
	var terms []term
	for _, o := range orders {
		op, err := c.path(o.Path)
		if err != nil {
			return nil, err
		}
		if len(o.Path) == 1 && op.column.IsLookup() {
			op.sql = c.nameOf(op.column)
		}
		terms = append(terms, term{op.sql, o.Desc})
	}
	return terms, nil
}

// nameOf is SQL for the primary name of the row that a lookup points to.
func (c *compiler) nameOf(lookup *schema.Column) string {
	var names []string
	for _, target := range lookup.Targets {
		t := c.store.tables[target]
		if t == nil || t.Column(t.PrimaryName) == nil {
			continue
		}
		names = append(names, fmt.Sprintf("(SELECT dv_col(n.body, %d) FROM %s n WHERE n.id = dv_ref(r.body, %d))",
			t.Column(t.PrimaryName).Number, t.sqlName, lookup.Number))
	}
	return "coalesce(" + strings.Join(append(names, "NULL", "NULL"), ", ") + ")"
}

// after is SQL for "comes after p": nulls come first, last where the order descends.
func (c *compiler) after(p *Position, terms []term) string {
	if len(terms) == 0 {
		return "r.id > " + sqlBlob(p.ID)
	}
	t, v := terms[0], p.Values[0]
	rest := &Position{p.ID, p.Values[1:]}
	var beyond string
	switch {
	case v == nil && t.desc:
		beyond = "0"
	case v == nil:
		beyond = t.sql + " IS NOT NULL"
	case t.desc:
		beyond = "(" + t.sql + " < ? OR " + t.sql + " IS NULL)"
	default:
		beyond = t.sql + " > ?"
	}
	if v != nil {
		c.args = append(c.args, v)
	}
	c.args = append(c.args, v)
	return beyond + " OR (" + t.sql + " IS ? AND (" + c.after(rest, terms[1:]) + "))"
}

// Row returns one row, or ErrNotFound.
func (s *Snapshot) Row(ctx context.Context, t *Table, id ID) (body []byte, version int64, err error) {
	err = s.tx.QueryRowContext(ctx, `SELECT version, body FROM `+t.sqlName+` WHERE id = ?`, id[:]).Scan(&version, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, fmt.Errorf("%s %s: %w", t.LogicalName, id, ErrNotFound)
	}
	return body, version, err
}

// Get is Row, decoded as Tx.Get does.
func (s *Snapshot) Get(ctx context.Context, table *schema.Table, id ID) (Row, int64, error) {
	t := s.store.tables[table.LogicalName]
	if t == nil {
		return nil, 0, fmt.Errorf("the environment has no table %s", table.LogicalName)
	}
	body, version, err := s.Row(ctx, t, id)
	if err != nil {
		return nil, 0, err
	}
	row, err := t.decodeBody(body)
	return row, version, err
}

// Changed returns the rows whose version is above after and not above through, by ascending
// version.
func (s *Snapshot) Changed(ctx context.Context, t *Table, after, through int64, limit int) (*Rows, error) {
	return s.rows(ctx, 0, `SELECT version, id, body FROM `+t.sqlName+
		` WHERE version > ? AND version <= ? ORDER BY version LIMIT ?`, after, through, limit)
}

// Deleted returns the tombstones whose version is above after and not above through, by
// ascending version. A row that was deleted more than once has only its last one.
func (s *Snapshot) Deleted(ctx context.Context, t *Table, after, through int64, limit int) (*Rows, error) {
	return s.rows(ctx, 0, `SELECT version, id, NULL FROM tombstone
		WHERE tbl = ? AND version > ? AND version <= ? ORDER BY version LIMIT ?`, t.LogicalName, after, through, limit)
}

// CountChanges counts what Changed and Deleted would return without a limit.
func (s *Snapshot) CountChanges(ctx context.Context, t *Table, after, through int64) (n int64, err error) {
	err = s.tx.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM `+t.sqlName+` WHERE version > ?1 AND version <= ?2) +
		(SELECT count(*) FROM tombstone WHERE tbl = ?3 AND version > ?1 AND version <= ?2)`,
		after, through, t.LogicalName).Scan(&n)
	return n, err
}

func (s *Snapshot) rows(ctx context.Context, terms int, query string, args ...any) (*Rows, error) {
	rows, err := s.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	r := &Rows{rows: rows, values: make([]any, terms)}
	r.dest = []any{&r.version, &r.id, &r.body}
	for i := range r.values {
		r.dest = append(r.dest, &r.values[i])
	}
	return r, nil
}

// Rows are the rows of a query, one after another. They must be closed.
type Rows struct {
	rows    *sql.Rows
	dest    []any
	version int64
	id      sql.RawBytes
	body    sql.RawBytes
	values  []any
	err     error
}

// Next goes to the next row and says whether there is one.
func (r *Rows) Next() bool {
	if r.err != nil || !r.rows.Next() {
		return false
	}
	r.err = r.rows.Scan(r.dest...)
	return r.err == nil
}

// ID is the primary key of the current row.
func (r *Rows) ID() ID {
	var id ID
	copy(id[:], r.id)
	return id
}

// Version is the version of the current row, or of its deletion.
func (r *Rows) Version() int64 { return r.version }

// Body is the body of the current row; it is valid until Next.
func (r *Rows) Body() []byte { return r.body }

// Position is the place of the current row in the order of the query.
func (r *Rows) Position() *Position {
	p := &Position{ID: r.ID(), Values: make([]any, len(r.values))}
	for i, v := range r.values {
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		p.Values[i] = v
	}
	return p
}

// Err is the error that ended Next early, if any.
func (r *Rows) Err() error { return errors.Join(r.err, r.rows.Err()) }

// Close ends the query.
func (r *Rows) Close() error { return r.rows.Close() }

// Decode returns the columns of a row's body by ascending column number.
func (t *Table) Decode(body []byte) (Row, error) { return t.decodeBody(body) }
