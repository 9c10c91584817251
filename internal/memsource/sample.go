package memsource

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"lakelink"
)

// SampleTable is a tracked table with a column of every type, for tests.
func SampleTable(name lakelink.TableName) *lakelink.Table {
	t := &lakelink.Table{
		Name: name, ID: "tab-" + string(name), EntitySet: string(name) + "s", DisplayName: string(name),
		PrimaryKey: string(name) + "id", Tracked: true, CanTrack: true,
		Columns: []lakelink.Column{
			{Name: string(name) + "id", Type: lakelink.TypeUniqueidentifier},
			{Name: lakelink.VersionColumn, Type: lakelink.TypeBigInt},
			{Name: "name", Type: lakelink.TypeString, MaxLength: 160},
			{Name: "description", Type: lakelink.TypeMemo, MaxLength: 2000},
			{Name: "numberofemployees", Type: lakelink.TypeInteger},
			{Name: "entityimage_timestamp", Type: lakelink.TypeBigInt},
			{Name: "exchangerate", Type: lakelink.TypeDecimal, Precision: 10},
			{Name: "address1_latitude", Type: lakelink.TypeDouble, Precision: 5},
			{Name: "revenue", Type: lakelink.TypeMoney, Precision: 2},
			{Name: "revenue_base", Type: lakelink.TypeMoney, Precision: 4, BaseTwin: true},
			{Name: "creditonhold", Type: lakelink.TypeBoolean},
			{Name: "createdon", Type: lakelink.TypeDateTime, Behavior: lakelink.UserLocal},
			{Name: "birthdate", Type: lakelink.TypeDateTime, Behavior: lakelink.DateOnly},
			{Name: "opens", Type: lakelink.TypeDateTime, Behavior: lakelink.TimeZoneIndependent},
			{Name: "industrycode", Type: lakelink.TypeChoice},
			{Name: "interests", Type: lakelink.TypeMultiChoice},
			{Name: "statecode", Type: lakelink.TypeState},
			{Name: "statuscode", Type: lakelink.TypeStatus},
			{Name: "parentaccountid", Type: lakelink.TypeLookup, Targets: []lakelink.TableName{"account"}},
			{Name: "customerid", Type: lakelink.TypeCustomer, Targets: []lakelink.TableName{"account", "contact"}},
			{Name: "ownerid", Type: lakelink.TypeOwner, Targets: []lakelink.TableName{"systemuser", "team"}},
			{Name: "processid", Type: lakelink.TypeUniqueidentifier},
			{Name: "regardingtype", Type: lakelink.TypeEntityName},
			{Name: "iscustomizable", Type: lakelink.TypeManagedProperty},
		},
	}
	for i := range t.Columns {
		t.Columns[i].ID = fmt.Sprintf("col-%s-%d", name, i)
	}
	return t
}

// Create makes n rows with values of all sorts, awkward ones among them, and returns their ids.
func (s *Source) Create(name lakelink.TableName, n int) []lakelink.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]lakelink.ID, n)
	for i := range ids {
		ids[i] = s.upsert(name, s.sample(name))
	}
	return ids
}

// Update gives a row that is there new values.
func (s *Source) Update(name lakelink.TableName, id lakelink.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.must(name)
	if t.rows[id] == nil {
		panic(fmt.Sprintf("memsource: update: table %s has no row %s", name, id))
	}
	values := s.sample(name)
	values[t.def.PrimaryKey] = id
	s.upsert(name, values)
}

// Recreate makes a row that was deleted anew, with the same id and new values.
func (s *Source) Recreate(name lakelink.TableName, id lakelink.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.must(name)
	if t.rows[id] != nil || t.gone[id] == 0 {
		panic(fmt.Sprintf("memsource: recreate: row %s of table %s was not deleted", id, name))
	}
	values := s.sample(name)
	values[t.def.PrimaryKey] = id
	s.upsert(name, values)
}

// sample makes up values for a row, from the version it will get.
func (s *Source) sample(name lakelink.TableName) map[string]any {
	t := s.must(name)
	rnd := rand.New(rand.NewPCG(uint64(s.version), 1))
	values := map[string]any{}
	for _, f := range t.def.Fields() {
		switch {
		case f.Name == t.def.PrimaryKey, f.Name == lakelink.VersionColumn:
		case f.Target: // follows its id
			values[f.Name] = nil
			if values[f.Column.Name] != nil {
				values[f.Name] = target(f.Column, rnd)
			}
		case rnd.IntN(5) == 0:
			values[f.Name] = nil
		default:
			values[f.Name] = sampleValue(f, rnd)
		}
	}
	return values
}

func target(c *lakelink.Column, rnd *rand.Rand) string {
	if len(c.Targets) == 0 {
		return "account"
	}
	return string(c.Targets[rnd.IntN(len(c.Targets))])
}

var sampleTexts = []string{"", "Contoso", "Fabrikam, \"Inc.\"", "line one\r\nline two", "Übergröße 東京 🙂", " blank ", "O'Neill\\", "NULL", "\t"}

func sampleValue(f lakelink.Field, rnd *rand.Rand) any {
	switch typ := f.ArrowType().(type) {
	case *arrow.FixedSizeBinaryType:
		var id lakelink.ID
		for i := range id {
			id[i] = byte(rnd.Uint32())
		}
		return id
	case *arrow.StringType:
		return sampleText(f.Column, rnd)
	case *arrow.Int32Type:
		return rnd.Int32N(1<<20) - 1<<19
	case *arrow.Int64Type:
		return rnd.Int64N(1<<62) - 1<<61
	case *arrow.Float64Type:
		return rnd.NormFloat64() * 100
	case *arrow.BooleanType:
		return rnd.IntN(2) == 0
	case *arrow.Decimal128Type:
		return sampleDecimal(typ.Scale, f.Column, rnd)
	case *arrow.Date32Type:
		return time.Date(1900+rnd.IntN(200), 1, 1+rnd.IntN(365), 0, 0, 0, 0, time.UTC)
	}
	return time.Date(2000+rnd.IntN(30), 1, 1+rnd.IntN(365), 0, 0, rnd.IntN(86400), 0, time.UTC)
}

func sampleText(c *lakelink.Column, rnd *rand.Rand) string {
	switch c.Type {
	case lakelink.TypeMultiChoice:
		return []string{"1", "1,2", "3,100000000"}[rnd.IntN(3)]
	case lakelink.TypeEntityName:
		return []string{"account", "contact"}[rnd.IntN(2)]
	}
	text := sampleTexts[rnd.IntN(len(sampleTexts))]
	if rnd.IntN(2) == 0 {
		text += fmt.Sprint(" ", rnd.IntN(1000))
	}
	return text
}

func sampleDecimal(scale int32, c *lakelink.Column, rnd *rand.Rand) string {
	digits := min(max(c.Precision, 0), int(scale))
	fraction := ""
	if digits > 0 {
		fraction = "." + fmt.Sprintf("%0*d", digits, rnd.Int64N(100_000_000_000))[:digits]
	}
	return strings.Repeat("-", rnd.IntN(2)) + fmt.Sprint(rnd.Int64N(100_000_000_000)) + fraction
}
