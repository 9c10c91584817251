package devserver

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"lakelink/internal/devserver/store"
)

// create answers POST of an entity set.
func (s *Server) create(r *request, t *store.Table) (*response, error) {
	p, err := r.payload()
	if err != nil {
		return nil, err
	}
	var id store.ID
	err = s.update(r, func(w *rowWriter) (err error) {
		id, err = w.insert(t, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.written(r, t, id, true)
}

// upsert answers PATCH of a row: it updates the row, or creates it if there is none, as far as
// the client's conditions allow.
func (s *Server) upsert(r *request, t *store.Table, id store.ID) (*response, error) {
	p, err := r.payload()
	if err != nil {
		return nil, err
	}
	created := false
	err = s.update(r, func(w *rowWriter) error {
		_, version, err := w.tx.Get(t.Table, id)
		exists := err == nil
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := r.checkConditions(t, id, exists, version); err != nil {
			return err
		}
		if !exists {
			created = true
			p[t.PrimaryID] = id.String()
			_, err := w.insert(t, p)
			return err
		}
		delete(p, t.PrimaryID)
		row, children, err := w.row(t, p)
		if err != nil {
			return err
		}
		if len(children) > 0 {
			return badRequest("Deep update of navigation properties is not supported.")
		}
		if row, err = checkRow(t, row); err != nil {
			return err
		}
		return storeError(t, w.tx.Patch(t.Table, id, row))
	})
	if err != nil {
		return nil, err
	}
	return s.written(r, t, id, created)
}

// remove answers DELETE of a row.
func (s *Server) remove(r *request, t *store.Table, id store.ID) (*response, error) {
	err := s.update(r, func(w *rowWriter) error {
		_, version, err := w.tx.Get(t.Table, id)
		if errors.Is(err, store.ErrNotFound) {
			return notFound(t, id)
		}
		if err != nil {
			return err
		}
		if err := r.checkConditions(t, id, true, version); err != nil {
			return err
		}
		if err := checkOwnTable(t); err != nil {
			return err
		}
		return w.tx.Delete(t.Table, id)
	})
	if err != nil {
		return nil, err
	}
	return r.noContent(), nil
}

// update runs a write in one transaction, as the caller.
func (s *Server) update(r *request, fn func(w *rowWriter) error) error {
	return s.store.Update(r.Context(), func(tx *store.Tx) error {
		user := r.caller.user
		if header := r.Header.Get("MSCRMCallerID"); header != "" {
			id, err := store.ParseID(header)
			if err != nil {
				return badRequest("MSCRMCallerID is not a GUID.")
			}
			users := s.store.Table("systemuser")
			if _, _, err := tx.Get(users.Table, id); err != nil {
				return notFound(users, id)
			}
			user = id
		}
		tx.SetCaller(user)
		return fn(&rowWriter{s, tx})
	})
}

// checkConditions holds a write to If-Match and If-None-Match.
func (r *request) checkConditions(t *store.Table, id store.ID, exists bool, version int64) error {
	if strings.TrimSpace(r.Header.Get("If-None-Match")) == "*" && exists {
		return &apiError{http.StatusPreconditionFailed, codeDuplicate, "A record with matching key values already exists."}
	}
	match := strings.TrimSpace(r.Header.Get("If-Match"))
	switch {
	case match == "":
		return nil
	case !exists:
		return notFound(t, id)
	case match == "*":
		return nil
	case !optimistic(t.Table):
		return &apiError{http.StatusBadRequest, codeNotOptimistic,
			"Optimistic concurrency isn't enabled for entity type " + t.LogicalName + ". The IfVersionMatches value of ConcurrencyBehavior can only be used if optimistic concurrency is enabled."}
	case match == `W/"`+strconv.FormatInt(version, 10)+`"`:
		return nil
	}
	return &apiError{http.StatusPreconditionFailed, codeVersionMismatch,
		"The version of the existing record doesn't match the RowVersion property provided."}
}

// written is the answer to a write that succeeded.
func (s *Server) written(r *request, t *store.Table, id store.ID, created bool) (*response, error) {
	link := r.api + t.EntitySet + "(" + id.String() + ")"
	if r.prefer.representation {
		status := http.StatusOK
		if created {
			status = http.StatusCreated
		}
		res, err := s.representation(r, t, id, status)
		if err != nil {
			return nil, err
		}
		res.header.Set("OData-EntityId", link)
		res.header.Set("Location", link)
		return res, nil
	}
	res := r.noContent()
	res.header.Set("OData-EntityId", link)
	if created {
		res.header.Set("Location", link)
	}
	return res, nil
}

func (r *request) noContent() *response {
	res := r.newResponse()
	res.status = http.StatusNoContent
	return res
}

// checkOwnTable refuses writes to a table whose rows are kept by those of others.
func checkOwnTable(t *store.Table) error {
	if t.LogicalName == "activitypointer" {
		return badRequest("The operation is not supported on activitypointer; use the activity's own table.")
	}
	return nil
}

// checkRow holds a row that is to be written to the rules of its table, and completes it.
func checkRow(t *store.Table, row store.Row) (store.Row, error) {
	if err := checkOwnTable(t); err != nil {
		return nil, err
	}
	return checkRegistration(t, row)
}
