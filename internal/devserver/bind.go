package devserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// maxBody is the largest request body, room for a row with several memos of full length.
const maxBody = 32 << 20

// A payload is a decoded row as a client sent it.
type payload map[string]any

// payload reads the body of a write.
func (r *request) payload() (payload, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	bad := &apiError{http.StatusBadRequest, codePayload, "An error occurred while validating input parameters: the request body is not a JSON object."}
	if len(body) > maxBody {
		return nil, &apiError{http.StatusRequestEntityTooLarge, codePayload, "The request body is too large."}
	}
	var text string
	if json.Unmarshal(body, &text) == nil {
		body = []byte(text) // some clients encode twice
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	var p payload
	if err := d.Decode(&p); err != nil || p == nil {
		return nil, bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	return p, nil
}

// A rowWriter turns payloads into rows inside a transaction.
type rowWriter struct {
	s  *Server
	tx *store.Tx
}

// A child is a row to create once the row it belongs to is there.
type child struct {
	table  *store.Table
	lookup *schema.Column
	fields payload
}

// row resolves a payload: columns, @odata.bind of lookups and nested rows. Nested rows that the
// row points to are created at once; children, which point to it, are returned.
func (w *rowWriter) row(t *store.Table, p payload) (row store.Row, children []child, err error) {
	for name, v := range p {
		if nav, ok := strings.CutSuffix(name, "@odata.bind"); ok {
			f, err := w.bound(t, nav, v)
			if err != nil {
				return nil, nil, err
			}
			row = append(row, f...)
			continue
		}
		if strings.Contains(name, "@") {
			continue // other annotations carry nothing to store
		}
		c := t.Property(name)
		switch {
		case c == nil:
			fields, more, err := w.nested(t, name, v)
			if err != nil {
				return nil, nil, err
			}
			row, children = append(row, fields...), append(children, more...)
		case c.ReadOnly && !t.IsID(c) || t.IsVersion(c):
		case c.IsLookup():
			return nil, nil, &apiError{http.StatusBadRequest, codePayload, "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."}
		default:
			value, err := value(t, c, v)
			if err != nil {
				return nil, nil, err
			}
			row = append(row, store.Field{Column: c, Value: value})
		}
	}
	return row, children, nil
}

// bound resolves "nav@odata.bind": "contacts(id)".
func (w *rowWriter) bound(t *store.Table, nav string, v any) (store.Row, error) {
	lookups := w.lookups(t, nav)
	if len(lookups) == 0 {
		return nil, &apiError{http.StatusBadRequest, codePayload, fmt.Sprintf(
			"An error occurred while validating input parameters: Microsoft.OData.ODataException: An undeclared property '%s' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.", nav)}
	}
	if v == nil {
		return store.Row{{Column: lookups[0].column}}, nil
	}
	text, _ := v.(string)
	target, id, err := w.s.reference(text)
	if err != nil {
		return nil, err
	}
	for _, l := range lookups {
		if !slices.Contains(l.targets, target.LogicalName) {
			continue
		}
		if _, _, err := w.tx.Get(target.Table, id); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return nil, notFound(target, id)
			}
			return nil, err
		}
		return store.Row{{Column: l.column, Value: store.Ref{Table: target.LogicalName, ID: id}}}, nil
	}
	return nil, &apiError{http.StatusBadRequest, codePayload, fmt.Sprintf(
		"An error occurred while validating input parameters: %s cannot point to a row of %s.", nav, target.LogicalName)}
}

// A lookup is a column that a navigation property sets, with the tables it may point to.
type lookup struct {
	column  *schema.Column
	targets []string
}

// lookups returns what a single-valued navigation property stands for.
func (w *rowWriter) lookups(t *store.Table, nav string) []lookup {
	var found []lookup
	for _, rel := range t.Relationships {
		c := t.Column(rel.ReferencingColumn)
		if rel.ReferencingProperty != nav || c == nil {
			continue
		}
		targets := []string{rel.ReferencedEntity}
		if rel.ReferencedEntity == "owner" {
			targets = c.Targets
		}
		found = append(found, lookup{c, targets})
	}
	return found
}

