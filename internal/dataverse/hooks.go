package dataverse

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"lakelink"
)

// HookOptions say what an environment is to call.
type HookOptions struct {
	Name      string // of the service endpoint; what is found under it is taken for ours
	PublicURL string // that the environment can reach, on port 443 or 80
	Key       string // that proves a call to come from the environment, see Receiver
	Tables    []lakelink.TableName
}

// A Hook is what was registered.
type Hook struct {
	ID    string // of the service endpoint
	Steps int    // that call it
	// Unsupported names tables for which the environment offers no steps. They are polled.
	Unsupported []lakelink.TableName
}

// KeyHeader carries a hook's key.
const KeyHeader = "x-lakelink-key"

const opHook = "register the webhook"

// hookMessages are the messages that change rows. Steps on them fire for CreateMultiple and
// UpdateMultiple too (§7.1).
var hookMessages = []string{"Create", "Update", "Delete"}

// The numbers of §7.1.
const (
	contractWebhook    = 8
	authHTTPHeader     = 5
	modeAsync          = 1
	stagePostOperation = 40
)

// An endpoint is a service endpoint as read.
type endpoint struct {
	ServiceEndpointID string `json:"serviceendpointid"`
	Name              string `json:"name"`
	Contract          int    `json:"contract"`
}

// A step is a registration of one message of one table as read.
type step struct {
	ID      string `json:"sdkmessageprocessingstepid"`
	Name    string `json:"name"`
	State   int    `json:"statecode"`
	Mode    int    `json:"mode"`
	Stage   int    `json:"stage"`
	Message string `json:"_sdkmessageid_value"`
}

// RegisterHook makes the environment call o.PublicURL whenever rows of the tables change. Calling
// it again repairs what is broken and removes what is no longer wanted; it changes nothing where
// all is as it should be, except that the address and the key are written anew, as the key cannot
// be read back.
func (c *Client) RegisterHook(ctx context.Context, o HookOptions) (*Hook, error) {
	if u, err := url.Parse(o.PublicURL); err != nil || u.Host == "" || o.Key == "" || o.Name == "" {
		return nil, &lakelink.Error{Op: opHook, Kind: lakelink.KindInvalid, Err: errors.New("a webhook needs a name, a public address and a key"),
			Hint: "give the public address at which the environment reaches this service"}
	}
	o.Name = endpointName(o.Name)
	id, err := c.putEndpoint(ctx, o)
	if err != nil {
		return nil, err
	}
	messages, err := c.messageIDs(ctx)
	if err != nil {
		return nil, err
	}
	have, err := c.steps(ctx, id)
	if err != nil {
		return nil, err
	}
	hook := &Hook{ID: id}
	kept := map[string]bool{}
	for _, s := range have {
		if err := c.keepStep(ctx, o, messages, s, kept); err != nil {
			return nil, err
		}
	}
	for _, table := range o.Tables {
		ok := true
		for _, message := range hookMessages {
			name := stepName(o.Name, message, table)
			if !kept[name] {
				made, err := c.addStep(ctx, id, name, messages[message], table)
				if err != nil {
					return nil, err
				}
				kept[name], ok = made, ok && made
			}
			if kept[name] {
				hook.Steps++
			}
		}
		if !ok {
			hook.Unsupported = append(hook.Unsupported, table)
		}
	}
	return hook, nil
}

// RemoveHook takes a hook out of the environment. One that is not there is no error.
func (c *Client) RemoveHook(ctx context.Context, name string) error {
	ends, err := c.endpoints(ctx, endpointName(name))
	if err != nil {
		return err
	}
	for _, e := range ends {
		if err := c.removeEndpoint(ctx, e.ServiceEndpointID); err != nil {
			return err
		}
	}
	return nil
}

// maxEndpointName is how long the name of a service endpoint may be.
const maxEndpointName = 100

// endpointName is a hook's name as the environment can hold it; a long one is told from its like by
// a hash at its end.
func endpointName(name string) string {
	if len(name) <= maxEndpointName {
		return name
	}
	sum := fmt.Sprintf("…%x", sha256.Sum256([]byte(name)))[:19]
	return strings.ToValidUTF8(name[:maxEndpointName-len(sum)], "") + sum
}

func stepName(hook, message string, table lakelink.TableName) string {
	return hook + ": " + message + " of " + string(table)
}

// putEndpoint makes or corrects the service endpoint, and removes further ones of its name.
func (c *Client) putEndpoint(ctx context.Context, o HookOptions) (id string, err error) {
	ends, err := c.endpoints(ctx, o.Name)
	if err != nil {
		return "", err
	}
	row := map[string]any{"name": o.Name, "url": o.PublicURL, "contract": contractWebhook,
		"authtype": authHTTPHeader, "authvalue": headerSettings(KeyHeader, o.Key)}
	for _, e := range ends {
		if id != "" || e.Contract != contractWebhook {
			err = c.removeEndpoint(ctx, e.ServiceEndpointID)
		} else {
			id = e.ServiceEndpointID
			err = c.write(ctx, http.MethodPatch, "serviceendpoints("+id+")", row)
		}
		if err != nil {
			return "", err
		}
	}
	if id != "" {
		return id, nil
	}
	return c.create(ctx, "serviceendpoints", row)
}

// headerSettings is the form in which an endpoint takes the headers of its calls.
func headerSettings(name, value string) string {
	var b strings.Builder
	b.WriteString(`<settings><setting name="`)
	_ = xml.EscapeText(&b, []byte(name))
	b.WriteString(`" value="`)
	_ = xml.EscapeText(&b, []byte(value))
	b.WriteString(`" /></settings>`)
	return b.String()
}

