package dataverse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// The memory that a cycle of changes may take beside its page: ids of rows and of deletes, 16
// bytes each.
const (
	maxLive = 1 << 18
	maxGone = 1 << 20
)

// lookupIDs is how many ids are looked up at once, well below the limits of a URL and of 500
// conditions (§3.3).
const lookupIDs = 100

// A cycle is what is remembered of the pages of one cycle of changes, so that an id comes in one
// way only: where a row was deleted and made again, the environment may tell both, in this order
// or the other, and the row is live (§4.2).
//
// Deletes are therefore held back until the cycle's last page. Rows beyond maxLive are not
// remembered; deletes are then looked up before they are told.
type cycle struct {
	live  idSet
	gone  []lakelink.ID
	early bool // some deletes were told before the last page
}

// changePages reads what changed since the cursor's token, to the end of the cycle.
func (f *feed) changePages(ctx context.Context, emit func(*lakelink.Batch) error) error {
	since := lakelink.Position{Checkpoint: f.since, Version: f.cur.Version, At: f.cur.At}
	link := f.t.EntitySet + "?" + f.cols.query + "$deltatoken=" + f.cur.Token
	y := cycle{live: idSet{bound: maxLive}}
	highest := f.cur.Version
	f.start(ctx, link)
	for later := false; ; later = true {
		p, err := f.take()
		if err != nil {
			return f.refine(err, later)
		}
		highest = max(highest, p.highest)
		if p.next == "" {
			return f.endCycle(ctx, &y, p, highest, since, emit)
		}
		next, err := f.c.relative(p.next)
		if err != nil {
			return &lakelink.Error{Kind: lakelink.KindUnreachable, Err: err}
		}
		if next == link {
			return &lakelink.Error{Kind: lakelink.KindTransient, Err: errors.New("the environment's pages lead in a circle")}
		}
		link = next
		f.start(ctx, link)
		if err := y.add(p, f.t); err != nil {
			return err
		}
		if p.rows != nil {
			if err := emit(&lakelink.Batch{Rows: p.rows, Next: since}); err != nil {
				return err
			}
		}
		if len(y.gone) >= maxGone {
			y.early = true
			if err := f.tellDeletes(ctx, &y, since, nil, emit); err != nil {
				return err
			}
		}
	}
}

// add remembers what a page tells.
func (y *cycle) add(p *page, t *lakelink.Table) error {
	if p.rows != nil {
		if y.early {
			return expired("so many changes came in an order that cannot be applied safely")
		}
		keys := keysOf(p.rows, t)
		for i := range keys.Len() {
			y.live.add(lakelink.ID(keys.Value(i)))
		}
	}
	y.gone = append(y.gone, p.deletes...)
	return nil
}

func keysOf(rows arrow.RecordBatch, t *lakelink.Table) *array.FixedSizeBinary {
	return rows.Column(rows.Schema().FieldIndices(t.PrimaryKey)[0]).(*array.FixedSizeBinary)
}

// endCycle yields the last page, the deletes, and the place that the next cycle follows from.
func (f *feed) endCycle(ctx context.Context, y *cycle, p *page, highest int64, since lakelink.Position, emit func(*lakelink.Batch) error) error {
	token, ok := deltaToken(p.delta)
	if !ok {
		return f.untracked()
	}
	version, known := tokenVersion(token)
	if known && version < f.cur.Version {
		return expired("the environment went back from row version %d to %d, as it does when it is restored from a backup", f.cur.Version, version)
	}
	if !known {
		version = highest
	}
	if err := y.add(p, f.t); err != nil {
		return err
	}
	end := cursor{Org: f.cur.Org, Token: token, Version: version, At: f.at}
	last := &lakelink.Batch{Rows: p.rows, Done: true,
		Next: lakelink.Position{Checkpoint: end.checkpoint(), Version: version, At: f.at}}
	return f.tellDeletes(ctx, y, since, last, emit)
}

// tellDeletes yields the deletes that were held back, in batches no larger than a page. The last
// of them are put into last, if there is one.
func (f *feed) tellDeletes(ctx context.Context, y *cycle, since lakelink.Position, last *lakelink.Batch, emit func(*lakelink.Batch) error) error {
	gone, err := f.reallyGone(ctx, y)
	if err != nil {
		return err
	}
	y.gone = nil
	rows := f.c.pageRows(f.t.Name)
	if last != nil && last.Rows != nil && len(gone) > 0 && last.NumRows()+len(gone) > rows {
		if err := emit(&lakelink.Batch{Rows: last.Rows, Next: since}); err != nil {
			return err
		}
		last.Rows = nil
	}
	for len(gone) > rows || last == nil && len(gone) > 0 {
		n := min(rows, len(gone))
		if err := emit(&lakelink.Batch{Deletes: deletes(gone[:n]), Next: since}); err != nil {
			return err
		}
		gone = gone[n:]
	}
	if last == nil {
		return nil
	}
	last.Deletes = deletes(gone)
	return emit(last)
}

func deletes(ids []lakelink.ID) []lakelink.Delete {
	if len(ids) == 0 {
		return nil
	}
	out := make([]lakelink.Delete, len(ids))
	for i, id := range ids {
		out[i].ID = id
	}
	return out
}

// reallyGone returns the deletes of a cycle without those whose row is live, and each once.
func (f *feed) reallyGone(ctx context.Context, y *cycle) ([]lakelink.ID, error) {
	once := idSet{bound: len(y.gone)}
	gone := y.gone[:0]
	for _, id := range y.gone {
		if !y.live.has(id) && !once.has(id) {
			once.add(id)
			gone = append(gone, id)
		}
	}
	if !y.live.full {
		return gone, nil
	}
	rest := gone[:0]
	for len(gone) > 0 {
		n := min(lookupIDs, len(gone))
		live, err := f.lookUp(ctx, gone[:n])
		if err != nil {
			return nil, err
		}
		for _, id := range gone[:n] {
			if !live.has(id) {
				rest = append(rest, id)
			}
		}
		gone = gone[n:]
	}
	return rest, nil
}

// lookUp asks which of a few ids have a row now.
func (f *feed) lookUp(ctx context.Context, ids []lakelink.ID) (*idSet, error) {
	var q strings.Builder
	q.WriteString(f.t.EntitySet + "?$select=" + f.t.PrimaryKey + "," + lakelink.VersionColumn + "&$filter=")
	for i, id := range ids {
		if i > 0 {
			q.WriteString("%20or%20")
		}
		q.WriteString(f.t.PrimaryKey + "%20eq%20" + id.String())
	}
	pk := &lakelink.Table{Name: f.t.Name, PrimaryKey: f.t.PrimaryKey, Columns: []lakelink.Column{
		{Name: f.t.PrimaryKey, Type: lakelink.TypeUniqueidentifier}, {Name: lakelink.VersionColumn, Type: lakelink.TypeBigInt}}}
	live := &idSet{bound: len(ids)}
	n, err := f.c.do(ctx, call{op: opChanges, table: f.t.Name, link: q.String(),
		read: func(_ http.Header, body io.Reader) error {
			p, err := newDecoder(pk).decode(body)
			if err != nil || p.rows == nil {
				return err
			}
			keys := keysOf(p.rows, pk)
			for i := range keys.Len() {
				live.add(lakelink.ID(keys.Value(i)))
			}
			return nil
		}})
	f.requests += n
	return live, err
}
