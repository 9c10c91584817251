package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"lakelink"
)

type (
	waitInput struct {
		LinkPath
		Body struct {
			Timeout lakelink.Duration    `json:"timeout,omitempty" doc:"5m if left out"`
			Tables  []lakelink.TableName `json:"tables,omitempty" doc:"all if left out"`
		}
	}
	verifyInput struct {
		LinkPath
		Body struct {
			Tables []lakelink.TableName `json:"tables,omitempty" doc:"all if left out"`
		}
	}
	anyBody struct {
		Body any
	}
	queryInput struct {
		Body Query
	}
	activityInput struct {
		Link  string `query:"link" doc:"only of this link"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}
	activityBody struct {
		Body []lakelink.Activity
	}
	versionBody struct {
		Body struct {
			Version string `json:"version"`
		}
	}
)

// registerWork serves what takes long or reads data.
func registerWork(h huma.API, o Options) {
	huma.Register(h, operation("wait", http.MethodPost, "/links/{link}/wait",
		"Return once all that the environment has committed now is readable in every format", 204),
		func(ctx context.Context, in *waitInput) (*struct{}, error) {
			timeout := time.Duration(in.Body.Timeout)
			if timeout == 0 {
				timeout = 5 * time.Minute
			}
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return answer(&struct{}{}, o.Links.Wait(ctx, in.name(), in.Body.Tables...))
		})
	huma.Register(h, operation("verify", http.MethodPost, "/links/{link}/verify",
		"Compare the contents of the lake with the environment, row by row", 200),
		func(ctx context.Context, in *verifyInput) (*anyBody, error) {
			report, err := o.Verify(ctx, in.name(), in.Body.Tables)
			return answer(&anyBody{report}, err)
		})
	huma.Register(h, operation("query", http.MethodPost, "/query", "Ask the current rows with SQL", 200),
		func(_ context.Context, in *queryInput) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(c huma.Context) { streamQuery(c, o, in.Body) }}, nil
		})
	huma.Register(h, operation("list-activity", http.MethodGet, "/activity", "What happened, newest first", 200),
		func(ctx context.Context, in *activityInput) (*activityBody, error) {
			list, err := o.Activity(ctx, lakelink.LinkName(in.Link), in.Limit)
			return answer(&activityBody{list}, err)
		})
	huma.Register(h, operation("version", http.MethodGet, "/version", "Version of the service", 200),
		func(context.Context, *struct{}) (*versionBody, error) {
			b := &versionBody{}
			b.Body.Version = o.Version
			return b, nil
		})
}

var queryTypes = map[string]string{
	"table": "text/plain; charset=utf-8",
	"csv":   "text/csv; charset=utf-8",
	"json":  "application/json",
}

// streamQuery answers a query. The head goes out with the first byte of the result, so that a
// statement that fails before is a proper error; one that fails later cuts the connection.
func streamQuery(c huma.Context, o Options, q Query) {
	if q.Format == "" {
		q.Format = "table"
	}
	w := &lateWriter{c: c, contentType: queryTypes[q.Format]}
	err := o.Query(c.Context(), q, w)
	switch {
	case err == nil:
		w.head()
	case !w.started:
		p := problem(err)
		c.SetHeader("Content-Type", p.ContentType(""))
		c.SetStatus(p.Status)
		encodeJSON(c.BodyWriter(), p)
	default:
		panic(http.ErrAbortHandler) // the reader must not take the piece for the whole
	}
}

// lateWriter sends the head of the answer before its first byte.
type lateWriter struct {
	c           huma.Context
	contentType string
	started     bool
}

func (w *lateWriter) head() {
	if !w.started {
		w.started = true
		w.c.SetHeader("Content-Type", w.contentType)
		w.c.SetStatus(http.StatusOK)
	}
}

func (w *lateWriter) Write(b []byte) (int, error) {
	w.head()
	return w.c.BodyWriter().Write(b)
}
