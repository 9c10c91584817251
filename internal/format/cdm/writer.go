package cdm

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"lakelink"
)

// Options say what a Writer writes, and where.
type Options struct {
	Lake   lakelink.Lake
	LinkID string

	// Tables are all tables of the link, with their choices: every model.json lists them (M4). A
	// table that is added later is known from its opening on.
	Tables []*lakelink.Table

	// LocationBase is put before the names of data files in model.json, such as
	// https://account.dfs.core.windows.net:443/container. Where it is empty, it is the lake's URL.
	LocationBase string

	SpoolDir     string // for what memory does not hold; the system's by default
	SpoolLimit   int64  // bytes there; 16 GiB by default
	MemoryBudget int64  // bytes; 64 MiB by default

	Now func() time.Time // time.Now by default
}

// A Writer writes the incremental format.
type Writer struct {
	lake       lakelink.Lake
	link       string
	base       string
	now        func() time.Time
	newID      func() string
	budget     *budget
	sortMemory int64
	largeLoad  int64

	// closing is held by whoever changes the lake's folders, and guards what is known of them.
	closing   sync.Mutex
	open      folder
	changelog string            // ETag of changelog.info
	root      object            // the root model.json
	prepared  map[string]string // digests of the open folder's choice files, where known
	attempt   *attempt          // a close that failed before it was known to be decided
	decided   *attempt          // a close that is decided and not finished
	stale     bool              // another instance was faster: read the lake anew

	side positions

	// mu guards what tables share. It is never held while the lake is spoken to.
	mu        sync.Mutex
	defs      map[lakelink.TableName]*lakelink.Table // the link's tables
	tables    map[lakelink.TableName]*table
	writers   map[lakelink.TableName]*tableWriter // the last opening of each
	forgotten map[lakelink.TableName]*entry
	last      *manifest // of the newest closed folder; nil before the first
	closed    bool
}

// An object is what is known of one in the lake.
type object struct {
	etag   string
	digest string
}

// A table is one table of the link in its present state.
type table struct {
	name  lakelink.TableName
	attrs []attribute
	// entry is what the newest closed folder says of it, position what holds by now: they differ
	// where reading on brought nothing.
	entry    *entry
	position lakelink.Position

	committed []*spool // waits for the next close
	load      *load    // finished, waits for the next close
	loading   bool
	epoch     int // counts openings: what was opened before may not write any more
}

// New opens the incremental format of a link, finishes what a crash interrupted, and makes the
// lake's first folder where there is none. A lake that cannot be reached now is looked at when a
// table is opened.
func New(ctx context.Context, o Options) (lakelink.IntervalWriter, error) {
	return newWriter(ctx, o, randomID)
}

func newWriter(ctx context.Context, o Options, newID func() string) (*Writer, error) {
	if o.SpoolDir != "" {
		if err := os.MkdirAll(o.SpoolDir, 0o700); err != nil {
			return nil, fail("make spool", "", err)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	memory := cmp.Or(o.MemoryBudget, 64<<20)
	w := &Writer{lake: o.Lake, link: o.LinkID, base: strings.TrimSuffix(o.LocationBase, "/"), now: o.Now, newID: newID,
		budget:     &budget{memory: memory, disk: cmp.Or(o.SpoolLimit, 16<<30), dir: o.SpoolDir},
		sortMemory: memory / 2, largeLoad: largeLoad, tables: map[lakelink.TableName]*table{}, forgotten: map[lakelink.TableName]*entry{},
		writers: map[lakelink.TableName]*tableWriter{}, defs: map[lakelink.TableName]*lakelink.Table{}}
	for _, t := range o.Tables {
		if err := t.Validate(); err != nil {
			return nil, &lakelink.Error{Op: "open " + string(lakelink.Incremental), Kind: lakelink.KindInvalid, Err: err}
		}
		w.defs[t.Name] = t
	}
	w.closing.Lock()
	defer w.closing.Unlock()
	if err := w.refresh(ctx); err != nil {
		if kind := lakelink.KindOf(err); kind.Permanent() {
			return nil, err
		}
		w.stale = true // looked at again when it is first used
	}
	return w, nil
}

func randomID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Format is the incremental format.
func (w *Writer) Format() lakelink.Format { return lakelink.Incremental }

// Pending reports whether a close would show something.
func (w *Writer) Pending() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.tables {
		if len(t.committed) > 0 || t.load != nil {
			return true
		}
	}
	return false
}

// Table opens a table. What an earlier opening committed and no interval has shown yet is dropped,
// as the new one goes on from its Position.
func (w *Writer) Table(ctx context.Context, def *lakelink.Table) (lakelink.TableWriter, error) {
	if err := def.Validate(); err != nil {
		return nil, &lakelink.Error{Op: "open table", Table: def.Name, Kind: lakelink.KindInvalid, Err: err}
	}
	w.closing.Lock()
	defer w.closing.Unlock()
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	staged, _, err := readStaging(ctx, w.lake, w.link, def.Name)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, fail("open table", def.Name, errClosed)
	}
	t, err := w.include(def, staged)
	if err != nil {
		return nil, err
	}
	t.drop()
	t.epoch++
	if staged != nil && staged.ID != t.entry.Load && startsWith(t.attrs, staged.Attributes) {
		t.loading = true
		if staged.Ready {
			t.load = &load{staging: *staged}
		}
	}
	if old := w.writers[def.Name]; old != nil {
		old.release()
	}
	tw := &tableWriter{w: w, t: t, def: def, epoch: t.epoch, enc: newEncoder(def, t.attrs), open: newSpool(w.budget)}
	w.writers[def.Name] = tw
	return tw, nil
}

