package replicate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lakelink"
)

// Wait returns once everything that the environment had committed at the call is readable in every
// format of the link, in the tables given or in all. Its error names what is missing.
func (m *Manager) Wait(ctx context.Context, name lakelink.LinkName, tables ...lakelink.TableName) error {
	version, err := m.committed(ctx, name)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		return &lakelink.Error{Op: "wait", Link: name, Kind: lakelink.KindTransient,
			Err: errors.New("the environment has not told in time what it has committed"), Hint: "give --timeout more time"}
	}
	if err != nil {
		return err
	}
	return m.WaitFor(ctx, name, version, tables...)
}

// committed asks the environment for its version, waiting for the link to start if need be.
func (m *Manager) committed(ctx context.Context, name lakelink.LinkName) (int64, error) {
	for {
		changed := m.Changed()
		l, conn, err := m.Connection(name)
		if err == nil {
			version, err := conn.Source.Version(ctx)
			if err != nil {
				err = &lakelink.Error{Link: name, Err: err}
			}
			return version, err
		}
		if l.Paused || !lakelink.IsKind(err, lakelink.KindTransient) {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-changed:
		}
	}
}

// WaitFor is Wait for a row version already known.
func (m *Manager) WaitFor(ctx context.Context, name lakelink.LinkName, version int64, tables ...lakelink.TableName) error {
	if err := m.has(name, tables); err != nil {
		return err
	}
	goals := map[lakelink.TableName]int64{} // what every format has to reach
	poked := map[lakelink.TableName]time.Time{}
	for {
		changed := m.Changed()
		s, err := m.Status(name)
		if err != nil {
			return err
		}
		if s.State == lakelink.StatePaused {
			return &lakelink.Error{Op: "wait", Link: name, Kind: lakelink.KindInvalid,
				Err: fmt.Errorf("the link is paused"), Hint: "resume it first"}
		}
		var behind []lakelink.TableStatus
		for _, t := range s.Tables {
			if len(tables) > 0 && !slices.Contains(tables, t.Table) {
				continue
			}
			if t.Settled.Version < goals[t.Table] { // opened anew: what was given may have to be given again
				goals[t.Table] = 0
			}
			if goals[t.Table] == 0 && t.Settled.Version >= version && !t.Resync {
				goals[t.Table] = t.Settled.Version
			}
			if goal := goals[t.Table]; goal == 0 || len(t.Positions) == 0 || t.Through().Version < goal {
				behind = append(behind, t)
			}
		}
		if len(behind) == 0 {
			return nil
		}
		// A table that nobody has hinted must be read once more to know that nothing is missing.
		for _, t := range behind {
			if goals[t.Table] == 0 && m.opts.Now().Sub(poked[t.Table]) >= m.opts.PollMin {
				poked[t.Table] = m.opts.Now()
				m.poke(name, t.Table)
			}
		}
		timer := time.NewTimer(m.opts.PollMin)
		select {
		case <-ctx.Done():
			timer.Stop()
			return waited(name, behind, ctx.Err())
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// has reports a table that the link does not have: nothing can be said about it.
func (m *Manager) has(name lakelink.LinkName, tables []lakelink.TableName) error {
	r, err := m.runner(name)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if !slices.Contains(r.link.Tables, t) {
			return &lakelink.Error{Op: "wait", Link: name, Table: t, Kind: lakelink.KindNotFound,
				Err: errors.New("the link has no such table"), Hint: "see `lakelink table list`"}
		}
	}
	return nil
}

// poke makes a follower read its table soon.
func (m *Manager) poke(name lakelink.LinkName, t lakelink.TableName) {
	if r, err := m.runner(name); err == nil {
		if f := r.follower(t); f != nil {
			f.poke()
		}
	}
}

func waited(name lakelink.LinkName, behind []lakelink.TableStatus, err error) error {
	var names []string
	for _, t := range behind {
		text := fmt.Sprintf("%s (%s", t.Table, strings.ReplaceAll(string(t.State), "_", " "))
		if t.Problem != nil {
			text += ": " + t.Problem.Detail
		}
		names = append(names, text+")")
	}
	const most = 5
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	hint := ""
	if errors.Is(err, context.DeadlineExceeded) {
		err, hint = errors.New("time is up"), "give --timeout more time, or see `lakelink table list "+string(name)+"`"
	}
	return &lakelink.Error{Op: "wait", Link: name, Kind: lakelink.KindTransient, Hint: hint,
		Err: fmt.Errorf("not yet readable: %s%s: %w", strings.Join(names, ", "), more, err)}
}
