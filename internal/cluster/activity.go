package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"lakelink"
)

// defaultLimit is how many activities are read where nobody says.
const defaultLimit = 100

// An ActivityFilter chooses activities.
type ActivityFilter struct {
	Link  lakelink.LinkName // only this link's, where set
	Limit int               // at most so many; 0 means 100
	Since time.Time         // none older, where set
}

// AppendActivity adds to what has happened. The oldest entries go when there are too many.
func (c *Cluster) AppendActivity(ctx context.Context, a lakelink.Activity) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = c.js.Publish(ctx, activitySubject(a.Link), data)
	return failure("append activity", err)
}

// Activity reads what has happened, the newest first.
func (c *Cluster) Activity(ctx context.Context, f ActivityFilter) ([]lakelink.Activity, error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	info, err := c.activity.Info(ctx)
	if err != nil {
		return nil, failure("read activity", err)
	}
	first, end := info.State.FirstSeq, info.State.LastSeq+1
	found := []lakelink.Activity{}
	// Entries are found forwards only. So windows are read from the end back, each larger than the
	// one before, until there is enough.
	for size := uint64(f.Limit); end > first && len(found) < f.Limit; size *= 4 {
		start := max(first, end-min(size, end))
		window, err := c.activityIn(ctx, f, start, end)
		if err != nil {
			return nil, failure("read activity", err)
		}
		slices.Reverse(window)
		found = append(found, window...)
		if n := len(window); n > 0 && window[n-1].Time.Before(f.Since) {
			break
		}
		end = start
	}
	found = slices.DeleteFunc(found, func(a lakelink.Activity) bool { return a.Time.Before(f.Since) })
	return found[:min(len(found), f.Limit)], nil
}

// activityIn reads the entries that match in [start, end), the oldest first.
func (c *Cluster) activityIn(ctx context.Context, f ActivityFilter, start, end uint64) ([]lakelink.Activity, error) {
	subject := activitySubjects
	if f.Link != "" {
		subject = activitySubject(f.Link)
	}
	var found []lakelink.Activity
	for seq := max(start, 1); seq < end; {
		m, err := c.activity.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Sequence >= end {
			break
		}
		if err != nil {
			return nil, err
		}
		var a lakelink.Activity
		if json.Unmarshal(m.Data, &a) == nil {
			found = append(found, a)
		}
		seq = m.Sequence + 1
	}
	return found, nil
}

// activitySubject is where a link's entries go. What concerns no link is under a name that none has.
func activitySubject(link lakelink.LinkName) string {
	if link == "" {
		return "activity._"
	}
	return "activity." + encode(string(link))
}
