package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"lakelink"
)

type (
	tablesInput struct {
		LinkPath
		Body struct {
			Tables []lakelink.TableName `json:"tables,omitempty" doc:"logical names"`
		}
	}
	tablesBody struct {
		Body []lakelink.TableStatus
	}
)

func registerTables(h huma.API, o Options) {
	huma.Register(h, operation("list-tables", http.MethodGet, "/links/{link}/tables", "List a link's tables with their status", 200),
		func(_ context.Context, in *LinkPath) (*tablesBody, error) {
			s, err := o.Links.Status(in.name())
			return answer(&tablesBody{s.Tables}, err)
		})
	huma.Register(h, operation("add-tables", http.MethodPost, "/links/{link}/tables", "Add tables to a link", 200),
		func(ctx context.Context, in *tablesInput) (*linkBody, error) {
			l, err := o.Links.AddTables(ctx, in.name(), in.Body.Tables)
			if err == nil {
				o.record(ctx, "table.added", fmt.Sprintf("added %s", join(in.Body.Tables)), in.name())
			}
			return answer(&linkBody{l}, err)
		})
	huma.Register(h, operation("remove-tables", http.MethodPost, "/links/{link}/tables/remove", "Take tables out of a link, all or none; their data stays", 200),
		func(ctx context.Context, in *tablesInput) (*linkBody, error) {
			l, err := o.Links.RemoveTables(ctx, in.name(), in.Body.Tables)
			if err == nil {
				o.record(ctx, "table.removed", "removed "+join(in.Body.Tables), in.name())
			}
			return answer(&linkBody{l}, err)
		})
	huma.Register(h, operation("resync-tables", http.MethodPost, "/links/{link}/resync", "Read tables anew, all where none is named", 202),
		func(ctx context.Context, in *tablesInput) (*struct{}, error) {
			err := o.Links.Resync(in.name(), in.Body.Tables)
			if err == nil {
				what := join(in.Body.Tables)
				if what == "" {
					what = "all tables"
				}
				o.record(ctx, "table.resync", "ordered a resync of "+what, in.name())
			}
			return answer(&struct{}{}, err)
		})
}

func join(tables []lakelink.TableName) string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}
