package delta

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"lakelink"
)

// The bounds of one round of maintenance, and how many removed files are remembered: beyond that the
// oldest go before KeepFiles is over, but never within leastKeep.
const (
	vacuumFiles = 1000
	maxRemoved  = 50_000
	leastKeep   = time.Hour
	sweepEvery  = 24 * time.Hour // looking for what crashes left lists the whole folder
)

// maintain does after a commit what can as well be done later: its failing is told, and fails nothing.
func (t *table) maintain(ctx context.Context) {
	if t.state.version-max(t.state.checkpoint, 0) < t.w.CheckpointEvery {
		return
	}
	// Vacuuming first keeps the checkpoint small. A crash after it leaves the log naming removed files
	// that are gone, which does no harm.
	err := t.vacuum(ctx)
	if err == nil {
		err = t.log.writeCheckpoint(ctx, t.state)
	}
	if err == nil {
		err = t.cleanLog(ctx)
	}
	if err == nil && t.w.Now().Sub(t.swept) >= sweepEvery {
		if err = t.w.vacuum(ctx, t.name); err == nil {
			t.swept = t.w.Now()
		}
	}
	if err != nil {
		t.w.Trouble(t.name, t.w.wrap("maintain delta table", t.name, err))
	}
}

// vacuum deletes data files that have left the table long ago, oldest first, at most vacuumFiles.
func (t *table) vacuum(ctx context.Context) error {
	now := t.w.Now()
	removed := make([]*removeFile, 0, len(t.state.removed))
	for _, r := range t.state.removed {
		removed = append(removed, r)
	}
	slices.SortFunc(removed, func(a, b *removeFile) int { return cmp.Compare(a.DeletionTimestamp, b.DeletionTimestamp) })
	for i, r := range removed[:min(len(removed), vacuumFiles)] {
		age := now.Sub(time.UnixMilli(r.DeletionTimestamp))
		if age < t.w.KeepFiles && (age < leastKeep || len(removed)-i <= maxRemoved) {
			return nil
		}
		name, err := objectName(t.name, r.Path)
		if err == nil {
			err = t.w.Lake.Delete(ctx, name)
		}
		if err != nil {
			return err
		}
		delete(t.state.removed, r.Path)
	}
	return nil
}

// Vacuum deletes files that lie in a table's folder without being in its log or its staging, and are
// older than the Writer keeps files: crashes leave them. It lists the whole folder, and deletes at
// most a thousand files.
func Vacuum(ctx context.Context, w lakelink.Writer, table lakelink.TableName) error {
	x, ok := w.(*writer)
	if !ok {
		return &lakelink.Error{Op: "vacuum", Table: table, Kind: lakelink.KindInvalid}
	}
	return x.wrap("vacuum", table, x.vacuum(ctx, table))
}

func (w *writer) vacuum(ctx context.Context, table lakelink.TableName) error {
	// Listed first: a file that is committed meanwhile is then in the log.
	var old []string
	for info, err := range w.Lake.List(ctx, folder(table), false) {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(info.Name, folder(table)+"_") // the log, and what others keep
		if !hidden && w.Now().Sub(info.ModTime) >= w.KeepFiles {
			old = append(old, info.Name)
		}
	}
	if len(old) == 0 {
		return nil
	}
	m, _, err := readManifest(ctx, w.Lake, table)
	if err != nil {
		return err
	}
	l := deltaLog{lake: w.Lake, table: table}
	s, err := l.read(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	know := func(path string) {
		if name, err := objectName(table, path); err == nil { // else it is elsewhere
			known[name] = true
		}
	}
	for path := range s.files {
		know(path)
	}
	for path := range s.removed {
		know(path)
	}
	for _, f := range m.files() {
		know(f.Path)
	}
	n := 0
	for _, name := range old {
		if known[name] {
			continue
		}
		if n++; n > vacuumFiles {
			return nil
		}
		if err := w.Lake.Delete(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// cleanLog deletes what is in the log before the newest checkpoint that is older than KeepLog, at
// most vacuumFiles objects. Never the newest commit of ours: it holds the position.
func (t *table) cleanLog(ctx context.Context) error {
	var before []string
	deleted := 0
	for info, err := range t.w.Lake.List(ctx, t.log.object(logFolder), false) {
		if err != nil {
			return err
		}
		version, kind := parseLogName(info.Name)
		if version < 0 {
			continue
		}
		if version >= min(t.state.checkpoint, t.state.ownVersion) || t.w.Now().Sub(info.ModTime) < t.w.KeepLog {
			return nil
		}
		if kind == "checkpoint.parquet" {
			for _, name := range before {
				if err := t.w.Lake.Delete(ctx, name); err != nil {
					return err
				}
			}
			if deleted += len(before); deleted >= vacuumFiles {
				return nil
			}
			before = nil
		}
		before = append(before, info.Name)
	}
	return nil
}
