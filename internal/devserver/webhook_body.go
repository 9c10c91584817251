package devserver

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// maxWebhookBody is the size from which the parts that grow with a row are left out.
const maxWebhookBody = 256 << 10

const contracts = ":http://schemas.microsoft.com/xrm/2011/Contracts"

// body writes the execution context of a change, as WCF writes JSON: dictionaries are lists of
// key and value, dates are \/Date(ms)\/, and slashes are escaped. id and correlation are those of
// the call's headers. cut says that it was too large.
func (w *webhooks) body(d delivery, id, correlation string) (body []byte, cut bool) {
	o := w.executionContext(d, id, correlation)
	body = wcf(o)
	if len(body) <= maxWebhookBody {
		return body, false
	}
	kept := object{}
	for _, m := range o {
		switch m.name {
		case "ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages":
		default:
			kept = append(kept, m)
		}
	}
	return wcf(kept), true
}

// wcf writes JSON. Slashes stand only in strings, so all of them can be escaped at the end.
func wcf(o object) []byte {
	return bytes.ReplaceAll(appendJSON(nil, o), []byte("/"), []byte(`\/`))
}

const noID = "00000000-0000-0000-0000-000000000000"

func (w *webhooks) executionContext(d delivery, id, correlation string) object {
	c, env := d.change, w.server.store.Environment()
	now := w.server.options.Now()
	input := []object{{{"key", "Target"}, {"value", target(c)}}}
	output := []object{}
	switch c.Message {
	case store.Create:
		output = append(output, object{{"key", "id"}, {"value", c.ID.String()}})
	default:
		input = append(input, object{{"key", "ConcurrencyBehavior"}, {"value", 0}})
	}
	post := []object{}
	if c.After != nil {
		post = append(post, object{{"key", "AsynchronousStepPrimaryName"}, {"value", nameImage(c)}})
	}
	return object{
		{"BusinessUnitId", env.BusinessUnitID.String()},
		{"CorrelationId", correlation},
		{"Depth", 1},
		{"InitiatingUserAzureActiveDirectoryObjectId", noID},
		{"InitiatingUserId", c.Caller.String()},
		{"InputParameters", input},
		{"IsExecutingOffline", false},
		{"IsInTransaction", false},
		{"IsOfflinePlayback", false},
		{"IsolationMode", 1},
		{"MessageName", string(c.Message)},
		{"Mode", modeAsync},
		{"OperationCreatedOn", fmt.Sprintf("/Date(%d+0000)/", now.UnixMilli())},
		{"OperationId", newGUID()},
		{"OrganizationId", env.OrganizationID.String()},
		{"OrganizationName", "unq" + env.OrganizationID.String()[:8]},
		{"OutputParameters", output},
		{"OwningExtension", object{{"Id", d.step.id.String()}, {"KeyAttributes", []object{}},
			{"LogicalName", "sdkmessageprocessingstep"}, {"Name", d.step.name}, {"RowVersion", nil}}},
		{"ParentContext", object{{"Stage", 30}, {"MessageName", string(c.Message)}, {"Depth", 1},
			{"InputParameters", []object{}}, {"OutputParameters", []object{}},
			{"PrimaryEntityId", c.ID.String()}, {"PrimaryEntityName", c.Table.LogicalName}, {"ParentContext", nil}}},
		{"PostEntityImages", post},
		{"PreEntityImages", []object{}},
		{"PrimaryEntityId", c.ID.String()},
		{"PrimaryEntityName", c.Table.LogicalName},
		{"RequestId", id},
		{"SecondaryEntityName", "none"},
		{"SharedVariables", []object{{{"key", "IsAutoTransact"}, {"value", true}}}},
		{"Stage", stagePostEvent},
		{"UserAzureActiveDirectoryObjectId", noID},
		{"UserId", c.Caller.String()},
	}
}

// target is what the message was about: the row that was created, the columns that were
// updated, or a reference to the row that is gone.
func target(c *store.Change) object {
	if c.Message == store.Delete {
		return append(object{{"__type", "EntityReference" + contracts}}, reference(c.Table.LogicalName, c.ID)...)
	}
	return append(object{{"__type", "Entity" + contracts}}, entity(c.Table, c.ID, c.Target)...)
}

// nameImage is the image the platform adds to asynchronous calls: the row's primary name.
func nameImage(c *store.Change) object {
	var name store.Row
	for _, f := range c.After {
		if f.Column.LogicalName == c.Table.PrimaryName {
			name = store.Row{f}
		}
	}
	return entity(c.Table, c.ID, name)
}

// entity is a row, or part of one.
func entity(t *schema.Table, id store.ID, row store.Row) object {
	attributes, formatted := []object{}, []object{}
	for _, f := range row {
		attributes = append(attributes, object{{"key", f.Column.LogicalName}, {"value", attribute(f)}})
		if n, ok := f.Value.(int64); ok && f.Column.HasOption(int(n)) {
			formatted = append(formatted, object{{"key", f.Column.LogicalName}, {"value", label(f.Column, strconv.FormatInt(n, 10))}})
		}
	}
	attributes = append(attributes, object{{"key", t.PrimaryID}, {"value", id.String()}})
	return object{
		{"Attributes", attributes},
		{"EntityState", nil},
		{"FormattedValues", formatted},
		{"Id", id.String()},
		{"KeyAttributes", []object{}},
		{"LogicalName", t.LogicalName},
		{"RelatedEntities", []object{}},
		{"RowVersion", nil},
	}
}

func reference(table string, id store.ID) object {
	return object{{"Id", id.String()}, {"KeyAttributes", []object{}}, {"LogicalName", table}, {"Name", nil}, {"RowVersion", nil}}
}

// attribute is the value of a column. Numbers that stand for something carry their type.
func attribute(f store.Field) any {
	switch v := f.Value.(type) {
	case string, bool, nil:
		return v
	case int:
		return attribute(store.Field{Column: f.Column, Value: int64(v)})
	case int64:
		switch f.Column.Type {
		case schema.Picklist, schema.State, schema.Status:
			return object{{"__type", "OptionSetValue" + contracts}, {"Value", v}}
		}
		return v
	case float64:
		return number(strconv.FormatFloat(v, 'f', -1, 64))
	case store.Decimal:
		if f.Column.Type == schema.Money {
			return object{{"__type", "Money" + contracts}, {"Value", number(v)}}
		}
		return number(v)
	case time.Time:
		return fmt.Sprintf("/Date(%d)/", v.UnixMilli())
	case store.Date:
		day, err := time.Parse(time.DateOnly, string(v))
		if err != nil {
			return nil
		}
		return fmt.Sprintf("/Date(%d)/", day.UnixMilli())
	case store.ID:
		return v.String()
	case store.Ref:
		return append(object{{"__type", "EntityReference" + contracts}}, reference(v.Table, v.ID)...)
	case store.MultiSelect:
		values := []object{}
		for _, n := range v {
			values = append(values, object{{"Value", n}})
		}
		return values
	}
	panic(fmt.Sprintf("devserver: column %s holds %T", f.Column.LogicalName, f.Value))
}
