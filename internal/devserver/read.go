package devserver

import (
	"net/http"
	"strconv"
	"strings"

	"lakelink/internal/devserver/odata"
	"lakelink/internal/devserver/store"
)

// collection answers GET of an entity set: a tracked read if the client asks for one, or comes
// with a link of one, else an ordinary query.
func (s *Server) collection(r *request, t *store.Table) (*response, error) {
	var at cookie
	token, paged := r.option("$skiptoken")
	if paged {
		var err error
		if at, err = parseCookie(token); err != nil {
			return nil, err
		}
	}
	_, delta := r.option("$deltatoken")
	if delta || at.track || r.prefer.track && !paged {
		return s.tracked(r, t, at)
	}
	return s.query(r, t, at)
}

// A queryOptions is what an ordinary query asks for, besides columns.
type queryOptions struct {
	filter odata.Expr
	order  []odata.Order
	top    int // 0 for none
	count  bool
}

// queryOptions reads the options of an ordinary query and refuses those it does not know.
func (r *request) queryOptions() (q queryOptions, err error) {
	for _, o := range r.options {
		switch o.name {
		case "$select", "$skiptoken", "tag":
		case "$filter":
			if q.filter, err = odata.Filter(o.value); err != nil {
				return q, filterError(err)
			}
		case "$orderby":
			if q.order, err = odata.OrderBy(o.value); err != nil {
				return q, badRequest("%s", err.Error())
			}
		case "$top":
			if q.top, err = strconv.Atoi(o.value); err != nil || q.top < 1 {
				return q, badRequest("Invalid value '%s' for $top query option found. The $top query option requires a non-negative integer value.", o.value)
			}
		case "$count":
			q.count = o.value == "true"
		case "$expand", "$apply", "fetchXml", "sql", "savedQuery", "userQuery":
			return q, notYet(o.name)
		default:
			if strings.HasPrefix(o.name, "$") {
				return q, badRequest("The query parameter %s is not supported.", o.name)
			}
		}
	}
	return q, nil
}

func filterError(err error) error {
	if _, many := err.(odata.TooManyConditions); many {
		return &apiError{http.StatusBadRequest, codeConditions, err.Error()}
	}
	return badRequest("%s", err.Error())
}

// countLimit is where the original stops counting.
const countLimit = 5000

// query answers an ordinary query with one page.
func (s *Server) query(r *request, t *store.Table, at cookie) (*response, error) {
	o, err := r.queryOptions()
	if err != nil {
		return nil, err
	}
	p, err := newProjection(t, r.selectOption(), r.prefer.annotations)
	if err != nil {
		return nil, err
	}
	q := store.Query{Table: t, Filter: o.filter, Order: o.order, Limit: r.prefer.page() + 1}
	if at.page > 0 {
		if q.After, err = at.position(t, o.order); err != nil {
			return nil, err
		}
	}
	top := o.top > 0 && r.prefer.pageSize == 0 // a page size makes the original ignore $top
	if top {
		q.Limit = min(o.top, maxPage)
	}
	res := r.newResponse()
	err = s.store.Read(r.Context(), func(snap *store.Snapshot) error {
		p.formatWith(r.Context(), s.store, snap)
		total := int64(-1)
		if o.count {
			n, err := snap.Count(r.Context(), store.Query{Table: t, Filter: o.filter, Limit: countLimit + 1})
			if err != nil {
				return err
			}
			total = n
		}
		rows, err := snap.Query(r.Context(), q)
		if err != nil {
			return err
		}
		defer rows.Close()
		page := r.beginPage(res, p.context(), total)
		var first, last *store.Position
		for rows.Next() {
			if !top && page.rows == r.prefer.page() {
				next := newCookie(t, max(at.page, 1)+1, o.order, first, last)
				page.nextLink = r.link(t.EntitySet, "$skiptoken="+next.String())
				break
			}
			page.row(func(b []byte) []byte { return p.appendRow(b, rows.ID(), rows.Version(), rows.Body()) })
			if page.rows == 1 {
				first = rows.Position()
			}
			if page.rows == r.prefer.page() {
				last = rows.Position()
			}
		}
		page.end()
		return rows.Err()
	})
	if err != nil {
		return nil, storeError(t, err)
	}
	return res, nil
}

