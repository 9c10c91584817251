package lakelink

import (
	"context"
	"iter"
	"time"
)

// A Source is an environment that tables are replicated from. It is safe for concurrent use.
// sourcetest.Run holds what every implementation must do.
type Source interface {
	// Environment tells which environment answers. A changed ID under the same address means that
	// the environment was replaced and every Position in it is worthless.
	Environment(ctx context.Context) (Environment, error)

	// Tables lists all tables without their columns and choices.
	Tables(ctx context.Context) ([]Table, error)

	// Table describes one table in full. KindNotFound: there is none of that name.
	Table(ctx context.Context, name TableName) (*Table, error)

	// Feed yields what lies after since, page by page, and ends after a batch that is Done.
	// A zero since starts a load: every row, no deletes, and the Position from which its changes
	// follow. Rows that change while a load is under way may be in it or not; they are in the
	// changes after it in any case. A row may come twice, never not at all; within one cycle of
	// changes each id comes in one way only, see Batch.
	//
	// KindExpired means that since is too old or void: the table must be loaded anew.
	// KindUntracked means that the source does not track the table's changes.
	// Nothing stays open when ranging ends, whether or not it was finished.
	Feed(ctx context.Context, t *Table, since Checkpoint) iter.Seq2[*Batch, error]

	// Version is the highest row version committed in the whole environment at the time of the call: a
	// table whose Position reaches it holds all that was committed before.
	Version(ctx context.Context) (int64, error)
}

// An Environment is one Dataverse organization.
type Environment struct {
	ID   string `json:"id"`   // OrganizationId
	URL  string `json:"url"`  // without a path
	Name string `json:"name"` // unique name, where known
	// KeepDeletes is how long the environment can tell deletes: a Position older than this expires.
	KeepDeletes time.Duration `json:"keepDeletes"`
}
