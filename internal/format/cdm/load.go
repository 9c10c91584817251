package cdm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/s2"

	"lakelink"
)

// A staging is the load.json of a table: what of a full read has been staged in the lake. Its parts
// are frames, compressed, one part per step and year.
type staging struct {
	Format     int                `json:"format"`
	Link       string             `json:"link"`
	Table      lakelink.TableName `json:"table"`
	ID         string             `json:"id"`     // of the load
	Writer     string             `json:"writer"` // who goes on with it; shuts the one before out
	Attributes []attribute        `json:"attributes"`
	Steps      []step             `json:"steps"`
	Ready      bool               `json:"ready"` // finished; the next folder shows it
}

type step struct {
	Position lakelink.Position `json:"position"`
	Parts    []stagedPart      `json:"parts,omitempty"`
}

type stagedPart struct {
	Name   string `json:"name"`
	Year   int    `json:"year"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const stagingFile = "load.json"

// readStaging reads a table's load. KindNotFound: there is none.
func readStaging(ctx context.Context, lake lakelink.Lake, link string, t lakelink.TableName) (*staging, string, error) {
	var s staging
	name := stagingFolder(t) + stagingFile
	etag, err := readJSON(ctx, lake, name, &s)
	if err != nil {
		return nil, "", err
	}
	if s.Link != link {
		return nil, "", &lakelink.Error{Op: "open load", Table: t, Kind: lakelink.KindOwned,
			Err: fmt.Errorf("%s is another link's", name), Hint: "choose another lake"}
	}
	return &s, etag, nil
}

// removeStaging deletes a table's load: first what names the parts, then the parts.
func removeStaging(ctx context.Context, lake lakelink.Lake, t lakelink.TableName) error {
	if err := lake.Delete(ctx, stagingFolder(t)+stagingFile); err != nil {
		return err
	}
	return removeParts(ctx, lake, &staging{Table: t})
}

// removeParts deletes the parts that a load does not name.
func removeParts(ctx context.Context, lake lakelink.Lake, s *staging) error {
	keep := map[string]bool{stagingFolder(s.Table) + stagingFile: true}
	for _, step := range s.Steps {
		for _, p := range step.Parts {
			keep[stagingFolder(s.Table)+p.Name] = true
		}
	}
	for o, err := range lake.List(ctx, stagingFolder(s.Table), false) {
		if err != nil {
			return err
		}
		if keep[o.Name] {
			continue
		}
		if err := lake.Delete(ctx, o.Name); err != nil {
			return err
		}
	}
	return nil
}

// A load is a staging that is ready to be shown.
type load struct{ staging }

func (l *load) position() lakelink.Position { return l.Steps[len(l.Steps)-1].Position }

func (l *load) bytes() (n int64) {
	for _, s := range l.Steps {
		for _, p := range s.Parts {
			n += p.Bytes
		}
	}
	return n
}

// parts are the parts in the order in which they were staged.
func (l *load) parts(lake lakelink.Lake) (out []part) {
	for _, s := range l.Steps {
		for _, p := range s.Parts {
			out = append(out, part{year: p.Year, rows: p.Rows, deletes: l.position().Version,
				open: func(ctx context.Context) (io.ReadCloser, error) {
					return openPart(ctx, lake, stagingFolder(l.Table)+p.Name, p)
				}})
		}
	}
	return out
}

// A partReader reads the frames of a staged part and reports damage instead of its end.
type partReader struct {
	name string
	p    stagedPart
	body io.ReadCloser
	hash hash.Hash
	n    int64
	s2   *s2.Reader
}

func openPart(ctx context.Context, lake lakelink.Lake, name string, p stagedPart) (io.ReadCloser, error) {
	body, _, err := lake.Get(ctx, name)
	if isNotFound(err) {
		return nil, damaged(name, "it is gone")
	}
	if err != nil {
		return nil, err
	}
	r := &partReader{name: name, p: p, body: body, hash: sha256.New()}
	r.s2 = s2.NewReader(io.TeeReader(body, r), s2.ReaderMaxBlockSize(s2Block))
	return r, nil
}

// Write counts the bytes as they come from the lake.
func (r *partReader) Write(b []byte) (int, error) {
	r.n += int64(len(b))
	return r.hash.Write(b)
}

// Read returns the next bytes of the frames.
func (r *partReader) Read(b []byte) (int, error) {
	n, err := r.s2.Read(b)
	if err == io.EOF && (r.n != r.p.Bytes || hex.EncodeToString(r.hash.Sum(nil)) != r.p.SHA256) {
		return n, damaged(r.name, "it has other content than was staged")
	}
	if err != nil && err != io.EOF && r.n <= r.p.Bytes && lakelink.KindOf(err) == lakelink.KindOther {
		return n, damaged(r.name, "%w", err)
	}
	return n, err
}

// Close ends reading.
func (r *partReader) Close() error { return r.body.Close() }

// A loadWriter stages a full read.
type loadWriter struct {
	*tableWriter
	etag  string // of load.json
	s     staging
	spool *spool // written since the last Stage
	parts int    // names them
}

// Load opens the table's load. One that was finished and not shown yet can be gone on with; it
// is shown after it was finished again.
func (tw *tableWriter) Load(ctx context.Context) (lakelink.LoadWriter, error) {
	w, t := tw.w, tw.t
	w.closing.Lock()
	defer w.closing.Unlock()
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	s, etag, err := readStaging(ctx, w.lake, w.link, t.name)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	w.mu.Lock()
	if err := w.check("open load", t, tw.epoch); err != nil {
		w.mu.Unlock()
		return nil, err
	}
	if s == nil || s.ID == t.entry.Load || !startsWith(t.attrs, s.Attributes) {
		s = &staging{Format: formatVersion, Link: w.link, Table: t.name, ID: w.newID()}
	}
	s.Attributes, s.Writer, s.Ready = t.attrs, w.newID(), false
	t.load, t.loading = nil, true
	w.mu.Unlock()

	l := &loadWriter{tableWriter: tw, etag: etag, s: *s, spool: newSpool(w.budget)}
	tw.load = l
	if err := l.save(ctx); err != nil { // shuts out whoever staged before
		return nil, err
	}
	return l, removeParts(ctx, w.lake, &l.s)
}

// save writes load.json, if nobody else did meanwhile.
func (l *loadWriter) save(ctx context.Context) error {
	b, err := encodeJSON(l.s)
	if err != nil {
		return err
	}
	name := stagingFolder(l.t.name) + stagingFile
	var info lakelink.ObjectInfo
	if l.etag == "" {
		info, err = l.w.lake.PutNew(ctx, name, bytes.NewReader(b))
	} else {
		info, err = l.w.lake.PutMatch(ctx, name, l.etag, bytes.NewReader(b))
	}
	if lakelink.IsKind(err, lakelink.KindExists) || lakelink.IsKind(err, lakelink.KindConflict) {
		return l.recall(ctx, name, b)
	}
	if err == nil {
		l.etag = info.ETag
	}
	return err
}

// recall finds out whether a save that seemed to fail was made after all.
func (l *loadWriter) recall(ctx context.Context, name string, want []byte) error {
	b, info, err := readAll(ctx, l.w.lake, name)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, want) {
		return failKind(lakelink.KindConflict, "stage", l.t.name, "another instance loads this table")
	}
	l.etag = info.ETag
	return nil
}

func (l *loadWriter) check(op string) error {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.check(op, l.t, l.epoch)
}

// Staged lists what can be gone on from.
func (l *loadWriter) Staged() []lakelink.Position {
	var out []lakelink.Position
	for _, s := range l.s.Steps {
		out = append(out, s.Position)
	}
	return out
}

// Truncate forgets the steps after a checkpoint.
func (l *loadWriter) Truncate(ctx context.Context, to lakelink.Checkpoint) error {
	if err := l.check("truncate load"); err != nil {
		return err
	}
	n := 0
	for i, s := range l.s.Steps {
		if to != "" && s.Position.Checkpoint == to {
			n = i + 1
		}
	}
	if n == 0 && to != "" {
		return failKind(lakelink.KindInvalid, "truncate load", l.t.name, "nothing was staged with that checkpoint")
	}
	l.spool.release()
	l.s.Steps = l.s.Steps[:n:n]
	if err := l.save(ctx); err != nil {
		return err
	}
	return removeParts(ctx, l.w.lake, &l.s)
}

// Write adds a batch to the spool.
func (l *loadWriter) Write(ctx context.Context, b *lakelink.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.check("write load"); err != nil {
		l.spool.release()
		return err
	}
	return write(l.enc, b, l.spool)
}

// Stage puts what was written into the lake.
func (l *loadWriter) Stage(ctx context.Context, pos lakelink.Position) error {
	if err := l.check("stage"); err != nil {
		l.spool.release()
		return err
	}
	return l.stage(ctx, pos, false)
}

func (l *loadWriter) stage(ctx context.Context, pos lakelink.Position, ready bool) error {
	next := step{Position: pos}
	for _, seg := range l.spool.segs {
		p, err := l.upload(ctx, seg)
		if err != nil {
			return err
		}
		next.Parts = append(next.Parts, p)
	}
	old := l.s
	l.w.mu.Lock()
	l.s.Attributes = l.t.attrs
	l.w.mu.Unlock()
	l.s.Steps = append(l.s.Steps[:len(l.s.Steps):len(l.s.Steps)], next)
	l.s.Ready = ready
	if err := l.save(ctx); err != nil {
		l.s = old
		return err
	}
	l.spool.release()
	return nil
}

// upload stages one segment. Its name tells the step, the year and the writer.
func (l *loadWriter) upload(ctx context.Context, seg *segment) (stagedPart, error) {
	l.parts++
	p := stagedPart{Name: fmt.Sprintf("%06d-%d-%s-%d.part", len(l.s.Steps)+1, seg.year, l.s.Writer, l.parts),
		Year: seg.year, Rows: seg.rows}
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(compress(w, l.spool.read(seg)))
	}()
	sum := sha256.New()
	count := &counter{}
	_, err := l.w.lake.PutNew(ctx, stagingFolder(l.t.name)+p.Name, io.TeeReader(r, io.MultiWriter(sum, count)))
	r.Close() // where the lake has not read to the end
	<-done
	if err != nil {
		return stagedPart{}, err
	}
	p.Bytes, p.SHA256 = count.n, hex.EncodeToString(sum.Sum(nil))
	return p, nil
}

// s2Block bounds what compressing and reading a part holds in memory. Parts live for minutes, so that
// speed counts for more than their size.
const s2Block = 1 << 20

func compress(w io.Writer, r io.Reader) error {
	z := s2.NewWriter(w, s2.WriterConcurrency(1), s2.WriterBlockSize(s2Block))
	if _, err := io.Copy(z, r); err != nil {
		z.Close()
		return err
	}
	return z.Close()
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// Finish lets the next interval show the load in place of the table's rows. Changes that were
// written before and are not shown yet, committed or not, are in it and are dropped.
func (l *loadWriter) Finish(ctx context.Context, pos lakelink.Position) error {
	if pos.Version <= 0 { // it decides which rows are shown, and deletes bear it
		return failKind(lakelink.KindInvalid, "finish load", l.t.name, "the position has no version")
	}
	l.w.closing.Lock()
	defer l.w.closing.Unlock()
	if err := l.w.settle(ctx); err != nil {
		return err
	}
	if err := l.check("finish load"); err != nil {
		l.spool.release()
		return err
	}
	if err := l.stage(ctx, pos, true); err != nil {
		return err
	}
	// A delete of a cycle that was given up would get the version of the next commit, and take a row of
	// the load with it.
	l.open.release()
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.t.drop()
	l.t.load, l.t.loading = &load{staging: l.s}, true
	return nil
}