// A page is a collection being written into a response.
type page struct {
	res                 *response
	rows                int
	nextLink, deltaLink string
}

// beginPage writes everything before the rows. total is the result of $count, -1 without it.
func (r *request) beginPage(res *response, context string, total int64) *page {
	res.header.Set("Content-Type", jsonType)
	res.pooled = pages.Get().(*[]byte)
	b := append((*res.pooled)[:0], `{"@odata.context":`...)
	b = appendQuoted(b, r.api+"$metadata#"+context)
	if total >= 0 {
		b = strconv.AppendInt(append(b, `,"@odata.count":`...), min(total, countLimit), 10)
	}
	if r.prefer.annotations.include(totalCount) {
		b = strconv.AppendInt(append(b, `,"@`+totalCount+`":`...), min(total, countLimit), 10)
	}
	if r.prefer.annotations.include(totalExceeded) {
		b = strconv.AppendBool(append(b, `,"@`+totalExceeded+`":`...), total > countLimit)
	}
	if r.prefer.annotations.include(schemaVersion) {
		b = appendQuoted(append(b, `,"@`+schemaVersion+`":`...), r.server.metadata)
	}
	res.body = append(b, `,"value":[`...)
	return &page{res: res}
}

// row adds an object whose members write appends.
func (p *page) row(write func([]byte) []byte) {
	b := p.res.body
	if p.rows > 0 {
		b = append(b, ',')
	}
	p.res.body = append(write(append(b, '{')), '}')
	p.rows++
}

// end writes everything after the rows.
func (p *page) end() {
	b := append(p.res.body, ']')
	if p.nextLink != "" {
		b = appendQuoted(append(b, `,"@odata.nextLink":`...), p.nextLink)
	}
	if p.deltaLink != "" {
		b = appendQuoted(append(b, `,"@odata.deltaLink":`...), p.deltaLink)
	}
	p.res.body = append(b, '}')
}

// count answers GET set/$count, which is plain text.
func (s *Server) count(r *request, t *store.Table) (*response, error) {
	if token, ok := r.option("$deltatoken"); ok {
		return s.countChanges(r, t, token)
	}
	o, err := r.queryOptions()
	if err != nil {
		return nil, err
	}
	var n int64
	err = s.store.Read(r.Context(), func(snap *store.Snapshot) (err error) {
		n, err = snap.Count(r.Context(), store.Query{Table: t, Filter: o.filter, Limit: countLimit})
		return err
	})
	if err != nil {
		return nil, storeError(t, err)
	}
	res := r.newResponse()
	res.text(strconv.FormatInt(n, 10))
	return res, nil
}

// single answers GET of one row.
func (s *Server) single(r *request, t *store.Table, id store.ID) (*response, error) {
	return s.representation(r, t, id, http.StatusOK)
}

// representation is one row as an answer with the given status.
func (s *Server) representation(r *request, t *store.Table, id store.ID, status int) (*response, error) {
	if o, ok := r.option("$expand"); ok && o != "" {
		return nil, notYet("$expand")
	}
	p, err := newProjection(t, r.selectOption(), r.prefer.annotations)
	if err != nil {
		return nil, err
	}
	res := r.newResponse()
	err = s.store.Read(r.Context(), func(snap *store.Snapshot) error {
		body, version, err := snap.Row(r.Context(), t, id)
		if err != nil {
			return notFound(t, id)
		}
		etag := `W/"` + strconv.FormatInt(version, 10) + `"`
		res.header.Set("ETag", etag)
		if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == etag && len(r.prefer.annotations) == 0 && optimistic(t.Table) {
			res.status = http.StatusNotModified
			return nil
		}
		p.formatWith(r.Context(), s.store, snap)
		res.status = status
		res.header.Set("Content-Type", jsonType)
		b := appendQuoted([]byte(`{"@odata.context":`), r.api+"$metadata#"+p.context()+"/$entity")
		b = p.appendRow(append(b, ','), id, version, body)
		res.body = append(b, '}')
		return nil
	})
	return res, err
}
