package memsource

import (
	"context"
	"slices"

	"lakelink"
)

// A fault makes calls fail.
type fault struct {
	table lakelink.TableName // "" for every call
	left  int
	err   error
}

// FailNext makes the next n requests that concern the table fail with err; each page of a Feed is
// one request. The table "" stands for every request, those about no table included.
func (s *Source) FailNext(name lakelink.TableName, n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > 0 {
		s.faults = append(s.faults, &fault{table: name, left: n, err: err})
	}
}

// BetweenPages sets a function that every Feed calls after a page was taken and before it reads
// the next one, so that a test can change the environment in the middle; page counts the pages
// that this Feed has told. The function may call anything of the Source.
func (s *Source) BetweenPages(f func(table lakelink.TableName, page int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.between = f
}

// refuse returns why a request fails, if it does.
func (s *Source) refuse(ctx context.Context, op string, name lakelink.TableName) error {
	if err := ctx.Err(); err != nil {
		return &lakelink.Error{Op: op, Table: name, Err: err}
	}
	for i, f := range s.faults {
		if f.table != "" && f.table != name {
			continue
		}
		if f.left--; f.left == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f.err
	}
	return nil
}
