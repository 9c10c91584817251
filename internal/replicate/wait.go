package replicate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lakelink"
)

// Wait returns once everything that the environment had committed at the call is readable in every
// format of the link, in the tables given or in all. Its error names what is missing.
func (m *Manager) Wait(ctx context.Context, name lakelink.LinkName, tables ...lakelink.TableName) error {
	version, err := m.committed(ctx, name)
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
			return conn.Source.Version(ctx)
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
	hinted := map[lakelink.TableName]time.Time{}
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
		behind := behind(s, version, tables)
		if len(behind) == 0 {
			return nil
		}
		// The formats may merely not have shown what they have: looking again does no harm, and a
		// table that nobody has hinted since must be read once more to know that nothing is missing.
		for _, t := range behind {
			if last, ok := hinted[t.Table]; !ok || m.opts.Now().Sub(last) > m.opts.PollMin {
				hinted[t.Table] = m.opts.Now()
				m.look(name, t.Table, version)
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

// look makes a follower read its table if what it has handed to the formats is older than version.
func (m *Manager) look(name lakelink.LinkName, t lakelink.TableName, version int64) {
	r, err := m.runner(name)
	if err != nil {
		return
	}
	if f := r.follower(t); f != nil && f.reached() < version {
		f.poke()
	}
}

func behind(s lakelink.LinkStatus, version int64, only []lakelink.TableName) []lakelink.TableStatus {
	var out []lakelink.TableStatus
	for _, t := range s.Tables {
		chosen := len(only) == 0
		for _, o := range only {
			chosen = chosen || o == t.Table
		}
		if chosen && (len(t.Positions) == 0 || t.Through().Version < version || t.Resync) {
			out = append(out, t)
		}
	}
	return out
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
	return &lakelink.Error{Op: "wait", Link: name, Kind: lakelink.KindTransient,
		Err: fmt.Errorf("not yet readable: %s%s: %w", strings.Join(names, ", "), more, err)}
}
