package cluster

import (
	"context"
	"encoding/json"

	"lakelink"
)

// The hints' subject, and how many of them wait for a slow reader. More are dropped, which hints
// allow: tables are looked at now and then without any.
const (
	hintSubject  = "lakelink.hints"
	waitingHints = 1024
)

// PublishHint tells all instances that a table may have changed. Nothing is stored.
func (c *Cluster) PublishHint(h lakelink.Hint) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return failure("publish hint", c.conn.Publish(hintSubject, data))
}

// Hints receives hints that are published from now on. The channel is closed when ctx ends or the
// Cluster is closed.
func (c *Cluster) Hints(ctx context.Context) (<-chan lakelink.Hint, error) {
	sub, err := c.conn.SubscribeSync(hintSubject)
	if err == nil {
		err = sub.SetPendingLimits(waitingHints, -1)
	}
	if err == nil {
		err = c.conn.Flush() // or what is published next may be missed
	}
	if err != nil {
		return nil, failure("receive hints", err)
	}
	hints := make(chan lakelink.Hint, waitingHints)
	c.loops.Go(func() {
		defer close(hints)
		defer sub.Unsubscribe()
		for {
			m, err := sub.NextMsgWithContext(ctx)
			if ctx.Err() != nil || !sub.IsValid() {
				return
			}
			if err != nil {
				continue // some were dropped
			}
			var h lakelink.Hint
			if json.Unmarshal(m.Data, &h) != nil {
				continue
			}
			select {
			case hints <- h:
			default:
			}
		}
	})
	return hints, nil
}
