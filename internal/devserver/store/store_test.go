package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"lakelink/internal/devserver/odata"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := schema.Standard()
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), dir, s, store.Options{
		Now: func() time.Time { return time.Date(2026, 11, 22, 8, 10, 44, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func update(t testing.TB, st *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, st *store.Store, table string, id store.ID) (row store.Row, version int64) {
	t.Helper()
	err := st.Read(t.Context(), func(snap *store.Snapshot) (err error) {
		row, version, err = snap.Get(t.Context(), st.Table(table).Table, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row, version
}

// row builds a row from names and values.
func row(t *store.Table, pairs ...any) store.Row {
	var r store.Row
	for i := 0; i < len(pairs); i += 2 {
		r = append(r, store.Field{Column: t.Column(pairs[i].(string)), Value: pairs[i+1]})
	}
	return r
}

func TestInsertFillsInWhatTheServerKnows(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	account := st.Table("account")
	var id store.ID
	update(t, st, func(tx *store.Tx) (err error) {
		id, err = tx.Insert(account.Table, row(account, "name", "Contoso", "revenue", store.Decimal("20000")))
		return err
	})
	got, version := get(t, st, "account", id)
	user := store.Ref{Table: "systemuser", ID: st.Environment().UserID}
	for name, want := range map[string]any{
		"name": "Contoso", "revenue": store.Decimal("20000.0000"), "revenue_base": store.Decimal("20000.0000"),
		"exchangerate": store.Decimal("1.0000000000"), "statecode": int64(0), "statuscode": int64(1),
		"ownerid": user, "owninguser": user, "createdby": user, "modifiedby": user,
		"createdon":             time.Date(2026, 11, 22, 8, 10, 44, 0, time.UTC),
		"transactioncurrencyid": store.Ref{Table: "transactioncurrency", ID: st.Environment().CurrencyID},
		"owningbusinessunit":    store.Ref{Table: "businessunit", ID: st.Environment().BusinessUnitID},
	} {
		if got := got.Get(name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if version <= 900_000 {
		t.Errorf("version = %d", version)
	}
}

func TestForeignMoneyIsConvertedAtTheRateOfItsCurrency(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	account, currencies := st.Table("account"), st.Table("transactioncurrency")
	var id store.ID
	update(t, st, func(tx *store.Tx) error {
		euro, err := tx.Insert(currencies.Table, row(currencies, "currencyname", "Euro", "exchangerate", store.Decimal("0.8")))
		if err != nil {
			return err
		}
		id, err = tx.Insert(account.Table, row(account, "name", "Fabrikam", "revenue", store.Decimal("100"),
			"transactioncurrencyid", store.Ref{Table: "transactioncurrency", ID: euro}))
		return err
	})
	if got, _ := get(t, st, "account", id); got.Get("revenue_base") != store.Decimal("125.0000") {
		t.Errorf("revenue_base = %v", got.Get("revenue_base"))
	}
	update(t, st, func(tx *store.Tx) error {
		return tx.Patch(account.Table, id, row(account, "revenue", store.Decimal("1")))
	})
	if got, _ := get(t, st, "account", id); got.Get("revenue_base") != store.Decimal("1.2500") {
		t.Errorf("after the update revenue_base = %v", got.Get("revenue_base"))
	}
}

func TestRolledBackTransactionLeavesNothing(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	account := st.Table("account")
	var before, after int64
	version := func(v *int64) {
		st.Read(t.Context(), func(s *store.Snapshot) error { *v = s.Version(); return nil })
	}
	version(&before)
	stop := errors.New("stop")
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Insert(account.Table, row(account, "name", "ghost")); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatalf("Update = %v", err)
	}
	if version(&after); after != before {
		t.Errorf("the counter went from %d to %d", before, after)
	}
	err = st.Read(t.Context(), func(s *store.Snapshot) error {
		n, err := s.Count(t.Context(), store.Query{Table: account})
		if n != 0 {
			t.Errorf("%d rows are left", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPanicInATransactionLeavesTheStoreUsable(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	account := st.Table("account")
	func() {
		defer func() { recover() }()
		st.Update(t.Context(), func(*store.Tx) error { panic("in the caller") })
	}()
	update(t, st, func(tx *store.Tx) error {
		_, err := tx.Insert(account.Table, row(account, "name", "after"))
		return err
	})
}

func TestCancelledUpdateLeavesNothingAndTheStoreUsable(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	account := st.Table("account")
	ctx, cancel := context.WithCancel(t.Context())
	err := st.Update(ctx, func(tx *store.Tx) error {
		cancel()
		_, err := tx.Insert(account.Table, row(account, "name", "ghost"))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v", err)
	}
	if err := st.Update(ctx, func(*store.Tx) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v", err)
	}
	update(t, st, func(tx *store.Tx) error {
		_, err := tx.Insert(account.Table, row(account, "name", "real"))
		return err
	})
	err = st.Read(t.Context(), func(s *store.Snapshot) error {
		n, err := s.Count(t.Context(), store.Query{Table: account})
		if n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTwoStoresOfOneEnvironmentShareItsCounter(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	defer a.Close()
	defer b.Close()
	seen := map[int64]bool{}
	for i := range 6 {
		st := []*store.Store{a, b}[i%2]
		account := st.Table("account")
		var id store.ID
		update(t, st, func(tx *store.Tx) (err error) {
			id, err = tx.Insert(account.Table, row(account, "name", "x"))
			return err
		})
		if _, version := get(t, a, "account", id); seen[version] {
			t.Errorf("version %d twice", version)
		} else {
			seen[version] = true
		}
	}
}

func TestRestartKeepsRowsVersionsAndTombstones(t *testing.T) {
	dir := t.TempDir()
	st := open(t, dir)
	account := st.Table("account")
	var kept, gone store.ID
	update(t, st, func(tx *store.Tx) (err error) {
		kept, _ = tx.Insert(account.Table, row(account, "name", "kept"))
		gone, err = tx.Insert(account.Table, row(account, "name", "gone"))
		return err
	})
	update(t, st, func(tx *store.Tx) error { return tx.Delete(account.Table, gone) })
	_, version := get(t, st, "account", kept)
	organization := st.Environment().OrganizationID
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	st = open(t, dir)
	defer st.Close()
	if got, v := get(t, st, "account", kept); got.Get("name") != "kept" || v != version {
		t.Errorf("row = %v at %d, want version %d", got, v, version)
	}
	if st.Environment().OrganizationID != organization {
		t.Error("the environment is another one")
	}
	err := st.Read(t.Context(), func(s *store.Snapshot) error {
		rows, err := s.Deleted(t.Context(), st.Table("account"), 0, s.Version(), 10)
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() || rows.ID() != gone || rows.Version() != s.Version() {
			t.Errorf("tombstone %s at %d, want %s at %d", rows.ID(), rows.Version(), gone, s.Version())
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestActivityHasItsPointer(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	task := st.Table("task")
	var id store.ID
	update(t, st, func(tx *store.Tx) (err error) {
		id, err = tx.Insert(task.Table, row(task, "subject", "call back"))
		return err
	})
	if got, _ := get(t, st, "task", id); got.Get("activitytypecode") != "task" {
		t.Errorf("activitytypecode = %v", got.Get("activitytypecode"))
	}
	update(t, st, func(tx *store.Tx) error {
		return tx.Patch(task.Table, id, row(task, "subject", "call again"))
	})
	pointer, _ := get(t, st, "activitypointer", id)
	if pointer.Get("subject") != "call again" || pointer.Get("activitytypecode") != "task" {
		t.Errorf("activitypointer = %v", pointer)
	}
	update(t, st, func(tx *store.Tx) error { return tx.Delete(task.Table, id) })
	err := st.Read(t.Context(), func(s *store.Snapshot) error {
		_, _, err := s.Row(t.Context(), st.Table("activitypointer"), id)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("activitypointer after the delete: %v", err)
	}
}

func TestLoneStateTakesItsReasonAndLoneReasonItsState(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	account := st.Table("account")
	var id store.ID
	update(t, st, func(tx *store.Tx) (err error) {
		id, err = tx.Insert(account.Table, row(account, "name", "x", "statuscode", 2))
		return err
	})
	if got, _ := get(t, st, "account", id); got.Get("statecode") != int64(1) {
		t.Errorf("statecode = %v", got.Get("statecode"))
	}
	update(t, st, func(tx *store.Tx) error {
		return tx.Patch(account.Table, id, row(account, "statecode", 0))
	})
	if got, _ := get(t, st, "account", id); got.Get("statuscode") != int64(1) {
		t.Errorf("statuscode = %v", got.Get("statuscode"))
	}
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Patch(account.Table, id, row(account, "statecode", 0, "statuscode", 2))
	})
	if !errors.Is(err, store.ErrStateStatus) {
		t.Errorf("disagreeing state and reason: %v", err)
	}
}

func TestQueryPagesThroughAnyOrder(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	account := st.Table("account")
	update(t, st, func(tx *store.Tx) error {
		for i := range 50 {
			r := row(account, "name", fmt.Sprint("n", i))
			if i%3 != 0 {
				r = append(r, row(account, "numberofemployees", i%5, "address1_city", fmt.Sprint("City ", i%4))...)
			}
			if _, err := tx.Insert(account.Table, r); err != nil {
				return err
			}
		}
		return nil
	})
	for _, order := range []string{"", "numberofemployees", "numberofemployees desc", "address1_city desc,numberofemployees", "_ownerid_value desc", "versionnumber desc"} {
		terms, err := odata.OrderBy(order)
		if err != nil {
			t.Fatal(err)
		}
		read := func(limit int) (ids []store.ID) {
			var after *store.Position
			for {
				n := 0
				err := st.Read(t.Context(), func(s *store.Snapshot) error {
					rows, err := s.Query(t.Context(), store.Query{Table: account, Order: terms, After: after, Limit: limit})
					if err != nil {
						return err
					}
					defer rows.Close()
					for ; rows.Next(); n++ {
						ids, after = append(ids, rows.ID()), rows.Position()
					}
					return rows.Err()
				})
				if err != nil {
					t.Fatal(err)
				}
				if n < limit || limit == 0 {
					return ids
				}
			}
		}
		whole, paged := read(0), read(7)
		if len(whole) != 50 || fmt.Sprint(whole) != fmt.Sprint(paged) {
			t.Errorf("order %q: %d rows at once, %d in pages, or in another order", order, len(whole), len(paged))
		}
	}
}

func BenchmarkInsert(b *testing.B) {
	st := open(b, b.TempDir())
	defer st.Close()
	account := st.Table("account")
	r := wide(account)
	b.ResetTimer()
	for n := 0; n < b.N; {
		update(b, st, func(tx *store.Tx) error {
			for range min(20_000, b.N-n) {
				if _, err := tx.Insert(account.Table, r); err != nil {
					return err
				}
				n++
			}
			return nil
		})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// wide is an account of about forty columns.
func wide(account *store.Table) store.Row {
	r := row(account, "name", "Contoso Pharmaceuticals", "revenue", store.Decimal("1234567.89"), "creditlimit", store.Decimal("5000"))
	for _, c := range account.Columns {
		if len(r) == 40 {
			break
		}
		switch {
		case !store.OnWire(c) || c.ReadOnly:
		case c.Type == schema.String && c.LogicalName != "name":
			r = append(r, store.Field{Column: c, Value: "some text"})
		case c.Type == schema.Boolean:
			r = append(r, store.Field{Column: c, Value: true})
		case c.Type == schema.Picklist && len(c.Options) > 0:
			r = append(r, store.Field{Column: c, Value: c.Options[0].Value})
		}
	}
	return r
}
