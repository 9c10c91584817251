package cdm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"iter"
	"slices"
	"strconv"

	"lakelink"
)

// A chapter is what one folder holds of a table.
type chapter struct {
	folder folder
	attrs  []attribute
	files  []file
	// superseded says that a later folder holds a load, and with it whatever this one held. A file of it
	// may be missing: nobody misses its rows then.
	superseded bool
}

// history lists the folders that hold files of a table, oldest first, from the newest one back along
// the manifests. Where gone is true, folders that are no longer there end it; else each must be as consumers
// need it.
func history(ctx context.Context, lake lakelink.Lake, t lakelink.TableName, last folder, gone bool) ([]chapter, error) {
	var out []chapter
	superseded := false
	for f := last; f != ""; {
		m, err := readManifest(ctx, lake, f)
		if isNotFound(err) {
			if gone || superseded {
				break
			}
			return nil, damaged(f.path(manifestFile), "it is gone, though a later folder refers to it")
		}
		if err != nil {
			return nil, err
		}
		e := m.Tables[t]
		if e == nil || len(e.Files) == 0 || e.Before >= f {
			return nil, damaged(f.path(manifestFile), "it does not name the files of table %s", t)
		}
		if !gone {
			if err := checkMarker(ctx, lake, m, t); err != nil {
				return nil, err
			}
		}
		out = append(out, chapter{f, e.Attributes, e.Files, superseded})
		superseded = superseded || !e.Completed.IsZero() && e.Completed.Equal(m.Sink) // it shows a load
		f = e.Before
	}
	slices.Reverse(out)
	return out, nil
}

// year is the number in a file's name. Deletes come last within a folder (§5.4.6).
func (f file) year() int {
	n, _ := strconv.Atoi(f.Name[:max(0, len(f.Name)-len(".csv"))])
	return n
}

// inReadingOrder puts a folder's upserts before its deletes.
func inReadingOrder(files []file) []file {
	out := slices.Clone(files)
	slices.SortStableFunc(out, func(a, b file) int {
		switch {
		case a.year() == deleteYear && b.year() != deleteYear:
			return 1
		case b.year() == deleteYear && a.year() != deleteYear:
			return -1
		}
		return a.year() - b.year()
	})
	return out
}

// A dataFile is an open data file that knows what was written.
type dataFile struct {
	name string
	want file
	body io.ReadCloser
	hash hash.Hash
	csv  *csvReader
	rows int64
}

func openData(ctx context.Context, lake lakelink.Lake, name string, want file) (*dataFile, error) {
	body, info, err := lake.Get(ctx, name)
	if isNotFound(err) {
		return nil, damaged(name, "it is gone")
	}
	if err != nil {
		return nil, err
	}
	if info.Size != want.Bytes {
		body.Close()
		return nil, damaged(name, "it has %d bytes, and %d were written", info.Size, want.Bytes)
	}
	d := &dataFile{name: name, want: want, body: body, hash: sha256.New()}
	d.csv = newCSVReader(io.TeeReader(body, d.hash))
	return d, nil
}

// next returns the next record, whose number of cells is width. At the end it compares the file with
// what was written.
func (d *dataFile) next(width int) ([][]byte, error) {
	cells, err := d.csv.next()
	switch {
	case err == io.EOF:
		if hex.EncodeToString(d.hash.Sum(nil)) != d.want.SHA256 {
			return nil, damaged(d.name, "it has other content than was written")
		}
		if d.rows != d.want.Rows {
			return nil, damaged(d.name, "it has %d rows, and %d were written", d.rows, d.want.Rows)
		}
		return nil, io.EOF
	case err == errTorn || err == errQuote:
		return nil, damaged(d.name, "row %d: %w", d.rows+1, err)
	case err != nil:
		return nil, err
	}
	d.rows++
	if len(cells) != width {
		return nil, damaged(d.name, "row %d has %d columns instead of %d", d.rows, len(cells), width)
	}
	return cells, nil
}

func (d *dataFile) close() { d.body.Close() }

// shownEntries yields every entry of a table that the lake shows. This reads all the table's files,
// so it is for resyncs only. Folders that were cleaned away are passed over, and so is damage: what
// cannot be read cannot be compared, and a resync is what repairs it.
func shownEntries(ctx context.Context, lake lakelink.Lake, t lakelink.TableName, last folder) iter.Seq2[shown, error] {
	return func(yield func(shown, error) bool) {
		chapters, err := history(ctx, lake, t, last, true)
		if err != nil {
			yield(shown{}, err)
			return
		}
		for _, c := range chapters {
			version := indexOf(c.attrs, lakelink.VersionColumn)
			for _, f := range c.files {
				for s, err := range entriesOf(ctx, lake, c.folder.data(t, f.Name), f, len(c.attrs), version) {
					if lakelink.IsKind(err, lakelink.KindDamaged) {
						break
					}
					if !yield(s, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

func entriesOf(ctx context.Context, lake lakelink.Lake, name string, f file, width, version int) iter.Seq2[shown, error] {
	return func(yield func(shown, error) bool) {
		d, err := openData(ctx, lake, name, f)
		if err != nil {
			yield(shown{}, err)
			return
		}
		defer d.close()
		for {
			cells, err := d.next(width)
			if err == io.EOF {
				return
			}
			s := shown{deleted: f.year() == deleteYear}
			if err == nil {
				s.id, s.version, err = keyOf(d.name, cells, version)
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// keyOf reads the id and the version of a record.
func keyOf(name string, cells [][]byte, version int) (id lakelink.ID, v int64, err error) {
	if !id.Set(string(cells[0])) {
		return id, 0, damaged(name, "%q is not an id", cells[0])
	}
	if v, err = strconv.ParseInt(string(cells[version]), 10, 64); err != nil {
		return id, 0, damaged(name, "%q is not a version", cells[version])
	}
	return id, v, nil
}

// indexOf is the place of an attribute; 0, which is Id, where there is none.
func indexOf(attrs []attribute, name string) int {
	return max(0, slices.IndexFunc(attrs, func(a attribute) bool { return a.name == name }))
}
