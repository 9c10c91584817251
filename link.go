package lakelink

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A LinkName names a link: letters, digits, "-" and "_", at most 64, starting with a letter or digit.
type LinkName string

var linkNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// A Format is a shape of table in the lake.
type Format string

// The formats (docs/format/).
const (
	Incremental Format = "incremental" // timestamp folders of CSV, as Azure Synapse Link writes them
	Delta       Format = "delta"       // a Delta Lake table per table
)

// A Duration prints and reads as Go's durations do, such as "1m30s".
type Duration time.Duration

// MarshalText prints the duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration such as "90s".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write it like 30s, 5m or 1h", b)
	}
	*d = Duration(v)
	return nil
}

// A SecretRef says where a secret is, "env:NAME" or "file:PATH"; it never is the secret.
type SecretRef string

// Validate refuses anything but a reference, without repeating it: it may be the secret itself.
func (s SecretRef) Validate() error {
	kind, rest, ok := strings.Cut(string(s), ":")
	if !ok || rest == "" || (kind != "env" && kind != "file") {
		return &Error{Op: "client secret", Kind: KindInvalid,
			Err: fmt.Errorf("not a reference"), Hint: "give env:NAME or file:PATH, never the secret itself"}
	}
	return nil
}

// An EnvironmentRef is how a link reaches its environment.
type EnvironmentRef struct {
	URL          string    `json:"url"`
	Tenant       string    `json:"tenant,omitempty"`
	Authority    string    `json:"authority,omitempty"` // token authority; found by asking where empty
	ClientID     string    `json:"clientId"`
	ClientSecret SecretRef `json:"clientSecret"`
}

// The bounds and the default of a link's interval.
const (
	MinInterval     = 5 * time.Second
	MaxInterval     = 24 * time.Hour
	DefaultInterval = time.Minute
)

// A Link keeps chosen tables of one environment up to date in one lake.
type Link struct {
	Name        LinkName       `json:"name"`
	ID          string         `json:"id"` // made once; owns the lake's folder
	Environment EnvironmentRef `json:"environment"`
	Lake        string         `json:"lake"` // URL, such as file:///data/lake
	Tables      []TableName    `json:"tables"`
	Formats     []Format       `json:"formats"`
	Interval    Duration       `json:"interval"` // of the incremental format's folders
	Paused      bool           `json:"paused"`
	Created     time.Time      `json:"created"`
}

// Validate reports the first thing that is wrong, as a sentence a user can act on.
func (l *Link) Validate() error {
	bad := func(format string, args ...any) error {
		return &Error{Op: "link", Link: l.Name, Kind: KindInvalid, Err: fmt.Errorf(format, args...)}
	}
	if !linkNamePattern.MatchString(string(l.Name)) {
		return bad("%q is not a name for a link: use letters, digits, - and _, at most 64", l.Name)
	}
	u, err := url.Parse(l.Environment.URL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return bad("environment %q is not an address such as https://contoso.crm4.dynamics.com", l.Environment.URL)
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return bad("environment: give the address alone, such as %s://%s, without a path, a query or credentials", u.Scheme, u.Host)
	}
	if l.Environment.ClientID == "" {
		return bad("no client id; give --client-id, the application id of the environment's application user")
	}
	if err := l.Environment.ClientSecret.Validate(); err != nil {
		return err
	}
	if l.Lake == "" {
		return bad("no lake; give --lake, such as file:///data/lake")
	}
	if len(l.Tables) == 0 {
		return bad("no tables chosen; give --tables, such as account,contact")
	}
	seen := map[TableName]bool{}
	for _, t := range l.Tables {
		if t == "" || string(t) != strings.ToLower(string(t)) || strings.ContainsAny(string(t), "/\\ .") {
			return bad("%q is not a table's logical name, such as account", t)
		}
		if seen[t] {
			return bad("table %s is named twice", t)
		}
		seen[t] = true
	}
	if len(l.Formats) == 0 {
		return bad("no formats chosen; give --formats incremental,delta")
	}
	for i, f := range l.Formats {
		if f != Incremental && f != Delta {
			return bad("unknown format %q; choose incremental, delta or both", f)
		}
		if slices.Contains(l.Formats[:i], f) {
			return bad("format %s is named twice", f)
		}
	}
	if d := time.Duration(l.Interval); d < MinInterval || d > MaxInterval {
		return bad("interval %s is not between %s and %s", d, MinInterval, MaxInterval)
	}
	return nil
}

