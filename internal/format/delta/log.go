package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"lakelink"
)

const (
	logFolder          = "_delta_log/"
	lastCheckpointName = logFolder + "_last_checkpoint"
)

func commitName(version int64) string { return fmt.Sprintf("%s%020d.json", logFolder, version) }

func checkpointName(version int64) string {
	return fmt.Sprintf("%s%020d.checkpoint.parquet", logFolder, version)
}

// A state is a table as its log tells it at one version.
type state struct {
	version    int64 // of the newest commit; -1 where there is no table
	checkpoint int64 // of the newest checkpoint that is known; -1 where there is none
	protocol   protocol
	meta       *metaData
	schema     *schema
	txns       map[string]txn
	files      map[string]*addFile    // in the table, by path
	removed    map[string]*removeFile // no longer in the table, and not vacuumed
	own        ownInfo                // of the newest commit of ours
	ownVersion int64                  // its version; -1 where there is none
}

func newState() *state {
	return &state{version: -1, checkpoint: -1, ownVersion: -1, txns: map[string]txn{},
		files: map[string]*addFile{}, removed: map[string]*removeFile{}}
}

// apply takes in the actions of a commit or of a checkpoint.
func (s *state) apply(version int64, actions []action) error {
	for _, a := range actions {
		switch {
		case a.Protocol != nil:
			s.protocol = *a.Protocol
		case a.MetaData != nil:
			sc, err := parseSchema(a.MetaData.SchemaString)
			if err != nil {
				return err
			}
			s.meta, s.schema = a.MetaData, sc
		case a.Txn != nil:
			s.txns[a.Txn.AppID] = *a.Txn
		case a.Add != nil:
			s.files[a.Add.Path] = a.Add
			delete(s.removed, a.Add.Path)
		case a.Remove != nil:
			delete(s.files, a.Remove.Path)
			s.removed[a.Remove.Path] = a.Remove
		case a.CommitInfo != nil && a.CommitInfo.Lakelink != nil:
			s.own, s.ownVersion = *a.CommitInfo.Lakelink, version
		}
	}
	s.version = version
	return nil
}

// paths lists the files of the table in order.
func (s *state) paths() []string {
	paths := make([]string, 0, len(s.files))
	for p := range s.files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// A deltaLog reads the log of one table.
type deltaLog struct {
	lake  lakelink.Lake
	table lakelink.TableName
}

func (l *deltaLog) object(name string) string { return folder(l.table) + name }

// read rebuilds the table's newest state from the newest checkpoint and the commits after it. The
// commits are found by asking for one after the other: listing would be slow where many are kept.
func (l *deltaLog) read(ctx context.Context) (*state, error) {
	s, err := l.readPointed(ctx)
	if err != nil {
		return nil, err
	}
	if s == nil {
		s = newState()
	}
	if err := l.catchUp(ctx, s); err != nil {
		return nil, err
	}
	if s.version < 0 { // no pointer and no first commit: a checkpoint may still be there
		var begun bool
		if s, begun, err = l.readListed(ctx); err != nil {
			return nil, err
		}
		if err := l.catchUp(ctx, s); err != nil {
			return nil, err
		}
		if s.version < 0 && begun { // a table made in its place would meet its commits
			return nil, l.damaged(logFolder, errors.New("it has neither a first commit nor a checkpoint that can be read"))
		}
		if s.version < 0 {
			return s, nil
		}
	}
	return s, l.check(ctx, s)
}

// readPointed reads the checkpoint that _last_checkpoint points to; nil where that leads nowhere.
func (l *deltaLog) readPointed(ctx context.Context) (*state, error) {
	b, err := l.get(ctx, lastCheckpointName)
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var last lastCheckpoint
	if json.Unmarshal(b, &last) != nil || last.Version < 0 {
		return nil, nil
	}
	s, err := l.readCheckpoint(ctx, last.Version, last.Parts)
	if err == nil || !checkpointGone(err) {
		return s, err
	}
	if s, _, err = l.readListed(ctx); err != nil || s.version < 0 {
		return nil, err
	}
	return s, nil
}

func checkpointGone(err error) bool {
	return lakelink.IsKind(err, lakelink.KindNotFound) || lakelink.IsKind(err, lakelink.KindDamaged)
}

// readListed reads the newest checkpoint that is whole, by listing the log. It also tells whether
// there is anything in the log.
func (l *deltaLog) readListed(ctx context.Context) (s *state, begun bool, err error) {
	var versions []int64
	for info, err := range l.lake.List(ctx, l.object(logFolder), false) {
		if err != nil {
			return nil, false, err
		}
		v, kind := parseLogName(info.Name)
		begun = begun || v >= 0
		if kind == "checkpoint.parquet" {
			versions = append(versions, v)
		}
	}
	for _, v := range slices.Backward(versions) {
		s, err := l.readCheckpoint(ctx, v, 0)
		if err == nil || !checkpointGone(err) {
			return s, begun, err
		}
	}
	return newState(), begun, nil
}

// parseLogName splits the name of an object of the log into its version and what follows it.
func parseLogName(name string) (int64, string) {
	base := name[strings.LastIndexByte(name, '/')+1:]
	number, kind, ok := strings.Cut(base, ".")
	if !ok || len(number) != 20 {
		return -1, ""
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return -1, ""
	}
	return v, kind
}

// catchUp applies the commits after the state's version.
func (l *deltaLog) catchUp(ctx context.Context, s *state) error {
	for {
		actions, err := l.commit(ctx, s.version+1)
		if lakelink.IsKind(err, lakelink.KindNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.apply(s.version+1, actions); err != nil {
			return l.damaged(commitName(s.version+1), err)
		}
	}
}

// commit reads the commit of that version. KindNotFound: there is none.
func (l *deltaLog) commit(ctx context.Context, version int64) ([]action, error) {
	b, err := l.get(ctx, commitName(version))
	if err != nil {
		return nil, err
	}
	actions, err := decodeCommit(b)
	if err != nil {
		return nil, l.damaged(commitName(version), err)
	}
	return actions, nil
}

// check refuses tables that ask for more than we know, and finds our newest commit where neither
// the checkpoint nor what is after it has it.
func (l *deltaLog) check(ctx context.Context, s *state) error {
	if s.meta == nil || s.protocol == (protocol{}) {
		return l.damaged(commitName(s.version), errors.New("the log has no metaData or no protocol"))
	}
	if s.protocol.MinReaderVersion > ours.MinReaderVersion || s.protocol.MinWriterVersion > ours.MinWriterVersion {
		return &lakelink.Error{Op: "read delta log", Table: l.table, Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("somebody has raised the table's protocol to reader %d and writer %d",
				s.protocol.MinReaderVersion, s.protocol.MinWriterVersion),
			Hint: "remove the table from the link with its data and add it again"}
	}
	for v := s.version; v >= 0 && s.ownVersion < 0; v-- {
		actions, err := l.commit(ctx, v)
		if lakelink.IsKind(err, lakelink.KindNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, a := range actions {
			if a.CommitInfo != nil && a.CommitInfo.Lakelink != nil {
				s.own, s.ownVersion = *a.CommitInfo.Lakelink, v
			}
		}
	}
	return nil
}

func (l *deltaLog) get(ctx context.Context, name string) ([]byte, error) {
	r, _, err := l.lake.Get(ctx, l.object(name))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (l *deltaLog) damaged(name string, err error) error {
	return &lakelink.Error{Op: "read delta log", Table: l.table, Kind: lakelink.KindDamaged,
		Err: fmt.Errorf("%s: %w", l.object(name), err)}
}
