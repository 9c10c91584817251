package delta

import (
	"context"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"lakelink"
)

// A draft is the content of a commit while it is being made: the files of the table, the rows in
// them that are dead, and the files that were written.
type draft struct {
	t     *table
	files []*draftFile
	now   time.Time
}

type draftFile struct {
	add   *addFile
	index *keyIndex
	dead  *roaring.Bitmap // rows that do not hold any more; nil where all do
	fresh bool            // not in the log
	gone  bool            // its rows are in other files now
}

func newDraft(ctx context.Context, t *table, adds []*addFile, fresh bool) (*draft, error) {
	indexes, err := t.keys.all(ctx, adds)
	if err != nil {
		return nil, err
	}
	d := &draft{t: t, now: t.w.Now()}
	for i, add := range adds {
		d.files = append(d.files, &draftFile{add: add, index: indexes[i], fresh: fresh})
	}
	return d, nil
}

func (f *draftFile) rows() int { return f.index.n - f.deadRows() }

func (f *draftFile) deadRows() int {
	if f.dead == nil {
		return 0
	}
	return int(f.dead.GetCardinality())
}

func (f *draftFile) kill(row uint32) {
	if f.dead == nil {
		f.dead = roaring.New()
	}
	f.dead.Add(row)
}

// find returns the file that has the row and its place in the file's index, or nil. An id is live
// in one place only.
func (d *draft) find(id lakelink.ID) (*draftFile, int) {
	for _, f := range d.files {
		if f.gone {
			continue
		}
		i, ok := f.index.find(id)
		if ok && (f.dead == nil || !f.dead.Contains(f.index.row(i))) {
			return f, i
		}
	}
	return nil, 0
}

// resolveRows drops pending rows that the table has in the same or a higher version, and kills those
// that it has in a lower one.
func (d *draft) resolveRows(p *pending) {
	for id, r := range p.rows {
		f, i := d.find(id)
		switch {
		case f == nil:
		case f.index.version(i) >= r.version:
			p.drop(id, r)
		default:
			f.kill(f.index.row(i))
		}
	}
}

// resolveDeletes kills what the deletes are about. A delete moves no version by itself: one with the
// row's own version came after it.
func (d *draft) resolveDeletes(p *pending, version int64) {
	for id, v := range p.deletes {
		if v == unversioned {
			v = version
		}
		if f, i := d.find(id); f != nil && f.index.version(i) <= v {
			f.kill(f.index.row(i))
		}
	}
}

// touched reports whether the draft differs from the table.
func (d *draft) touched() bool {
	return slices.ContainsFunc(d.files, func(f *draftFile) bool { return f.fresh || f.gone || f.dead != nil })
}

// result tells what the commit adds and removes. Files that came and went within the draft are in
// neither.
func (d *draft) result() (added, removed []*addFile) {
	for _, f := range d.files {
		switch {
		case f.fresh && !f.gone:
			added = append(added, f.add)
		case !f.fresh && f.gone:
			removed = append(removed, f.add)
		}
	}
	return added, removed
}

// A job makes one file, or several where that would be too large, out of new rows and of the live
// rows of files.
type job struct {
	partition string
	pieces    []piece
	files     []*draftFile
}

