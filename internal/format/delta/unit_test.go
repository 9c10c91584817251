package delta

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"lakelink"
	"lakelink/internal/format/writertest"
)

func le(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

func TestBounds(t *testing.T) {
	dec := func(s string, scale int32) []byte {
		n, err := decimal128.FromString(s, 38, scale)
		if err != nil {
			t.Fatal(err)
		}
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(n.HighBits())), n.LowBits())
	}
	micros := func(v int64) []byte { return le(uint64(v)) }
	long := strings.Repeat("a", 31)
	for _, c := range []struct {
		t                arrow.DataType
		lo, hi, min, max any
	}{
		{arrow.PrimitiveTypes.Int64, micros(-5), micros(7), `-5`, `7`},
		{arrow.FixedWidthTypes.Timestamp_us, micros(1001), micros(1001), `"1970-01-01T00:00:00.001Z"`, `"1970-01-01T00:00:00.002Z"`},
		{arrow.FixedWidthTypes.Timestamp_us, micros(-1), micros(-1), `"1969-12-31T23:59:59.999Z"`, `"1970-01-01T00:00:00.000Z"`},
		{arrow.FixedWidthTypes.Timestamp_us, micros(0), micros(253402300799999999), `"1970-01-01T00:00:00.000Z"`, ``},
		{&arrow.Decimal128Type{Precision: 38, Scale: 4}, dec("-1.5", 4), dec("9999999999999999999999999999999999.9999", 4), `-1.5000`, `9999999999999999999999999999999999.9999`},
		{arrow.BinaryTypes.String, []byte("short"), []byte("short"), `"short"`, `"short"`},
		{arrow.BinaryTypes.String, []byte(long + "bc"), []byte(long + "bc"), `"` + long + `b"`, `"` + long + `c"`},
		{arrow.BinaryTypes.String, []byte(long + "\U0010ffffx"), []byte(long + "\U0010ffffx"), `"` + long + "\U0010ffff" + `"`, `"` + long[:30] + `b"`},
		{arrow.BinaryTypes.String, []byte(long + "\ud7ffx"), []byte(long + "\ud7ffx"), `"` + long + "\ud7ff" + `"`, `"` + long + "\ue000" + `"`},
	} {
		lo, hi := bounds(c.t, c.lo.([]byte), c.hi.([]byte))
		if string(lo) != c.min || string(hi) != c.max {
			t.Errorf("%s: %s to %s, want %s to %s", c.t, lo, hi, c.min, c.max)
		}
	}
}

func TestKeyIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 1000} {
		keys := make([]key, n)
		for i := range keys {
			binary.BigEndian.PutUint64(keys[i].id[:], r.Uint64())
			keys[i].version, keys[i].row = r.Int64(), uint32(i)
		}
		want := slices.Clone(keys)
		b := encodeIndex(keys, 77)
		x, err := decodeIndex(b, 77)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range want {
			if i, ok := x.find(k.id); !ok || x.version(i) != k.version || x.row(i) != k.row {
				t.Fatalf("%d keys: %s is not found as it was put", n, k.id)
			}
		}
		wrong := 0
		for range 10_000 {
			var id lakelink.ID
			binary.BigEndian.PutUint64(id[:], r.Uint64())
			if _, ok := x.find(id); ok {
				t.Fatalf("%s is found", id)
			}
			if x.filter.has(id) {
				wrong++
			}
		}
		if wrong > 200 {
			t.Errorf("%d keys: the filter lets %d of 10000 pass", n, wrong)
		}
		if _, err := decodeIndex(b, 78); err == nil {
			t.Error("the index of another file is taken")
		}
		for i := range b {
			b[i] ^= 1
			if _, err := decodeIndex(b, 77); err == nil {
				t.Fatalf("byte %d is damaged, and nobody sees it", i)
			}
			if b[i] ^= 1; n > 2 {
				break
			}
		}
	}
}

// FuzzKeyIndex: whatever is in the file, opening it does not panic.
func FuzzKeyIndex(f *testing.F) {
	f.Add(encodeIndex([]key{{version: 1}}, 5))
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := decodeIndex(b, 5); err == nil {
			x.find(lakelink.ID{})
		}
	})
}

func TestCheckpointRoundTrip(t *testing.T) {
	actions := []action{
		{Protocol: &ours},
		{MetaData: &metaData{ID: "i", Name: "n", Format: fileFormat{"parquet", map[string]string{}}, SchemaString: `{"a":"\"ü"}`,
			PartitionColumns: []string{partitionColumn}, Configuration: map[string]string{"delta.x": "1"}, CreatedTime: 5}},
		{Txn: &txn{AppID: "a", Version: 1 << 60, LastUpdated: 7}},
		{Add: &addFile{Path: "PartitionId=1900/a", PartitionValues: map[string]string{partitionColumn: "1900"}, Size: 1 << 40,
			ModificationTime: 3, Stats: `{"numRecords":3}`, Tags: map[string]string{checksumTag: "00"}}},
		{Remove: &removeFile{Path: "b", DeletionTimestamp: 4, ExtendedFileMetadata: true,
			PartitionValues: map[string]string{partitionColumn: "2000"}, Size: 9}},
	}
	b, err := encodeCheckpoint(actions)
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeCheckpoint(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	line := func(a []action) string {
		var lines []string
		for i := range a {
			b, err := encodeActions(a[i : i+1])
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(b))
		}
		slices.Sort(lines)
		return strings.Join(lines, "")
	}
	if got, want := line(back), line(actions); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestLongTextsAreEncodedInTime: rows with long texts do not gather in memory until there are many.
func TestLongTextsAreEncodedInTime(t *testing.T) {
	l, err := newLayout(newSchema(writertest.Contact()))
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEncoder(l)
	if err != nil {
		t.Fatal(err)
	}
	row := writertest.Contacts(1, 1)[0]
	row["fullname"] = strings.Repeat("x", 1<<20)
	rows := writertest.Record(writertest.Contact(), slices.Repeat([]writertest.Row{row}, 10)...)
	src := source{cols: make([]arrow.Array, len(l.fields)), n: 10}
	for i := range l.fields {
		src.cols[i] = columnOf(rows, l.fields[i].column())
	}
	src.cols[l.id] = columnOf(rows, "contactid")
	for range 20 {
		if err := e.append(src, nil); err != nil {
			t.Fatal(err)
		}
		if n := e.text(); n > chunkBytes {
			t.Fatalf("%d bytes of text wait", n)
		}
	}
	if e.size < 100<<20 {
		t.Errorf("the size of the file is told as %d bytes", e.size)
	}
}
