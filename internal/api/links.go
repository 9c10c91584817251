package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"lakelink"
)

// A NewLink is what a link is made from.
type NewLink struct {
	Name        lakelink.LinkName       `json:"name"`
	Environment lakelink.EnvironmentRef `json:"environment"`
	Lake        string                  `json:"lake" doc:"address of the lake, such as file:///data/lake"`
	Tables      []lakelink.TableName    `json:"tables"`
	Formats     []lakelink.Format       `json:"formats,omitempty" doc:"incremental and delta if left out"`
	Interval    lakelink.Duration       `json:"interval,omitempty" doc:"of the incremental format's folders; 1m if left out"`
}

type (
	// LinkPath is exported because huma fills only exported embedded structs.
	LinkPath struct {
		Link string `path:"link" doc:"name of the link"`
	}
	linkBody struct {
		Body lakelink.Link
	}
	statusBody struct {
		Body lakelink.LinkStatus
	}
	statusesBody struct {
		Body []lakelink.LinkStatus
	}
	deleteInput struct {
		LinkPath
		DeleteData bool `query:"deleteData" doc:"delete what the link has written to the lake"`
	}
)

func (p LinkPath) name() lakelink.LinkName { return lakelink.LinkName(p.Link) }

// operation is a route, with the errors it can answer documented.
func operation(id, method, path, summary string, status int) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary,
		DefaultStatus: status, Errors: []int{400, 401, 404, 409, 422, 500, 503}}
}

// answer returns body, or err as a problem document.
func answer[B any](body *B, err error) (*B, error) {
	if err != nil {
		return nil, problem(err)
	}
	return body, nil
}

func registerLinks(h huma.API, o Options) {
	huma.Register(h, operation("list-links", http.MethodGet, "/links", "List links with their status", 200),
		func(context.Context, *struct{}) (*statusesBody, error) {
			return &statusesBody{o.Links.Statuses()}, nil
		})
	huma.Register(h, operation("create-link", http.MethodPost, "/links", "Make a link and start it", 201),
		func(ctx context.Context, in *struct{ Body NewLink }) (*linkBody, error) {
			l, err := o.Links.Create(ctx, in.Body.link(time.Now()))
			if err == nil {
				o.record(ctx, "link.created", "created "+string(l.Name), l.Name)
			}
			return answer(&linkBody{l}, err)
		})
	huma.Register(h, operation("show-link", http.MethodGet, "/links/{link}", "Show how a link stands", 200),
		func(_ context.Context, in *LinkPath) (*statusBody, error) {
			s, err := o.Links.Status(in.name())
			return answer(&statusBody{s}, err)
		})
	huma.Register(h, operation("delete-link", http.MethodDelete, "/links/{link}", "Delete a link; its data stays unless told otherwise", 204),
		func(ctx context.Context, in *deleteInput) (*struct{}, error) {
			err := o.Links.Delete(ctx, in.name(), in.DeleteData)
			if err == nil {
				text := "deleted " + in.Link + ", data kept"
				if in.DeleteData {
					text = "deleted " + in.Link + " with its data"
				}
				o.record(ctx, "link.deleted", text, in.name())
			}
			return answer(&struct{}{}, err)
		})
	huma.Register(h, operation("pause-link", http.MethodPost, "/links/{link}/pause", "Stop a link until it is resumed", 200),
		func(ctx context.Context, in *LinkPath) (*linkBody, error) {
			l, err := o.Links.Pause(ctx, in.name())
			if err == nil {
				o.record(ctx, "link.paused", "paused "+in.Link, in.name())
			}
			return answer(&linkBody{l}, err)
		})
	huma.Register(h, operation("resume-link", http.MethodPost, "/links/{link}/resume", "Go on where a paused link stopped", 200),
		func(ctx context.Context, in *LinkPath) (*linkBody, error) {
			l, err := o.Links.Resume(ctx, in.name())
			if err == nil {
				o.record(ctx, "link.resumed", "resumed "+in.Link, in.name())
			}
			return answer(&linkBody{l}, err)
		})
}

// link fills in what was left out.
func (n NewLink) link(now time.Time) lakelink.Link {
	l := lakelink.Link{Name: n.Name, ID: uuid.NewString(), Environment: n.Environment, Lake: n.Lake,
		Tables: n.Tables, Formats: n.Formats, Interval: n.Interval, Created: now.UTC().Truncate(time.Second)}
	if len(l.Formats) == 0 {
		l.Formats = []lakelink.Format{lakelink.Incremental, lakelink.Delta}
	}
	if l.Interval == 0 {
		l.Interval = lakelink.Duration(lakelink.DefaultInterval)
	}
	return l
}
