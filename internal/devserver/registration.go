package devserver

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// The numbers of a webhook's registration.
const (
	contractWebhook = 8

	authWebhookKey = 4
	authHeader     = 5
	authQuery      = 6

	modeAsync      = 1
	stepEnabled    = 0
	stagePostEvent = 40
)

// A step is a registered wish to be called: when what happens to which table, and where.
type step struct {
	id        store.ID
	name      string
	message   store.Message
	table     string   // logical name, "" for every table
	filtering []string // columns of an update that matter; nil for all

	url     string
	headers http.Header
}

// isRegistration says whether a table holds parts of webhooks' registrations.
func isRegistration(table string) bool {
	switch table {
	case "serviceendpoint", "sdkmessageprocessingstep", "sdkmessage", "sdkmessagefilter":
		return true
	}
	return false
}

// jobTable holds the records of calls that failed.
const jobTable = "asyncoperation"

// wants says whether a step is about a kind of change. Jobs call nobody: the record of a failed
// call would lead to the next one, for as long as the receiver is away.
func (s *step) wants(table string, m store.Message) bool {
	return s.message == m && (s.table == "" || s.table == table) && table != jobTable
}

// fires says whether a change is one the step is for.
func (s *step) fires(c *store.Change) bool {
	if !s.wants(c.Table.LogicalName, c.Message) {
		return false
	}
	if c.Message != store.Update || s.filtering == nil {
		return true
	}
	return slices.ContainsFunc(c.Target, func(f store.Field) bool {
		return slices.Contains(s.filtering, f.Column.LogicalName)
	})
}

// loadSteps reads the enabled asynchronous webhook steps.
func loadSteps(ctx context.Context, st *store.Store) ([]*step, error) {
	steps, endpoints := st.Table("sdkmessageprocessingstep"), st.Table("serviceendpoint")
	if steps == nil || endpoints == nil {
		return nil, nil
	}
	var loaded []*step
	err := st.Read(ctx, func(snap *store.Snapshot) error {
		rows, err := snap.Query(ctx, store.Query{Table: steps})
		if err != nil {
			return err
		}
		defer rows.Close()
		type found struct {
			id  store.ID
			row store.Row
		}
		var all []found
		for rows.Next() {
			row, err := steps.Decode(rows.Body())
			if err != nil {
				return err
			}
			all = append(all, found{rows.ID(), row})
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, f := range all {
			s, err := loadStep(ctx, st, snap, f.id, f.row)
			if err != nil {
				return err
			}
			if s != nil {
				loaded = append(loaded, s)
			}
		}
		return nil
	})
	return loaded, err
}

// loadStep completes one step with its message, table and endpoint. It returns nil for a step
// that is disabled or not for a webhook.
func loadStep(ctx context.Context, st *store.Store, snap *store.Snapshot, id store.ID, row store.Row) (*step, error) {
	follow := func(lookup string) (store.Row, error) {
		ref, ok := row.Ref(lookup)
		t := st.Table(ref.Table)
		if !ok || t == nil {
			return nil, nil
		}
		target, _, err := snap.Get(ctx, t.Table, ref.ID)
		if err != nil && !isGone(err) {
			return nil, err
		}
		return target, nil
	}
	state, _ := row.Int("statecode")
	endpoint, err := follow("eventhandler")
	if err != nil {
		return nil, err
	}
	if contract, _ := endpoint.Int("contract"); state != stepEnabled || contract != contractWebhook {
		return nil, nil
	}
	message, err := follow("sdkmessageid")
	if err != nil {
		return nil, err
	}
	filter, err := follow("sdkmessagefilterid")
	if err != nil {
		return nil, err
	}
	s := &step{id: id, name: row.String("name"), message: store.Message(message.String("name")), table: filter.String("primaryobjecttypecode")}
	if columns := row.String("filteringattributes"); columns != "" {
		for name := range strings.SplitSeq(columns, ",") {
			s.filtering = append(s.filtering, strings.TrimSpace(name))
		}
	}
	s.address(endpoint)
	return s, nil
}

// address sets the URL and headers of an endpoint, with what it is to be recognised by.
func (s *step) address(endpoint store.Row) {
	s.url, s.headers = endpoint.String("url"), http.Header{}
	kind, _ := endpoint.Int("authtype")
	value := endpoint.String("authvalue")
	u, err := url.Parse(s.url)
	if err != nil {
		return // refused at registration; a call fails and is recorded
	}
	query := u.Query()
	switch kind {
	case authWebhookKey:
		query.Set("code", value)
	case authHeader:
		for _, setting := range authSettings(value) {
			s.headers.Set(setting.Name, setting.Value)
		}
		return
	case authQuery:
		for _, setting := range authSettings(value) {
			query.Set(setting.Name, setting.Value)
		}
	}
	u.RawQuery = query.Encode()
	s.url = u.String()
}

type authSetting struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// authSettings reads <settings><setting name="…" value="…" /></settings>.
func authSettings(text string) []authSetting {
	var settings struct {
		Setting []authSetting `xml:"setting"`
	}
	if xml.Unmarshal([]byte(text), &settings) != nil {
		return nil
	}
	return settings.Setting
}

// checkRegistration refuses webhooks that could never be called, and completes the others.
func checkRegistration(t *store.Table, row store.Row) (store.Row, error) {
	switch t.LogicalName {
	case "serviceendpoint":
		contract, given := row.Int("contract")
		if address := row.String("url"); address != "" && (!given || contract == contractWebhook) {
			if err := checkURL(address); err != nil {
				return nil, err
			}
		}
		if c := t.Column("isauthvalueset"); c != nil && hasColumn(row, "authvalue") {
			row = append(row, store.Field{Column: c, Value: row.Get("authvalue") != nil})
		}
	case "sdkmessageprocessingstep":
		if mode, given := row.Int("mode"); given && mode != modeAsync {
			return nil, notYet("synchronous steps")
		}
		if stage, given := row.Int("stage"); given && stage != stagePostEvent {
			return nil, &apiError{http.StatusBadRequest, codeArgument, fmt.Sprintf("Invalid stage %d: asynchronous steps run after the event, in stage 40.", stage)}
		}
	}
	return row, nil
}

func hasColumn(row store.Row, name string) bool {
	return slices.ContainsFunc(row, func(f store.Field) bool { return f.Column.LogicalName == name })
}

// checkURL allows the ports the original allows, and any port on this machine.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return &apiError{http.StatusBadRequest, codeArgument, "The webhook URL '" + address + "' is not valid."}
	}
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil || port == "80" || port == "443" || isLocal(u.Host) {
		return nil
	}
	return &apiError{http.StatusBadRequest, codeArgument, "The webhook URL '" + address + "' must use port 80 or 443."}
}

// ref is the step as its jobs point to it.
func (s *step) ref() store.Ref { return store.Ref{Table: "sdkmessageprocessingstep", ID: s.id} }

var _ store.Subscriber = (*webhooks)(nil)

// Wants is for the changes that some step is about, and for those of the registrations themselves.
func (w *webhooks) Wants(table *schema.Table, m store.Message) bool {
	if isRegistration(table.LogicalName) {
		return true
	}
	return slices.ContainsFunc(*w.steps.Load(), func(s *step) bool { return s.wants(table.LogicalName, m) })
}
