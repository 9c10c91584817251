package sourcetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// A reading is what ranging over one Feed told.
type reading struct {
	batches []*lakelink.Batch
	rows    []image
	deletes []lakelink.ID
	end     lakelink.Position
}

// An image is a row as it was told.
type image struct {
	id      lakelink.ID
	version int64
	text    string // all fields, for comparisons
}

// read ranges over a Feed until it ends, checks everything that must hold of any Feed, and calls
// between after every batch that is not the last.
func (e *env) read(t *testing.T, def *lakelink.Table, since lakelink.Position, between func(page int)) reading {
	t.Helper()
	began := time.Now()
	var r reading
	var told []string
	for b, err := range e.Feed(t.Context(), def, since.Checkpoint) {
		if err != nil {
			t.Fatalf("Feed(%s): %v", def.Name, err)
		}
		if len(r.batches) > 0 && r.batches[len(r.batches)-1].Done {
			t.Fatal("Feed went on after a batch that is Done")
		}
		checkBatch(t, def, b)
		r.batches = append(r.batches, b)
		images := imagesOf(def, b)
		r.rows = append(r.rows, images...)
		told = append(told, fmt.Sprint(images, b.Deletes))
		for _, d := range b.Deletes {
			r.deletes = append(r.deletes, d.ID)
		}
		if between != nil && !b.Done {
			between(len(r.batches))
		}
	}
	if len(r.batches) == 0 || !r.batches[len(r.batches)-1].Done {
		t.Fatal("Feed ended without an error and without a batch that is Done")
	}
	for i, b := range r.batches {
		if now := fmt.Sprint(imagesOf(def, b), b.Deletes); now != told[i] {
			t.Errorf("batch %d changed after it was told, from\n%s\nto\n%s", i, told[i], now)
		}
	}
	r.end = r.batches[len(r.batches)-1].Next
	r.check(t, since, began)
	return r
}

// checkBatch checks what holds of every batch by itself.
func checkBatch(t *testing.T, def *lakelink.Table, b *lakelink.Batch) {
	t.Helper()
	if b == nil {
		t.Fatal("Feed told neither a batch nor an error")
	}
	if b.Table == nil || !b.Table.SameColumns(def) {
		t.Errorf("Batch.Table is not the table that was asked for")
	}
	if b.Rows != nil {
		if !b.Rows.Schema().Equal(def.ArrowSchema()) {
			t.Fatalf("rows come as %s\nwant %s", b.Rows.Schema(), def.ArrowSchema())
		}
		for i, f := range b.Rows.Schema().Fields() {
			if !f.Nullable && b.Rows.Column(i).NullN() > 0 {
				t.Errorf("%s is null in a row", f.Name)
			}
		}
	}
	for _, d := range b.Deletes {
		if d.Version != 0 {
			t.Errorf("the delete of %s comes with version %d; a source leaves it 0", d.ID, d.Version)
		}
	}
	if b.Load && len(b.Deletes) > 0 {
		t.Errorf("a load told %d deletes", len(b.Deletes))
	}
	if b.Next.IsZero() {
		t.Error("Next is zero")
	}
	if b.Load && !b.Done && b.Next.Version != 0 {
		t.Errorf("Next.Version = %d inside a load, want 0", b.Next.Version)
	}
	if b.Done && b.Next.Version <= 0 {
		t.Errorf("Next.Version = %d at the end, want the version through which all is told", b.Next.Version)
	}
}

// check checks what holds of a reading as a whole.
func (r *reading) check(t *testing.T, since lakelink.Position, began time.Time) {
	t.Helper()
	load := r.batches[0].Load
	if since.IsZero() && !load {
		t.Error("a Feed from the beginning is not a load")
	}
	live := map[lakelink.ID]bool{}
	for _, row := range r.rows {
		live[row.id] = true
		if !load && row.version > r.end.Version {
			t.Errorf("row %s has version %d, beyond its cycle's end %d", row.id, row.version, r.end.Version)
		}
		if row.version < since.Version || row.version <= 0 {
			t.Errorf("row %s has version %d, and the position before it includes %d", row.id, row.version, since.Version)
		}
	}
	for _, id := range r.deletes {
		if live[id] {
			t.Errorf("%s is both a row and a delete of one cycle", id)
		}
	}
	for _, b := range r.batches {
		if b.Load != load {
			t.Error("Load differs between batches of one Feed")
		}
	}
	if r.end.Version < since.Version {
		t.Errorf("position went back from version %d to %d", since.Version, r.end.Version)
	}
	// A resumed load may tell the time at which it first began.
	if early := !load && r.end.At.Before(began.Add(-time.Second)); early || r.end.At.IsZero() || r.end.At.After(time.Now()) {
		t.Errorf("position's At is %s, and the read began at %s", r.end.At, began)
	}
}

