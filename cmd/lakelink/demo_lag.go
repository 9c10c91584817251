package main

import (
	"time"

	"lakelink"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
	"lakelink/internal/lagmeter"
)

// lagListener tells a meter what the environment has committed.
type lagListener struct {
	meter  *lagmeter.Meter
	wanted map[string]bool
}

func (l *lagListener) Wants(t *schema.Table, _ store.Message) bool { return l.wanted[t.LogicalName] }

func (l *lagListener) Committed(changes []store.Change) {
	now := time.Now()
	for _, c := range changes {
		l.meter.Changed(c.Table.LogicalName, c.ID, c.Version, now, c.Message == store.Delete)
	}
}

func names(tables []lakelink.TableName) []string {
	out := make([]string, len(tables))
	for i, t := range tables {
		out[i] = string(t)
	}
	return out
}

func wanted(tables []lakelink.TableName) map[string]bool {
	m := map[string]bool{}
	for _, t := range tables {
		m[string(t)] = true
	}
	return m
}
