package sample_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"lakelink/internal/devserver/sample"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

var (
	organization = store.MustParseID("883278f5-07af-45eb-a0bc-3fea67caa544")
	now          = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
)

// platform are the tables that hold the platform's own rows.
var platform = []string{"organization", "serviceendpoint", "sdkmessage", "sdkmessagefilter", "sdkmessageprocessingstep", "asyncoperation"}

func open(t testing.TB) *store.Store {
	t.Helper()
	s, err := schema.Standard()
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), t.TempDir(), s, store.Options{
		Bulk: true, OrganizationID: organization, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func seeded(t testing.TB, rows int, seed int64) *store.Store {
	t.Helper()
	st := open(t)
	if err := sample.Seed(t.Context(), st, sample.Options{Rows: rows, RandomSeed: seed}); err != nil {
		t.Fatal(err)
	}
	return st
}

// each calls fn for every row of a table, by primary key.
func each(t testing.TB, st *store.Store, table *schema.Table, fn func(id store.ID, row store.Row)) {
	t.Helper()
	err := st.Read(context.Background(), func(snap *store.Snapshot) error {
		rows, err := snap.Query(context.Background(), store.Query{Table: st.Table(table.LogicalName)})
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := st.Table(table.LogicalName).Decode(rows.Body())
			if err != nil {
				return err
			}
			fn(rows.ID(), row)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// digest is over all rows with their ids and versions.
func digest(t testing.TB, st *store.Store) string {
	t.Helper()
	h := sha256.New()
	err := st.Read(context.Background(), func(snap *store.Snapshot) error {
		for _, table := range st.Schema().Tables {
			if slices.Contains(platform, table.LogicalName) {
				continue
			}
			h.Write([]byte(table.LogicalName))
			rows, err := snap.Query(context.Background(), store.Query{Table: st.Table(table.LogicalName)})
			if err != nil {
				return err
			}
			for rows.Next() {
				id := rows.ID()
				h.Write(id[:])
				h.Write(big.NewInt(rows.Version()).Bytes())
				h.Write(rows.Body())
			}
			if err := rows.Err(); err != nil {
				return err
			}
			rows.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func count(t testing.TB, st *store.Store) map[string]int {
	counts := map[string]int{}
	for _, table := range st.Schema().Tables {
		each(t, st, table, func(store.ID, store.Row) { counts[table.LogicalName]++ })
	}
	return counts
}

func TestSameSeedSameData(t *testing.T) {
	a, b := digest(t, seeded(t, 3000, 1)), digest(t, seeded(t, 3000, 1))
	if a != b {
		t.Error("the same seed gave different data")
	}
	if a == digest(t, seeded(t, 3000, 2)) {
		t.Error("another seed gave the same data")
	}
}

func TestSeedingTwiceIsRefused(t *testing.T) {
	st := seeded(t, 500, 1)
	if err := sample.Seed(t.Context(), st, sample.Options{Rows: 500, RandomSeed: 1}); !errors.Is(err, store.ErrExists) {
		t.Errorf("got %v", err)
	}
}

func TestRowsAddUpToWhatWasAskedFor(t *testing.T) {
	for _, rows := range []int{200, 5000} {
		st := open(t)
		before := count(t, st)
		if err := sample.Seed(t.Context(), st, sample.Options{Rows: rows}); err != nil {
			t.Fatal(err)
		}
		got := 0
		for table, n := range count(t, st) {
			got += n - before[table]
		}
		if got != rows || got != sample.Total(rows) {
			t.Errorf("asked for %d rows, got %d, announced %d", rows, got, sample.Total(rows))
		}
	}
}

func TestSmallEnvironmentsHaveARowInEveryTable(t *testing.T) {
	for _, rows := range []int{0, 200} {
		st := seeded(t, rows, 1)
		counts := count(t, st)
		for _, table := range st.Schema().Tables {
			if counts[table.LogicalName] == 0 && !slices.Contains(platform, table.LogicalName) {
				t.Errorf("%d rows: none in %s", rows, table.LogicalName)
			}
		}
	}
}

func TestContactsActivitiesAndPartiesDominate(t *testing.T) {
	counts := count(t, seeded(t, 4000, 1))
	three := counts["contact"] + counts["activitypointer"]*2 + counts["activityparty"]
	if three < 2000 {
		t.Errorf("they are %d of 4000", three)
	}
}

func TestSeedNamesNoColumnThatIsMissing(t *testing.T) {
	if missing := sample.Missing(t, open(t)); len(missing) > 0 {
		t.Errorf("recipes set columns that do not exist: %v", missing)
	}
}

func TestRowsAreValid(t *testing.T) {
	checkRows(t, seeded(t, 8000, 7))
}

// checkRows checks every value of every row against its column, and every lookup.
func checkRows(t *testing.T, st *store.Store) {
	t.Helper()
	ids := map[string]map[store.ID]bool{}
	for _, table := range st.Schema().Tables {
		ids[table.LogicalName] = map[store.ID]bool{}
		each(t, st, table, func(id store.ID, _ store.Row) { ids[table.LogicalName][id] = true })
	}
	bad := map[string]int{} // by column, so that one does not hide the others
	for _, table := range st.Schema().Tables {
		if slices.Contains(platform, table.LogicalName) {
			continue
		}
		each(t, st, table, func(id store.ID, row store.Row) {
			complain := func(c *schema.Column, format string, args ...any) {
				if bad[c.ID]++; bad[c.ID] > 3 {
					return
				}
				t.Errorf("%s %s, %s: "+format, append([]any{table.LogicalName, id, c.LogicalName}, args...)...)
			}
			for _, f := range row {
				if table.LogicalName == "activitypointer" && f.Column.LogicalName == "statuscode" {
					continue
				}
				checkValue(f, ids, complain)
			}
			// activitypointer repeats the status reasons of all kinds of activities.
			if state := table.Column("statecode"); state != nil && state.Type == schema.State && table.LogicalName != "activitypointer" {
				s, _ := row.Int("statecode")
				reason, _ := row.Int("statuscode")
				if o, ok := table.Column("statuscode").Option(int(reason)); !ok || int64(o.State) != s {
					complain(state, "state %d with status reason %d", s, reason)
				}
			}
		})
	}
}

func checkValue(f store.Field, ids map[string]map[store.ID]bool, complain func(*schema.Column, string, ...any)) {
	c := f.Column
	switch v := f.Value.(type) {
	case string:
		if n := len(utf16.Encode([]rune(v))); !utf8.ValidString(v) || c.MaxLength > 0 && n > c.MaxLength {
			complain(c, "%d units of at most %d: %.60q", n, c.MaxLength, v)
		}
	case int64:
		if len(c.Options) > 0 && !c.HasOption(int(v)) {
			complain(c, "%d is no option", v)
		}
		checkRange(c, new(big.Rat).SetInt64(v), complain)
	case store.Decimal:
		if r, ok := new(big.Rat).SetString(string(v)); !ok {
			complain(c, "%q is no number", v)
		} else {
			checkRange(c, r, complain)
		}
	case float64:
		checkRange(c, new(big.Rat).SetFloat64(v), complain)
	case time.Time:
		if v.Year() < 1753 || v.Year() > 9999 {
			complain(c, "%v", v)
		}
	case store.Date:
		if d, err := time.Parse(time.DateOnly, string(v)); err != nil || d.Year() < 1753 {
			complain(c, "%q", v)
		}
	case store.Ref:
		if !slices.Contains(c.Targets, v.Table) || !ids[v.Table][v.ID] {
			complain(c, "points to %s %s, which does not exist", v.Table, v.ID)
		}
	case store.MultiSelect:
		for _, o := range v {
			if !c.HasOption(o) {
				complain(c, "%d is no option", o)
			}
		}
	}
}

func checkRange(c *schema.Column, v *big.Rat, complain func(*schema.Column, string, ...any)) {
	if c.MinValue == "" {
		return
	}
	low, _ := new(big.Rat).SetString(c.MinValue)
	high, _ := new(big.Rat).SetString(c.MaxValue)
	if v.Cmp(low) < 0 || v.Cmp(high) > 0 {
		complain(c, "%s is out of %s to %s", v.FloatString(10), c.MinValue, c.MaxValue)
	}
}

func TestAssociationsPairEveryTwoRowsOnce(t *testing.T) { checkPairs(t, seeded(t, 4000, 1)) }

func checkPairs(t *testing.T, st *store.Store) {
	t.Helper()
	for _, m := range st.Schema().ManyToMany {
		seen := map[[2]store.Value]bool{}
		each(t, st, st.Schema().Table(m.IntersectEntity), func(id store.ID, row store.Row) {
			pair := [2]store.Value{row.Get(m.Entity1Attribute), row.Get(m.Entity2Attribute)}
			if pair[0] == nil || pair[1] == nil || seen[pair] {
				t.Errorf("%s %s pairs %v again", m.IntersectEntity, id, pair)
			}
			seen[pair] = true
		})
	}
}

func TestSampleHoldsWhatReadersStumbleOver(t *testing.T) {
	st := seeded(t, 6000, 1)
	var text strings.Builder
	values := map[string]bool{}
	for _, table := range st.Schema().Tables {
		each(t, st, table, func(_ store.ID, row store.Row) {
			for _, f := range row {
				switch v := f.Value.(type) {
				case string:
					if text.Len() < 8<<20 {
						text.WriteString(v)
					}
				case store.Decimal:
					if f.Column.LogicalName == "new_reading" {
						values[string(v)] = true
					}
				case store.Date:
					values[string(v)] = true
				case time.Time:
					values[v.Format(time.DateOnly)] = true
				}
			}
		})
	}
	for _, want := range []string{"\"", ",", "\n", "\r\n", "\t", "\\N", "日本", "🎉", "👨‍👩‍👧‍👦", "e\u0301", "ש", "ع", "\u2028", "''", "𠮷"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no text contains %q", want)
		}
	}
	for _, want := range []string{"100000000000.0000000000", "-100000000000.0000000000", "0.0000000001", "1753-01-01", "9999-12-31"} {
		if !values[want] {
			t.Errorf("no row holds %s", want)
		}
	}
}

func TestSeedStopsWhenCancelled(t *testing.T) {
	st := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := sample.Seed(ctx, st, sample.Options{Rows: 6000, Progress: func(done, _ int) {
		if done > 1000 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkSeed(b *testing.B) {
	for range b.N {
		st := open(b)
		if err := sample.Seed(b.Context(), st, sample.Options{Rows: 100_000, RandomSeed: 1}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	}
}
