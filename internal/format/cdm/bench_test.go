package cdm

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"lakelink"
	"lakelink/internal/format/writertest"
	"lakelink/internal/lake/memlake"
)

// sample makes a batch of a table of 30 columns, such as Dataverse's standard tables have.
func sample(rows, from int) (*lakelink.Table, arrow.RecordBatch) {
	t := &lakelink.Table{Name: "sample", PrimaryKey: "sampleid"}
	add := func(c lakelink.Column) { t.Columns = append(t.Columns, c) }
	add(lakelink.Column{Name: "sampleid", Type: lakelink.TypeUniqueidentifier})
	add(lakelink.Column{Name: "versionnumber", Type: lakelink.TypeBigInt})
	add(lakelink.Column{Name: "createdon", Type: lakelink.TypeDateTime})
	add(lakelink.Column{Name: "modifiedon", Type: lakelink.TypeDateTime})
	add(lakelink.Column{Name: "statecode", Type: lakelink.TypeState})
	add(lakelink.Column{Name: "statuscode", Type: lakelink.TypeStatus})
	for i := range 8 {
		add(lakelink.Column{Name: fmt.Sprint("text", i), Type: lakelink.TypeString, MaxLength: 100})
	}
	for i := range 3 {
		add(lakelink.Column{Name: fmt.Sprint("number", i), Type: lakelink.TypeInteger})
		add(lakelink.Column{Name: fmt.Sprint("flag", i), Type: lakelink.TypeBoolean})
		add(lakelink.Column{Name: fmt.Sprint("money", i), Type: lakelink.TypeMoney, Precision: 2})
	}
	add(lakelink.Column{Name: "rate", Type: lakelink.TypeDecimal, Precision: 10})
	for _, name := range []string{"customerid", "ownerid", "parentid"} {
		add(lakelink.Column{Name: name, Type: lakelink.TypeLookup})
	}
	var out []writertest.Row
	for i := from; i < from+rows; i++ {
		r := writertest.Row{"sampleid": writertest.ID(i), "versionnumber": int64(i + 1),
			"createdon":  time.Date(2020+i%6, 3, 1+i%28, 12, i%60, 0, 0, time.UTC),
			"modifiedon": time.Date(2026, 3, 1+i%28, 12, i%60, 0, 0, time.UTC),
			"statecode":  int32(0), "statuscode": int32(1), "rate": "1.25",
			"ownerid": writertest.ID(i % 50), "ownerid_entitytype": "systemuser"}
		for j := range 6 {
			r[fmt.Sprint("text", j)] = fmt.Sprintf("Some text of row %d", i)
		}
		for j := range 3 {
			r[fmt.Sprint("number", j)] = int32(i * j)
			r[fmt.Sprint("flag", j)] = i%2 == 0
		}
		r["money0"], r["money1"] = fmt.Sprintf("%d.5", i), "99.95"
		out = append(out, r)
	}
	return t, writertest.Record(t, out...)
}

// BenchmarkEncode turns batches of 5,000 rows of 30 columns into frames.
func BenchmarkEncode(b *testing.B) {
	const rows = 5000
	t, batch := sample(rows, 0)
	enc := newEncoder(t, layout(t))
	s := newSpool(&budget{memory: 1 << 40})
	var bytes int64
	b.ReportAllocs()
	for b.Loop() {
		for _, seg := range s.segs {
			seg.mem = seg.mem[:0]
		}
		if err := enc.encode(batch, s); err != nil {
			b.Fatal(err)
		}
	}
	for _, seg := range s.segs {
		bytes += int64(len(seg.mem))
	}
	b.SetBytes(bytes)
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// A sinkhole takes data files and keeps nothing of them.
type sinkhole struct{ *memlake.Lake }

func (s *sinkhole) PutNew(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	if f := folder(name[:min(len(name), len(folderLayout))]); isData(f, name) {
		n, err := io.Copy(io.Discard, r)
		return lakelink.ObjectInfo{Name: name, Size: n}, err
	}
	return s.Lake.PutNew(ctx, name, r)
}

// BenchmarkInterval writes, commits and shows 100,000 changes of 30 columns.
func BenchmarkInterval(b *testing.B) {
	const rows, batches = 5000, 20
	var all []*lakelink.Batch
	var t *lakelink.Table
	for i := range batches {
		def, rec := sample(rows, i*rows)
		t = def
		all = append(all, &lakelink.Batch{Table: def, Rows: rec})
	}
	for b.Loop() {
		ctx := context.Background()
		w, err := New(ctx, Options{Lake: &sinkhole{memlake.New()}, LinkID: "l", Tables: []*lakelink.Table{t}, SpoolDir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		tw, err := w.Table(ctx, t)
		if err != nil {
			b.Fatal(err)
		}
		for _, batch := range all {
			if err := tw.Write(ctx, batch); err != nil {
				b.Fatal(err)
			}
		}
		if err := tw.Commit(ctx, lakelink.Position{Checkpoint: "token", Version: 1 << 40}); err != nil {
			b.Fatal(err)
		}
		if err := w.CloseInterval(ctx); err != nil {
			b.Fatal(err)
		}
		w.Close()
	}
	b.ReportMetric(float64(rows*batches)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkRead reads a data file of 30 columns back into batches.
func BenchmarkRead(b *testing.B) {
	const rows = 20000
	lake := memlake.New()
	t, rec := sample(rows, 0)
	ctx := context.Background()
	w, err := New(ctx, Options{Lake: lake, LinkID: "l", Tables: []*lakelink.Table{t}, SpoolDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	tw, err := w.Table(ctx, t)
	if err == nil {
		err = tw.Write(ctx, &lakelink.Batch{Table: t, Rows: rec})
	}
	if err == nil {
		err = tw.Commit(ctx, lakelink.Position{Checkpoint: "token", Version: 1 << 40})
	}
	if err == nil {
		err = w.CloseInterval(ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := NewReader(lake).Snapshot(ctx, t)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for batch, err := range s.Batches(ctx) {
			if err != nil {
				b.Fatal(err)
			}
			n += batch.NumRows()
		}
		if n != rows {
			b.Fatalf("%d rows", n)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
