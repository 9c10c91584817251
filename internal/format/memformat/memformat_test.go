package memformat

import (
	"sync"
	"testing"

	"lakelink"
	"lakelink/internal/format/writertest"
)

// stores keeps a store for each lake of the suite, which opens the same lake again to restart.
type stores struct {
	mu sync.Mutex
	of map[lakelink.Lake]*Store
}

func (s *stores) store(lake lakelink.Lake) *Store {
	for {
		wrapped, ok := lake.(interface{ Unwrap() lakelink.Lake })
		if !ok {
			break
		}
		lake = wrapped.Unwrap()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[lake] == nil {
		s.of[lake] = NewStore()
	}
	return s.of[lake]
}

func TestTableByTable(t *testing.T) {
	s := &stores{of: map[lakelink.Lake]*Store{}}
	writertest.Run(t, func(t *testing.T, lake lakelink.Lake) (lakelink.Writer, lakelink.Reader) {
		store := s.store(lake)
		return store.Writer(lakelink.Delta), store.Reader(lakelink.Delta)
	})
}

func TestOnAnInterval(t *testing.T) {
	s := &stores{of: map[lakelink.Lake]*Store{}}
	writertest.Run(t, func(t *testing.T, lake lakelink.Lake) (lakelink.Writer, lakelink.Reader) {
		store := s.store(lake)
		return store.IntervalWriter(lakelink.Incremental), store.Reader(lakelink.Incremental)
	})
}
