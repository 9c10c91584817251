package cdm

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"

	"lakelink"
)

// A share is what one table brings into one folder: its load, or its changes.
type share struct {
	t      *table
	load   *load
	spools []*spool // the first ones of t.committed
	pos    lakelink.Position

	entry *entry // in the folder's manifest
}

// An attempt is a close under way.
type attempt struct {
	m       *manifest
	encoded []byte
	shares  []share
}

// Loads that together are larger than this, as they are staged, get a folder of their own, so that copying them does
// not hold back what else the interval has brought.
const largeLoad = 256 << 20

// CloseInterval shows what was committed. Where a table has a load and changes that were committed
// after it, they go into two folders in a row, so that each of the table's folders has higher
// versions than the one before (O7).
func (w *Writer) CloseInterval(ctx context.Context) error {
	w.closing.Lock()
	defer w.closing.Unlock()
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return fail("close interval", "", errClosed)
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	for _, shares := range w.shares() {
		if err := w.closeFolder(ctx, shares); err != nil {
			return err
		}
	}
	return nil
}

// settle ends what an earlier close left. closing is held.
func (w *Writer) settle(ctx context.Context) error {
	if a := w.attempt; a != nil && a.encoded != nil && !w.stale {
		if err := w.recall(ctx, a); err != nil {
			return err
		}
	}
	if w.decided != nil && !w.stale {
		return w.complete(ctx)
	}
	if w.attempt != nil && !w.stale {
		return w.abandon(ctx)
	}
	if w.stale {
		return w.refresh(ctx)
	}
	return nil
}

// recall finds out whether the decision that failed was made after all.
func (w *Writer) recall(ctx context.Context, a *attempt) error {
	b, _, err := readAll(ctx, w.lake, a.m.Folder.path(manifestFile))
	switch {
	case isNotFound(err):
		return nil
	case err != nil:
		return err
	case !bytes.Equal(b, a.encoded):
		return w.lost(ctx, overtaken("it has closed folder "+string(a.m.Folder)))
	}
	w.attempt, w.decided = nil, a
	return nil
}

// abandon closes the folder of a failed attempt without data; what was committed goes into the
// next one. Its files cannot be written again, as nobody could tell whose they are.
func (w *Writer) abandon(ctx context.Context) error {
	torn, _, err := w.inspect(ctx)
	if err != nil {
		return err
	}
	if !torn {
		w.attempt = nil
		return nil
	}
	if err := w.writeChoices(ctx); err != nil {
		return err
	}
	a := &attempt{m: w.manifest(nil)}
	return w.decide(ctx, a)
}

// shares divides what was committed into folders.
func (w *Writer) shares() [][]share {
	w.mu.Lock()
	defer w.mu.Unlock()
	var changes, loads, after []share
	var size int64
	for _, t := range w.tables {
		s := share{t: t, spools: slices.Clone(t.committed)}
		full := slices.ContainsFunc(s.spools, func(s *spool) bool { return !s.empty() })
		if len(s.spools) > 0 {
			s.pos = s.spools[len(s.spools)-1].pos
		}
		if t.load != nil {
			l := share{t: t, load: t.load, pos: t.load.position()}
			if !full && len(s.spools) > 0 { // reading on brought nothing
				l.spools, l.pos = s.spools, s.pos
			}
			loads = append(loads, l)
			size += t.load.bytes()
		}
		switch {
		case full && t.load != nil:
			after = append(after, s)
		case full:
			changes = append(changes, s)
		}
	}
	if size <= w.largeLoad {
		changes, loads = append(changes, loads...), nil
	}
	var out [][]share
	for _, folder := range [][]share{changes, loads, after} {
		if len(folder) > 0 {
			slices.SortFunc(folder, func(a, b share) int { return cmp.Compare(a.t.name, b.t.name) })
			out = append(out, folder)
		}
	}
	return out
}

// enter puts the share into a manifest. What the files are comes later.
func (s *share) enter(m *manifest) {
	e := m.Tables[s.t.name]
	e.Position, e.Loading = s.pos, false
	if s.load != nil {
		e.Load, e.Completed = s.load.ID, m.Sink
	}
	s.entry = e
}

// closeFolder closes the open folder with these shares.
func (w *Writer) closeFolder(ctx context.Context, shares []share) error {
	a := &attempt{m: w.manifest(shares), shares: shares}
	w.attempt = a
	for i := range shares {
		if err := w.writeShare(ctx, a.m, &shares[i]); err != nil {
			return err
		}
	}
	if err := w.writeChoices(ctx); err != nil {
		return err
	}
	return w.decide(ctx, a)
}

