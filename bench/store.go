package main

import (
	"context"
	"errors"

	"lakelink"
)

// A memStore holds one link and forgets everything else: a replicate.Store for a process that does
// one initial sync.
type memStore struct{ link lakelink.Link }

func newMemStore(l lakelink.Link) *memStore { return &memStore{l} }

var errOneLink = errors.New("a benchmark has one link, which stays as it is")

func (s *memStore) Links(context.Context) ([]lakelink.Link, error) {
	return []lakelink.Link{s.link}, nil
}

func (s *memStore) Link(context.Context, lakelink.LinkName) (lakelink.Link, error) {
	return s.link, nil
}

func (s *memStore) CreateLink(context.Context, lakelink.Link) error { return errOneLink }

func (s *memStore) UpdateLink(context.Context, lakelink.LinkName, func(*lakelink.Link) error) (lakelink.Link, error) {
	return s.link, errOneLink
}

func (s *memStore) DeleteLink(context.Context, lakelink.LinkName) error { return errOneLink }

func (s *memStore) PutStatus(context.Context, lakelink.LinkName, lakelink.TableStatus) error {
	return nil
}

func (s *memStore) Statuses(context.Context, lakelink.LinkName) ([]lakelink.TableStatus, error) {
	return nil, nil
}

func (s *memStore) AppendActivity(context.Context, lakelink.Activity) error { return nil }