// write does the jobs and replaces their files in the draft by what they made.
func (d *draft) write(ctx context.Context, jobs []job) error {
	g, encoding := errgroup.WithContext(ctx)
	made := make([][]*addFile, len(jobs))
	for i, j := range jobs {
		select {
		case d.t.w.slots <- struct{}{}:
		case <-encoding.Done():
			return firstError(g.Wait(), encoding.Err())
		}
		g.Go(func() (err error) {
			defer func() { <-d.t.w.slots }()
			made[i], err = d.t.encode(encoding, j, d.now)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, j := range jobs {
		for _, f := range j.files {
			d.retire(f)
		}
		for _, add := range made[i] {
			index, err := d.t.keys.get(ctx, add)
			if err != nil {
				return err
			}
			d.files = append(d.files, &draftFile{add: add, index: index, fresh: true})
		}
	}
	return nil
}

// retire takes a file out of the draft. Of one that is in no commit nobody will ask again for its index.
func (d *draft) retire(f *draftFile) {
	f.gone = true
	if f.fresh {
		d.t.keys.drop(f.add.Path)
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// encode does one job.
func (t *table) encode(ctx context.Context, j job, now time.Time) ([]*addFile, error) {
	o := &output{ctx: ctx, t: t, partition: j.partition, now: now}
	for _, p := range j.pieces {
		if err := o.append(t.sourceOf(p.batch, now), p.rows); err != nil {
			return nil, err
		}
	}
	for _, f := range j.files {
		if f.rows() == 0 {
			continue
		}
		if err := o.copy(f); err != nil {
			return nil, err
		}
	}
	return o.made, o.finish()
}

// An output is the files that a job makes, one after the other.
type output struct {
	ctx       context.Context
	t         *table
	partition string
	now       time.Time
	enc       *encoder
	made      []*addFile
}

func (o *output) append(src source, rows []int32) error {
	if o.enc == nil {
		var err error
		if o.enc, err = newEncoder(o.t.layout); err != nil {
			return err
		}
	}
	if err := o.enc.append(src, rows); err != nil {
		return err
	}
	if o.enc.total() >= o.t.w.MaxFileRows || o.enc.size >= o.t.w.MaxFileBytes {
		return o.finish()
	}
	return nil
}

func (o *output) finish() error {
	if o.enc == nil || o.enc.total() == 0 {
		return nil
	}
	add, err := o.enc.finish(o.ctx, o.t, o.partition, o.now)
	if err != nil {
		return err
	}
	o.made, o.enc = append(o.made, add), nil
	return nil
}

// copy appends the live rows of a file.
func (o *output) copy(f *draftFile) error {
	first := uint32(0)
	for rec, err := range readDataFile(o.ctx, o.t.w.Lake, o.t.name, f.add) {
		if err != nil {
			return err
		}
		n := uint32(rec.NumRows())
		rows := liveRows(f.dead, first, n)
		first += n
		if rows != nil && len(rows) == 0 {
			continue
		}
		if err := o.append(o.t.layout.sourceOf(rec), rows); err != nil {
			return damaged(o.t.name, folder(o.t.name)+f.add.Path, err)
		}
	}
	return nil
}

// liveRows lists which of n rows from first on are not dead, counted from first; nil: all.
func liveRows(dead *roaring.Bitmap, first, n uint32) []int32 {
	if dead == nil || dead.CardinalityInRange(uint64(first), uint64(first)+uint64(n)) == 0 {
		return nil
	}
	rows := make([]int32, 0, n)
	next := first
	it := dead.Iterator()
	it.AdvanceIfNeeded(first)
	for it.HasNext() && it.PeekNext() < first+n {
		for d := it.Next(); next < d; next++ {
			rows = append(rows, int32(next-first))
		}
		next++
	}
	for ; next < first+n; next++ {
		rows = append(rows, int32(next-first))
	}
	return rows
}

// sourceOf takes a record of a data file. Columns that it lacks are null.
func (l *layout) sourceOf(rec arrow.RecordBatch) source {
	src := source{cols: make([]arrow.Array, len(l.fields)), n: int(rec.NumRows())}
	for i := range l.fields {
		src.cols[i] = columnOf(rec, l.fields[i].Name)
	}
	return src
}

// sourceOf takes the rows of a batch, adding our own columns.
func (t *table) sourceOf(b arrow.RecordBatch, now time.Time) source {
	src := source{cols: make([]arrow.Array, len(t.layout.fields)), n: int(b.NumRows())}
	var sunk arrow.Array
	for i := range t.layout.fields {
		f := &t.layout.fields[i]
		switch {
		case !f.system():
			src.cols[i] = columnOf(b, f.column())
		case f.Name == idColumn:
			src.cols[i] = columnOf(b, t.def.PrimaryKey)
		case f.Name == createdColumn || f.Name == modifiedColumn:
			if sunk == nil {
				sunk = instants(now, src.n)
			}
			src.cols[i] = sunk
		}
	}
	return src
}

func instants(at time.Time, n int) arrow.Array {
	b := &fixedBuilder[arrow.Timestamp]{dtype: arrow.FixedWidthTypes.Timestamp_us, values: make([]arrow.Timestamp, n)}
	for i := range b.values {
		b.values[i] = arrow.Timestamp(at.UnixMicro())
	}
	b.valid.n = n
	return b.finish().(*array.Timestamp)
}
