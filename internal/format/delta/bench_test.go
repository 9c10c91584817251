//go:build unix

package delta_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lakelink"
	"lakelink/internal/format/delta"
	"lakelink/internal/format/writertest"
	"lakelink/internal/lake/memlake"
)

// wide is a table of 30 fields, as tables of Dataverse are: ids and lookups, texts, choices, dates, money.
func wide() *lakelink.Table {
	c := func(name string, t lakelink.ColumnType) lakelink.Column { return lakelink.Column{Name: name, Type: t} }
	return &lakelink.Table{Name: "wide", PrimaryKey: "wideid", Tracked: true, Columns: []lakelink.Column{
		c("wideid", lakelink.TypeUniqueidentifier), c("versionnumber", lakelink.TypeBigInt),
		c("createdon", lakelink.TypeDateTime), c("modifiedon", lakelink.TypeDateTime),
		c("ownerid", lakelink.TypeOwner), c("createdby", lakelink.TypeLookup), c("modifiedby", lakelink.TypeLookup),
		c("parentid", lakelink.TypeLookup), c("name", lakelink.TypeString), c("number", lakelink.TypeString),
		c("city", lakelink.TypeString), c("street", lakelink.TypeString), c("email", lakelink.TypeString),
		c("phone", lakelink.TypeString), c("description", lakelink.TypeMemo), c("statecode", lakelink.TypeState),
		c("statuscode", lakelink.TypeStatus), c("industrycode", lakelink.TypeChoice), c("employees", lakelink.TypeInteger),
		c("revenue", lakelink.TypeMoney), c("revenue_base", lakelink.TypeMoney), c("exchangerate", lakelink.TypeDecimal),
		c("latitude", lakelink.TypeDouble), c("hold", lakelink.TypeBoolean), c("noemail", lakelink.TypeBoolean),
		c("foundedon", lakelink.TypeDateTime),
	}}
}

func wideRow(n int, version int64) writertest.Row {
	r := rand.New(rand.NewPCG(uint64(n), uint64(version)))
	id := func() lakelink.ID { return writertest.ID(r.IntN(1 << 30)) }
	row := writertest.Row{
		"wideid": writertest.ID(n), "versionnumber": version,
		"createdon":  time.Date(2018+n%8, 1+time.Month(r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC),
		"modifiedon": time.Date(2025, 1, 1+r.IntN(300), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC),
		"ownerid":    writertest.ID(r.IntN(100)), "ownerid_entitytype": "systemuser",
		"createdby": writertest.ID(r.IntN(100)), "createdby_entitytype": "systemuser",
		"modifiedby": writertest.ID(r.IntN(100)), "modifiedby_entitytype": "systemuser",
		"name": fmt.Sprintf("Contoso %d Ltd", r.IntN(1e6)), "number": fmt.Sprintf("ACC-%07d", n),
		"city": []string{"Zürich", "London", "Seattle", "Oslo"}[r.IntN(4)], "street": fmt.Sprintf("%d Main Street", r.IntN(500)),
		"email": fmt.Sprintf("info%d@example.com", n), "phone": fmt.Sprintf("+1 555 %07d", r.IntN(1e7)),
		"statecode": 0, "statuscode": 1 + r.IntN(3), "industrycode": r.IntN(40), "employees": r.IntN(10000),
		"revenue": fmt.Sprintf("%d.%04d", r.IntN(1e7), r.IntN(1e4)), "revenue_base": fmt.Sprintf("%d.%04d", r.IntN(1e7), r.IntN(1e4)),
		"exchangerate": "1.0000000000", "latitude": r.Float64() * 90, "hold": r.IntN(2) == 0, "noemail": false,
		"foundedon": time.Date(1950+r.IntN(70), 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if r.IntN(4) > 0 {
		row["parentid"], row["parentid_entitytype"] = id(), "account"
	}
	if r.IntN(2) > 0 {
		row["description"] = "A customer since a long time, with a text of some length to it, as people write."
	}
	return row
}

// pages makes n rows in pages of 5,000.
func pages(t *lakelink.Table, n int) []*lakelink.Batch {
	var out []*lakelink.Batch
	for first := 0; first < n; first += 5000 {
		rows := make([]writertest.Row, 0, 5000)
		for i := first; i < min(n, first+5000); i++ {
			rows = append(rows, wideRow(i, int64(i+1)))
		}
		b := writertest.Rows(t, rows...)
		b.Load = true
		out = append(out, b)
	}
	return out
}

func loadPages(b *testing.B, tw lakelink.TableWriter, pages []*lakelink.Batch, at int64) {
	l, err := tw.Load(b.Context())
	must(b, err)
	for i, p := range pages {
		must(b, l.Write(b.Context(), p))
		if i%50 == 49 {
			must(b, l.Stage(b.Context(), lakelink.Position{Checkpoint: lakelink.Checkpoint(fmt.Sprint("page", i))}))
		}
	}
	must(b, l.Finish(b.Context(), writertest.At(at)))
}

// cpu is the CPU time that the process has spent: machines that run tests are shared.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	must(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLoad loads a million rows of 30 fields. On one CPU: GOMAXPROCS=1.
func BenchmarkLoad(b *testing.B) {
	t := wide()
	in := pages(t, 1_000_000)
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		lake := memlake.New()
		w := delta.New(delta.Options{Lake: lake, LinkID: "1", IndexDir: b.TempDir()})
		tw, err := w.Table(b.Context(), t)
		must(b, err)
		before := cpu(b)
		b.StartTimer()
		loadPages(b, tw, in, 2_000_000)
		b.StopTimer()
		spent += cpu(b) - before
		v, err := delta.Files(b.Context(), lake, t.Name)
		must(b, err)
		var size, rows int64
		for _, f := range v.Files {
			size, rows = size+f.Size, rows+f.Rows
		}
		if rows != 1_000_000 {
			b.Fatalf("%d rows", rows)
		}
		b.ReportMetric(float64(size)/1e6, "MB")
		b.ReportMetric(float64(len(v.Files)), "files")
		must(b, w.Close())
		b.StartTimer()
	}
	b.ReportMetric(1_000_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(1_000_000*float64(b.N)/spent.Seconds(), "rows/cpu-s")
}

// BenchmarkMerge commits 200 random updates into 200,000 rows.
func BenchmarkMerge(b *testing.B) {
	t := wide()
	w := delta.New(delta.Options{Lake: memlake.New(), LinkID: "1", IndexDir: b.TempDir()})
	defer w.Close()
	tw, err := w.Table(b.Context(), t)
	must(b, err)
	const n = 200_000
	loadPages(b, tw, pages(t, n), n+1)
	version := int64(n + 1)
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		b.StopTimer()
		rows := make([]writertest.Row, 200)
		for i, row := range r.Perm(n)[:200] {
			version++
			rows[i] = wideRow(row, version)
		}
		batch := writertest.Rows(t, rows...)
		b.StartTimer()
		must(b, tw.Write(b.Context(), batch))
		must(b, tw.Commit(b.Context(), writertest.At(version)))
	}
}
