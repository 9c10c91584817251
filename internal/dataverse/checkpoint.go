package dataverse

import (
	"encoding/json"
	"fmt"
	"time"

	"lakelink"
)

// checkpointVersion is raised when a Checkpoint changes its form. Others are refused as expired.
const checkpointVersion = 1

// A cursor is what a Checkpoint of this package holds, as JSON. It knows nothing of the host, so
// that an environment may be renamed. It is in the middle of a load if Page is not empty, and
// otherwise a place in the changes.
type cursor struct {
	V   int    `json:"v"`
	Org string `json:"org"` // OrganizationId

	// Token is the delta token as it stands in a link, Version the row version that it stands for,
	// At the time through which everything is included.
	Token   string    `json:"token,omitempty"`
	Version int64     `json:"version,omitempty"`
	At      time.Time `json:"at"` // of a load: when it began

	// Page is the nextLink's query behind Select, as it stands there.
	Page     string `json:"page,omitempty"`
	Select   bool   `json:"select,omitempty"` // the link starts with our own $select
	Columns  string `json:"columns,omitempty"`
	Bound    int64  `json:"bound,omitempty"`   // row version that the load goes up to
	Highest  int64  `json:"highest,omitempty"` // row version seen
	Expected int64  `json:"expected,omitempty"`
}

func (c cursor) checkpoint() lakelink.Checkpoint {
	c.V = checkpointVersion
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err) // texts, numbers and a time
	}
	return lakelink.Checkpoint(raw)
}

func parseCheckpoint(p lakelink.Checkpoint) (cursor, error) {
	var c cursor
	if err := json.Unmarshal([]byte(p), &c); err != nil || c.V != checkpointVersion || (c.Token == "") == (c.Page == "") {
		return c, &lakelink.Error{Kind: lakelink.KindExpired, Hint: hintExpired,
			Err: fmt.Errorf("the position is not one of this version of Lakelink")}
	}
	return c, nil
}
