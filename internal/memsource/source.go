// Package memsource is an environment in memory: a lakelink.Source that behaves like the real one,
// with change tracking, tombstones, paging and expiry, plus what tests need to make it change and
// fail. It is deterministic: the same calls make the same rows, ids, versions and pages.
//
// Read source.go for what an environment is, change.go for how it changes, feed.go and token.go
// for how changes are told, fault.go for how it fails.
package memsource

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"lakelink"
)

// firstVersion is the version counter of a new environment. It is not 0, so that a Position of
// an empty environment is not mistaken for one of a load that is under way.
const firstVersion = 1000

// defaultPageRows is the largest page of the Web API.
const defaultPageRows = 5000

// A Source is an environment in memory. It is safe for concurrent use. What it is asked to do that
// makes no sense, such as updating a row that is not there, is a mistake of the test and panics.
type Source struct {
	mu       sync.Mutex
	env      lakelink.Environment
	tables   map[lakelink.TableName]*table
	version  int64 // one counter for the whole environment, as a database has
	made     uint64
	pageRows int
	inLoads  bool
	now      func() time.Time
	between  func(table lakelink.TableName, page int)
	faults   []*fault
}

var _ lakelink.Source = (*Source)(nil)

// New makes an environment that has these tables, without rows.
func New(tables ...*lakelink.Table) *Source {
	s := &Source{
		env: lakelink.Environment{
			ID:          "883278f5-07af-45eb-a0bc-3fea67caa544",
			URL:         "https://memory.example",
			Name:        "memory",
			KeepDeletes: 7 * 24 * time.Hour,
		},
		tables:   map[lakelink.TableName]*table{},
		version:  firstVersion,
		pageRows: defaultPageRows,
		now:      time.Now,
	}
	for _, t := range tables {
		s.SetTable(t)
	}
	return s
}

// SetPageRows sets how many rows and deletes a page holds at most.
func (s *Source) SetPageRows(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageRows = max(n, 1)
}

// SetClock replaces time.Now.
func (s *Source) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// ShowChangesInLoads says whether a load shows rows that were created or changed after it began,
// where its pages still come by them. A Source may do either; the default is that it does not.
func (s *Source) ShowChangesInLoads(show bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inLoads = show
}

// SetEnvironment replaces what Environment tells. A changed ID does not void the checkpoints by
// itself, as the real service cannot tell either: whoever reads has to notice.
func (s *Source) SetEnvironment(env lakelink.Environment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.env = env
}

// Replace makes another environment answer under the same address: the same tables without rows,
// another id, and versions that begin anew.
func (s *Source) Replace(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.env.ID = id
	s.version = firstVersion
	for name, t := range s.tables {
		s.tables[name] = newTable(t.def)
	}
}

// Environment implements lakelink.Source.
func (s *Source) Environment(ctx context.Context) (lakelink.Environment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.env, s.refuse(ctx, "environment", "")
}

// Tables implements lakelink.Source. The tables come by name.
func (s *Source) Tables(ctx context.Context) ([]lakelink.Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refuse(ctx, "list tables", ""); err != nil {
		return nil, err
	}
	all := make([]lakelink.Table, 0, len(s.tables))
	for _, t := range s.tables {
		def := *t.def
		def.Columns, def.Choices = nil, nil
		all = append(all, def)
	}
	slices.SortFunc(all, func(a, b lakelink.Table) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all, nil
}

// Table implements lakelink.Source.
func (s *Source) Table(ctx context.Context, name lakelink.TableName) (*lakelink.Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refuse(ctx, "describe table", name); err != nil {
		return nil, err
	}
	t, err := s.find("describe table", name)
	if err != nil {
		return nil, err
	}
	return t.def, nil
}

// Version implements lakelink.Source.
func (s *Source) Version(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refuse(ctx, "read version", ""); err != nil {
		return 0, err
	}
	return s.version, nil
}

func (s *Source) find(op string, name lakelink.TableName) (*table, error) {
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, &lakelink.Error{Op: op, Table: name, Kind: lakelink.KindNotFound, Code: "0x80041102",
		Hint: "check the table's logical name", Err: fmt.Errorf("the environment has no table of this name")}
}
