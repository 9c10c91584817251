package delta

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/google/uuid"

	"lakelink"
)

// A commit is what goes into the log in one step.
type commit struct {
	operation string // WRITE or MERGE
	position  lakelink.Position
	load      string // id of the load that was finished last
	added     []*addFile
	removed   []*addFile
}

// push creates the next object of the log. From then on readers see the commit, and its position
// holds. KindConflict: somebody else has taken the place.
func (t *table) push(ctx context.Context, c commit) error {
	now, id := t.w.Now(), uuid.NewString()
	actions := t.actions(&c, now, id)
	b, err := encodeCommit(actions)
	if err != nil {
		return err
	}
	version := t.state.version + 1
	_, err = t.w.Lake.PutNew(ctx, t.log.object(commitName(version)), bytes.NewReader(b))
	if err != nil && !t.landed(version, id) {
		if lakelink.IsKind(err, lakelink.KindExists) {
			return t.w.fail("commit", t.name, lakelink.KindConflict,
				fmt.Errorf("somebody else has committed version %d of %s", version, folder(t.name)), "")
		}
		return t.w.wrap("commit", t.name, err)
	}
	if err := t.state.apply(version, actions); err != nil {
		return err
	}
	t.pos = c.position
	for _, f := range c.removed {
		t.keys.drop(f.Path)
	}
	return nil
}

// landed tells whether the commit is in the log after all, though PutNew has failed: an answer may
// be lost, and the wrapper that tries again then finds the name taken, by us.
func (t *table) landed(version int64, id string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	actions, err := t.log.commit(ctx, version)
	if err != nil {
		return false
	}
	for _, a := range actions {
		if a.CommitInfo != nil && a.CommitInfo.TxnID == id {
			return true
		}
	}
	return false
}

func (t *table) actions(c *commit, now time.Time, id string) []action {
	info := &commitInfo{
		Timestamp: now.UnixMilli(), Operation: c.operation, OperationParameters: map[string]string{},
		IsolationLevel: "Serializable", EngineInfo: "Lakelink", TxnID: id,
		OperationMetrics: c.metrics(),
		Lakelink:         &ownInfo{Format: infoVersion, Link: t.w.LinkID, Position: c.position, Load: c.load, Sum: noSum},
	}
	if c.operation == "WRITE" {
		info.OperationParameters["mode"] = strconv.Quote("Overwrite")
	}
	if t.state.version >= 0 {
		v := t.state.version
		info.ReadVersion = &v
	}
	app := "lakelink/" + t.w.LinkID
	actions := []action{
		{CommitInfo: info},
		{Txn: &txn{AppID: app, LastUpdated: now.UnixMilli(),
			Version: max(t.state.txns[app].Version, c.position.Version)}},
	}
	if t.state.version < 0 {
		actions = append(actions, action{Protocol: &ours})
	}
	if m := t.metaData(now); m != nil {
		actions = append(actions, action{MetaData: m})
	}
	for _, f := range c.removed {
		actions = append(actions, action{Remove: f.removed(now)})
	}
	for _, f := range c.added {
		actions = append(actions, action{Add: f})
	}
	return actions
}

// metaData is the table's description where the commit changes it, else nil.
func (t *table) metaData(now time.Time) *metaData {
	s := t.schema.String()
	if t.state.meta == nil {
		return &metaData{ID: uuid.NewString(), Name: string(t.name), Format: fileFormat{"parquet", map[string]string{}},
			SchemaString: s, PartitionColumns: []string{partitionColumn}, Configuration: map[string]string{},
			CreatedTime: now.UnixMilli()}
	}
	if t.state.meta.SchemaString == s {
		return nil
	}
	m := *t.state.meta
	m.SchemaString, m.Configuration = s, maps.Clone(m.Configuration)
	return &m
}

func (c *commit) metrics() map[string]string {
	var rows, size int64
	for _, f := range c.added {
		rows, size = rows+f.rows(), size+f.Size
	}
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	return map[string]string{
		"numOutputRows": n(rows), "numOutputBytes": n(size),
		"numTargetFilesAdded": n(int64(len(c.added))), "numTargetFilesRemoved": n(int64(len(c.removed))),
	}
}
