package devserver

import (
	"net/http"
	"strings"

	"lakelink/internal/devserver/odata"
)

// A metadataQuery is what may be asked of metadata: columns, conditions and parts. Everything
// that matches comes in one answer.
type metadataQuery struct {
	names  []string // nil for all
	filter odata.Expr
	expand []odata.Expand
}

// metadataQuery reads the options of a request for metadata.
func (r *request) metadataQuery() (q metadataQuery, err error) {
	for _, o := range r.options {
		switch o.name {
		case "$select":
			q.names = odata.Select(o.value)
		case "$filter":
			if q.filter, err = odata.Filter(o.value); err != nil {
				return q, filterError(err)
			}
		case "$expand":
			if q.expand, err = odata.Expands(o.value); err != nil {
				return q, badRequest("%s", err.Error())
			}
		case "$top", "$skip", "$orderby", "$apply", "LabelLanguages":
			return q, badRequest("The query parameter %s is not supported", o.name)
		}
	}
	return q, nil
}

// nested is the query that an item of $expand makes of its part.
func nested(e odata.Expand) (q metadataQuery, err error) {
	q.names = odata.Select(e.Options["$select"])
	if filter, ok := e.Options["$filter"]; ok {
		if q.filter, err = odata.Filter(filter); err != nil {
			return q, filterError(err)
		}
	}
	if inner, ok := e.Options["$expand"]; ok {
		if q.expand, err = odata.Expands(inner); err != nil {
			return q, badRequest("%s", err.Error())
		}
	}
	return q, nil
}

// metadataList answers with the items that match.
func (r *request) metadataList(set string, items []object, q metadataQuery, more parts) (*response, error) {
	kept, err := q.apply(items, more)
	if err != nil {
		return nil, err
	}
	res := r.newResponse()
	res.json(object{{"@odata.context", r.api + "$metadata#" + set + q.context()}, {"value", kept}})
	return res, nil
}

// metadataItem answers with one item.
func (r *request) metadataItem(set string, item object, q metadataQuery, more parts) (*response, error) {
	item, err := q.project(item, more)
	if err != nil {
		return nil, err
	}
	res := r.newResponse()
	res.json(append(object{{"@odata.context", r.api + "$metadata#" + set + q.context() + "/$entity"}}, item...))
	return res, nil
}

// context is the list of names in @odata.context.
func (q metadataQuery) context() string {
	names := append([]string(nil), q.names...)
	for _, e := range q.expand {
		names = append(names, e.Name+"("+e.Options["$select"]+")")
	}
	if len(names) == 0 {
		return ""
	}
	return "(" + strings.Join(names, ",") + ")"
}

// apply keeps the items that match the filter, with the members asked for.
func (q metadataQuery) apply(items []object, more parts) ([]object, error) {
	kept := []object{}
	for _, item := range items {
		if q.filter != nil {
			ok, err := matches(item, q.filter)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		}
		item, err := q.project(item, more)
		if err != nil {
			return nil, err
		}
		kept = append(kept, item)
	}
	return kept, nil
}

// project keeps the members asked for, adds expanded parts, and always the type and MetadataId.
func (q metadataQuery) project(item object, more parts) (object, error) {
	kept := item
	if q.names != nil {
		kept = object{}
		if len(item) > 0 && item[0].name == "@odata.type" {
			kept = append(kept, item[0])
		}
		withID := false
		for _, name := range q.names {
			v, ok := item.get(name)
			if !ok {
				return nil, badRequest("Could not find a property named '%s' on type '%s'.", name, typeOf(item))
			}
			kept = append(kept, member{name, v})
			withID = withID || name == "MetadataId"
		}
		if id, ok := item.get("MetadataId"); ok && !withID {
			kept = append(kept, member{"MetadataId", id})
		}
	}
	for _, e := range q.expand {
		items, ok := more(item, e.Name)
		if !ok {
			return nil, badRequest("Could not find a property named '%s' on type '%s'.", e.Name, typeOf(item))
		}
		inner, err := nested(e)
		if err != nil {
			return nil, err
		}
		expanded, err := inner.apply(items, noParts)
		if err != nil {
			return nil, err
		}
		kept = append(kept[:len(kept):len(kept)], member{e.Name, partValue(e.Name, expanded)})
	}
	return kept, nil
}

// partValue is a part as the value of a member: choices are single, everything else is a list.
func partValue(name string, items []object) any {
	if name != "OptionSet" && name != "GlobalOptionSet" {
		return items
	}
	if len(items) == 0 {
		return nil
	}
	return items[0]
}

// typeOf is the type of a metadata item, for error messages.
func typeOf(item object) string {
	if v, ok := item.get("@odata.type"); ok {
		return strings.TrimPrefix(v.(string), "#")
	}
	if _, ok := item.get("EntitySetName"); ok {
		return crmNamespace + "EntityMetadata"
	}
	return crmNamespace + "MetadataBase"
}

// matches evaluates a filter on an item. Only equality, and, or and not work on metadata.
func matches(item object, e odata.Expr) (bool, error) {
	switch e := e.(type) {
	case odata.Not:
		ok, err := matches(item, e.Operand)
		return !ok, err
	case odata.Call:
		return false, &apiError{http.StatusBadRequest, codeMetadataQuery,
			`The "` + e.Name + `" function isn't supported for Metadata Entities.`}
	case odata.Path:
		v, err := lookUp(item, e)
		return v == true, err
	case odata.Binary:
		switch e.Op {
		case odata.And, odata.Or:
			left, err := matches(item, e.Left)
			if err != nil {
				return false, err
			}
			right, err := matches(item, e.Right) // evaluated always, so that errors do not depend on data
			if e.Op == odata.And {
				return left && right, err
			}
			return left || right, err
		case odata.Eq, odata.Ne:
			equal, err := equals(item, e)
			return equal == (e.Op == odata.Eq), err
		}
		return false, &apiError{http.StatusBadRequest, codeMetadataQuery,
			`The "` + string(e.Op) + `" operator isn't supported for Metadata Entities.`}
	}
	return false, badRequest("The filter is not a condition.")
}

func equals(item object, e odata.Binary) (bool, error) {
	path, onLeft := e.Left.(odata.Path)
	lit, ok := e.Right.(odata.Literal)
	if !onLeft {
		path, onLeft = e.Right.(odata.Path)
		lit, ok = e.Left.(odata.Literal)
	}
	if !onLeft || !ok {
		return false, badRequest("A comparison needs a property and a constant.")
	}
	v, err := lookUp(item, path)
	if err != nil {
		return false, err
	}
	switch v := v.(type) {
	case nil:
		return lit.Kind == odata.Null, nil
	case bool:
		return lit.Kind == odata.Bool && (lit.Text == "true") == v, nil
	case string:
		return lit.Kind != odata.Null && lit.Text == v, nil
	case object:
		return false, badRequest("The complex property '%s' cannot be compared; compare '%s/Value'.", path, path)
	}
	return lit.Kind == odata.Number && lit.Text == string(appendJSON(nil, v)), nil
}

// lookUp follows a path into an item.
func lookUp(item object, path odata.Path) (any, error) {
	var v any = item
	for _, name := range path {
		o, ok := v.(object)
		if !ok {
			return nil, badRequest("Could not find a property named '%s'.", path)
		}
		if v, ok = o.get(name); !ok {
			return nil, badRequest("Could not find a property named '%s' on type '%s'.", name, typeOf(item))
		}
	}
	return v, nil
}
