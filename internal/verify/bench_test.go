package verify

import (
	"testing"

	"lakelink"
	"lakelink/internal/memsource"
)

func BenchmarkDigest(b *testing.B) {
	s := memsource.New(memsource.SampleTable("account"))
	s.Create("account", 5000)
	def, _ := s.Table(b.Context(), "account")
	d := newDigester(def, rule{})
	for batch, err := range s.Feed(b.Context(), def, "") {
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := d.each(batch, 0, func(record) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(batch.NumRows()*b.N)/b.Elapsed().Seconds(), "rows/s")
	}
}

func BenchmarkSort(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		s := newSorter(b.TempDir(), 1<<16)
		for i := range n {
			r := record{version: int64(i), state: live}
			x := uint64(i) * 0x9e3779b97f4a7c15
			r.id = lakelink.ID{byte(x >> 56), byte(x >> 48), byte(x >> 40), byte(x >> 32), byte(x >> 24)}
			if err := s.add(r); err != nil {
				b.Fatal(err)
			}
		}
		for range s.current() {
		}
		s.close()
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
}
