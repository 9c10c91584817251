package incrementalreader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of the layout (§2.3, §2.5).
const (
	modelFile     = "model.json"
	changelogDir  = "Changelog"
	changelogFile = "Changelog/changelog.info"
	choiceDir     = "OptionsetMetadata"
	trickleDir    = "Microsoft.Athena.TrickleFeedService"
	deltaDir      = "deltalake"
)

// reservedDirs may stand at the root besides batches and side folders (§2.5).
var reservedDirs = map[string]bool{
	choiceDir: true, trickleDir: true, changelogDir: true, "EntitySyncFailure": true, deltaDir: true,
}

var (
	batchName  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}\.\d{2}\.\d{2}Z$`)
	datePrefix = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}`)
	// fractionTime has a fraction after a colon, for which Go has no layout.
	fractionTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}[.:]\d{2}[.:]\d{2}[.:]\d{1,9}Z?$`)
)

// file is one file of a batch; rel is slash-separated, relative to the batch.
type file struct {
	rel  string
	size int64
	time time.Time
}

// batch is one timestamp folder at the root.
type batch struct {
	name   string
	files  []file
	dirs   []string // relative folders below it
	model  *model   // nil without a readable marker
	closed bool     // strictly older than the folder in changelog.info
}

func (b *batch) file(rel string) (file, bool) {
	for _, f := range b.files {
		if f.rel == rel {
			return f, true
		}
	}
	return file{}, false
}

// marked tells whether the commit marker is there: a non-empty model.json (§4.1.6).
func (b *batch) marked() bool {
	f, ok := b.file(modelFile)
	return ok && f.size > 0
}

// dataFiles returns the CSV files of a table, greatest integer first: upserts
// come before deletes that way (C10, §5.4.6).
func (b *batch) dataFiles(table string) []string {
	var names []string
	for _, f := range b.files {
		dir, base := path.Split(f.rel)
		if dir == table+"/" && strings.HasSuffix(base, ".csv") {
			names = append(names, strings.TrimSuffix(base, ".csv"))
		}
	}
	slices.SortFunc(names, func(x, y string) int {
		i, xok := fileNumber(x)
		j, yok := fileNumber(y)
		if xok && yok && i != j {
			return j - i
		}
		return strings.Compare(x, y)
	})
	return names
}

// fileNumber parses a data file's name as AFW does (L8).
func fileNumber(name string) (int, bool) {
	for _, r := range name {
		if r < '0' || r > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(name, 10, 32)
	return int(n), err == nil
}

// lake is what one walk saw.
type lake struct {
	open     string   // folder named in changelog.info, "" when unusable
	batches  []*batch // in name order
	rootDirs []string // every other folder at the root
}

// committed lists the batches that readers may take: closed ones, and one
// that has its marker already while changelog.info still names it.
func (lk *lake) committed() []*batch {
	var list []*batch
	for _, b := range lk.batches {
		if b.model != nil {
			list = append(list, b)
		}
	}
	return list
}

// tables lists every table of every committed batch.
func (lk *lake) tables() []string {
	seen := map[string]bool{}
	for _, b := range lk.committed() {
		for _, e := range b.model.entities {
			seen[e.name] = true
		}
	}
	var list []string
	for t := range seen {
		list = append(list, t)
	}
	slices.Sort(list)
	return list
}

func parseBatchName(name string) (time.Time, bool) {
	if !batchName.MatchString(name) {
		return time.Time{}, false
	}
	t, err := time.Parse("2006-01-02T15.04.05Z", name)
	if err != nil {
		return time.Time{}, false
	}
	iso, err := time.Parse(time.RFC3339, strings.ReplaceAll(name, ".", ":"))
	return t, err == nil && iso.Equal(t)
}

// looksLikeTime tells whether a lenient parser takes a name for a timestamp (L6).
func looksLikeTime(name string) bool {
	colons := strings.ReplaceAll(name, ".", ":")
	for _, layout := range []string{
		time.DateOnly, "2006-01", "20060102", "20060102T150405Z", "20060102150405",
		"2006-01-02T15", "2006-01-02T15:04", "2006-01-02T15:04Z", "2006-01-02T15:04:05",
		"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04:05:000Z07:00", "2006-1-2T15:4:5Z07:00",
	} {
		if _, err := time.Parse(layout, name); err == nil {
			return true
		}
		if _, err := time.Parse(layout, colons); err == nil {
			return true
		}
	}
	return fractionTime.MatchString(name)
}

// readOpen reads changelog.info without forgiving anything (L4).
func (r *Reader) readOpen() (string, error) {
	raw, err := os.ReadFile(filepath.Join(r.dir, changelogDir, "changelog.info"))
	if err != nil {
		return "", err
	}
	if _, ok := parseBatchName(string(raw)); !ok {
		return "", fmt.Errorf("%s is %q, not exactly one folder name", changelogFile, raw)
	}
	return string(raw), nil
}

// batchNames lists the timestamp folders at the root, in order.
func (r *Reader) batchNames() ([]string, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, ok := parseBatchName(e.Name()); ok && e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Folders returns the closed folders in order and the folder that is being
// written: the closed ones are those strictly older than the one named in
// changelog.info (reading rule of §2.3).
func (r *Reader) Folders() (closed []string, open string, err error) {
	// The order matters beside a live writer: a folder created after
	// changelog.info was read is newer than what it named.
	open, err = r.readOpen()
	if err != nil {
		return nil, "", err
	}
	names, err := r.batchNames()
	if err != nil {
		return nil, "", err
	}
	for _, n := range names {
		if n < open {
			closed = append(closed, n)
		}
	}
	return closed, open, nil
}

// scanBatch lists one timestamp folder. It tolerates files that vanish
// meanwhile.
func (r *Reader) scanBatch(name string) (*batch, error) {
	b := &batch{name: name}
	base := filepath.Join(r.dir, name)
	err := filepath.WalkDir(base, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || p == base {
			return err
		}
		rel, err := filepath.Rel(base, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			b.dirs = append(b.dirs, rel)
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		b.files = append(b.files, file{rel, info.Size(), info.ModTime()})
		return nil
	})
	return b, err
}
