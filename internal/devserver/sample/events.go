package sample

import (
	"errors"
	"slices"

	"lakelink/internal/devserver/store"
)

// leaves are tables whose rows nothing points to, so that any of them may go.
var leaves = map[string]bool{
	"annotation": true, "listmember": true, "connection": true, "queueitem": true,
	"new_device_contact": true, "new_visit": true, "customeraddress": true,
}

// A share is a table with how often it is chosen.
type share struct {
	table  string
	weight int
}

var (
	updated = []share{
		{"contact", 25}, {"account", 15}, {"opportunity", 15}, {"new_device", 15}, {"incident", 12}, {"task", 10},
		{"lead", 10}, {"phonecall", 5}, {"email", 4}, {"appointment", 3}, {"annotation", 2}, {"quote", 1},
		{"product", 1}, {"new_visit", 1},
	}
	created = []share{
		{"task", 20}, {"contact", 18}, {"email", 15}, {"annotation", 15}, {"phonecall", 10}, {"incident", 10}, {"lead", 8},
		{"new_device", 8}, {"opportunity", 5}, {"appointment", 5}, {"account", 3}, {"new_device_contact", 3},
		{"listmember", 3}, {"new_visit", 3},
	}
	deleted = []share{
		{"annotation", 20}, {"task", 20}, {"email", 12}, {"phonecall", 10}, {"contact", 10}, {"lead", 10}, {"new_device", 8},
		{"listmember", 5}, {"appointment", 4}, {"new_device_contact", 4}, {"connection", 3}, {"queueitem", 2}, {"new_visit", 2},
	}
)

// Sizes of a burst.
const (
	leastInBurst = 200
	mostInBurst  = 600
)

// An event is one transaction to come.
type event struct {
	kind    int
	table   string
	changes int // bursts: how many
}

const (
	update = iota
	create
	remove
	recreate
	burstUpdate
	burstCreate
)

// next decides what happens next, in at most so many changes. Creates and deletes are rarer as
// transactions than as changes, because activities come and go with their parties: of all changes
// about 70 percent are updates, 20 creates, 10 deletes.
func (t *Traffic) next(most int) event {
	switch n := t.r.IntN(3000); {
	case n < 2 && most >= leastInBurst:
		size := leastInBurst + t.r.IntN(min(most, mostInBurst)-leastInBurst+1)
		if n == 0 {
			return event{burstUpdate, t.choose(updated), size}
		}
		return event{burstCreate, t.choose(created), size}
	case n < 32 && most >= 2:
		return event{recreate, t.choose(deleted), 2}
	case n < 230:
		return event{remove, t.choose(deleted), most}
	case n < 430:
		return event{create, t.choose(created), most}
	}
	return event{update, t.choose(updated), 1}
}

// choose picks a table that the environment has.
func (t *Traffic) choose(shares []share) string {
	total := 0
	for _, s := range shares {
		total += s.weight
	}
	n := t.r.IntN(total)
	for _, s := range shares {
		if n -= s.weight; n < 0 && t.stocks[s.table] != nil {
			return s.table
		}
	}
	return "contact"
}

func (e event) run(t *Traffic, tx *store.Tx, s *Stats) error {
	h := t.stocks[e.table]
	switch e.kind {
	case create:
		return t.create(tx, h, e.changes, s)
	case remove:
		return t.remove(tx, h, e.changes, s)
	case recreate:
		return t.recreate(tx, h, s)
	case burstUpdate:
		s.Bursts++
		for _, id := range t.distinct(h, e.changes) {
			if err := t.update(tx, h, id, s); err != nil {
				return err
			}
		}
		return t.fillUp(tx, e.changes, s)
	case burstCreate:
		s.Bursts++
		for range e.changes {
			if err := t.create(tx, h, 1, s); err != nil {
				return err
			}
		}
		return nil
	}
	if len(h.known) == 0 {
		return t.create(tx, h, 1, s)
	}
	return t.update(tx, h, h.known[t.recent(len(h.known))], s)
}

// fillUp creates contacts where a table had too few rows for a burst.
func (t *Traffic) fillUp(tx *store.Tx, changes int, s *Stats) error {
	for int(s.Changes()+s.Missed) < changes {
		if err := t.create(tx, t.stocks["contact"], 1, s); err != nil {
			return err
		}
	}
	return nil
}

