package delta

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"lakelink"
)

// An action is one line of a commit: exactly one of its fields is set. The names and meanings are
// those of the Delta protocol, section "Actions".
type action struct {
	CommitInfo *commitInfo `json:"commitInfo,omitempty"`
	Protocol   *protocol   `json:"protocol,omitempty"`
	MetaData   *metaData   `json:"metaData,omitempty"`
	Txn        *txn        `json:"txn,omitempty"`
	Add        *addFile    `json:"add,omitempty"`
	Remove     *removeFile `json:"remove,omitempty"`
}

// protocol says what a reader and a writer must know.
type protocol struct {
	MinReaderVersion int `json:"minReaderVersion"`
	MinWriterVersion int `json:"minWriterVersion"`
}

// ours is the protocol of the tables we write. Version 2 of writers asks for column invariants and
// append-only tables to be heeded; our tables have neither.
var ours = protocol{MinReaderVersion: 1, MinWriterVersion: 2}

type metaData struct {
	ID               string            `json:"id"`
	Name             string            `json:"name,omitempty"`
	Description      string            `json:"description,omitempty"`
	Format           fileFormat        `json:"format"`
	SchemaString     string            `json:"schemaString"`
	PartitionColumns []string          `json:"partitionColumns"`
	Configuration    map[string]string `json:"configuration"`
	CreatedTime      int64             `json:"createdTime,omitempty"`
}

type fileFormat struct {
	Provider string            `json:"provider"`
	Options  map[string]string `json:"options"`
}

// txn keeps how far an application is; ours holds the row version.
type txn struct {
	AppID       string `json:"appId"`
	Version     int64  `json:"version"`
	LastUpdated int64  `json:"lastUpdated,omitempty"`
}

// addFile puts a data file into the table.
type addFile struct {
	Path             string            `json:"path"` // relative to the table, percent-encoded
	PartitionValues  map[string]string `json:"partitionValues"`
	Size             int64             `json:"size"`
	ModificationTime int64             `json:"modificationTime"`
	DataChange       bool              `json:"dataChange"`
	Stats            string            `json:"stats,omitempty"`
	Tags             map[string]string `json:"tags,omitempty"`
}

// checksumTag holds the CRC-32C of the whole file in hexadecimal: Parquet pages as Arrow writes them
// have no checksums.
const checksumTag = "lakelink.crc32c"

// rows is the number of rows from the statistics; -1 where they are missing.
func (a *addFile) rows() int64 {
	var s struct {
		NumRecords *int64 `json:"numRecords"`
	}
	if json.Unmarshal([]byte(a.Stats), &s) != nil || s.NumRecords == nil {
		return -1
	}
	return *s.NumRecords
}

// checkPlace reports a partition that is not the one in the path. Engines take the value from the log and
// never look into the file. Files that others wrote may be anywhere.
func (a *addFile) checkPlace() error {
	in, ok := strings.CutPrefix(a.Path, partitionColumn+"=")
	if in, _, slash := strings.Cut(in, "/"); a.Tags[checksumTag] != "" && (!ok || !slash || in != a.partition()) {
		return fmt.Errorf("the log has it in partition %q", a.partition())
	}
	return nil
}

// checkRows reports a number of rows other than that of the log, by which engines plan and count.
func (a *addFile) checkRows(n int64) error {
	if want := a.rows(); want >= 0 && want != n {
		return fmt.Errorf("the file has %d rows, and not the %d that the log tells", n, want)
	}
	return nil
}

// partition is the value of the partition column.
func (a *addFile) partition() string { return a.PartitionValues[partitionColumn] }

// removeFile takes a data file out of the table. Until vacuumed, the file stays for readers of
// older versions.
type removeFile struct {
	Path                 string            `json:"path"`
	DeletionTimestamp    int64             `json:"deletionTimestamp"`
	DataChange           bool              `json:"dataChange"`
	ExtendedFileMetadata bool              `json:"extendedFileMetadata,omitempty"`
	PartitionValues      map[string]string `json:"partitionValues,omitempty"`
	Size                 int64             `json:"size,omitempty"`
}

func (a *addFile) removed(now time.Time) *removeFile {
	return &removeFile{Path: a.Path, DeletionTimestamp: now.UnixMilli(), DataChange: true,
		ExtendedFileMetadata: true, PartitionValues: a.PartitionValues, Size: a.Size}
}

// commitInfo tells about a commit. The protocol leaves its content free; consumers of the original
// watch timestamp and operation.
type commitInfo struct {
	Timestamp           int64             `json:"timestamp"`
	Operation           string            `json:"operation"`
	OperationParameters map[string]string `json:"operationParameters"`
	ReadVersion         *int64            `json:"readVersion,omitempty"`
	IsolationLevel      string            `json:"isolationLevel,omitempty"`
	IsBlindAppend       bool              `json:"isBlindAppend"`
	OperationMetrics    map[string]string `json:"operationMetrics,omitempty"`
	EngineInfo          string            `json:"engineInfo,omitempty"`
	TxnID               string            `json:"txnId,omitempty"` // unique: tells our commit from others
	Lakelink            *ownInfo          `json:"lakelink,omitempty"`
}

// infoVersion is the version of ownInfo and of what it promises (docs/format/delta.md).
const infoVersion = 1

// ownInfo is what we add to commitInfo: the position that the commit brings readers to.
type ownInfo struct {
	Format   int               `json:"format"`
	Link     string            `json:"link"`
	Position lakelink.Position `json:"position"`
	// Load is the id of the load that was finished last, in this commit or an earlier one: what is
	// staged under that id is in the table already.
	Load string `json:"load,omitempty"`
	// Sum is the CRC-32C of the whole commit as it would be with zeros in this place. The data files have their
	// checksums in the log; this is the log's own. Commits of earlier releases have none.
	Sum string `json:"sum,omitempty"`
}

const sumKey, noSum = `"sum":"`, "00000000"

// sumIn finds where a commit has its checksum; nil where it has none.
func sumIn(commit []byte) []byte {
	first, _, _ := bytes.Cut(commit, []byte{'\n'})
	i := bytes.Index(first, []byte(sumKey))
	if i < 0 || len(first) < i+len(sumKey)+len(noSum) {
		return nil
	}
	return first[i+len(sumKey):][:len(noSum)]
}

// encodeCommit encodes the actions of a commit of ours, with its checksum.
func encodeCommit(actions []action) ([]byte, error) {
	b, err := encodeActions(actions)
	if err == nil {
		if at := sumIn(b); string(at) == noSum {
			copy(at, checksum(b))
		}
	}
	return b, err
}

// decodeCommit reads a commit, and reports one that is not what was written.
func decodeCommit(b []byte) ([]action, error) {
	if at := sumIn(b); at != nil {
		want := string(at)
		copy(at, noSum)
		if sum := checksum(b); sum != want {
			return nil, fmt.Errorf("its checksum is %s, not %s", sum, want)
		}
	}
	return decodeActions(bytes.NewReader(b))
}

func encodeActions(actions []action) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i := range actions {
		if err := e.Encode(&actions[i]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// decodeActions reads a commit. Unknown actions come out empty, as the protocol asks of readers.
func decodeActions(r io.Reader) ([]action, error) {
	var actions []action
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := br.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var a action
			if err := json.Unmarshal(line, &a); err != nil {
				return nil, fmt.Errorf("line %d: %w", len(actions)+1, err)
			}
			actions = append(actions, a)
		}
		if err == io.EOF && len(actions) == 0 {
			return nil, errors.New("it is empty")
		}
		if err == io.EOF {
			return actions, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
