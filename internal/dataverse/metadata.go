package dataverse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"lakelink"
)

// maxMetadata bounds an answer about metadata. These answers are not paged (§2.2), and with all
// columns of all tables in one of them they pass 100 MB, which is why tables are asked for one by
// one and decoded element by element.
const maxMetadata = 512 << 20

// organizationFresh is for how long the OrganizationId is not asked for again.
const organizationFresh = 5 * time.Minute

// Environment implements lakelink.Source.
func (c *Client) Environment(ctx context.Context) (lakelink.Environment, error) {
	id, _, err := c.whoAmI(ctx)
	if err != nil {
		return lakelink.Environment{}, err
	}
	env := lakelink.Environment{ID: id, URL: c.origin, KeepDeletes: 7 * 24 * time.Hour} // §4.3: the default
	var row struct {
		Name string `json:"name"`
		Days *int   `json:"expirechangetrackingindays"`
	}
	_, err = list(ctx, c, call{op: "read the organization", link: "organizations?$select=name,expirechangetrackingindays"}, &row, func() error {
		env.Name = row.Name
		if row.Days != nil {
			env.KeepDeletes = time.Duration(*row.Days) * 24 * time.Hour
		}
		return nil
	})
	if err != nil && !lakelink.IsKind(err, lakelink.KindForbidden) {
		return lakelink.Environment{}, err
	}
	return env, nil
}