// writeShare writes a table's data files.
func (w *Writer) writeShare(ctx context.Context, m *manifest, s *share) error {
	p := planner{dir: w.budget.dir, memory: w.sortMemory, through: math.MaxInt64, budget: w.budget}
	var parts []part
	if s.load != nil {
		parts = s.load.parts(w.lake)
		p.through, p.load = s.load.position().Version, true
		if s.entry.Last != "" {
			p.shown = shownEntries(ctx, w.lake, s.t.name, s.entry.Last)
		}
	} else {
		for _, spool := range s.spools {
			parts = append(parts, spool.parts()...)
		}
	}
	plan, err := p.make(ctx, parts)
	if err != nil {
		return w.giveUp(ctx, s, err)
	}
	defer plan.extra.release()
	for _, part := range plan.extra.parts() {
		parts, plan.skip = append(parts, part), append(plan.skip, newBitset(part.rows))
		plan.left[part.year] += part.rows
	}
	form := newForm(s.entry.Attributes, m.Sink)
	for year, n := range plan.left {
		if n == 0 {
			delete(plan.left, year)
		}
	}
	for _, year := range sortedKeys(plan.left) {
		var of []part
		var skip []bitset
		for i, part := range parts {
			if part.year == year {
				of, skip = append(of, part), append(skip, plan.skip[i])
			}
		}
		f, err := w.writeFile(ctx, m.Folder, s.t.name, year, newLines(ctx, form, of, skip))
		if err != nil {
			return w.giveUp(ctx, s, err)
		}
		s.entry.Files = append(s.entry.Files, f)
		if year == deleteYear {
			s.entry.Deletes += f.Rows
		} else {
			s.entry.Rows += f.Rows
		}
	}
	if len(s.entry.Files) > 0 {
		s.entry.Before, s.entry.Last = s.entry.Last, m.Folder
	}
	return nil
}

func sortedKeys(m map[int]int64) []int {
	var keys []int
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *Writer) writeFile(ctx context.Context, f folder, t lakelink.TableName, year int, l *lines) (file, error) {
	defer l.close()
	name := f.data(t, l.file(year).Name)
	_, err := w.lake.PutNew(ctx, name, l)
	if lakelink.IsKind(err, lakelink.KindExists) {
		return file{}, w.lost(ctx, overtaken("it has written "+name))
	}
	return l.file(year), err
}

// giveUp drops a load whose staged parts are damaged, so that it can be read again and the other
// tables go on.
func (w *Writer) giveUp(ctx context.Context, s *share, err error) error {
	if s.load == nil || !lakelink.IsKind(err, lakelink.KindDamaged) {
		return err
	}
	if err := removeStaging(ctx, w.lake, s.t.name); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.t.drop()
	s.t.epoch++
	return fail("show load", s.t.name, err)
}

// writeChoices brings the open folder's choice files up to date (K1).
func (w *Writer) writeChoices(ctx context.Context) error {
	w.mu.Lock()
	files := choiceMetadata(w.linked())
	w.mu.Unlock()
	sums := digests(files)
	for _, name := range choiceFiles {
		if w.prepared[name] == sums[name] {
			continue
		}
		if _, err := w.lake.Put(ctx, w.open.path(choiceFolder+name), bytes.NewReader(files[name])); err != nil {
			return err
		}
	}
	w.prepared = sums
	return nil
}

// decide makes the manifest, under a name that only one can take, and goes on from there.
func (w *Writer) decide(ctx context.Context, a *attempt) error {
	a.m.Choices = w.prepared
	b, err := a.m.encode()
	if err != nil {
		return err
	}
	a.encoded, w.attempt = b, a
	err = w.putNew(ctx, a.m.Folder.path(manifestFile), b)
	if lakelink.IsKind(err, lakelink.KindExists) {
		if err = w.recall(ctx, a); err != nil {
			return err
		}
	} else if err == nil {
		w.attempt, w.decided = nil, a
	}
	if err != nil {
		return err
	}
	return w.complete(ctx)
}

// complete finishes the decided folder, and then remembers that it is shown.
func (w *Writer) complete(ctx context.Context) error {
	a := w.decided
	if err := w.finish(ctx, a.m); err != nil {
		if lakelink.IsKind(err, lakelink.KindConflict) {
			return w.lost(ctx, err)
		}
		return err
	}
	w.decided = nil
	w.mu.Lock()
	for name, t := range w.tables {
		if e := a.m.Tables[name]; e != nil {
			t.entry = e.stored()
		}
	}
	w.last = a.m
	for _, s := range a.shares {
		s.apply()
	}
	w.mu.Unlock()
	for _, s := range a.shares {
		if s.load != nil {
			// What cannot be removed now is recognised by the load's id, and removed by the next load.
			_ = removeStaging(ctx, w.lake, s.t.name)
		}
	}
	return nil
}

// apply remembers that the share is shown. mu is held.
func (s *share) apply() {
	for _, spool := range s.spools {
		spool.release()
	}
	s.t.committed = slices.Clone(s.t.committed[len(s.spools):])
	s.t.position = s.pos
	if s.load != nil {
		s.t.load, s.t.loading = nil, false
	}
}

// lost gives up everything that waits: another instance was faster, and its folder decides where
// every table stands. Files that this writer has put into the other's folder are removed.
func (w *Writer) lost(ctx context.Context, err error) error {
	w.stale = true
	w.mu.Lock()
	for _, t := range w.tables {
		t.drop()
		t.epoch++
	}
	w.mu.Unlock()
	if m, e := readManifest(ctx, w.lake, w.open); e == nil {
		// Where this fails, the strays stay until the folder is listed again; readers that follow
		// model.json do not see them.
		_ = w.removeStrays(ctx, m)
	}
	return err
}