// recent is a place among n, near the end far more often than near the beginning.
func (t *Traffic) recent(n int) int {
	f := t.r.Float64()
	return n - 1 - int(f*f*f*f*float64(n))
}

// distinct returns up to n neighbouring rows.
func (t *Traffic) distinct(h *stock, n int) []store.ID {
	n = min(n, len(h.known))
	if n == 0 {
		return nil
	}
	from := t.r.IntN(len(h.known) - n + 1)
	return slices.Clone(h.known[from : from+n])
}

// update changes some columns of a row.
func (t *Traffic) update(tx *store.Tx, h *stock, id store.ID, s *Stats) error {
	h.builder.beginEdit()
	edit(h.builder)
	err := tx.Patch(h.table, id, h.builder.row)
	if errors.Is(err, store.ErrNotFound) {
		s.Missed++
		h.forget(id)
		return nil
	}
	s.Updates++
	return err
}

// create makes a row; an activity with its parties, as far as most allows.
func (t *Traffic) create(tx *store.Tx, h *stock, most int, s *Stats) error {
	b := h.builder
	made := spare{id: t.newID()}
	b.begin(made.id, t.made)
	if h.pairs == nil {
		h.fill(b, t.made)
	} else if !h.pairs.fill(b) {
		return t.create(tx, t.stocks["contact"], most, s)
	}
	if _, err := tx.Insert(h.table, b.finish()); err != nil {
		return err
	}
	s.Creates++
	if parties := t.stocks["activityparty"]; h.table.Activity && parties != nil {
		for _, role := range rolesOf[h.table.LogicalName] {
			if 1+len(made.parties) >= most {
				break
			}
			party := t.newID()
			parties.builder.begin(party, t.made)
			parties.builder.party(store.Ref{Table: h.table.LogicalName, ID: made.id}, role)
			if _, err := tx.Insert(parties.table, parties.builder.finish()); err != nil {
				return err
			}
			s.Creates++
			made.parties = append(made.parties, party)
		}
	}
	h.known = append(h.known, made.id)
	if len(h.known) > 2*mostKnown {
		h.known = slices.Delete(h.known, 0, mostKnown)
	}
	h.spares = append(h.spares, made)
	return nil
}

// remove deletes a row that nothing points to. Where there is none, or its parties would be too
// many, it makes a row instead.
func (t *Traffic) remove(tx *store.Tx, h *stock, most int, s *Stats) error {
	at := t.recent(len(h.spares))
	if at < 0 || 1+len(h.spares[at].parties) > most {
		return t.create(tx, h, 1, s)
	}
	gone := h.spares[at]
	h.spares = slices.Delete(h.spares, at, at+1)
	h.forget(gone.id)
	for _, party := range gone.parties {
		if err := t.delete(tx, t.stocks["activityparty"], party, s); err != nil {
			return err
		}
	}
	return t.delete(tx, h, gone.id, s)
}

func (t *Traffic) delete(tx *store.Tx, h *stock, id store.ID, s *Stats) error {
	err := tx.Delete(h.table, id)
	if errors.Is(err, store.ErrNotFound) {
		s.Missed++
		return nil
	}
	s.Deletes++
	return err
}

// recreate deletes a row and makes it again under its id, as restoring from a bin does.
func (t *Traffic) recreate(tx *store.Tx, h *stock, s *Stats) error {
	at := t.recent(len(h.spares))
	for at >= 0 && len(h.spares[at].parties) > 0 {
		at--
	}
	if at < 0 {
		return t.create(tx, h, 1, s)
	}
	id := h.spares[at].id
	row, _, err := tx.Get(h.table, id)
	if errors.Is(err, store.ErrNotFound) {
		s.Missed++
		h.spares = slices.Delete(h.spares, at, at+1)
		h.forget(id)
		return nil
	}
	if err != nil {
		return err
	}
	if err := tx.Delete(h.table, id); err != nil {
		return err
	}
	row = append(row, store.Field{Column: h.table.Column(h.table.PrimaryID), Value: id})
	if _, err := tx.Insert(h.table, row); err != nil {
		return err
	}
	s.Deletes++
	s.Creates++
	s.Recreates++
	return nil
}

// forget drops a row that is gone. It is mostly near the end.
func (h *stock) forget(id store.ID) {
	for i := len(h.known) - 1; i >= 0; i-- {
		if h.known[i] == id {
			h.known = slices.Delete(h.known, i, i+1)
			return
		}
	}
}
