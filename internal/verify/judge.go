package verify

import (
	"iter"

	"lakelink"
)

// agree reports whether the lake has what the source has of one row.
func agree(source, lake record) bool {
	if !source.live() || !lake.live() {
		return source.live() == lake.live()
	}
	return source.version == lake.version && source.digest == lake.digest
}

// judge decides on the pairs that disagree, knowing what changed in the source since the point
// compared with, and leaves open what cannot be decided yet.
func (s *side) judge(changes *sourceRecords) error {
	if s.result.Error != "" {
		return nil
	}
	open := newSpool(s.c.dir, s.c.share.spool)
	for p, err := range withFresh(s.pairs.all(), changes.sorters[s.rule].current()) {
		if err != nil {
			return err
		}
		kind := p.judge()
		if kind == undecided || kind != "" && p.fresh.state == absent && !changes.complete {
			next := p.fresh
			if next.state == absent {
				next = p.source
			}
			if next.state == absent {
				next.state = unseen
			}
			if err := open.add(next); err != nil {
				return err
			}
			continue
		}
		s.count(p.source.id, kind)
	}
	_ = s.pairs.close() // its folder goes anyway
	s.pairs, s.open = nil, open
	return nil
}

// A dispute is an id on which source and lake disagree.
type dispute struct {
	source record // at the point compared with
	lake   record // somewhat later
	fresh  record // what the source told later still, absent if nothing
}

// undecided is the verdict on what has to be looked at again.
const undecided DifferenceKind = "undecided"

// judge returns what is wrong with the lake, "" if nothing is.
//
// An older image than the source's is no proof while the row goes on changing, although the lake
// was waited for: a row that changes while its changes are read falls out of that cycle and into
// the next, for whoever feeds the lake as for us. So it is with rows that came back or went.
func (d dispute) judge() DifferenceKind {
	if d.fresh.state == absent { // has not changed since: the lake should have had it
		return kindOf(d.source, d.lake)
	}
	if agree(d.fresh, d.lake) { // the lake was ahead of what the source was read as
		return ""
	}
	if sameVersion(d.source, d.lake) || sameVersion(d.fresh, d.lake) {
		return Different // one version has one content
	}
	return undecided
}

func sameVersion(a, b record) bool { return a.live() && b.live() && a.version == b.version }

func kindOf(source, lake record) DifferenceKind {
	switch {
	case source.live() && lake.live():
		return Different
	case source.live():
		return Missing
	}
	return Extra
}

// withFresh brings pairs, sorted by id, together with later records of the same ids.
func withFresh(pairs, fresh records) iter.Seq2[dispute, error] {
	return func(yield func(dispute, error) bool) {
		nextFresh, stop := iter.Pull2(fresh)
		defer stop()
		f, ferr, more := nextFresh()
		var d dispute
		second := false
		for r, err := range pairs {
			if second = !second; second {
				d.source = r
				if err != nil {
					yield(d, err)
					return
				}
				continue
			}
			d.lake, d.fresh = r, record{id: r.id}
			for more && ferr == nil && compareIDs(f.id, r.id) < 0 {
				f, ferr, more = nextFresh()
			}
			if err = firstOf(err, ferr); err != nil {
				yield(d, err)
				return
			}
			if more && f.id == r.id {
				d.fresh = f
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// count counts a difference and remembers the first ones.
func (s *side) count(id lakelink.ID, kind DifferenceKind) {
	switch kind {
	case Missing:
		s.result.Missing++
	case Extra:
		s.result.Extra++
	case Different:
		s.result.Different++
	default:
		return
	}
	s.find(id, kind)
}

func (s *side) find(id lakelink.ID, kind DifferenceKind) {
	if len(s.examples) < s.c.Examples {
		s.examples = append(s.examples, finding{id: id, kind: kind})
	}
}
