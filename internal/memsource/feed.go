package memsource

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"lakelink"
)

// Feed implements lakelink.Source. A load tells the rows by id; a cycle of changes tells rows by
// ascending version, then deletes. Both tell what was committed when their first page was read.
func (s *Source) Feed(ctx context.Context, t *lakelink.Table, since lakelink.Checkpoint) iter.Seq2[*lakelink.Batch, error] {
	return func(yield func(*lakelink.Batch, error) bool) {
		next := since
		for page := 0; ; page++ {
			if page > 0 {
				s.pause(t.Name, page)
			}
			b, err := s.page(ctx, t, next)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(b, nil) || b.Done {
				return
			}
			next = b.Next.Checkpoint
		}
	}
}

func (s *Source) pause(name lakelink.TableName, page int) {
	s.mu.Lock()
	between := s.between
	s.mu.Unlock()
	if between != nil {
		between(name, page)
	}
}

// page tells the page that a checkpoint leads to, in the caller's schema.
func (s *Source) page(ctx context.Context, want *lakelink.Table, since lakelink.Checkpoint) (*lakelink.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refuse(ctx, "read changes", want.Name); err != nil {
		return nil, err
	}
	t, err := s.find("read changes", want.Name)
	if err != nil {
		return nil, err
	}
	if err := t.serves(want); err != nil {
		return nil, err
	}
	k, err := s.open(t, since)
	if err != nil {
		return nil, err
	}
	b := &lakelink.Batch{Table: want, Load: k.Load, Requests: 1}
	var rows []*row
	if k.Load {
		b.Expected = int64(len(t.rows))
		rows, b.Done = s.loadPage(t, &k)
	} else {
		rows, b.Deletes, b.Done = s.changesPage(t, &k)
	}
	b.Rows = record(want, rows)
	b.Next = k.position(b.Done)
	return b, nil
}

// serves reports why the table cannot be read in the schema that the caller knows.
func (t *table) serves(want *lakelink.Table) error {
	if !t.def.Tracked {
		return &lakelink.Error{Op: "read changes", Table: want.Name, Kind: lakelink.KindUntracked, Code: "0x80072491",
			Hint: "switch change tracking on for the table", Err: fmt.Errorf("entity %s isn't enabled for change tracking", want.Name)}
	}
	for i := range want.Columns {
		c := &want.Columns[i]
		have := t.def.Column(c.Name)
		if have == nil || have.IsLookup() != c.IsLookup() || !arrow.TypeEqual(arrowType(have), arrowType(c)) {
			return &lakelink.Error{Op: "read changes", Table: want.Name, Kind: lakelink.KindInvalid, Code: "0x80060888",
				Hint: "read the table's schema anew", Err: fmt.Errorf("could not find a property named %q of type %s", c.Name, c.Type)}
		}
	}
	return nil
}

func arrowType(c *lakelink.Column) arrow.DataType {
	return lakelink.Field{Name: c.Name, Column: c}.ArrowType()
}

// loadPage takes the next rows of a load and moves the token behind them.
func (s *Source) loadPage(t *table, k *token) (rows []*row, done bool) {
	ids := t.ids()
	i, found := slices.BinarySearchFunc(ids, k.After, compareIDs)
	if found {
		i++
	}
	for _, id := range ids[i:] {
		r := t.rows[id]
		if r.version > k.Bound && !s.inLoads {
			continue
		}
		if len(rows) == s.pageRows {
			return rows, false
		}
		rows = append(rows, r)
		k.After = id
	}
	return rows, true
}

// changesPage takes the next rows and deletes of a cycle and moves the token behind them.
func (s *Source) changesPage(t *table, k *token) (rows []*row, deletes []lakelink.Delete, done bool) {
	full := func() bool { return len(rows)+len(deletes) == s.pageRows }
	if !k.Deletes {
		for _, c := range t.changesAfter(k.Seen) {
			if c.deleted || c.version > k.Bound || !t.current(c) {
				continue
			}
			if full() {
				return rows, nil, false
			}
			rows = append(rows, t.rows[c.id])
			k.Seen = c.version
		}
		k.Deletes, k.Seen = true, k.Since
	}
	for _, c := range t.changesAfter(k.Seen) {
		if !c.deleted || c.version > k.Bound || !t.current(c) {
			continue
		}
		if r := t.rows[c.id]; r != nil && r.version <= k.Bound {
			continue // made again since: it was told as a row
		}
		if full() {
			return rows, deletes, false
		}
		deletes = append(deletes, lakelink.Delete{ID: c.id})
		k.Seen = c.version
	}
	return rows, deletes, true
}
