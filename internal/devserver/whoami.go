package devserver

import (
	"strings"

	"lakelink/internal/devserver/odata"
	"lakelink/internal/devserver/store"
)

// serviceDocument answers GET of the API's root: the entity sets.
func (s *Server) serviceDocument(r *request) (*response, error) {
	sets := []object{}
	for _, t := range s.store.Schema().Tables {
		sets = append(sets, object{{"name", t.EntitySet}, {"kind", "EntitySet"}, {"url", t.EntitySet}})
	}
	res := r.newResponse()
	res.json(object{{"@odata.context", r.api + "$metadata"}, {"value", sets}})
	return res, nil
}

// whoAmI answers the function that clients test their connection with.
func (s *Server) whoAmI(r *request) (*response, error) {
	env := s.store.Environment()
	res := r.newResponse()
	res.json(object{
		{"@odata.context", r.api + "$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"},
		{"BusinessUnitId", env.BusinessUnitID.String()},
		{"UserId", r.caller.user.String()},
		{"OrganizationId", env.OrganizationID.String()},
	})
	return res, nil
}

// totalRecordCount answers RetrieveTotalRecordCount(EntityNames=['account','contact']). The
// original's counts may be a day old; these are of now.
func (s *Server) totalRecordCount(r *request) (*response, error) {
	_, list, ok := strings.Cut(r.path[0].key, "EntityNames=")
	if alias, found := strings.CutPrefix(list, "@"); found {
		list, ok = r.option("@" + alias)
	}
	list = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(list), "["), "]")
	if !ok || list == "" {
		return nil, badRequest("The parameter EntityNames is required.")
	}
	var names []string
	var counts []any
	err := s.store.Read(r.Context(), func(snap *store.Snapshot) error {
		for item := range strings.SplitSeq(list, ",") {
			item = strings.TrimSpace(item)
			name, quoted := odata.Unquote(item)
			if !quoted {
				name = strings.Trim(item, `"`)
			}
			t := s.store.Table(name)
			if t == nil {
				return badRequest("The entity with a name = '%s' was not found in the MetadataCache.", name)
			}
			n, err := snap.Count(r.Context(), store.Query{Table: t})
			if err != nil {
				return err
			}
			names, counts = append(names, name), append(counts, n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	res := r.newResponse()
	res.json(object{
		{"@odata.context", r.api + "$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse"},
		{"EntityRecordCountCollection", object{
			{"Count", len(names)}, {"IsReadOnly", false}, {"Keys", names}, {"Values", counts},
		}},
	})
	return res, nil
}
