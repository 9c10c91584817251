package cluster

import (
	"context"
	"iter"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"lakelink"
)

// A LinkEvent says that a link is as it is now, or is no more.
type LinkEvent struct {
	Name    lakelink.LinkName
	Entry   Entry // zero where Deleted
	Deleted bool
}

// WatchLinks yields every link there is, and then what changes, in the order of the changes. Several
// changes of one link that happened before may come as one. It ends with an error: ctx's own, or
// one that says that the Cluster was closed.
func (c *Cluster) WatchLinks(ctx context.Context) iter.Seq2[LinkEvent, error] {
	return func(yield func(LinkEvent, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		w, err := c.links.Watch(ctx, ">")
		if err != nil {
			yield(LinkEvent{}, failure("watch links", err))
			return
		}
		defer endWatch(w)
		for {
			select {
			case <-ctx.Done():
				yield(LinkEvent{}, ctx.Err())
				return
			case <-c.closing:
				yield(LinkEvent{}, failure("watch links", c.ended(ctx)))
				return
			case kv, ok := <-w.Updates():
				if !ok {
					yield(LinkEvent{}, failure("watch links", c.ended(ctx)))
					return
				}
				if kv == nil { // all that was there has come
					continue
				}
				if e, err := c.linkEvent(kv); !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

func (c *Cluster) linkEvent(kv jetstream.KeyValueEntry) (LinkEvent, error) {
	if kv.Operation() != jetstream.KeyValuePut {
		name, _ := decode(kv.Key())
		return LinkEvent{Name: lakelink.LinkName(name), Deleted: true}, nil
	}
	e, err := c.decodeLink(kv)
	return LinkEvent{Name: e.Link.Name, Entry: e}, err
}

// endWatch waits until the watch is over. It takes what is still on its way: the client's
// goroutine would wait for somebody to do so.
func endWatch(w jetstream.KeyWatcher) {
	_ = w.Stop() // fails only where it is over already
	for range w.Updates() {
	}
}

// ended is why a watch ended that nobody has stopped.
func (c *Cluster) ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return nats.ErrConnectionClosed
}