// include makes a table one of the link's, or takes its changed schema. The order of its columns
// comes from wherever it was first written down: the table's own past, a load that is under way, or
// nowhere yet. mu is held.
func (w *Writer) include(def *lakelink.Table, staged *staging) (*table, error) {
	t := w.tables[def.Name]
	if t == nil {
		e := &entry{}
		if old := w.forgotten[def.Name]; old != nil {
			e.Attributes, e.Last = old.Attributes, old.Last
		} else if staged != nil {
			e.Attributes = staged.Attributes
		}
		t = &table{name: def.Name, attrs: e.Attributes, entry: e}
	}
	attrs, err := extend(t.attrs, def)
	if err != nil {
		return nil, err
	}
	t.attrs = attrs
	w.tables[def.Name], w.defs[def.Name] = t, def
	delete(w.forgotten, def.Name)
	return t, nil
}

// drop forgets what waits for a close. mu is held, or nobody else knows the table.
func (t *table) drop() {
	for _, s := range t.committed {
		s.release()
	}
	t.committed, t.load, t.loading = nil, nil, false
}

// Forget takes a table out of the link: model.json does not list it from the next folder on. Its
// files in earlier folders stay (§8.2).
func (w *Writer) Forget(ctx context.Context, name lakelink.TableName) error {
	w.closing.Lock()
	defer w.closing.Unlock()
	if err := w.settle(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	if t := w.tables[name]; t != nil {
		t.drop()
		t.epoch++
		t.entry.Attributes = t.attrs
		w.forgotten[name] = &entry{Attributes: t.attrs, Last: t.entry.Last}
	}
	delete(w.tables, name)
	delete(w.defs, name)
	w.mu.Unlock()
	if err := w.savePositions(ctx); err != nil {
		return err
	}
	return removeStaging(ctx, w.lake, name)
}

// Close ends the writer. What was committed and not shown is dropped; its tables are read again
// from their Position.
func (w *Writer) Close() error {
	w.closing.Lock()
	defer w.closing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, t := range w.tables {
		t.drop()
		t.epoch++
	}
	for _, tw := range w.writers {
		tw.release()
	}
	return nil
}

// link's tables by name. mu is held.
func (w *Writer) linked() []*lakelink.Table {
	var out []*lakelink.Table
	for _, t := range w.defs {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *lakelink.Table) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// locate is the address of an object for model.json (M5).
func (w *Writer) locate(name string) string {
	if w.base != "" {
		return w.base + "/" + name
	}
	return strings.TrimSuffix(w.lake.URL(), "/") + "/" + name
}

func (w *Writer) putNew(ctx context.Context, name string, b []byte) error {
	_, err := w.lake.PutNew(ctx, name, bytes.NewReader(b))
	return err
}
