package cdm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lakelink"
)

// Another instance can be in the way of a refresh this often before it gives up.
const refreshTries = 6

// refresh reads where the lake stands, and finishes what was interrupted. Everything that waits is
// dropped, and every table must be opened anew. closing is held.
func (w *Writer) refresh(ctx context.Context) error {
	var err error
	for range refreshTries {
		var done bool
		done, err = w.look(ctx)
		if err != nil && !lakelink.IsKind(err, lakelink.KindConflict) {
			return err
		}
		if done {
			w.attempt, w.decided, w.stale = nil, nil, false
			return nil
		}
	}
	if err == nil {
		err = overtaken("it closes folders faster than they can be read")
	}
	return err
}

// look takes one step towards a lake with nothing left to finish, and reports whether it is there.
func (w *Writer) look(ctx context.Context) (done bool, err error) {
	open, etag, err := readChangelog(ctx, w.lake)
	if isNotFound(err) {
		return false, w.begin(ctx)
	}
	if err != nil {
		return false, err
	}
	if err := w.readPositions(ctx); err != nil {
		return false, err
	}
	w.open, w.changelog, w.prepared = open, etag, nil
	if err := w.readRoot(ctx); err != nil {
		return false, err
	}
	m, err := readManifest(ctx, w.lake, open)
	if err == nil { // decided, and not switched
		if err := w.adopt(ctx, m); err != nil {
			return false, err
		}
		return false, w.finish(ctx, m)
	}
	if !isNotFound(err) {
		return false, err
	}
	if m, err = newestBefore(ctx, w.lake, open); err != nil {
		return false, err
	}
	if err := w.adopt(ctx, m); err != nil {
		return false, err
	}
	torn, prepared, err := w.inspect(ctx)
	if err != nil {
		return false, err
	}
	if torn { // a close died, or is about to see that it lost
		return false, w.decideEmpty(ctx)
	}
	if !prepared {
		if err := w.prepare(ctx, open); err != nil {
			return false, err
		}
	}
	if w.root.digest == "" {
		return true, w.writeRoot(ctx, w.manifest(nil).Tables)
	}
	return true, nil
}

// begin makes the first folder of a lake, or the next one where changelog.info was lost. The side
// file comes first: it says whose lake this is, and what the first folder is called, so that
// several instances that begin at once make the same one.
func (w *Writer) begin(ctx context.Context) error {
	m, err := newestBefore(ctx, w.lake, "9999")
	if err != nil {
		return err
	}
	if err := w.adopt(ctx, m); err != nil {
		return err
	}
	first := folderAt(w.now())
	if m != nil {
		first = m.Next
	} else if err := w.checkSize(); err != nil {
		return err
	}
	if err := w.claim(ctx, &first); err != nil {
		return err
	}
	if err := w.prepare(ctx, first); err != nil {
		return err
	}
	err = w.putNew(ctx, changelogName, []byte(first))
	if lakelink.IsKind(err, lakelink.KindExists) {
		return nil
	}
	return err
}

// checkSize refuses a new link with more columns than readers of model.json can take (M16).
func (w *Writer) checkSize() error {
	b, err := modelOf(w.manifest(nil).Tables, nil)
	if err != nil {
		return err
	}
	if len(b) > maxModel {
		return &lakelink.Error{Op: "open " + string(lakelink.Incremental), Kind: lakelink.KindInvalid,
			Err:  errors.New("model.json would be over 4 MiB, which not every reader takes"),
			Hint: "split the tables over two links to two lakes"}
	}
	return nil
}

// adopt takes the state of every table from the newest closed folder; nil is none.
func (w *Writer) adopt(ctx context.Context, m *manifest) error {
	if m != nil && m.Link != w.link {
		return &lakelink.Error{Op: "open " + string(lakelink.Incremental), Kind: lakelink.KindOwned,
			Err: errors.New("another link writes to this lake"), Hint: "choose another lake"}
	}
	w.side.mu.Lock()
	w.mu.Lock()
	for _, t := range w.tables {
		t.drop()
		t.epoch++
	}
	w.tables, w.forgotten, w.last = map[lakelink.TableName]*table{}, map[lakelink.TableName]*entry{}, m
	if m != nil {
		for name, e := range m.Forgotten {
			w.forgotten[name] = e
		}
		for name, e := range m.Tables {
			w.tables[name] = &table{name: name, attrs: e.Attributes, entry: e.stored(), position: e.Position, loading: e.Loading}
		}
		w.side.apply(w)
	}
	defs := w.linked()
	w.mu.Unlock()
	w.side.mu.Unlock()
	for _, def := range defs {
		if err := w.join(ctx, def); err != nil {
			return err
		}
	}
	return nil
}

