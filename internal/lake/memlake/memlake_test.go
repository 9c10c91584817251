package memlake_test

import (
	"testing"

	"lakelink"
	"lakelink/internal/lake/laketest"
	"lakelink/internal/lake/memlake"
)

func TestLake(t *testing.T) {
	laketest.Run(t, func(*testing.T) lakelink.Lake { return memlake.New() })
}
