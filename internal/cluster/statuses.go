package cluster

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"lakelink"
)

// PutStatus remembers how a table stands, for people to see: it is a copy. Positions that count are
// in the lake.
func (c *Cluster) PutStatus(ctx context.Context, link lakelink.LinkName, s lakelink.TableStatus) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = c.tables.Put(ctx, statusKey(link, s.Table), data)
	return failure("remember status", err)
}

// Statuses lists how the tables of a link stand, by table. One that cannot be read is left out: its
// next report replaces it.
func (c *Cluster) Statuses(ctx context.Context, link lakelink.LinkName) ([]lakelink.TableStatus, error) {
	stored, err := c.entries(ctx, c.tables, statusKey(link, "*"))
	if err != nil {
		return nil, failure("list statuses", err)
	}
	statuses := make([]lakelink.TableStatus, 0, len(stored))
	for _, kv := range stored {
		var s lakelink.TableStatus
		if json.Unmarshal(kv.Value(), &s) == nil && statusKey(link, s.Table) == kv.Key() {
			statuses = append(statuses, s)
		}
	}
	slices.SortFunc(statuses, func(a, b lakelink.TableStatus) int { return strings.Compare(string(a.Table), string(b.Table)) })
	return statuses, nil
}

// DeleteStatus forgets how a table that left the link stands.
func (c *Cluster) DeleteStatus(ctx context.Context, link lakelink.LinkName, table lakelink.TableName) error {
	return failure("forget status", c.tables.Purge(ctx, statusKey(link, table)))
}

func (c *Cluster) deleteStatuses(ctx context.Context, link lakelink.LinkName) error {
	stored, err := c.entries(ctx, c.tables, statusKey(link, "*"))
	if err != nil {
		return failure("forget statuses", err)
	}
	for _, kv := range stored {
		if err := c.tables.Purge(ctx, kv.Key()); err != nil {
			return failure("forget statuses", err)
		}
	}
	return nil
}

// statusKey is a table's key, or with the table "*" what matches those of all tables.
func statusKey(link lakelink.LinkName, table lakelink.TableName) string {
	if table == "*" {
		return encode(string(link)) + ".*"
	}
	return encode(string(link)) + "." + encode(string(table))
}