// A State is what a table or a link is doing, as shown to people. The keys are fixed: the API,
// the CLI and the UI use the same ones.
type State string

// The states.
const (
	StateWaiting     State = "waiting"      // in line for its initial sync
	StateInitialSync State = "initial_sync" // first full copy
	StateUpToDate    State = "up_to_date"   // lag within the objective
	StateCatchingUp  State = "catching_up"  // beyond the objective, and on its way
	StateRetrying    State = "retrying"     // a try failed, another follows by itself
	StateNeedsYou    State = "needs_you"    // will not get better without a person
	StateResync      State = "resync"       // being read anew; the old rows stay readable
	StatePaused      State = "paused"       // somebody stopped it
	StateRemoving    State = "removing"     // leaves the link
	StateUnknown     State = "unknown"      // nobody has reported on it for a while
)

// A Problem is why something does not go on, and what to do.
type Problem struct {
	Kind   Kind      `json:"kind,omitempty"`
	Code   string    `json:"code,omitempty"`
	Detail string    `json:"detail"`
	Hint   string    `json:"hint,omitempty"`
	Since  time.Time `json:"since"`
	Tries  int       `json:"tries,omitempty"`
	Next   time.Time `json:"next,omitzero"` // when the next try is
}

// ProblemOf turns an error into a Problem.
func ProblemOf(err error, since time.Time) *Problem {
	p := &Problem{Kind: KindOf(err), Detail: err.Error(), Since: since}
	for e := (*Error)(nil); errors.As(err, &e); err = e.Err {
		if p.Code == "" {
			p.Code = e.Code
		}
		if p.Hint == "" {
			p.Hint = e.Hint
		}
	}
	return p
}

// A TableStatus is how a table of a link stands.
type TableStatus struct {
	Table       TableName           `json:"table"`
	DisplayName string              `json:"displayName,omitempty"`
	State       State               `json:"state"`
	Rows        int64               `json:"rows"`               // loaded in the running load, or in the last one
	Expected    int64               `json:"expected,omitempty"` // of the running load
	Changes     int64               `json:"changes"`            // rows and deletes applied since the service started
	LastChange  time.Time           `json:"lastChange,omitzero"`
	Lag         Duration            `json:"lag"`
	Resync      bool                `json:"resync,omitempty"` // ordered, and not finished
	Positions   map[Format]Position `json:"positions"`
	// Settled is the last position that every format was given by a read of a single page. A row that
	// changes while several pages are read can fall out of that read, so only through here is nothing
	// missing for certain.
	Settled Position `json:"settled,omitzero"`
	Problem *Problem `json:"problem,omitempty"`
}

// Through is the earliest Position over the formats, zero where one has none.
func (s *TableStatus) Through() Position {
	var p Position
	first := true
	for _, q := range s.Positions {
		if first || q.Version < p.Version {
			p, first = q, false
		}
	}
	return p
}

// CompleteThrough is the time before which every change is readable in every format; zero while that
// cannot be said.
func (s *TableStatus) CompleteThrough() time.Time {
	p := s.Through()
	if s.Settled.At.Before(p.At) {
		return s.Settled.At
	}
	return p.At
}

// A LinkStatus is how a link stands.
type LinkStatus struct {
	Link  Link  `json:"link"`
	State State `json:"state"`
	// CompleteThrough is the time before which everything committed in the environment is readable,
	// over the tables that count. HeldBackBy names the last table, NotCounted those left out.
	CompleteThrough time.Time     `json:"completeThrough,omitzero"`
	HeldBackBy      TableName     `json:"heldBackBy,omitempty"`
	NotCounted      []TableName   `json:"notCounted,omitempty"`
	Push            bool          `json:"push"` // webhooks bring hints; otherwise the timer alone
	Tables          []TableStatus `json:"tables"`
	Problem         *Problem      `json:"problem,omitempty"`
}

// An Activity is one entry of the log of what happened, for people.
type Activity struct {
	Time   time.Time       `json:"time"`
	Link   LinkName        `json:"link,omitempty"`
	Table  TableName       `json:"table,omitempty"`
	Kind   string          `json:"kind"` // such as "link.created", "table.synced", "table.failed"
	Text   string          `json:"text"`
	Actor  string          `json:"actor"` // a person, a token by name, or "lakelink"
	Detail json.RawMessage `json:"detail,omitempty"`
}

// A Hint says that a table may have changed. It may be lost, doubled, forged or late.
type Hint struct {
	Link  LinkName  `json:"link"`
	Table TableName `json:"table"`
}
