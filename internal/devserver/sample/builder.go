package sample

import (
	"time"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// A builder makes rows of one table, one after another. Only the last one is valid.
type builder struct {
	texts
	cast  *cast
	table *schema.Table
	rows  int  // how many rows are made in all
	live  bool // rows are made now, by users: the server stamps them
	made  time.Time
	row   store.Row
	has   []bool // by column number
	fills []filler
	state []states
	std   standardColumns
}

// A filler is a column that gets one of some values if the recipe does not set it.
type filler struct {
	column *schema.Column
	values []store.Value
	oneIn  int // for choices: how often it is set; for booleans: how often it is true
}

// states is a state with its status reasons.
type states struct {
	state   store.Value
	reasons []store.Value
}

// standardColumns are those that most tables have; nil where this one does not.
type standardColumns struct {
	id, createdOn, createdBy, modifiedOn, modifiedBy *schema.Column
	owner, owningBusinessUnit                        *schema.Column
	stateCode, statusCode                            *schema.Column
	zoneRule, zone                                   *schema.Column
}

func newBuilder(c *cast, t *schema.Table, seed int64, rows int) *builder {
	b := &builder{texts: texts{r: random(seed, t.LogicalName)}, cast: c, table: t, rows: rows, has: make([]bool, t.LastNumber+1)}
	b.std = standardColumns{
		id:        t.Column(t.PrimaryID),
		createdOn: t.Column("createdon"), createdBy: t.Column("createdby"),
		modifiedOn: t.Column("modifiedon"), modifiedBy: t.Column("modifiedby"),
		owner: t.Column("ownerid"), owningBusinessUnit: t.Column("owningbusinessunit"),
		stateCode: t.Column("statecode"), statusCode: t.Column("statuscode"),
		zoneRule: t.Column("timezoneruleversionnumber"), zone: t.Column("utcconversiontimezonecode"),
	}
	if b.std.owner != nil && b.std.owner.Type != schema.Owner {
		b.std.owner = nil
	}
	if s := b.std.stateCode; s != nil && s.Type == schema.State && b.std.statusCode != nil {
		for _, o := range s.Options {
			b.state = append(b.state, states{o.Value, reasonsOf(b.std.statusCode, o.Value)})
		}
	}
	for _, c := range t.Columns {
		if c.ReadOnly || c.AttributeOf != "" {
			continue
		}
		switch c.Type {
		case schema.Boolean:
			b.fills = append(b.fills, filler{c, []store.Value{false, true}, rareTruth(c.LogicalName)})
		case schema.Picklist:
			b.fills = append(b.fills, filler{c, optionsOf(c), 2})
		}
	}
	return b
}

func reasonsOf(status *schema.Column, state int) []store.Value {
	var reasons []store.Value
	for _, o := range status.Options {
		if o.State == state {
			reasons = append(reasons, o.Value)
		}
	}
	return reasons
}

func optionsOf(c *schema.Column) []store.Value {
	values := make([]store.Value, len(c.Options))
	for i, o := range c.Options {
		values[i] = o.Value
	}
	return values
}

// rareTruth is how rarely a boolean is true; 0 is never.
func rareTruth(column string) int {
	switch column {
	case "isdisabled", "isdefault", "merged", "setupuser", "systemmanaged", "ispartydeleted", "iskit":
		return 0
	case "isregularactivity":
		return 1
	case "followemail":
		return 2
	}
	return 16
}

// begin starts row i.
func (b *builder) begin(id store.ID, i int) {
	clear(b.has)
	b.row = append(b.row[:0], store.Field{Column: b.std.id, Value: id})
	b.has[b.std.id.Number] = true
	if b.live {
		b.made = b.cast.now
		return
	}
	// Rows are as old as their place tells: the last ones are the newest.
	span := b.cast.now.Sub(began)
	step := span / time.Duration(max(b.rows, 1))
	b.made = began.Add(step*time.Duration(i) + time.Duration(b.r.Int64N(int64(step)+1))).Truncate(time.Second)
}

// finish completes the row with what its recipe left open.
func (b *builder) finish() store.Row {
	if len(b.state) > 0 && !b.has[b.std.stateCode.Number] {
		b.mostly(93)
	}
	if b.std.owner != nil && !b.has[b.std.owner.Number] {
		b.own()
	}
	if !b.live {
		b.stamp()
	}
	for i := range b.fills {
		f := &b.fills[i]
		if b.has[f.column.Number] {
			continue
		}
		var v store.Value
		switch {
		case f.column.Type == schema.Picklist:
			if b.r.IntN(f.oneIn) == 0 {
				v = f.values[b.r.IntN(len(f.values))]
			}
		case f.oneIn > 0 && b.r.IntN(f.oneIn) == 0:
			v = f.values[1]
		default:
			v = f.values[0]
		}
		b.put(f.column, v)
	}
	return b.row
}

// own gives the row an owner, mostly a user, and the owner's business unit.
func (b *builder) own() {
	n := b.fewest("systemuser")
	if oneIn(b.r, 25) {
		b.put(b.std.owner, b.any("team"))
	} else {
		b.put(b.std.owner, b.ref("systemuser", n))
	}
	b.put(b.std.owningBusinessUnit, b.ref("businessunit", n))
}

func (b *builder) stamp() {
	changed := b.made
	if b.r.IntN(3) > 0 {
		f := b.r.Float64()
		changed = b.made.Add(time.Duration(f * f * f * float64(b.cast.now.Sub(b.made)))).Truncate(time.Second)
	}
	by := b.user()
	b.put(b.std.createdOn, b.made)
	b.put(b.std.createdBy, by)
	b.put(b.std.modifiedOn, changed)
	b.put(b.std.modifiedBy, by)
	b.put(b.std.zoneRule, 0)
	if oneIn(b.r, 3) {
		b.put(b.std.zone, 92)
	}
}
