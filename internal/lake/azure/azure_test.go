package azure_test

import (
	"testing"

	"lakelink"
	"lakelink/internal/lake/laketest"
)

func TestLake(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		_, l := startTwin(t, false)
		return l
	})
}

func TestLakeWithHierarchicalNamespace(t *testing.T) {
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		_, l := startTwin(t, true)
		return l
	})
}