// keepStep keeps a step that is wanted, and removes any other.
func (c *Client) keepStep(ctx context.Context, o HookOptions, messages map[string]string, s step, kept map[string]bool) error {
	for _, table := range o.Tables {
		for _, message := range hookMessages {
			if s.Name != stepName(o.Name, message, table) || kept[s.Name] || s.Mode != modeAsync ||
				s.Stage != stagePostOperation || !strings.EqualFold(s.Message, messages[message]) {
				continue
			}
			kept[s.Name] = true
			if s.State == 0 {
				return nil
			}
			// Somebody, or the environment after many failures, has switched it off.
			return c.write(ctx, http.MethodPatch, "sdkmessageprocessingsteps("+s.ID+")",
				map[string]any{"statecode": 0, "statuscode": 1})
		}
	}
	return c.remove(ctx, "sdkmessageprocessingsteps("+s.ID+")")
}

// addStep registers a message of a table, and reports whether the environment offers that.
func (c *Client) addStep(ctx context.Context, endpoint, name, message string, table lakelink.TableName) (bool, error) {
	filter := ""
	var row struct {
		ID string `json:"sdkmessagefilterid"`
	}
	k := call{op: opHook, table: table, link: "sdkmessagefilters?$select=sdkmessagefilterid&$filter=" +
		quoteFilter("primaryobjecttypecode eq %s and _sdkmessageid_value eq "+message, string(table))}
	if _, err := list(ctx, c, k, &row, func() error { filter = row.ID; return nil }); err != nil {
		return false, err
	}
	if filter == "" {
		return false, nil
	}
	_, err := c.create(ctx, "sdkmessageprocessingsteps", map[string]any{
		"name": name, "description": "Tells Lakelink that rows may have changed.",
		"mode": modeAsync, "stage": stagePostOperation, "rank": 1, "asyncautodelete": true, "supporteddeployment": 0,
		"sdkmessageid@odata.bind":                 "/sdkmessages(" + message + ")",
		"sdkmessagefilterid@odata.bind":           "/sdkmessagefilters(" + filter + ")",
		"eventhandler_serviceendpoint@odata.bind": "/serviceendpoints(" + endpoint + ")",
	})
	return err == nil, err
}

func (c *Client) removeEndpoint(ctx context.Context, id string) error {
	steps, err := c.steps(ctx, id)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := c.remove(ctx, "sdkmessageprocessingsteps("+s.ID+")"); err != nil {
			return err
		}
	}
	return c.remove(ctx, "serviceendpoints("+id+")")
}

func (c *Client) endpoints(ctx context.Context, name string) (all []endpoint, err error) {
	var e endpoint
	k := call{op: opHook, link: "serviceendpoints?$select=serviceendpointid,name,contract&$filter=" + quoteFilter("name eq %s", name)}
	found := map[string]bool{}
	_, err = list(ctx, c, k, &e, func() error {
		if !found[e.ServiceEndpointID] {
			all = append(all, e)
		}
		found[e.ServiceEndpointID] = true
		return nil
	})
	return all, err
}

func (c *Client) steps(ctx context.Context, endpoint string) (all []step, err error) {
	var s step
	k := call{op: opHook, link: "sdkmessageprocessingsteps?$select=sdkmessageprocessingstepid,name,statecode,mode,stage,_sdkmessageid_value" +
		"&$filter=_eventhandler_value%20eq%20" + endpoint}
	found := map[string]bool{}
	_, err = list(ctx, c, k, &s, func() error {
		if !found[s.ID] {
			all = append(all, s)
		}
		found[s.ID] = true
		return nil
	})
	return all, err
}

// messageIDs asks for the ids of the messages, which differ from environment to environment.
func (c *Client) messageIDs(ctx context.Context) (map[string]string, error) {
	ids := map[string]string{}
	for _, name := range hookMessages {
		var row struct {
			ID string `json:"sdkmessageid"`
		}
		k := call{op: opHook, link: "sdkmessages?$select=sdkmessageid&$filter=" + quoteFilter("name eq %s", name)}
		if _, err := list(ctx, c, k, &row, func() error { ids[name] = row.ID; return nil }); err != nil {
			return nil, err
		}
		if ids[name] == "" {
			return nil, &lakelink.Error{Op: opHook, Kind: lakelink.KindNotFound, Err: fmt.Errorf("the environment has no message %s", name)}
		}
	}
	return ids, nil
}

// quoteFilter puts a text into a filter and encodes it for a URL.
func quoteFilter(format, text string) string {
	return url.PathEscape(fmt.Sprintf(format, "'"+strings.ReplaceAll(text, "'", "''")+"'"))
}

// write sends a row that is there.
func (c *Client) write(ctx context.Context, method, link string, row any) error {
	body, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{op: opHook, method: method, link: link, body: body})
	return err
}

// create makes a row and returns its id, which the answer tells in a header.
func (c *Client) create(ctx context.Context, set string, row any) (id string, err error) {
	body, err := json.Marshal(row)
	if err != nil {
		return "", err
	}
	_, err = c.do(ctx, call{op: opHook, method: http.MethodPost, link: set, body: body,
		read: func(h http.Header, body io.Reader) error {
			_, rest, _ := strings.Cut(h.Get("OData-EntityId"), "(")
			id, _, _ = strings.Cut(rest, ")")
			var key lakelink.ID
			if !key.Set(id) {
				return &lakelink.Error{Kind: lakelink.KindUnreachable, Err: errors.New("the answer does not name the row that was made")}
			}
			_, err := io.Copy(io.Discard, io.LimitReader(body, maxErrorBody))
			return err
		}})
	return id, err
}

// remove deletes a row. One that is not there is no error.
func (c *Client) remove(ctx context.Context, link string) error {
	_, err := c.do(ctx, call{op: "remove the webhook", method: http.MethodDelete, link: link})
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return nil
	}
	return err
}
