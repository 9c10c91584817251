package cdm

import (
	"bytes"
	"context"
	"slices"

	"lakelink"
)

// finish does what follows from the decision that m is: the same things whoever does them, and
// however often. closing is held.
//
// The root schema comes before the marker, so that it covers every closed folder at all times
// (M13); the next folder before the switch, so that the folder in changelog.info is complete as far
// as it goes (K4, L5).
func (w *Writer) finish(ctx context.Context, m *manifest) error {
	if err := w.removeStrays(ctx, m); err != nil {
		return err
	}
	if err := w.writeService(ctx, m); err != nil {
		return err
	}
	if err := w.writeRoot(ctx, m.Tables); err != nil {
		return err
	}
	marker, err := modelOf(m.Tables, w.addresses(m.Folder))
	if err != nil {
		return err
	}
	if err := w.putNew(ctx, m.Folder.path(markerFile), marker); err != nil && !lakelink.IsKind(err, lakelink.KindExists) {
		return err
	}
	if err := w.prepare(ctx, m.Next); err != nil {
		return err
	}
	return w.switchTo(ctx, m.Next)
}

// removeStrays deletes the data files of a decided folder that the decision does not name: somebody
// wrote them who was not the one to decide.
func (w *Writer) removeStrays(ctx context.Context, m *manifest) error {
	for o, err := range w.lake.List(ctx, string(m.Folder)+"/", false) {
		if err != nil {
			return err
		}
		if !isData(m.Folder, o.Name) || m.names(o.Name) {
			continue
		}
		if err := w.lake.Delete(ctx, o.Name); err != nil {
			return err
		}
	}
	return nil
}

func (m *manifest) names(object string) bool {
	for t, e := range m.Tables {
		if slices.ContainsFunc(e.Files, func(f file) bool { return m.Folder.data(t, f.Name) == object }) {
			return true
		}
	}
	return false
}

// addresses gives the data files of a folder their address.
func (w *Writer) addresses(f folder) func(lakelink.TableName, file) string {
	return func(t lakelink.TableName, data file) string { return w.locate(f.data(t, data.Name)) }
}

// writeService writes the files that describe the tables with data in a folder (M14, K2).
func (w *Writer) writeService(ctx context.Context, m *manifest) error {
	w.mu.Lock()
	tables := w.linked()
	w.mu.Unlock()
	keys := primaryKeys(tables)
	put := func(name string, b []byte) error {
		_, err := w.lake.Put(ctx, m.Folder.path(serviceFolder+name), bytes.NewReader(b))
		return err
	}
	for _, t := range tables {
		e := m.Tables[t.Name]
		if e == nil || len(e.Files) == 0 {
			continue
		}
		b, err := modelOf(map[lakelink.TableName]*entry{t.Name: e}, w.addresses(m.Folder))
		if err != nil {
			return err
		}
		if err := put(string(t.Name)+"-model.json", b); err != nil {
			return err
		}
		if b, err = entityMetadataOf(t, keys, m.Sink); err != nil {
			return err
		}
		if err := put(string(t.Name)+"-EntityMetadata.json", b); err != nil {
			return err
		}
	}
	return nil
}

// writeRoot brings the root model.json up to date (M13).
func (w *Writer) writeRoot(ctx context.Context, tables map[lakelink.TableName]*entry) error {
	b, err := modelOf(tables, nil)
	if err != nil {
		return err
	}
	if digest(b) == w.root.digest {
		return nil
	}
	var info lakelink.ObjectInfo
	if w.root.digest == "" {
		info, err = w.lake.PutNew(ctx, rootModelName, bytes.NewReader(b))
	} else {
		info, err = w.lake.PutMatch(ctx, rootModelName, w.root.etag, bytes.NewReader(b))
	}
	if lakelink.IsKind(err, lakelink.KindExists) || lakelink.IsKind(err, lakelink.KindConflict) {
		if err := w.readRoot(ctx); err != nil {
			return err
		}
		if w.root.digest != digest(b) {
			return overtaken("it has written " + rootModelName)
		}
		return nil
	}
	if err != nil {
		return err
	}
	w.root = object{info.ETag, digest(b)}
	return nil
}

func (w *Writer) readRoot(ctx context.Context) error {
	b, info, err := readAll(ctx, w.lake, rootModelName)
	if isNotFound(err) {
		w.root = object{}
		return nil
	}
	if err != nil {
		return err
	}
	w.root = object{info.ETag, digest(b)}
	return nil
}

// prepare makes the choice files of a folder that is about to be announced.
func (w *Writer) prepare(ctx context.Context, f folder) error {
	w.mu.Lock()
	files := choiceMetadata(w.linked())
	w.mu.Unlock()
	known := digests(files)
	for _, name := range choiceFiles {
		err := w.putNew(ctx, f.path(choiceFolder+name), files[name])
		if lakelink.IsKind(err, lakelink.KindExists) {
			known[name] = "" // by somebody else, perhaps with other content
			continue
		}
		if err != nil {
			return err
		}
	}
	w.prepared = known
	return nil
}

// switchTo announces the next folder in changelog.info (L4).
func (w *Writer) switchTo(ctx context.Context, next folder) error {
	info, err := w.lake.PutMatch(ctx, changelogName, w.changelog, bytes.NewReader([]byte(next)))
	if lakelink.IsKind(err, lakelink.KindConflict) {
		open, etag, err := readChangelog(ctx, w.lake)
		if err != nil {
			return err
		}
		if open != next {
			return overtaken("folder " + string(open) + " is open")
		}
		w.open, w.changelog = open, etag
		return nil
	}
	if err != nil {
		return err
	}
	w.open, w.changelog = next, info.ETag
	return nil
}

// readChangelog reads which folder is open.
func readChangelog(ctx context.Context, lake lakelink.Lake) (folder, string, error) {
	b, info, err := readAll(ctx, lake, changelogName)
	if err != nil {
		return "", "", err
	}
	f := folder(b)
	if _, ok := f.time(); !ok {
		return "", "", damaged(changelogName, "%q is not the name of a folder", b)
	}
	return f, info.ETag, nil
}
