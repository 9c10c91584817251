// Package owner keeps two links from writing into one lake. A lake belongs to the link whose
// definition is in it, in Name, for as long as it is there; docs/format/state.md describes the file.
package owner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"lakelink"
)

// Name is the object that says whose lake it is.
const Name = "_lakelink/link.json"

// version is that of the file: docs/format/state.md. Newer ones are refused.
const version = 1

// A Record is what the file holds. There are no secrets in it: a link has references only.
type Record struct {
	Version     int                  `json:"version"`
	Link        lakelink.Link        `json:"link"`
	Environment lakelink.Environment `json:"environment"`
}

// claimTries bounds how often a claim starts over because somebody else has written meanwhile.
const claimTries = 10

// Claim makes the lake the link's own, or updates the definition in a lake that is. It returns
// the link as the lake now has it: the given one, except that a link of the same name and
// environment, whose service has lost its state, gets the ID and the time of creation back under
// which it wrote. KindOwned: the lake is another link's, or of another environment, and untouched.
func Claim(ctx context.Context, l lakelink.Lake, link lakelink.Link, env lakelink.Environment) (lakelink.Link, error) {
	if link.ID == "" || env.ID == "" {
		return lakelink.Link{}, failure(&link, lakelink.KindInvalid, errors.New("a link without an id, or of an unknown environment, cannot own a lake"), "")
	}
	for range claimTries {
		claimed, err := claim(ctx, l, link, env)
		if !lakelink.IsKind(err, lakelink.KindExists) && !lakelink.IsKind(err, lakelink.KindConflict) {
			return claimed, err
		}
	}
	return lakelink.Link{}, failure(&link, lakelink.KindConflict, fmt.Errorf("%s is written all the time", where(l)), "")
}

func claim(ctx context.Context, l lakelink.Lake, link lakelink.Link, env lakelink.Environment) (lakelink.Link, error) {
	stored, etag, err := read(ctx, l)
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return link, write(link, env, func(r io.Reader) (lakelink.ObjectInfo, error) { return l.PutNew(ctx, Name, r) })
	}
	if err != nil {
		return lakelink.Link{}, err
	}
	if stored.Environment.ID != env.ID || (stored.Link.ID != link.ID && stored.Link.Name != link.Name) {
		return lakelink.Link{}, owned(l, &link, stored)
	}
	link.ID, link.Created = stored.Link.ID, stored.Link.Created
	if same(stored, link, env) {
		return link, nil
	}
	return link, write(link, env, func(r io.Reader) (lakelink.ObjectInfo, error) { return l.PutMatch(ctx, Name, etag, r) })
}

// Release gives the lake up, so that another link can have it; what was written stays. It does
// nothing where the lake belongs to nobody. KindOwned: it belongs to another link.
func Release(ctx context.Context, l lakelink.Lake, link lakelink.Link) error {
	stored, _, err := read(ctx, l)
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if stored.Link.ID != link.ID {
		return owned(l, &link, stored)
	}
	return l.Delete(ctx, Name)
}

// Read tells whose lake it is. KindNotFound: nobody's.
func Read(ctx context.Context, l lakelink.Lake) (Record, error) {
	r, _, err := read(ctx, l)
	if err != nil {
		return Record{}, err
	}
	return *r, nil
}

func read(ctx context.Context, l lakelink.Lake) (*Record, string, error) {
	body, info, err := l.Get(ctx, Name)
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, "", failure(nil, lakelink.KindTransient, fmt.Errorf("%s: %w", where(l), err), "")
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil || r.Version < 1 || r.Link.ID == "" || r.Environment.ID == "" {
		return nil, "", failure(nil, lakelink.KindDamaged, fmt.Errorf("%s is not what Lakelink writes there", where(l)),
			"restore it from a copy, or give the link an empty folder")
	}
	if r.Version > version {
		return nil, "", failure(nil, lakelink.KindInvalid,
			fmt.Errorf("%s has version %d, this program knows %d", where(l), r.Version, version), "use the newer Lakelink that wrote it")
	}
	return &r, info.ETag, nil
}

func write(link lakelink.Link, env lakelink.Environment, put func(io.Reader) (lakelink.ObjectInfo, error)) error {
	data, err := json.MarshalIndent(Record{Version: version, Link: link, Environment: env}, "", "  ")
	if err != nil {
		return err
	}
	_, err = put(bytes.NewReader(append(data, '\n')))
	return err
}

// same reports whether writing would change nothing. Both sides go through JSON, which does not keep
// how a time was made.
func same(stored *Record, link lakelink.Link, env lakelink.Environment) bool {
	data, err := json.Marshal(Record{Version: version, Link: link, Environment: env})
	if err != nil {
		return false
	}
	var now Record
	return json.Unmarshal(data, &now) == nil && reflect.DeepEqual(*stored, now)
}

func owned(l lakelink.Lake, link *lakelink.Link, by *Record) error {
	return failure(link, lakelink.KindOwned,
		fmt.Errorf("%s holds the link %s of %s (%s)", l.URL(), by.Link.Name, by.Environment.URL, by.Environment.ID),
		fmt.Sprintf("choose an empty folder; or, to go on with the data of %s, make it again under its name", by.Link.Name))
}

func where(l lakelink.Lake) string { return l.URL() + "/" + Name }

func failure(link *lakelink.Link, kind lakelink.Kind, err error, hint string) error {
	e := &lakelink.Error{Op: "claim lake", Kind: kind, Err: err, Hint: hint}
	if link != nil {
		e.Link = link.Name
	}
	return e
}
