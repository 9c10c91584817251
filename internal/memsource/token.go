package memsource

import (
	"encoding/json"
	"fmt"
	"time"

	"lakelink"
)

// A token is what is inside a Checkpoint: everything that is needed to tell the next page.
type token struct {
	Table lakelink.TableName `json:"table"`
	Epoch int                `json:"epoch"`
	// Since is the version after which changes are told.
	Since int64 `json:"since,omitempty"`
	// At is when Bound was fixed or, between cycles, when Since was.
	At time.Time `json:"at"`
	// Bound is the version through which the load or cycle under way tells; 0 between cycles.
	Bound int64 `json:"bound,omitempty"`
	// Load: the token goes on with a load, After the row told last.
	Load  bool        `json:"load,omitempty"`
	After lakelink.ID `json:"after,omitzero"`
	// Seen is the version of the change told last, Deletes that only deletes are left to tell.
	Seen    int64 `json:"seen,omitempty"`
	Deletes bool  `json:"deletes,omitempty"`
}

func (k token) checkpoint() lakelink.Checkpoint {
	return lakelink.Checkpoint(must(json.Marshal(k)))
}

// position is where to go on: inside a load nothing is complete yet, inside a cycle of changes what
// was complete before it still is, and at the end of both everything is through the bound.
func (k token) position(done bool) lakelink.Position {
	switch {
	case done:
		end := token{Table: k.Table, Epoch: k.Epoch, Since: k.Bound, At: k.At}
		return lakelink.Position{Checkpoint: end.checkpoint(), Version: k.Bound, At: k.At}
	case k.Load:
		return lakelink.Position{Checkpoint: k.checkpoint()}
	}
	return lakelink.Position{Checkpoint: k.checkpoint(), Version: k.Since}
}

// open turns a checkpoint into the token of the page to tell, beginning a load or a cycle where
// none is under way.
func (s *Source) open(t *table, since lakelink.Checkpoint) (token, error) {
	now := s.now()
	if since == "" {
		return token{Table: t.def.Name, Epoch: t.epoch, Load: true, Bound: s.version, At: now}, nil
	}
	var k token
	if err := json.Unmarshal([]byte(since), &k); err != nil || k.Table != t.def.Name {
		return token{}, &lakelink.Error{Op: "read changes", Table: t.def.Name, Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("the checkpoint is not one of this table")}
	}
	old := s.env.KeepDeletes > 0 && now.Sub(k.At) > s.env.KeepDeletes
	if old || k.Epoch != t.epoch || max(k.Since, k.Bound) > s.version {
		return token{}, &lakelink.Error{Op: "read changes", Table: t.def.Name, Kind: lakelink.KindExpired,
			Code: "0x80044352", Hint: "copy the table anew",
			Err: fmt.Errorf("version stamp associated with the client has expired")}
	}
	if k.Bound == 0 {
		k.Bound, k.At, k.Seen = s.version, now, k.Since
	}
	return k, nil
}
