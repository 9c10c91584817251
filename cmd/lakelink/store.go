package main

import (
	"context"

	"lakelink"
	"lakelink/internal/cluster"
)

// clusterStore is the state of the cluster as the heart wants to see it.
type clusterStore struct{ *cluster.Cluster }

func (s clusterStore) Links(ctx context.Context) ([]lakelink.Link, error) {
	entries, err := s.Cluster.Links(ctx)
	links := make([]lakelink.Link, len(entries))
	for i, e := range entries {
		links[i] = e.Link
	}
	return links, err
}

func (s clusterStore) Link(ctx context.Context, name lakelink.LinkName) (lakelink.Link, error) {
	e, err := s.Cluster.Link(ctx, name)
	return e.Link, err
}

func (s clusterStore) CreateLink(ctx context.Context, l lakelink.Link) error {
	_, err := s.Cluster.CreateLink(ctx, l)
	return err
}

func (s clusterStore) UpdateLink(ctx context.Context, name lakelink.LinkName, change func(*lakelink.Link) error) (lakelink.Link, error) {
	e, err := s.Cluster.UpdateLink(ctx, name, change)
	return e.Link, err
}
