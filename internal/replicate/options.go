package replicate

import (
	"context"
	"time"

	"lakelink"
)

// A Store keeps what links there are and what was last known of them. It is never the only
// holder of a position.
type Store interface {
	Links(ctx context.Context) ([]lakelink.Link, error)
	Link(ctx context.Context, name lakelink.LinkName) (lakelink.Link, error)
	CreateLink(ctx context.Context, l lakelink.Link) error
	UpdateLink(ctx context.Context, name lakelink.LinkName, change func(*lakelink.Link) error) (lakelink.Link, error)
	DeleteLink(ctx context.Context, name lakelink.LinkName) error
	PutStatus(ctx context.Context, name lakelink.LinkName, s lakelink.TableStatus) error
	Statuses(ctx context.Context, name lakelink.LinkName) ([]lakelink.TableStatus, error)
	AppendActivity(ctx context.Context, a lakelink.Activity) error
}

// A Connection is a link's source and lake, opened.
type Connection struct {
	Source lakelink.Source
	// Claim makes the lake this link's own, and returns the link under the id that the lake knows it
	// by: a link whose state directory was lost goes on where it stopped.
	Claim func(ctx context.Context, l lakelink.Link) (lakelink.Link, error)
	// Writers opens a writer for each of the link's formats. tables are all that could be described.
	Writers func(ctx context.Context, l lakelink.Link, tables []*lakelink.Table) ([]lakelink.Writer, error)
	// Readers reads the formats back, in the order of Link.Formats.
	Readers func(l lakelink.Link) []lakelink.Reader
	// Push asks the environment to send hints for these tables. It returns false where
	// the environment cannot reach this service; nil where push is not offered.
	Push func(ctx context.Context, l lakelink.Link, tables []lakelink.TableName) (bool, error)
	// Unpush takes back what Push registered.
	Unpush func(ctx context.Context, l lakelink.Link) error
	// Purge deletes what the link has written to its lake, and its claim.
	Purge func(ctx context.Context, l lakelink.Link) error
	// Release gives the lake up without touching the data.
	Release func(ctx context.Context, l lakelink.Link) error
	Close   func() error
}

// Options configure a Manager. Zero values take the defaults named.
type Options struct {
	Store Store
	// Open makes what reaches a link's environment and lake. It must not write to either, and should not
	// ask the environment anything: a link must be deletable when that is gone.
	Open func(ctx context.Context, l lakelink.Link) (*Connection, error)

	MaxLoads   int           // loads at once over all links; default 2
	StageBytes int64         // a load is made durable each time it has read this much; default 64 MiB
	Objective  time.Duration // lag beyond which a table is said to catch up; default 10 s
	Debounce   time.Duration // a hint is followed after this, so that a burst costs one read; default 150 ms
	Rest       time.Duration // after a read that found changes; default 400 ms
	PollMin    time.Duration // between reads of a busy table; default 1 s
	PollMax    time.Duration // between reads of an idle table; default 30 s
	PollPushed time.Duration // the same where push works; default 5 min
	// SchemaEvery is how often a table whose rows change is described anew; default 2 min, which for 20
	// such tables is a fifteenth of what an environment allows one user. Quiet ones: a fifteenth as often.
	SchemaEvery time.Duration
	RetryMin    time.Duration // after a first failure; doubles; default 1 s
	RetryMax    time.Duration // default 2 min
	Events      Events
	Now         func() time.Time
}

func (o *Options) setDefaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if o.MaxLoads == 0 {
		o.MaxLoads = 2
	}
	if o.StageBytes == 0 {
		o.StageBytes = 64 << 20
	}
	def(&o.Objective, 10*time.Second)
	def(&o.Debounce, 150*time.Millisecond)
	def(&o.Rest, 400*time.Millisecond)
	def(&o.PollMin, time.Second)
	def(&o.PollMax, 30*time.Second)
	def(&o.PollPushed, 5*time.Minute)
	def(&o.SchemaEvery, 2*time.Minute)
	def(&o.RetryMin, time.Second)
	def(&o.RetryMax, 2*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Events tells the rest of the program what happened. Any of them may be nil. They are called from
// the loops that did it, so they must not block.
type Events struct {
	// TableState: a table went from one state to another.
	TableState func(l lakelink.LinkName, s lakelink.TableStatus, from lakelink.State)
	// Committed: changes of a table were handed to all formats, with the position they share.
	Committed func(l lakelink.LinkName, t lakelink.TableName, rows, deletes int, pos lakelink.Position, took time.Duration)
	// Loaded: a table's load was finished.
	Loaded func(l lakelink.LinkName, t lakelink.TableName, rows int64, took time.Duration)
	// Schema: a table's description has changed while it was followed. Rows that changed since the last look
	// came without a new column's values.
	Schema func(l lakelink.LinkName, t lakelink.TableName, from, to *lakelink.Table)
	// Closed: an interval format was closed.
	Closed func(l lakelink.LinkName, f lakelink.Format, took time.Duration, err error)
	// Failed: a try failed; the table is parked until the problem's Next.
	Failed func(l lakelink.LinkName, t lakelink.TableName, err error)
}
