package devserver

import (
	"net/http"
	"strings"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// property answers requests for one property of a row: GET accounts(id)/name, with or without
// /$value, PUT {"value":…} and DELETE.
func (s *Server) property(r *request, t *store.Table, first segment, rest []segment) (*response, error) {
	raw := len(rest) == 2 && rest[1].name == "$value"
	if len(rest) > 1 && !raw {
		return nil, notYet(rest[len(rest)-1].name)
	}
	c := t.Property(rest[0].name)
	if c == nil {
		for _, rel := range t.Relationships {
			if rel.ReferencingProperty == rest[0].name {
				return nil, notYet("reading navigation properties")
			}
		}
		return nil, &apiError{http.StatusNotFound, codeBadRequest, "Resource not found for the segment '" + rest[0].name + "'."}
	}
	id, err := rowKey(t, first.key)
	if err != nil {
		return nil, err
	}
	switch r.Method {
	case http.MethodGet:
		return s.propertyValue(r, t, id, c, raw)
	case http.MethodPut:
		p, err := r.payload()
		if err != nil {
			return nil, err
		}
		return s.setProperty(r, t, id, c, p["value"])
	case http.MethodDelete:
		return s.setProperty(r, t, id, c, nil)
	}
	return nil, &apiError{http.StatusMethodNotAllowed, codeBadRequest, "The requested resource does not support http method '" + r.Method + "'."}
}

func (s *Server) propertyValue(r *request, t *store.Table, id store.ID, c *schema.Column, raw bool) (*response, error) {
	p, err := newProjection(t, []string{store.WireName(c)}, nil)
	if err != nil {
		return nil, err
	}
	res := r.newResponse()
	err = s.store.Read(r.Context(), func(snap *store.Snapshot) error {
		body, version, err := snap.Row(r.Context(), t, id)
		if err != nil {
			return notFound(t, id)
		}
		p.load(body)
		member := p.appendColumn(nil, &p.columns[0], p.values[0], id, version)
		literal := strings.TrimPrefix(string(member), p.columns[0].key)
		switch {
		case literal == "null":
			res.status = http.StatusNoContent
		case raw && literal[0] == '"':
			res.text(plain([]byte(literal)))
		case raw:
			res.text(literal)
		default:
			res.json(object{
				{"@odata.context", r.api + "$metadata#" + t.EntitySet + "(" + id.String() + ")/" + store.WireName(c)},
				{"value", number(literal)},
			})
		}
		return nil
	})
	return res, err
}

func (s *Server) setProperty(r *request, t *store.Table, id store.ID, c *schema.Column, v any) (*response, error) {
	if c.ReadOnly || c.IsLookup() || t.IsID(c) || t.IsVersion(c) {
		return nil, badRequest("The property '%s' cannot be written.", store.WireName(c))
	}
	value, err := value(t, c, v)
	if err != nil {
		return nil, err
	}
	err = s.update(r, func(w *rowWriter) error {
		row, err := checkRow(t, store.Row{{Column: c, Value: value}})
		if err != nil {
			return err
		}
		return storeError(t, w.tx.Patch(t.Table, id, row))
	})
	if err != nil {
		return nil, err
	}
	return r.noContent(), nil
}
