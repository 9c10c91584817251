package cdm

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"lakelink"
)

// A position that moved without a change is written down when the one in the lake is this old.
// After a crash, reading on from an older one costs requests and nothing else.
const positionAge = time.Hour

// positions is the side file that keeps what happened since the newest folder without making a new
// one: where tables stand that had no changes, and which tables were forgotten.
type positions struct {
	mu      sync.Mutex // serialises writing; taken before the writer's mu
	etag    string
	content sideFile
}

type sideFile struct {
	Format    int                                      `json:"format"`
	Link      string                                   `json:"link"`
	Folder    folder                                   `json:"folder"`          // the newest closed one when this was written
	First     folder                                   `json:"first,omitempty"` // the one to begin with
	Positions map[lakelink.TableName]lakelink.Position `json:"positions,omitempty"`
	Forgotten []lakelink.TableName                     `json:"forgotten,omitempty"`
}

// apply lets the side file speak where it belongs to the newest folder. Its mu and the writer's are held.
func (p *positions) apply(w *Writer) {
	if p.content.Folder != w.last.Folder {
		return
	}
	for name, pos := range p.content.Positions {
		if t := w.tables[name]; t != nil {
			t.position, t.entry.Position = pos, pos
		}
	}
	for _, name := range p.content.Forgotten {
		if t := w.tables[name]; t != nil && w.defs[name] == nil {
			w.forgotten[name] = &entry{Attributes: t.attrs, Last: t.entry.Last}
			delete(w.tables, name)
		} else if t != nil { // forgotten, and added again
			t.position, t.entry = lakelink.Position{}, &entry{Attributes: t.attrs, Last: t.entry.Last}
		}
	}
}

// readPositions reads the side file, and finds out whether the lake is another's.
func (w *Writer) readPositions(ctx context.Context) error {
	w.side.mu.Lock()
	defer w.side.mu.Unlock()
	w.side.content = sideFile{}
	etag, err := readJSON(ctx, w.lake, positionsName, &w.side.content)
	if err == nil && w.side.content.Link == w.link {
		w.side.etag = etag
		return nil
	}
	if err != nil && !isNotFound(err) {
		return err
	}
	return &lakelink.Error{Op: "open " + string(lakelink.Incremental), Kind: lakelink.KindOwned,
		Err: errors.New("the batch folders of this lake are not this link's"), Hint: "choose another lake"}
}

// claim makes the side file of a lake that has none. Where there is one already, it names the first
// folder.
func (w *Writer) claim(ctx context.Context, first *folder) error {
	b, err := encodeJSON(sideFile{Format: formatVersion, Link: w.link, First: *first})
	if err != nil {
		return err
	}
	err = w.putNew(ctx, positionsName, b)
	if !lakelink.IsKind(err, lakelink.KindExists) {
		return err
	}
	if err := w.readPositions(ctx); err != nil {
		return err
	}
	if _, ok := w.side.content.First.time(); ok {
		*first = w.side.content.First
	}
	return nil
}

// savePositions writes down where every table stands. Of several instances the last one to write
// is as right as the others: what it says holds as long as its folder is the newest.
func (w *Writer) savePositions(ctx context.Context) error {
	w.side.mu.Lock()
	defer w.side.mu.Unlock()
	for try := 0; ; try++ {
		content := w.sideContent()
		b, err := encodeJSON(content)
		if err != nil {
			return err
		}
		info, err := w.lake.PutMatch(ctx, positionsName, w.side.etag, bytes.NewReader(b))
		if err == nil {
			w.side.etag, w.side.content = info.ETag, content
			w.saved(content)
			return nil
		}
		if !lakelink.IsKind(err, lakelink.KindConflict) || try > 0 {
			return err
		}
		var other sideFile
		if w.side.etag, err = readJSON(ctx, w.lake, positionsName, &other); err != nil {
			return err
		}
		if other.Folder > content.Folder {
			return overtaken("folder " + string(other.Folder) + " is closed")
		}
	}
}

func (w *Writer) sideContent() sideFile {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := sideFile{Format: formatVersion, Link: w.link, Positions: map[lakelink.TableName]lakelink.Position{}}
	if w.last == nil {
		return out
	}
	out.Folder = w.last.Folder
	for name, t := range w.tables {
		if !t.position.IsZero() {
			out.Positions[name] = t.position
		}
	}
	for name := range w.last.Tables {
		if w.forgotten[name] != nil {
			out.Forgotten = append(out.Forgotten, name)
		}
	}
	return out
}

// saved remembers which positions are durable.
func (w *Writer) saved(s sideFile) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, pos := range s.Positions {
		if t := w.tables[name]; t != nil {
			t.entry.Position = pos
		}
	}
}
