package e2e

import (
	"context"
	"maps"
	"slices"
	"sync"

	"lakelink"
)

// memStore keeps links in memory; statuses are a cache, which it does without.
type memStore struct {
	mu    sync.Mutex
	links map[lakelink.LinkName]lakelink.Link
}

func newMemStore() *memStore { return &memStore{links: map[lakelink.LinkName]lakelink.Link{}} }

func (s *memStore) Links(context.Context) ([]lakelink.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.links)), nil
}

func (s *memStore) Link(_ context.Context, name lakelink.LinkName) (lakelink.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[name], nil
}

func (s *memStore) CreateLink(_ context.Context, l lakelink.Link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[l.Name] = l
	return nil
}

func (s *memStore) UpdateLink(_ context.Context, name lakelink.LinkName, change func(*lakelink.Link) error) (lakelink.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.links[name]
	err := change(&l)
	s.links[name] = l
	return l, err
}

func (s *memStore) DeleteLink(_ context.Context, name lakelink.LinkName) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, name)
	return nil
}

func (s *memStore) PutStatus(context.Context, lakelink.LinkName, lakelink.TableStatus) error {
	return nil
}

func (s *memStore) Statuses(context.Context, lakelink.LinkName) ([]lakelink.TableStatus, error) {
	return nil, nil
}

func (s *memStore) AppendActivity(context.Context, lakelink.Activity) error { return nil }
