// Package cluster keeps what the instances of a service share: the links, how their tables stand,
// what has happened, and hints that a table may have changed. It is a NATS JetStream inside the
// process that syncs every write; nothing listens on the network.
//
// None of it is needed to recover data: positions are in the lakes. A lost state directory costs
// the list of links, which come back when they are created again with the same lakes.
//
//	lock          held by the process that has the directory open; has its id in it
//	state.json    the version of what is below, and how far the links are; docs/format/state.md
//	nats/         the JetStream's own files
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"lakelink"
)

// Options say where the state is.
type Options struct {
	Dir    string       // made where there is none
	Logger *slog.Logger // where the JetStream's complaints go; none by default
}

// A Cluster is the state of a service, open in this process. It is safe for concurrent use.
type Cluster struct {
	dir    string
	lock   *os.File
	server *server.Server
	conn   *nats.Conn

	links    jetstream.KeyValue
	tables   jetstream.KeyValue
	activity jetstream.Stream
	js       jetstream.JetStream

	marking sync.Mutex
	marked  *mark // as in state.json; nil before there is one

	closing chan struct{}  // closed by Close
	close   sync.Once      //
	loops   sync.WaitGroup // of Hints
}

// Open opens the state in a directory, which it makes where there is none. At most one process has
// it open. KindConflict: another one has. KindDamaged: files are not what was written; nothing was
// changed. KindInvalid: a newer version has written it.
func Open(ctx context.Context, o Options) (*Cluster, error) {
	dir, err := filepath.Abs(o.Dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, openFailure(o.Dir, err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, lock: lock, closing: make(chan struct{})}
	if err := c.start(ctx, o.Logger); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// start brings up the server, and the buckets in it.
func (c *Cluster) start(ctx context.Context, log *slog.Logger) error {
	var err error
	if c.marked, err = readMark(c.dir); err != nil {
		return err
	}
	if err := checkBlocks(c.dir); err != nil {
		return err
	}
	complaints := newComplaints(log)
	if err := c.startServer(complaints); err != nil {
		return err
	}
	if why := complaints.damage(); why != "" {
		return damaged(c.dir, why)
	}
	if err := c.openBuckets(ctx, c.marked != nil); err != nil {
		return err
	}
	revision, err := c.check(ctx)
	if err != nil {
		return err
	}
	complaints.started()
	// Last: with the mark there, a bucket that is missing is damage.
	return c.remember(revision)
}

// Close ends what was started, waits for it, and gives the directory free. Hints and watches end.
func (c *Cluster) Close() error {
	var err error
	c.close.Do(func() {
		close(c.closing)
		if c.conn != nil {
			c.conn.Close()
		}
		c.loops.Wait()
		if c.server != nil {
			c.server.Shutdown()
			c.server.WaitForShutdown()
		}
		err = c.lock.Close()
	})
	return err
}

// openFailure is for what the file system refuses.
func openFailure(dir string, err error) error {
	return &lakelink.Error{Op: "open state", Kind: lakelink.KindForbidden,
		Err: fmt.Errorf("%s: %w", dir, err), Hint: "give a directory that the user Lakelink runs as can write"}
}
