package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"lakelink"
)

// An Entry is a link as it is stored. Revision grows with every change of any link.
type Entry struct {
	Link     lakelink.Link
	Revision uint64
}

// updateTries bounds how often a change of a link starts over because another one was faster.
// One of those that compete always wins, so that many tries mean many others.
const updateTries = 1000

// answerWithin is how long the next entry of a list may take. All of them are in this process.
const answerWithin = 10 * time.Second

// Links lists the links by name.
func (c *Cluster) Links(ctx context.Context) ([]Entry, error) {
	stored, err := c.entries(ctx, c.links, ">")
	if err != nil {
		return nil, failure("list links", err)
	}
	links := make([]Entry, 0, len(stored))
	for _, kv := range stored {
		e, err := c.decodeLink(kv)
		if err != nil {
			return nil, err
		}
		links = append(links, e)
	}
	slices.SortFunc(links, func(a, b Entry) int { return strings.Compare(string(a.Link.Name), string(b.Link.Name)) })
	return links, nil
}

// Link finds a link. KindNotFound: there is none of that name.
func (c *Cluster) Link(ctx context.Context, name lakelink.LinkName) (Entry, error) {
	kv, err := c.links.Get(ctx, encode(string(name)))
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrInvalidKey):
		return Entry{}, noLink(name)
	case err != nil:
		return Entry{}, failure("find link", err)
	}
	return c.decodeLink(kv)
}

// CreateLink stores a new link. KindExists: the name is taken. KindInvalid: the link is not
// complete.
func (c *Cluster) CreateLink(ctx context.Context, link lakelink.Link) (Entry, error) {
	data, err := encodeLink(&link)
	if err != nil {
		return Entry{}, err
	}
	// What is left of a link of that name that was deleted half-way is not the new one's.
	if _, err := c.links.Get(ctx, encode(string(link.Name))); errors.Is(err, jetstream.ErrKeyNotFound) {
		if err := c.deleteStatuses(ctx, link.Name); err != nil {
			return Entry{}, err
		}
	}
	revision, err := c.links.Create(ctx, encode(string(link.Name)), data)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return Entry{}, &lakelink.Error{Op: "create link", Link: link.Name, Kind: lakelink.KindExists,
			Err: errors.New("there is a link of that name"), Hint: "choose another name, or change that link"}
	}
	if err != nil {
		return Entry{}, failure("create link", err)
	}
	return Entry{link, revision}, c.remember(revision)
}

// UpdateLink changes a link. change gets a copy of it and is called again when somebody else was
// faster; its error ends the update, and is returned as it is. The name and the ID stay.
func (c *Cluster) UpdateLink(ctx context.Context, name lakelink.LinkName, change func(*lakelink.Link) error) (Entry, error) {
	for range updateTries {
		e, err := c.tryUpdate(ctx, name, change)
		if !isWrongRevision(err) {
			return e, err
		}
	}
	return Entry{}, tooBusy("update link", name)
}

func (c *Cluster) tryUpdate(ctx context.Context, name lakelink.LinkName, change func(*lakelink.Link) error) (Entry, error) {
	e, err := c.Link(ctx, name)
	if err != nil {
		return Entry{}, err
	}
	id := e.Link.ID
	before, err := encodeLink(&e.Link)
	if err != nil {
		return Entry{}, err
	}
	if err := change(&e.Link); err != nil {
		return Entry{}, err
	}
	if e.Link.Name != name || e.Link.ID != id {
		return Entry{}, &lakelink.Error{Op: "update link", Link: name, Kind: lakelink.KindInvalid,
			Err: errors.New("a link's name and id stay as they are"), Hint: "create another link"}
	}
	after, err := encodeLink(&e.Link)
	if err != nil || bytes.Equal(before, after) {
		return e, err
	}
	e.Revision, err = c.links.Update(ctx, encode(string(name)), after, e.Revision)
	if err != nil {
		return Entry{}, failure("update link", err)
	}
	return e, c.remember(e.Revision)
}

// DeleteLink forgets a link and how its tables stand. What has happened to it stays in the activity.
// KindNotFound: there is none of that name.
func (c *Cluster) DeleteLink(ctx context.Context, name lakelink.LinkName) error {
	for range updateTries {
		old, err := c.Link(ctx, name)
		if err != nil {
			return err
		}
		err = c.links.Delete(ctx, encode(string(name)), jetstream.LastRevision(old.Revision))
		if isWrongRevision(err) {
			continue
		}
		if err != nil {
			return failure("delete link", err)
		}
		return c.deleteStatuses(ctx, name)
	}
	return tooBusy("delete link", name)
}

// entries reads what a bucket holds under keys that match filter.
func (c *Cluster) entries(ctx context.Context, bucket jetstream.KeyValue, filter string) ([]jetstream.KeyValueEntry, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := bucket.Watch(ctx, filter, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, err
	}
	defer endWatch(w)
	silence := time.NewTimer(answerWithin)
	defer silence.Stop()
	var entries []jetstream.KeyValueEntry
	for {
		silence.Reset(answerWithin)
		select {
		case <-silence.C:
			return nil, nats.ErrTimeout
		case e, ok := <-w.Updates():
			if !ok {
				return nil, c.ended(ctx)
			}
			if e == nil { // all that was there has come
				return entries, nil
			}
			entries = append(entries, e)
		case <-c.closing:
			return nil, c.ended(ctx)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func encodeLink(link *lakelink.Link) ([]byte, error) {
	if err := link.Validate(); err != nil {
		return nil, err
	}
	if link.ID == "" {
		return nil, &lakelink.Error{Op: "link", Link: link.Name, Kind: lakelink.KindInvalid, Err: errors.New("it has no id")}
	}
	return json.Marshal(link)
}

func (c *Cluster) decodeLink(kv jetstream.KeyValueEntry) (Entry, error) {
	e := Entry{Revision: kv.Revision()}
	if err := json.Unmarshal(kv.Value(), &e.Link); err != nil || encode(string(e.Link.Name)) != kv.Key() {
		return Entry{}, damaged(c.dir, fmt.Sprintf("what it has of the link %s is not a link", kv.Key()))
	}
	return e, nil
}

func noLink(name lakelink.LinkName) error {
	return &lakelink.Error{Op: "find link", Link: name, Kind: lakelink.KindNotFound,
		Err: errors.New("there is no link of that name"), Hint: "see `lakelink link list`"}
}

func tooBusy(op string, name lakelink.LinkName) error {
	return &lakelink.Error{Op: op, Link: name, Kind: lakelink.KindConflict,
		Err: errors.New("others change it all the time"), Hint: "try again later"}
}

// isWrongRevision reports that somebody else was faster.
func isWrongRevision(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}
