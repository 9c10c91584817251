package lagmeter

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"lakelink"
)

// A lake is a folder with one Delta table, account, written by hand.
type lake struct {
	t       *testing.T
	dir     string
	version int64
	files   int
}

type key struct {
	id      byte
	version int64
}

func newLake(t *testing.T) *lake {
	l := &lake{t: t, dir: t.TempDir()}
	l.write("deltalake/account_partitioned/_delta_log/_last_checkpoint", []byte("{}"))
	return l
}

func (l *lake) write(name string, b []byte) {
	l.t.Helper()
	path := filepath.Join(l.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// put writes a data file without committing it, and returns its action.
func (l *lake) put(keys ...key) string {
	l.t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "versionnumber", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "Id", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	highest := int64(0)
	for _, k := range keys {
		b.Field(0).(*array.StringBuilder).AppendNull()
		b.Field(1).(*array.Int64Builder).Append(k.version)
		b.Field(2).(*array.StringBuilder).Append(lakelink.ID{15: k.id}.String())
		highest = max(highest, k.version)
	}
	var file bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		l.t.Fatal(err)
	}
	if err := w.Write(b.NewRecordBatch()); err != nil {
		l.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.files++
	l.write(fmt.Sprintf("deltalake/account_partitioned/PartitionId=2026/part %d.parquet", l.files), file.Bytes())
	return fmt.Sprintf(`{"add":{"path":"PartitionId=2026/part%%20%d.parquet","dataChange":true,`+
		`"stats":"{\"numRecords\":%d,\"maxValues\":{\"versionnumber\":%d}}"}}`, l.files, len(keys), highest)
}

// commit makes files readable, with the version through which the table is complete then.
func (l *lake) commit(position int64, adds ...string) {
	l.t.Helper()
	lines := append([]string{fmt.Sprintf(`{"commitInfo":{"operation":"MERGE","lakelink":{"format":1,"position":{"checkpoint":"c","version":%d}}}}`, position)}, adds...)
	l.write(fmt.Sprintf("deltalake/account_partitioned/_delta_log/%020d.json", l.version), []byte(strings.Join(lines, "\n")+"\n"))
	l.version++
}

// A clock stands still until it is moved.
type clock struct{ time.Time }

func (c *clock) pass(d time.Duration) { c.Time = c.Add(d) }

func newMeter(l *lake) (*Meter, *clock) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	m := New(l.dir, []string{"account", "contact"})
	m.now = func() time.Time { return c.Time }
	return m, c
}

// wantStats polls once and compares.
func wantStats(t *testing.T, m *Meter, count int64, outstanding int, longest time.Duration) {
	t.Helper()
	for _, table := range m.tables {
		if err := m.poll(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	if s := m.Stats(); s.Count != count || s.Outstanding != outstanding || s.Max != longest {
		t.Errorf("stats %+v, want %d readable, %d outstanding, at most %s", s, count, outstanding, longest)
	}
}

func id(n byte) [16]byte { return [16]byte{15: n} }

func TestRowIsReadableOnceItsFileIsCommitted(t *testing.T) {
	l := newLake(t)
	m, now := newMeter(l)
	m.Changed("account", id(1), 101, now.Time, false)
	m.Changed("account", id(2), 102, now.Time, false)
	add := l.put(key{1, 101})
	now.pass(time.Second)
	wantStats(t, m, 0, 2, 0)
	l.commit(101, add)
	wantStats(t, m, 1, 1, time.Second)
	now.pass(time.Second)
	l.commit(102, l.put(key{2, 102}))
	wantStats(t, m, 2, 0, 2*time.Second)
}

func TestOlderVersionIsNotTheChange(t *testing.T) {
	l := newLake(t)
	m, now := newMeter(l)
	m.Changed("account", id(1), 102, now.Time, false)
	l.commit(101, l.put(key{1, 101}))
	wantStats(t, m, 0, 1, 0)
}

func TestLaterVersionIncludesTheChangesBefore(t *testing.T) {
	l := newLake(t)
	m, now := newMeter(l)
	m.Changed("account", id(1), 101, now.Time, false)
	now.pass(time.Second)
	m.Changed("account", id(1), 102, now.Time, false)
	l.commit(102, l.put(key{1, 102}))
	wantStats(t, m, 2, 0, time.Second)
}

func TestDeleteIsReadableWithThePositionAlone(t *testing.T) {
	l := newLake(t)
	m, now := newMeter(l)
	m.Changed("account", id(1), 101, now.Time, false)
	m.Changed("account", id(1), 102, now.Time, true)
	now.pass(time.Second)
	l.commit(101)
	wantStats(t, m, 0, 2, 0)
	l.commit(102)
	wantStats(t, m, 2, 0, time.Second)
}

func TestRecreatedRowMustBeRead(t *testing.T) {
	l := newLake(t)
	m, now := newMeter(l)
	m.Changed("account", id(1), 101, now.Time, true)
	m.Changed("account", id(1), 102, now.Time, false)
	l.commit(102)
	wantStats(t, m, 0, 2, 0)
	l.commit(102, l.put(key{1, 102}))
	wantStats(t, m, 2, 0, 0)
}

func TestMissingRowStaysOutstanding(t *testing.T) {
	l := newLake(t)
	m, now := newMeter(l)
	m.Changed("account", id(1), 101, now.Time, false)
	l.commit(500, l.put(key{2, 400}))
	wantStats(t, m, 0, 1, 0)
}

func TestMeterBeginsBehindWhatIsThere(t *testing.T) {
	l := newLake(t)
	l.commit(100, l.put(key{1, 100}))
	m, now := newMeter(l)
	m.Changed("account", id(1), 100, now.Time, false)
	wantStats(t, m, 0, 1, 0)
	l.commit(101, l.put(key{1, 101}))
	wantStats(t, m, 1, 0, 0)
}

func TestVacuumedFileIsNoFailure(t *testing.T) {
	l := newLake(t)
	m, now := newMeter(l)
	m.Changed("account", id(1), 101, now.Time, false)
	l.commit(101, l.put(key{1, 101}))
	if err := os.RemoveAll(filepath.Join(l.dir, "deltalake/account_partitioned/PartitionId=2026")); err != nil {
		t.Fatal(err)
	}
	wantStats(t, m, 0, 1, 0)
}

func TestDamagedCommitIsAnError(t *testing.T) {
	l := newLake(t)
	m, _ := newMeter(l)
	l.write("deltalake/account_partitioned/_delta_log/00000000000000000000.json", []byte(`{"add":`))
	if err := m.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "00000000000000000000.json") {
		t.Errorf("error %v, want one that names the commit", err)
	}
}

func TestOtherTablesAreIgnored(t *testing.T) {
	m, now := newMeter(newLake(t))
	m.Changed("lead", id(1), 101, now.Time, false)
	wantStats(t, m, 0, 0, 0)
}

func TestPercentilesAreWithinOnePercent(t *testing.T) {
	var h histogram
	rnd := rand.New(rand.NewPCG(1, 2))
	all := make([]time.Duration, 10_001)
	for i := range all {
		all[i] = time.Duration(rnd.ExpFloat64() * float64(time.Second))
		h.add(all[i])
	}
	slices.Sort(all)
	for q, want := range map[float64]time.Duration{0.5: all[5000], 0.99: all[9900]} {
		if got := h.quantile(q); got < want || float64(got) > 1.0101*float64(want) {
			t.Errorf("quantile %g is %s, want %s or one percent more", q, got, want)
		}
	}
	if h.max != all[10_000] || h.quantile(1) != h.max {
		t.Errorf("longest %s, quantile 1 is %s, want %s", h.max, h.quantile(1), all[10_000])
	}
}
