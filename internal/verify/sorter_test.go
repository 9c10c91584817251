package verify

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lakelink"
)

func collected(t rapid.TB, all records) []record {
	var out []record
	for r, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		r.order = 0
		out = append(out, r)
	}
	return out
}

func numbered(id byte, version int64, n int) record {
	r := record{id: lakelink.ID{15: id}, version: version, state: live}
	binary.LittleEndian.PutUint64(r.digest[:], uint64(n))
	return r
}

func TestSorterIsAStableSort(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s := newSorter(dir, rapid.IntRange(1, 5).Draw(t, "limit"))
		var want []record
		n := rapid.IntRange(0, 120).Draw(t, "n")
		for i := range n {
			r := numbered(rapid.Byte().Draw(t, "id")%5, rapid.Int64Range(-2, 2).Draw(t, "version"), i)
			want = append(want, r)
			if err := s.add(r); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortStableFunc(want, compareRecords)
		for range 2 {
			if got := collected(t, s.sorted()); !slices.Equal(got, want) {
				t.Fatalf("sorted\n%v\nwant\n%v", got, want)
			}
		}
		checkCurrent(t, collected(t, s.current()), want)
		s.close()
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Fatalf("%d runs were left behind", len(left))
		}
	})
}

func checkCurrent(t *rapid.T, got, sorted []record) {
	var want []record
	for _, r := range sorted {
		if n := len(want); n > 0 && want[n-1].id == r.id {
			r.copies = want[n-1].copies + 1
			want[n-1] = r
		} else {
			want = append(want, r)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("current\n%v\nwant\n%v", got, want)
	}
}

func TestFewRunsStayOpen(t *testing.T) {
	s := newSorter(t.TempDir(), 1)
	defer s.close()
	for i := range 5000 {
		if err := s.add(numbered(byte(i*31), int64(i), i)); err != nil {
			t.Fatal(err)
		}
		if len(s.runs) > 4*fanIn {
			t.Fatalf("%d runs after %d records", len(s.runs), i)
		}
	}
	if got := len(collected(t, s.sorted())); got != 5000 {
		t.Errorf("%d records of 5000 came back", got)
	}
}

func TestCutRunIsAnError(t *testing.T) {
	s := newSorter(t.TempDir(), 2)
	for i := range 5 {
		if err := s.add(numbered(byte(i), 1, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(s.runs[0].name, recordBytes+3); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.current() {
		if err != nil {
			return
		}
	}
	t.Error("a run that was cut short read without an error")
}

func TestSpoolKeepsOrder(t *testing.T) {
	for _, limit := range []int{0, 3, 100} {
		s := newSpool(t.TempDir(), limit)
		var want []record
		for i := range 20 {
			r := numbered(byte(20-i), 7, i)
			want = append(want, r)
			if err := s.add(r); err != nil {
				t.Fatal(err)
			}
		}
		if got := collected(t, s.all()); !slices.Equal(got, want) || s.len() != 20 {
			t.Errorf("limit %d: %v", limit, got)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
	var none *spool
	if none.len() != 0 || none.close() != nil || len(collected(t, none.all())) != 0 {
		t.Error("a nil spool is not empty")
	}
}