// nested resolves a navigation property that has rows, or null, as its value.
func (w *rowWriter) nested(t *store.Table, name string, v any) (store.Row, []child, error) {
	lookups := w.lookups(t, name)
	switch v := v.(type) {
	case nil:
		if len(lookups) > 0 {
			return store.Row{{Column: lookups[0].column}}, nil, nil
		}
	case map[string]any:
		if len(lookups) == 0 || len(lookups[0].targets) != 1 {
			break
		}
		target := w.s.store.Table(lookups[0].targets[0])
		if target == nil {
			break
		}
		id, err := w.insert(target, v)
		return store.Row{{Column: lookups[0].column, Value: store.Ref{Table: target.LogicalName, ID: id}}}, nil, err
	case []any:
		table, column := w.collection(t, name)
		if table == nil {
			break
		}
		var children []child
		for _, item := range v {
			fields, ok := item.(map[string]any)
			if !ok {
				return nil, nil, &apiError{http.StatusBadRequest, codePayload, "An error occurred while validating input parameters: '" + name + "' must hold rows."}
			}
			children = append(children, child{table, column, fields})
		}
		return nil, children, nil
	}
	return nil, nil, &apiError{http.StatusBadRequest, codePayload, fmt.Sprintf(
		"An error occurred while validating input parameters: The property '%s' does not exist on type 'Microsoft.Dynamics.CRM.%s'. Make sure to only use property names that are defined by the type.", name, t.LogicalName)}
}

// collection finds the table and lookup behind a collection-valued navigation property.
func (w *rowWriter) collection(t *store.Table, name string) (*store.Table, *schema.Column) {
	for _, other := range w.s.store.Schema().Tables {
		for _, rel := range other.Relationships {
			if rel.ReferencedEntity == t.LogicalName && rel.ReferencedProperty == name {
				from := w.s.store.Table(other.LogicalName)
				return from, from.Column(rel.ReferencingColumn)
			}
		}
	}
	return nil, nil
}

// insert creates a row with its nested rows.
func (w *rowWriter) insert(t *store.Table, p payload) (store.ID, error) {
	row, children, err := w.row(t, p)
	if err != nil {
		return store.ID{}, err
	}
	if row, err = checkRow(t, row); err != nil {
		return store.ID{}, err
	}
	id, err := w.tx.Insert(t.Table, row)
	if err != nil {
		return id, storeError(t, err)
	}
	for _, c := range children {
		if err := w.insertChild(c, store.Ref{Table: t.LogicalName, ID: id}); err != nil {
			return id, err
		}
	}
	return id, nil
}

func (w *rowWriter) insertChild(c child, parent store.Ref) error {
	row, children, err := w.row(c.table, c.fields)
	if err != nil {
		return err
	}
	if len(children) > 0 {
		return notYet("rows nested more than one level deep")
	}
	if row, err = checkRow(c.table, row); err != nil {
		return err
	}
	if _, err = w.tx.Insert(c.table.Table, append(row, store.Field{Column: c.lookup, Value: parent})); err != nil {
		return storeError(c.table, err)
	}
	return nil
}

// reference resolves "contacts(id)", with or without what stands before it in a URL.
func (s *Server) reference(text string) (*store.Table, store.ID, error) {
	bad := badRequest("Resource not found for the segment '%s'.", text)
	last := text[strings.LastIndexByte(text, '/')+1:]
	set, key, ok := strings.Cut(last, "(")
	key, closed := strings.CutSuffix(key, ")")
	t := s.store.TableBySet(set)
	if !ok || !closed || t == nil {
		return nil, store.ID{}, bad
	}
	id, err := rowKey(t, key)
	return t, id, err
}

// rowKey reads the key of a row: a GUID, or the primary key by name.
func rowKey(t *store.Table, key string) (store.ID, error) {
	if name, value, named := strings.Cut(key, "="); named {
		if strings.TrimSpace(name) != t.PrimaryID {
			return store.ID{}, badRequest("The specified key properties aren't supported for the entity: %s has no alternate key '%s'.", t.LogicalName, name)
		}
		key = strings.Trim(strings.TrimSpace(value), "'")
	}
	id, err := store.ParseID(key)
	if err != nil {
		return id, badRequest("Error identified in Payload provided by the user for Entity :'%s': '%s' is not a GUID.", t.EntitySet, key)
	}
	return id, nil
}
