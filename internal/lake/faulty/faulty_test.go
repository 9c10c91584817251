package faulty_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lakelink"
	"lakelink/internal/lake"
	"lakelink/internal/lake/faulty"
	"lakelink/internal/lake/laketest"
	"lakelink/internal/lake/local"
	"lakelink/internal/lake/memlake"
)

func TestLake(t *testing.T) {
	laketest.Run(t, func(*testing.T) lakelink.Lake { return &faulty.Lake{Lake: memlake.New()} })
}

func put(t *testing.T, l lakelink.Lake, data string) error {
	t.Helper()
	_, err := l.Put(t.Context(), "x", strings.NewReader(data))
	return err
}

func content(t *testing.T, l lakelink.Lake) string {
	t.Helper()
	r, _, err := l.Get(t.Context(), "x")
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return "nothing"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWritesFail(t *testing.T) {
	for mode, want := range map[faulty.Mode]string{faulty.Before: "one", faulty.During: "one", faulty.After: "two"} {
		t.Run(mode.String(), func(t *testing.T) {
			inner, err := local.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer inner.Close()
			l := &faulty.Lake{Lake: inner, FailAt: 2, Mode: mode}
			if err := put(t, l, "one"); err != nil {
				t.Fatal(err)
			}
			if err := put(t, l, "two"); !errors.Is(err, faulty.ErrFault) || !lakelink.IsKind(err, lakelink.KindTransient) {
				t.Errorf("got %v", err)
			}
			if got := content(t, l); got != want {
				t.Errorf("the lake holds %q, want %q", got, want)
			}
			if err := put(t, l, "three"); err != nil || l.Writes() != 3 {
				t.Errorf("after the failure: %v, %d writes", err, l.Writes())
			}
		})
	}
}

func TestReadsFail(t *testing.T) {
	for _, mode := range []faulty.Mode{faulty.Before, faulty.During, faulty.After} {
		for op, read := range map[string]func(l lakelink.Lake) error{
			"get": func(l lakelink.Lake) error {
				r, _, err := l.Get(t.Context(), "x")
				if err == nil {
					_, err = io.ReadAll(r)
					r.Close()
				}
				return err
			},
			"list": func(l lakelink.Lake) error {
				for _, err := range l.List(t.Context(), "", false) {
					if err != nil {
						return err
					}
				}
				return nil
			},
		} {
			inner := memlake.New()
			if err := put(t, inner, "data"); err != nil {
				t.Fatal(err)
			}
			l := &faulty.Lake{Lake: inner, FailAt: 1, Mode: mode, Reads: true, Err: io.ErrUnexpectedEOF}
			if err := read(l); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s %s: %v", mode, op, err)
			}
			if err := read(l); err != nil || l.Operations() != 2 {
				t.Errorf("%s %s again: %v, %d operations", mode, op, err, l.Operations())
			}
		}
	}
}

func TestSticky(t *testing.T) {
	l := &faulty.Lake{Lake: memlake.New(), FailAt: 2, Sticky: true}
	if err := put(t, l, "one"); err != nil {
		t.Fatal(err)
	}
	if got := content(t, l); got != "one" {
		t.Errorf("a read before the failure: %q", got)
	}
	for range 2 {
		if err := put(t, l, "two"); !errors.Is(err, faulty.ErrFault) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := l.Stat(t.Context(), "x"); !errors.Is(err, faulty.ErrFault) {
		t.Errorf("a read after the failure: %v", err)
	}
}

func TestKillPoints(t *testing.T) {
	var points []string
	l := &faulty.Lake{Lake: memlake.New(), Kill: func(p faulty.Point) { points = append(points, fmt.Sprint(p)) }}
	if err := put(t, l, "data"); err != nil {
		t.Fatal(err)
	}
	content(t, l)
	if err := l.Delete(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	want := []string{"1: before put x", "2: during put x", "3: after put x", "4: before delete x", "5: during delete x", "6: after delete x"}
	if diff := cmp.Diff(want, points); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	if l.Points() != len(want) {
		t.Errorf("%d points", l.Points())
	}
}

func TestPowersInsideAreFound(t *testing.T) {
	inner, err := local.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	locator, ok := lake.As[lakelink.Locator](&faulty.Lake{Lake: inner})
	if !ok || locator.Locate("x") != inner.Locate("x") {
		t.Error("the locator of the lake inside was not found")
	}
	if _, ok := lake.As[lakelink.Locator](&faulty.Lake{Lake: memlake.New()}); ok {
		t.Error("a lake in memory has no locator")
	}
}