// imagesOf lists the rows of a batch.
func imagesOf(def *lakelink.Table, b *lakelink.Batch) []image {
	if b.Rows == nil {
		return nil
	}
	ids := column(b.Rows, def.PrimaryKey).(*array.FixedSizeBinary)
	versions := column(b.Rows, lakelink.VersionColumn).(*array.Int64)
	images := make([]image, b.NumRows())
	for i := range images {
		images[i] = image{id: lakelink.ID(ids.Value(i)), version: versions.Value(i), text: rowText(b.Rows, i)}
	}
	return images
}

func column(rows arrow.RecordBatch, name string) arrow.Array {
	return rows.Column(rows.Schema().FieldIndices(name)[0])
}

func rowText(rows arrow.RecordBatch, i int) string {
	var s strings.Builder
	for c, f := range rows.Schema().Fields() {
		fmt.Fprintf(&s, "%s=", f.Name)
		if col := rows.Column(c); col.IsNull(i) {
			s.WriteString("null ")
		} else {
			fmt.Fprintf(&s, "%q ", col.ValueStr(i))
		}
	}
	return s.String()
}

// stored is a position as it comes back from where it was kept.
func stored(t *testing.T, p lakelink.Position) lakelink.Position {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back lakelink.Position
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// ids lists the ids of the rows told.
func (r reading) ids() []lakelink.ID {
	ids := make([]lakelink.ID, len(r.rows))
	for i, row := range r.rows {
		ids[i] = row.id
	}
	return ids
}

// A replica is what a careful reader makes of readings: per id the highest version, deletes applied
// after the rows of their cycle.
type replica map[lakelink.ID]image

func (rep replica) apply(r reading) {
	for _, row := range r.rows {
		if old, ok := rep[row.id]; !ok || old.version <= row.version {
			rep[row.id] = row
		}
	}
	for _, id := range r.deletes {
		delete(rep, id)
	}
}

// checkReplica compares a replica with a fresh load.
func (e *env) checkReplica(t *testing.T, def *lakelink.Table, rep replica) {
	t.Helper()
	fresh := replica{}
	fresh.apply(e.read(t, def, lakelink.Position{}, nil))
	if maps.Equal(fresh, rep) {
		return
	}
	for id, row := range fresh {
		if got, ok := rep[id]; !ok {
			t.Errorf("row %s was never told", id)
		} else if got != row {
			t.Errorf("row %s was told last as\n%s\nbut is\n%s", id, got.text, row.text)
		}
	}
	for id := range rep {
		if _, ok := fresh[id]; !ok {
			t.Errorf("the delete of row %s was never told", id)
		}
	}
}

// checkSet checks that got holds each of want once and nothing else.
func checkSet(t *testing.T, what string, got, want []lakelink.ID) {
	t.Helper()
	count := map[lakelink.ID]int{}
	for _, id := range got {
		count[id]++
	}
	for _, id := range want {
		if count[id] != 1 {
			t.Errorf("%s: %s was told %d times, want once", what, id, count[id])
		}
		delete(count, id)
	}
	for id := range count {
		t.Errorf("%s: %s was told, and should not be", what, id)
	}
}

// firstError ranges over a Feed and returns the error it ends with, and the batches before it.
func (e *env) firstError(ctx context.Context, def *lakelink.Table, since lakelink.Checkpoint) (batches int, err error) {
	for _, err := range e.Feed(ctx, def, since) {
		if err != nil {
			return batches, err
		}
		batches++
	}
	return batches, nil
}
