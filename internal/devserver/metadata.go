package devserver

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lakelink/internal/devserver/odata"
	"lakelink/internal/devserver/schema"
)

// entityDefinitions answers reads of EntityDefinitions: the list, one table, or the parts of one.
func (s *Server) entityDefinitions(r *request) (*response, error) {
	if err := r.readOnly(); err != nil {
		return nil, err
	}
	q, err := r.metadataQuery()
	if err != nil {
		return nil, err
	}
	first, rest := r.path[0], r.path[1:]
	if !first.keyed {
		if len(rest) > 0 {
			return nil, notYet(rest[0].name)
		}
		var all []object
		for _, t := range s.store.Schema().Tables {
			all = append(all, tableDefinition(t))
		}
		return r.metadataList("EntityDefinitions", all, q, s.tableParts)
	}
	t, err := s.tableByKey(first.key)
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		return r.metadataItem("EntityDefinitions", tableDefinition(t), q, s.tableParts)
	}
	return s.tablePart(r, t, rest, q)
}

// tablePart answers reads below one table: its columns, relationships and keys.
func (s *Server) tablePart(r *request, t *schema.Table, path []segment, q metadataQuery) (*response, error) {
	part := path[0]
	set := "EntityDefinitions('" + t.LogicalName + "')/" + part.name
	items, ok := s.tableParts(tableDefinition(t), part.name)
	if !ok {
		if v, found := tableDefinition(t).get(part.name); found && len(path) == 1 {
			res := r.newResponse()
			res.json(object{{"@odata.context", r.api + "$metadata#" + set}, {"value", v}})
			return res, nil
		}
		return nil, badRequest("Resource not found for the segment '%s'.", part.name)
	}
	expand := noParts
	if rest := path[1:]; len(rest) > 0 && strings.HasPrefix(rest[0].name, crmNamespace) {
		cast := strings.TrimPrefix(rest[0].name, crmNamespace)
		if cast == "EnumAttributeMetadata" {
			return nil, badRequest("The type cast to the abstract type '%s' is not supported.", rest[0].name)
		}
		part.keyed, part.key = part.keyed || rest[0].keyed, part.key+rest[0].key
		items = castTo(items, cast, part.keyed)
		set += "/" + rest[0].name
		if part.name == "Attributes" {
			expand = s.choiceParts(t)
		}
	} else if len(rest) > 0 {
		return nil, notYet(rest[0].name)
	}
	if !part.keyed {
		return r.metadataList(set, items, q, expand)
	}
	item, err := findByKey(items, part.key)
	if err != nil {
		return nil, err
	}
	return r.metadataItem(set, item, q, expand)
}

// tableParts returns the members of a table's definition that are only there when they are asked
// for.
func (s *Server) tableParts(definition object, name string) ([]object, bool) {
	logicalName, _ := definition.get("LogicalName")
	t := s.store.Schema().Table(logicalName.(string))
	items := []object{}
	switch name {
	case "Attributes":
		for _, c := range t.Columns {
			items = append(items, columnDefinition(t, c))
		}
	case "ManyToOneRelationships":
		for _, rel := range t.Relationships {
			items = append(items, relationshipDefinition(rel))
		}
	case "OneToManyRelationships":
		for _, other := range s.store.Schema().Tables {
			for _, rel := range other.Relationships {
				if rel.ReferencedEntity == t.LogicalName {
					items = append(items, relationshipDefinition(rel))
				}
			}
		}
	case "ManyToManyRelationships":
		for _, rel := range s.store.Schema().ManyToMany {
			if rel.Entity1 == t.LogicalName || rel.Entity2 == t.LogicalName {
				items = append(items, manyToManyDefinition(rel))
			}
		}
	case "Keys", "Privileges", "Settings":
	default:
		return nil, false
	}
	return items, true
}

