package delta

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"lakelink"
)

// A load is the lakelink.LoadWriter of this format. Its files are put where they belong for good;
// Finish names them in the log in place of those that were there.
type load struct {
	t        *table
	manifest *manifest
	etag     string

	groups map[string][]piece
	size   int64
	files  []*addFile // written since the last Stage
	broken error
}

// Load opens the table's load.
func (t *table) Load(ctx context.Context) (lakelink.LoadWriter, error) {
	if t.broken != nil {
		return nil, t.broken
	}
	if err := t.refit(); err != nil {
		return nil, err
	}
	l := &load{t: t, groups: map[string][]piece{}}
	m, etag, err := readManifest(ctx, t.w.Lake, t.name)
	if err != nil {
		return nil, t.w.wrap("open load", t.name, err)
	}
	l.manifest, l.etag = m, etag
	if m == nil || m.Link != t.w.LinkID || m.Load == t.state.own.Load || !m.fits(t.def) {
		// Nothing is staged, or it is in the table already, or a column's type has changed since. The next
		// Stage replaces the manifest.
		l.manifest = &manifest{Format: manifestVersion, Link: t.w.LinkID, Load: uuid.NewString()}
		return l, nil
	}
	return l, t.w.wrap("open load", t.name, l.forgetLost(ctx))
}

// refit takes the table's schema where it does not go with the rows that are there: the load replaces
// them all.
func (t *table) refit() error {
	if t.unfit == nil {
		return nil
	}
	s, err := t.state.schema.merge(t.def, true)
	if err != nil {
		return err
	}
	layout, err := newLayout(s)
	if err != nil {
		return t.w.fail("take schema", t.name, lakelink.KindDamaged, err, "")
	}
	t.schema, t.layout = s, layout
	return nil
}

