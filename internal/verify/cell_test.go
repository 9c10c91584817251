package verify

import (
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/memsource"
)

// damage lists the values next to v that a field could hold instead.
func damage(f lakelink.Field, v any) []any {
	if v == nil {
		return []any{zeroOf(f)}
	}
	var next any
	switch v := v.(type) {
	case lakelink.ID:
		v[9] ^= 1
		next = v
	case string:
		next = v + " "
		if d, ok := f.ArrowType().(*arrow.Decimal128Type); ok {
			next = nextDecimal(v, d.Scale)
		} else if f.Target {
			next = "other"
		}
	case int32:
		next = v ^ 1
	case int64:
		next = v ^ 1
	case float64:
		next = math.Nextafter(v, math.Inf(1))
	case bool:
		next = !v
	case time.Time:
		next = v.Add(time.Microsecond)
		if f.Column.Behavior == lakelink.DateOnly {
			next = v.Add(24 * time.Hour)
		}
	}
	if f.Name == lakelink.VersionColumn {
		return []any{next}
	}
	return []any{next, nil}
}

// nextDecimal is the smallest number above v that the scale can hold.
func nextDecimal(v string, scale int32) string {
	r, _ := new(big.Rat).SetString(v)
	step, _ := new(big.Rat).SetString("1" + "e-" + fmt.Sprint(scale))
	return r.Add(r, step).FloatString(int(scale))
}

func zeroOf(f lakelink.Field) any {
	switch f.ArrowType().(type) {
	case *arrow.FixedSizeBinaryType:
		return lakelink.ID{}
	case *arrow.StringType:
		return ""
	case *arrow.Int32Type, *arrow.Int64Type, *arrow.Float64Type, *arrow.Decimal128Type:
		return 0
	case *arrow.BooleanType:
		return false
	}
	return time.Unix(0, 0)
}

func TestEveryCellCounts(t *testing.T) {
	w := newWorld(t, 60)
	for _, f := range w.table.Fields() {
		if f.Name == w.table.PrimaryKey {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			for _, id := range [2]lakelink.ID{w.rowWhere(f, true), w.rowWhere(f, false)} {
				for _, v := range damage(f, w.delta.rows[id][f.Name]) {
					w.checkDamagedCell(t, f, id, v)
				}
			}
		})
	}
}

// rowWhere returns a row of which the field is null, or one of which it is not.
func (w *world) rowWhere(f lakelink.Field, null bool) lakelink.ID {
	for _, id := range w.ids {
		if (w.delta.rows[id][f.Name] == nil) == null || f.Name == lakelink.VersionColumn {
			return id
		}
	}
	w.t.Fatalf("no row with null = %v in %s", null, f.Name)
	return lakelink.ID{}
}

func (w *world) checkDamagedCell(t *testing.T, f lakelink.Field, id lakelink.ID, v any) {
	was := w.delta.rows[id]
	defer w.delta.put(was)
	row := w.source.Row("account", id)
	row[f.Name] = v
	w.delta.put(row)
	o := w.options(t.TempDir())
	o.Readers, o.MemoryBytes = []lakelink.Reader{w.delta}, 0
	results, err := Table(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, results[0], [4]int64{0, 0, 1, 0})
	e := results[0].Examples
	if len(e) != 1 || len(e[0].Columns) != 1 || e[0].Columns[0].Column != f.Name {
		t.Errorf("%v for %v: examples %+v", v, was[f.Name], e)
	}
}

func digestsOf(t *testing.T, r rule, rows ...map[string]any) []digest {
	t.Helper()
	def := memsource.SampleTable("account")
	for i, row := range rows {
		row["accountid"], row["versionnumber"] = lakelink.ID{byte(i)}, int64(1)
	}
	var all []digest
	err := newDigester(def, r).each(&lakelink.Batch{Table: def, Rows: memsource.Record(def, rows)}, 0, func(r record) error {
		all = append(all, r.digest)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDigestsTellRowsApart(t *testing.T) {
	type row = map[string]any
	strict := digestsOf(t, rule{},
		row{"name": "ab", "description": "c"}, row{"name": "a", "description": "bc"}, row{"name": "abc"},
		row{"description": "abc"}, row{"name": ""}, row{}, row{"name": "\x00"}, row{"name": "", "description": ""},
		row{"creditonhold": false}, row{"numberofemployees": 0}, row{"statecode": 0}, row{"statuscode": 0},
		row{"revenue": "1"}, row{"revenue_base": "1"},
		row{"name": "a\x01b", "description": "c"}, row{"name": "a", "description": "b\x01c"})
	seen := map[digest]int{}
	for i, d := range strict {
		if j, ok := seen[d]; ok {
			t.Errorf("rows %d and %d have one digest", j, i)
		}
		seen[d] = i
	}
	loose := digestsOf(t, rule{emptyIsNull: true}, row{"name": ""}, row{}, row{"name": "x"})
	if loose[0] != loose[1] || loose[0] == loose[2] {
		t.Error("empty is not null, or more is")
	}
}

func TestDigestsOfEqualNumbers(t *testing.T) {
	type row = map[string]any
	got := digestsOf(t, rule{}, row{"address1_latitude": math.Copysign(0, -1)}, row{"address1_latitude": 0.0},
		row{"address1_latitude": math.NaN()}, row{"address1_latitude": -math.NaN()})
	if diff := cmp.Diff(got[0], got[1]); diff != "" {
		t.Error("0 and -0 differ")
	}
	if diff := cmp.Diff(got[2], got[3]); diff != "" {
		t.Error("NaN differs from NaN")
	}
}
