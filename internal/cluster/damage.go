package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"lakelink"
)

// damaged is the one answer to files that are not what was written: nothing is repaired by itself.
func damaged(dir, why string) error {
	return &lakelink.Error{Op: "open state", Kind: lakelink.KindDamaged,
		Err:  fmt.Errorf("%s is damaged: %s", dir, strings.Join(strings.Fields(why), " ")),
		Hint: "move " + dir + " away and create the links again with their lakes: they go on where they were"}
}

// check tells how far the links are. It looks at what the JetStream does not complain about by itself: it trusts its index until
// somebody reads a message, and then waits for one that never comes.
func (c *Cluster) check(ctx context.Context) (uint64, error) {
	for _, name := range []string{"KV_" + linksBucket, "KV_" + tablesBucket, activityStream} {
		lost, err := c.lost(name)
		if err != nil {
			return 0, failure("open state", err)
		}
		if lost > 0 {
			return 0, damaged(c.dir, fmt.Sprintf("%d entries of %s cannot be read", lost, name))
		}
	}
	// The activity may be long, and nothing depends on it: it is not read through.
	if _, err := c.readThrough(ctx, tablesBucket); err != nil {
		return 0, err
	}
	revision, err := c.readThrough(ctx, linksBucket)
	if err != nil {
		return 0, err
	}
	if c.marked != nil && revision < c.marked.Links {
		return 0, damaged(c.dir, fmt.Sprintf("the links end at revision %d of %d", revision, c.marked.Links))
	}
	_, err = c.Links(ctx)
	return revision, err
}

// readThrough reads every entry of a bucket once, and returns the last one's revision.
func (c *Cluster) readThrough(ctx context.Context, bucket string) (last uint64, err error) {
	stream, err := c.js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return 0, failure("open state", err)
	}
	state := stream.CachedInfo().State
	for range state.Msgs {
		m, err := stream.GetMsg(ctx, max(last+1, state.FirstSeq), jetstream.WithGetMsgSubject("$KV."+bucket+".>"))
		if ctx.Err() != nil {
			return 0, failure("open state", ctx.Err())
		}
		if err != nil {
			return 0, damaged(c.dir, fmt.Sprintf("what follows entry %d of %s cannot be read: %v", last, bucket, err))
		}
		last = m.Sequence
	}
	return last, nil
}

// lost asks how many entries the JetStream found to be unreadable. The client library has no
// field for it.
func (c *Cluster) lost(stream string) (int, error) {
	m, err := c.conn.Request(jetstream.DefaultAPIPrefix+"STREAM.INFO."+stream, nil, readyWithin)
	if err != nil {
		return 0, err
	}
	var info struct {
		State struct {
			Lost *struct {
				Msgs []uint64 `json:"msgs"`
			} `json:"lost"`
		} `json:"state"`
	}
	if err := json.Unmarshal(m.Data, &info); err != nil || info.State.Lost == nil {
		return 0, err
	}
	return len(info.State.Lost.Msgs), nil
}

// complaints is the JetStream's logger. While it starts, a complaint may be about damage; from
// then on each goes to the log.
type complaints struct {
	log *slog.Logger

	mu    sync.Mutex
	up    bool
	first string // the first complaint about damage
	died  string // why the server could not start
}

func newComplaints(log *slog.Logger) *complaints { return &complaints{log: log} }

func (c *complaints) started() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up = true
}

func (c *complaints) damage() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first
}

func (c *complaints) fatal() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.died
}

// rebuilt says what the JetStream complains about after a kill, or when an index was lost that it can
// make again from the messages: no reason to stop.
var rebuilt = []string{"Filestore ["}

func (c *complaints) note(level slog.Level, format string, v []any) {
	text := strings.TrimSpace(fmt.Sprintf(format, v...))
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.up && !hasPrefix(text, rebuilt) && c.first == "" {
		c.first = text
	}
	c.log.Log(context.Background(), level, text, "part", "state")
}

func hasPrefix(text string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

func (c *complaints) Noticef(format string, v ...any) {}
func (c *complaints) Debugf(format string, v ...any)  {}
func (c *complaints) Tracef(format string, v ...any)  {}

func (c *complaints) Warnf(format string, v ...any)  { c.note(slog.LevelWarn, format, v) }
func (c *complaints) Errorf(format string, v ...any) { c.note(slog.LevelError, format, v) }

func (c *complaints) Fatalf(format string, v ...any) {
	c.mu.Lock()
	c.died = fmt.Sprintf(format, v...)
	c.mu.Unlock()
	c.note(slog.LevelError, format, v)
}