// forgetLost truncates the load before the first stage of which a file is not there any more.
func (l *load) forgetLost(ctx context.Context) error {
	lost := make([]bool, len(l.manifest.Stages))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, s := range l.manifest.Stages {
		g.Go(func() error {
			for _, f := range s.Files {
				info, err := l.t.w.Lake.Stat(ctx, folder(l.t.name)+f.Path)
				if err != nil && !lakelink.IsKind(err, lakelink.KindNotFound) {
					return err
				}
				lost[i] = lost[i] || err != nil || info.Size != f.Size
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if i := slices.Index(lost, true); i >= 0 {
		l.manifest.Stages = l.manifest.Stages[:i]
	}
	return nil
}

// Staged lists the positions that were staged.
func (l *load) Staged() []lakelink.Position {
	out := make([]lakelink.Position, len(l.manifest.Stages))
	for i, s := range l.manifest.Stages {
		out[i] = s.Position
	}
	return out
}

// Truncate forgets what was staged after a position. The files stay until they are vacuumed: another
// program may be about to commit them.
func (l *load) Truncate(ctx context.Context, to lakelink.Checkpoint) error {
	if err := l.usable(); err != nil {
		return err
	}
	l.groups, l.size, l.files = map[string][]piece{}, 0, nil
	n := 0
	if to != "" {
		n = 1 + slices.IndexFunc(l.manifest.Stages, func(s stage) bool { return s.Position.Checkpoint == to })
		if n == 0 {
			return l.t.w.fail("truncate load", l.t.name, lakelink.KindInvalid, errors.New("no such position is staged"), "")
		}
	}
	if n == len(l.manifest.Stages) {
		return nil
	}
	l.manifest.Stages = slices.Clone(l.manifest.Stages[:n])
	return l.breakOn(l.save(ctx))
}

func (l *load) usable() error { return firstError(l.broken, l.t.broken) }

func (l *load) save(ctx context.Context) error {
	etag, err := writeManifest(ctx, l.t.w.Lake, l.t.name, l.manifest, l.etag)
	if err == nil {
		l.etag = etag
	}
	return err
}

// breakOn makes the load unusable after an error: opening it anew tells what is staged.
func (l *load) breakOn(err error) error {
	if err == nil {
		return nil
	}
	l.broken = l.t.w.fail("load", l.t.name, lakelink.KindConflict, fmt.Errorf("%w: %w", errReopen, err), "")
	return l.t.w.wrap("load delta table", l.t.name, err)
}

// Write takes a batch of the load. Rows that come again are found by Finish.
func (l *load) Write(ctx context.Context, b *lakelink.Batch) error {
	if err := l.usable(); err != nil {
		return err
	}
	if b.NumRows() == 0 {
		return nil
	}
	if _, _, err := keyColumns(b); err != nil {
		return l.t.w.fail("load", l.t.name, lakelink.KindInvalid, err, "")
	}
	if err := l.t.fits(b); err != nil {
		return err
	}
	group(l.groups, b.Rows, nil, l.t.layout.partitionOf(b.Rows))
	if l.size += recordSize(b.Rows); l.size < l.t.w.Budget {
		return nil
	}
	return l.breakOn(l.flush(ctx))
}

// flush writes the rows in memory into files.
func (l *load) flush(ctx context.Context) error {
	if len(l.groups) == 0 {
		return nil
	}
	d := &draft{t: l.t, now: l.t.w.Now()}
	if err := d.write(ctx, d.jobs(l.groups)); err != nil {
		return err
	}
	added, _ := d.result()
	l.files = append(l.files, added...)
	l.groups, l.size = map[string][]piece{}, 0
	return nil
}

// Stage makes durable what was written.
func (l *load) Stage(ctx context.Context, pos lakelink.Position) error {
	if err := l.usable(); err != nil {
		return err
	}
	return l.breakOn(l.stage(ctx, pos))
}

func (l *load) stage(ctx context.Context, pos lakelink.Position) error {
	if !l.manifest.fits(l.t.def) {
		return l.t.w.fail("stage", l.t.name, lakelink.KindConflict, errors.New("a column's type has changed since the load was begun"), "")
	}
	if err := l.flush(ctx); err != nil {
		return err
	}
	l.manifest.Schema = l.t.schema.String()
	l.manifest.Stages = append(l.manifest.Stages, stage{pos, l.files})
	l.files = nil
	return l.save(ctx)
}

// Finish replaces the table's files by those of the load.
func (l *load) Finish(ctx context.Context, pos lakelink.Position) error {
	if err := l.usable(); err != nil {
		return err
	}
	return l.t.breakOn(l.breakOn(l.finish(ctx, pos)))
}

func (l *load) finish(ctx context.Context, pos lakelink.Position) error {
	staged := l.Staged()
	if n := len(staged); n == 0 || staged[n-1].Checkpoint != pos.Checkpoint || len(l.groups) > 0 || len(l.files) > 0 {
		if err := l.stage(ctx, pos); err != nil {
			return err
		}
	}
	t := l.t
	d, err := newDraft(ctx, t, l.manifest.files(), true)
	if err != nil {
		return err
	}
	d.killRepeats()
	if err := d.write(ctx, d.foldSmall(d.jobs(nil))); err != nil {
		return err
	}
	c := commit{operation: "WRITE", position: pos, load: l.manifest.Load}
	c.added, _ = d.result()
	for _, p := range t.state.paths() {
		c.removed = append(c.removed, t.state.files[p])
	}
	if err := t.push(ctx, c); err != nil {
		return err
	}
	t.pending, t.spilled, t.unfit = pending{}, nil, nil
	l.broken = t.w.fail("load", t.name, lakelink.KindInvalid, errors.New("the load is finished"), "")
	// The commit names the load, so that a manifest which stays does no harm.
	if err := t.w.Lake.Delete(ctx, stagingName(t.name)); err != nil {
		t.w.Trouble(t.name, t.w.wrap("remove staging", t.name, err))
	}
	t.maintain(ctx)
	return nil
}