// join makes a table of the options one of the link's.
func (w *Writer) join(ctx context.Context, def *lakelink.Table) error {
	w.mu.Lock()
	known := w.tables[def.Name] != nil
	w.mu.Unlock()
	var staged *staging
	if !known {
		var err error
		if staged, _, err = readStaging(ctx, w.lake, w.link, def.Name); err != nil && !isNotFound(err) {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.include(def, staged)
	return err
}

// inspect looks into the open folder: whether a close has begun, and whether it has its choice files.
func (w *Writer) inspect(ctx context.Context) (torn, prepared bool, err error) {
	choices := 0
	for o, err := range w.lake.List(ctx, string(w.open)+"/", false) {
		if err != nil {
			return false, false, err
		}
		if strings.HasPrefix(o.Name, w.open.path(choiceFolder)) {
			choices++
		}
		torn = torn || isData(w.open, o.Name)
	}
	return torn, choices >= len(choiceFiles), nil
}

// decideEmpty closes the open folder without data. Whoever was about to decide otherwise finds the
// name taken, and finishing removes the files it has left.
func (w *Writer) decideEmpty(ctx context.Context) error {
	if err := w.writeChoices(ctx); err != nil {
		return err
	}
	m := w.manifest(nil)
	m.Choices = w.prepared
	b, err := m.encode()
	if err != nil {
		return err
	}
	err = w.putNew(ctx, m.Folder.path(manifestFile), b)
	if lakelink.IsKind(err, lakelink.KindExists) {
		return nil // decided by somebody else; the next look finds it
	}
	return err
}

// newestBefore finds the manifest of the newest closed folder before f; nil where there is none. It
// looks nearby first, as a lake may hold very many folders.
func newestBefore(ctx context.Context, lake lakelink.Lake, f folder) (*manifest, error) {
	for _, n := range []int{len("2006-01-02T15"), len("2006-01-02"), len("2006-01"), len("2006"), 0} {
		if n >= len(f) {
			continue
		}
		names, err := foldersBefore(ctx, lake, string(f[:n]), f)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Backward(names) {
			m, err := readManifest(ctx, lake, name)
			if err == nil {
				return m, nil
			}
			if !isNotFound(err) {
				return nil, err
			}
			if _, err := lake.Stat(ctx, name.path(markerFile)); err == nil {
				return nil, &lakelink.Error{Op: "open " + string(lakelink.Incremental), Kind: lakelink.KindOwned,
					Err: errors.New("folder " + string(name) + " was not written by Lakelink"), Hint: "choose another lake"}
			} else if !isNotFound(err) {
				return nil, err
			}
		}
	}
	return nil, nil
}

func foldersBefore(ctx context.Context, lake lakelink.Lake, prefix string, f folder) ([]folder, error) {
	var names []folder
	for o, err := range lake.List(ctx, prefix, true) {
		if err != nil {
			return nil, err
		}
		name := folder(strings.TrimSuffix(o.Name, "/"))
		if _, ok := name.time(); ok && name < f && strings.HasSuffix(o.Name, "/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// manifest makes the manifest with which the open folder is closed, but for what the shares add.
func (w *Writer) manifest(shares []share) *manifest {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := &manifest{Format: formatVersion, Link: w.link, Folder: w.open, Tables: map[lakelink.TableName]*entry{}}
	opened, _ := w.open.time()
	m.Sink = later(w.now(), opened)
	if w.last != nil {
		m.Previous = w.last.Folder
		m.Sink = later(m.Sink, w.last.Sink.Add(time.Second)) // O9
	}
	m.Next = folderAt(later(w.now(), m.Sink, opened.Add(time.Second)))
	for name, t := range w.tables {
		e := t.entry.stored()
		e.Position, e.Attributes, e.Loading = t.position, t.attrs, t.loading && t.position.IsZero()
		m.Tables[name] = e
	}
	if len(w.forgotten) > 0 {
		m.Forgotten = map[lakelink.TableName]*entry{}
		for name, e := range w.forgotten {
			m.Forgotten[name] = e
		}
	}
	for i := range shares {
		shares[i].enter(m)
	}
	return m
}
