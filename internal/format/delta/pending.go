package delta

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// pending is what was written and is still in memory: of each id the row or the delete that holds.
type pending struct {
	batches []pendingBatch
	rows    map[lakelink.ID]pendingRow
	deletes map[lakelink.ID]int64 // to the delete's version; unversioned: that of the commit
	size    int64
}

const unversioned = -1

type pendingBatch struct {
	rows arrow.RecordBatch
	live []bool // the row holds
}

type pendingRow struct {
	version int64
	batch   int32
	row     int32
}

func (p *pending) empty() bool { return len(p.rows) == 0 && len(p.deletes) == 0 }

func (p *pending) add(b *lakelink.Batch) error {
	if p.rows == nil {
		p.rows, p.deletes = map[lakelink.ID]pendingRow{}, map[lakelink.ID]int64{}
	}
	if b.NumRows() > 0 {
		if err := p.addRows(b); err != nil {
			return err
		}
	}
	for _, d := range b.Deletes {
		p.addDelete(d)
	}
	return nil
}

func (p *pending) addRows(b *lakelink.Batch) error {
	ids, versions, err := keyColumns(b)
	if err != nil {
		return err
	}
	batch := int32(len(p.batches))
	p.batches = append(p.batches, pendingBatch{b.Rows, make([]bool, b.NumRows())})
	p.size += recordSize(b.Rows)
	for i := range b.NumRows() {
		id, version := lakelink.ID(ids.Value(i)), versions.Value(i)
		if old, ok := p.rows[id]; ok {
			if old.version >= version {
				continue
			}
			p.batches[old.batch].live[old.row] = false
		}
		// A row that comes after a delete is live again, unless the delete is known to be newer.
		if d, ok := p.deletes[id]; ok {
			if d != unversioned && d >= version {
				continue
			}
			delete(p.deletes, id)
		}
		p.rows[id] = pendingRow{version, batch, int32(i)}
		p.batches[batch].live[i] = true
	}
	return nil
}

func (p *pending) addDelete(d lakelink.Delete) {
	old, ok := p.rows[d.ID]
	if d.Version == 0 {
		d.Version = unversioned
	} else if ok && old.version > d.Version {
		return
	}
	if ok {
		p.drop(d.ID, old)
	}
	if v, ok := p.deletes[d.ID]; !ok || v != unversioned && (d.Version == unversioned || d.Version > v) {
		p.deletes[d.ID] = d.Version
	}
	p.size += 64
}

// drop takes a row out.
func (p *pending) drop(id lakelink.ID, r pendingRow) {
	p.batches[r.batch].live[r.row] = false
	delete(p.rows, id)
}

// rowsWritten forgets the rows, as they are in files now. Deletes stay: only the commit tells their
// version.
func (p *pending) rowsWritten() {
	p.batches, p.rows, p.size = nil, map[lakelink.ID]pendingRow{}, 0
}

// keyColumns returns the columns that say which row it is and which version of it.
func keyColumns(b *lakelink.Batch) (*array.FixedSizeBinary, *array.Int64, error) {
	ids, _ := columnOf(b.Rows, b.Table.PrimaryKey).(*array.FixedSizeBinary)
	versions, _ := columnOf(b.Rows, lakelink.VersionColumn).(*array.Int64)
	if ids == nil || versions == nil {
		return nil, nil, fmt.Errorf("a batch has no columns %s and %s of their types", b.Table.PrimaryKey, lakelink.VersionColumn)
	}
	if ids.NullN() > 0 || versions.NullN() > 0 {
		return nil, nil, fmt.Errorf("a batch has a row without %s or %s", b.Table.PrimaryKey, lakelink.VersionColumn)
	}
	return ids, versions, nil
}

func columnOf(r arrow.RecordBatch, name string) arrow.Array {
	if i := r.Schema().FieldIndices(name); len(i) == 1 {
		return r.Column(i[0])
	}
	return nil
}

// recordSize is what a record batch holds in memory, in bytes.
func recordSize(r arrow.RecordBatch) int64 {
	var n int64
	for _, c := range r.Columns() {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}

// A piece is rows of one batch that go into one partition.
type piece struct {
	batch arrow.RecordBatch
	rows  []int32
}

// groups sorts the rows that hold into their partitions.
func (p *pending) groups(partitionOf func(arrow.RecordBatch) func(int) string) map[string][]piece {
	groups := map[string][]piece{}
	for _, b := range p.batches {
		group(groups, b.rows, b.live, partitionOf(b.rows))
	}
	return groups
}

// group adds the rows of a batch to groups: all of them where live is nil.
func group(groups map[string][]piece, b arrow.RecordBatch, live []bool, partition func(int) string) {
	here := map[string][]int32{}
	for i := range int(b.NumRows()) {
		if live == nil || live[i] {
			p := partition(i)
			here[p] = append(here[p], int32(i))
		}
	}
	for p, rows := range here {
		groups[p] = append(groups[p], piece{b, rows})
	}
}

// partitionWithout is where rows without a time of creation are.
const partitionWithout = "1900"

// partitionOf tells the partition of a batch's rows: the year of createdon, in UTC.
func (l *layout) partitionOf(b arrow.RecordBatch) func(int) string {
	created, _ := columnOf(b, "createdon").(*array.Timestamp)
	if created == nil {
		return func(int) string { return partitionWithout }
	}
	years := map[int]string{}
	return func(i int) string {
		if created.IsNull(i) {
			return partitionWithout
		}
		y := time.UnixMicro(int64(created.Value(i))).UTC().Year()
		s, ok := years[y]
		if !ok {
			s = fmt.Sprintf("%04d", y)
			years[y] = s
		}
		return s
	}
}
