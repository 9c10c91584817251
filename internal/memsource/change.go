package memsource

import (
	"crypto/sha256"
	"fmt"
	"maps"

	"lakelink"
)

// SetTable adds a table, or gives one that is there another schema: rows keep the values of
// columns that stay, a new column is null in all of them, and a value that the new type of its
// column cannot hold becomes null. No row gets a new version and no checkpoint is voided, see
// Expire.
func (s *Source) SetTable(def *lakelink.Table) {
	if err := def.Validate(); err != nil {
		panic("memsource: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[def.Name]
	if t == nil {
		s.tables[def.Name] = newTable(def)
		return
	}
	t.def = def
	for id, old := range t.rows {
		t.rows[id] = &row{id: id, version: old.version, values: refit(def, old.values)}
	}
}

// refit returns the values that a table of that schema can hold.
func refit(def *lakelink.Table, old map[string]any) map[string]any {
	values := map[string]any{}
	for _, f := range def.Fields() {
		if v, err := normal(f, old[f.Name]); err == nil && v != nil {
			values[f.Name] = v
		}
	}
	return values
}

// DropTable removes a table with its rows.
func (s *Source) DropTable(name lakelink.TableName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tables, name)
}

// Upsert creates or updates a row and returns its id. Fields that values does not name keep their
// value; nil is null. The primary key says which row, and is made up where it is missing. A
// lookup is given by its two fields. Values are of the types that Row returns, or of such that
// convert without loss: int for whole numbers, strings for ids, decimals and dates.
func (s *Source) Upsert(name lakelink.TableName, values map[string]any) lakelink.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.upsert(name, values)
}

func (s *Source) upsert(name lakelink.TableName, values map[string]any) lakelink.ID {
	t := s.must(name)
	fields := map[string]lakelink.Field{}
	for _, f := range t.def.Fields() {
		fields[f.Name] = f
	}
	var id lakelink.ID
	if v := values[t.def.PrimaryKey]; v != nil {
		id = must(normal(fields[t.def.PrimaryKey], v)).(lakelink.ID)
	} else {
		id = s.makeID()
	}
	r := &row{id: id, values: map[string]any{}}
	if old := t.rows[id]; old != nil {
		r.values = maps.Clone(old.values)
	}
	for field, v := range values {
		f, ok := fields[field]
		if !ok {
			panic(fmt.Sprintf("memsource: table %s has no field %s", name, field))
		}
		if field == t.def.PrimaryKey || field == lakelink.VersionColumn {
			continue
		}
		if v = must(normal(f, v)); v == nil {
			delete(r.values, field)
		} else {
			r.values[field] = v
		}
	}
	s.version++
	r.version = s.version
	t.put(r)
	return id
}

// makeID makes up an id. Ids do not come in order, as real ones do not.
func (s *Source) makeID() lakelink.ID {
	s.made++
	sum := sha256.Sum256(fmt.Appendf(nil, "row %d", s.made))
	id := lakelink.ID(sum[:16])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Delete deletes a row.
func (s *Source) Delete(name lakelink.TableName, id lakelink.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.must(name)
	if t.rows[id] == nil {
		panic(fmt.Sprintf("memsource: delete: table %s has no row %s", name, id))
	}
	s.version++
	t.remove(id, s.version)
}

// Touch changes the counter alone, as a change in some other table does.
func (s *Source) Touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
}

// Expire voids every checkpoint of the table that was told so far.
func (s *Source) Expire(name lakelink.TableName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.must(name).epoch++
}

// Row returns a row's values by field, nulls left out; nil if there is no such row. The types are
// lakelink.ID, string, int32, int64, float64, bool, time.Time for dates and times, and string for
// decimals, with all digits of their scale.
func (s *Source) Row(name lakelink.TableName, id lakelink.ID) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.must(name)
	if r := t.rows[id]; r != nil {
		return t.image(r)
	}
	return nil
}

// Rows returns all rows of a table as Row does, for comparisons.
func (s *Source) Rows(name lakelink.TableName) map[lakelink.ID]map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.must(name)
	all := make(map[lakelink.ID]map[string]any, len(t.rows))
	for id, r := range t.rows {
		all[id] = t.image(r)
	}
	return all
}

func (t *table) image(r *row) map[string]any {
	values := maps.Clone(r.values)
	values[t.def.PrimaryKey] = r.id
	values[lakelink.VersionColumn] = r.version
	return values
}

func (s *Source) must(name lakelink.TableName) *table {
	t := s.tables[name]
	if t == nil {
		panic(fmt.Sprintf("memsource: no table %s", name))
	}
	return t
}

func must[T any](v T, err error) T {
	if err != nil {
		panic("memsource: " + err.Error())
	}
	return v
}