// tableByKey finds the table of EntityDefinitions(…).
func (s *Server) tableByKey(key string) (*schema.Table, error) {
	name, value, named := strings.Cut(key, "=")
	if !named {
		name, value = "MetadataId", key
	}
	if text, quoted := odata.Unquote(value); quoted {
		value = text
	}
	for _, t := range s.store.Schema().Tables {
		if name == "LogicalName" && t.LogicalName == value || name == "MetadataId" && t.ID == strings.ToLower(value) {
			return t, nil
		}
	}
	return nil, &apiError{http.StatusNotFound, codeNotFound, fmt.Sprintf("Could not find an entity with name %s in the metadata cache.", value)}
}

// findByKey finds an item by its MetadataId or by a name.
func findByKey(items []object, key string) (object, error) {
	name, value, named := strings.Cut(key, "=")
	if !named {
		name, value = "MetadataId", strings.ToLower(key)
	}
	if text, quoted := odata.Unquote(value); quoted {
		value = text
	}
	for _, o := range items {
		if v, _ := o.get(name); v == value {
			return o, nil
		}
	}
	return nil, &apiError{http.StatusNotFound, codeNotFound, fmt.Sprintf("Could not find an item with %s %s in the metadata cache.", name, value)}
}

// castTo keeps the items of a derived type. In a cast collection the type goes without saying;
// clients want it on a single item.
func castTo(items []object, kind string, single bool) []object {
	var kept []object
	for _, o := range items {
		if v, _ := o.get("@odata.type"); v == "#"+crmNamespace+kind {
			if !single {
				o = o[1:]
			}
			kept = append(kept, o)
		}
	}
	return kept
}

const crmNamespace = "Microsoft.Dynamics.CRM."

// globalChoices answers reads of GlobalOptionSetDefinitions.
func (s *Server) globalChoices(r *request) (*response, error) {
	if err := r.readOnly(); err != nil {
		return nil, err
	}
	q, err := r.metadataQuery()
	if err != nil {
		return nil, err
	}
	var all []object
	for _, c := range s.store.Schema().Choices {
		all = append(all, globalChoiceDefinition(c))
	}
	first, set := r.path[0], "GlobalOptionSetDefinitions"
	if len(r.path) > 1 {
		if r.path[1].name != crmNamespace+"OptionSetMetadata" {
			return nil, badRequest("Resource not found for the segment '%s'.", r.path[1].name)
		}
		set += "/" + r.path[1].name
	}
	if !first.keyed {
		return r.metadataList(set, all, q, noParts)
	}
	item, err := findByKey(all, first.key)
	if err != nil {
		return nil, err
	}
	return r.metadataItem(set, item, q, noParts)
}

// readOnly refuses writes of metadata.
func (r *request) readOnly() error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return notYet("writing metadata")
	}
	return nil
}

// metadataVersion is a number that differs between schemas.
func metadataVersion(s *schema.Schema) string {
	h := fnv.New32a()
	for _, t := range s.Tables {
		fmt.Fprintln(h, t.LogicalName, t.ChangeTracked)
		for _, c := range t.Columns {
			fmt.Fprintln(h, c.LogicalName, c.Type, c.MaxLength, c.Precision, c.Behavior, len(c.Options), c.Targets)
		}
	}
	return strconv.FormatUint(uint64(h.Sum32()%9_000_000)+1_000_000, 10)
}

// A parts function returns the members of an item that $expand brings.
type parts func(item object, name string) ([]object, bool)

func noParts(object, string) ([]object, bool) { return nil, false }

// choiceParts brings the OptionSet and GlobalOptionSet of columns that were cast.
func (s *Server) choiceParts(t *schema.Table) parts {
	return func(item object, name string) ([]object, bool) {
		logicalName, _ := item.get("LogicalName")
		c := t.Column(logicalName.(string))
		switch name {
		case "OptionSet":
			return []object{choiceDefinition(t, c)}, true
		case "GlobalOptionSet":
			i := slices.IndexFunc(s.store.Schema().Choices, func(g *schema.Choice) bool { return g.Name == c.GlobalChoice })
			if i < 0 {
				return nil, true
			}
			return []object{globalChoiceDefinition(s.store.Schema().Choices[i])}, true
		}
		return nil, false
	}
}
