package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The bounds of what the JetStream may use, and of what is kept of the past.
const (
	maxStore         = 4 << 30
	maxMemory        = 64 << 20
	activityEntries  = 50_000
	activityBytes    = 64 << 20
	readyWithin      = 30 * time.Second
	linksBucket      = "links"
	tablesBucket     = "tables"
	activityStream   = "activity"
	activitySubjects = "activity.*"
)

func (c *Cluster) startServer(log *complaints) (err error) {
	// What reads a damaged file may panic. Where it does so here, it is an error like any other.
	defer func() {
		if p := recover(); p != nil {
			err = damaged(c.dir, fmt.Sprint(p))
		}
	}()
	c.server, err = server.NewServer(&server.Options{
		ServerName:         "lakelink",
		DontListen:         true,
		JetStream:          true,
		StoreDir:           filepath.Join(c.dir, "nats"),
		SyncAlways:         true,
		JetStreamMaxStore:  maxStore,
		JetStreamMaxMemory: maxMemory,
		NoSigs:             true,
	})
	if err != nil {
		return damaged(c.dir, err.Error())
	}
	c.server.SetLoggerV2(log, false, false, false)
	c.server.Start()
	if why := log.fatal(); why != "" {
		return damaged(c.dir, why)
	}
	if !c.server.ReadyForConnections(readyWithin) {
		return failure("open state", fmt.Errorf("%s: the JetStream did not come up within %s", c.dir, readyWithin))
	}
	c.conn, err = nats.Connect("", nats.InProcessServer(c.server), nats.NoReconnect(), nats.Name("lakelink"))
	if err != nil {
		return failure("open state", err)
	}
	c.js, err = jetstream.New(c.conn)
	if err != nil {
		return failure("open state", err)
	}
	return nil
}

// openBuckets opens what the state consists of. It is only made in a directory without a version,
// where an earlier start may have been cut short.
func (c *Cluster) openBuckets(ctx context.Context, known bool) error {
	if !known {
		return c.makeBuckets(ctx)
	}
	var err error
	if c.links, err = c.js.KeyValue(ctx, linksBucket); err == nil {
		if c.tables, err = c.js.KeyValue(ctx, tablesBucket); err == nil {
			c.activity, err = c.js.Stream(ctx, activityStream)
		}
	}
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return damaged(c.dir, "a part of the state is missing")
	}
	return failure("open state", err)
}

func (c *Cluster) makeBuckets(ctx context.Context) error {
	var err error
	if c.links, err = c.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: linksBucket}); err != nil {
		return failure("open state", err)
	}
	if c.tables, err = c.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: tablesBucket}); err != nil {
		return failure("open state", err)
	}
	// No MaxAge: with one, the JetStream searches a damaged file for old entries without end.
	c.activity, err = c.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: activityStream, Subjects: []string{activitySubjects}, AllowDirect: true,
		MaxMsgs: activityEntries, MaxBytes: activityBytes,
	})
	return failure("open state", err)
}
