package local_test

import (
	"testing"

	"lakelink"
	"lakelink/internal/lake/laketest"
	"lakelink/internal/lake/local"
)

func TestLake(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake { return open(t, t.TempDir()) })
}

func open(t *testing.T, address string) *local.Lake {
	t.Helper()
	l, err := local.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}