// whoAmI asks for the OrganizationId.
func (c *Client) whoAmI(ctx context.Context) (id string, requests int, err error) {
	var answer struct {
		Organization string `json:"OrganizationId"`
	}
	requests, err = c.do(ctx, call{op: "connect to " + c.origin, link: "WhoAmI",
		read: func(_ http.Header, body io.Reader) error {
			return json.UnmarshalRead(io.LimitReader(body, maxErrorBody), &answer)
		}})
	if err != nil {
		return "", requests, notEnvironment(err)
	}
	if answer.Organization == "" {
		return "", requests, &lakelink.Error{Op: "connect to " + c.origin, Kind: lakelink.KindUnreachable,
			Err: errors.New("what answers at this address is not a Dataverse environment"), Hint: hintURL}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.org, c.orgAt = answer.Organization, c.o.Now()
	return answer.Organization, requests, nil
}

// notEnvironment makes sense of a WhoAmI that is not there: every environment has one.
func notEnvironment(err error) error {
	var e *lakelink.Error
	if errors.As(err, &e) && e.Kind == lakelink.KindNotFound {
		e.Kind, e.Hint = lakelink.KindUnreachable, hintURL
	}
	return err
}

// organization is the OrganizationId, asked for again now and then: an environment that was
// replaced has another (§4.2).
func (c *Client) organization(ctx context.Context) (id string, requests int, err error) {
	c.mu.Lock()
	id, at := c.org, c.orgAt
	c.mu.Unlock()
	if id != "" && c.o.Now().Sub(at) < organizationFresh {
		return id, 0, nil
	}
	return c.whoAmI(ctx)
}

// An entity is what is read of an EntityDefinition.
type entity struct {
	ID                    string `json:"MetadataId"`
	LogicalName           string
	EntitySetName         string
	PrimaryID             string `json:"PrimaryIdAttribute"`
	IsIntersect           bool
	DataProvider          string `json:"DataProviderId"`
	ChangeTrackingEnabled bool

	CanChangeTrackingBeEnabled struct{ Value bool }
	DisplayName                label
}

const entitySelect = "$select=LogicalName,EntitySetName,PrimaryIdAttribute,IsIntersect,DataProviderId," +
	"ChangeTrackingEnabled,CanChangeTrackingBeEnabled,DisplayName"

func (e *entity) table() lakelink.Table {
	return lakelink.Table{
		Name: lakelink.TableName(e.LogicalName), ID: e.ID, EntitySet: e.EntitySetName,
		DisplayName: e.DisplayName.text(), PrimaryKey: e.PrimaryID, Intersect: e.IsIntersect,
		Tracked: e.ChangeTrackingEnabled,
		// The rows of a virtual table live elsewhere (§3.6).
		CanTrack: e.CanChangeTrackingBeEnabled.Value && e.DataProvider == "",
	}
}

// Tables implements lakelink.Source. Tables that have no rows of their own on the wire are left out.
func (c *Client) Tables(ctx context.Context) ([]lakelink.Table, error) {
	var (
		tables []lakelink.Table
		e      entity
	)
	k := call{op: "list the tables", link: "EntityDefinitions?" + entitySelect}
	_, err := list(ctx, c, k, &e, func() error {
		if e.LogicalName != "" && e.EntitySetName != "" && e.PrimaryID != "" {
			tables = append(tables, e.table())
		}
		return nil
	})
	return dedupTables(tables), err
}

// dedupTables keeps the last of several tables of one name: a list that was cut is read again.
func dedupTables(tables []lakelink.Table) []lakelink.Table {
	at := map[lakelink.TableName]int{}
	out := tables[:0]
	for _, t := range tables {
		if i, ok := at[t.Name]; ok {
			out[i] = t
			continue
		}
		at[t.Name] = len(out)
		out = append(out, t)
	}
	return out
}

var logicalName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,127}$`)

// Table implements lakelink.Source.
func (c *Client) Table(ctx context.Context, name lakelink.TableName) (*lakelink.Table, error) {
	const op = "describe the table"
	if !logicalName.MatchString(string(name)) {
		return nil, &lakelink.Error{Op: op, Table: name, Kind: lakelink.KindNotFound, Err: errors.New("that is not the logical name of a table"),
			Hint: "give the logical name, such as account"}
	}
	root := "EntityDefinitions(LogicalName='" + string(name) + "')"
	var e entity
	_, err := c.do(ctx, call{op: op, table: name, link: root + "?" + entitySelect,
		read: func(_ http.Header, body io.Reader) error {
			e = entity{}
			return json.UnmarshalRead(io.LimitReader(body, maxMetadata), &e)
		}})
	if err != nil {
		return nil, noTable(err)
	}
	t := e.table()
	if t.Columns, err = c.columns(ctx, root, &t); err != nil {
		return nil, err
	}
	if t.Choices, err = c.choices(ctx, root, &t); err != nil {
		return nil, err
	}
	if err := t.Validate(); err != nil {
		return nil, &lakelink.Error{Op: op, Table: name, Kind: lakelink.KindInvalid, Err: err, Hint: "leave this table out of the link"}
	}
	return &t, nil
}

// noTable names the remedy where a table does not exist. Environments answer 404 or, in older
// versions, a general error that says so.
func noTable(err error) error {
	var e *lakelink.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Kind == lakelink.KindInvalid && strings.Contains(e.Err.Error(), "Could not find an entity") {
		e.Kind = lakelink.KindNotFound
	}
	if e.Kind == lakelink.KindNotFound {
		e.Hint = "check the table's logical name; it may have been deleted"
	}
	return err
}

// A label is a text in all languages of the environment.
type label struct {
	LocalizedLabels    []localized
	UserLocalizedLabel *localized
}

type localized struct {
	Label        string
	LanguageCode int
}

// text is the label in the caller's language, or in any.
func (l label) text() string {
	if l.UserLocalizedLabel != nil {
		return l.UserLocalizedLabel.Label
	}
	for _, one := range l.LocalizedLabels {
		return one.Label
	}
	return ""
}

func (l label) labels() []lakelink.Label {
	out := make([]lakelink.Label, 0, len(l.LocalizedLabels))
	for _, one := range l.LocalizedLabels {
		out = append(out, lakelink.Label{Language: one.LanguageCode, Text: one.Label})
	}
	return out
}

// list sends a call whose answer is a list, following its pages, and decodes one element after the
// other into elem, calling each after every one. Where a try fails in the middle, the list begins
// anew: each has to bear that.
func list[T any](ctx context.Context, c *Client, k call, elem *T, each func() error) (requests int, err error) {
	for range maxListPages {
		next := ""
		k.read = func(_ http.Header, body io.Reader) (err error) {
			next, err = readList(body, elem, each)
			return err
		}
		n, err := c.do(ctx, k)
		requests += n
		if err != nil || next == "" {
			return requests, err
		}
		if k.link, err = c.relative(next); err != nil {
			return requests, &lakelink.Error{Op: k.op, Table: k.table, Kind: lakelink.KindUnreachable, Err: err}
		}
	}
	return requests, &lakelink.Error{Op: k.op, Table: k.table, Kind: lakelink.KindTransient, Err: errors.New("the list has no end")}
}

// maxListPages ends a list that leads in a circle.
const maxListPages = 10000

// readList decodes one answer with a list and returns its nextLink.
func readList[T any](body io.Reader, elem *T, each func() error) (next string, err error) {
	d := jsontext.NewDecoder(io.LimitReader(body, maxMetadata), jsontext.AllowDuplicateNames(true))
	if k := d.PeekKind(); k != '{' {
		_, err := d.ReadToken()
		return "", errors.Join(err, errors.New("the answer is not an object"))
	}
	if _, err := d.ReadToken(); err != nil {
		return "", err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return "", err
		}
		switch name.String() {
		case "value":
			err = readElements(d, elem, each)
		case "@odata.nextLink":
			err = json.UnmarshalDecode(d, &next)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return "", err
		}
	}
	_, err = d.ReadToken()
	return next, err
}

func readElements[T any](d *jsontext.Decoder, elem *T, each func() error) error {
	if k := d.PeekKind(); k != '[' {
		return &syntaxError{d.InputOffset(), "an array"}
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		*elem = *new(T)
		if err := json.UnmarshalDecode(d, elem); err != nil {
			return err
		}
		if err := each(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}
