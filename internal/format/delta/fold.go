package delta

import "slices"

// Every commit leaves small files behind. They are folded in tiers, so that a partition never has more
// than tierFiles of a tier, and a row is written anew a few times at most, however many commits come.
const tierFiles = 8

var tierRows = []int{1 << 10, 8 << 10, 64 << 10}

// hotTiers are folded within the commit that fills them, whatever the number of partitions. The last
// tier, of large files, costs more: one fold in a commit.
const hotTiers = 2

// foldBytes is the size from which a file counts as large, however few rows it has.
const foldBytes = 16 << 20

// tier tells which tier a file is in; len(tierRows) for one that is large enough.
func tier(rows int, size int64) int {
	if size >= foldBytes {
		return len(tierRows)
	}
	t, _ := slices.BinarySearch(tierRows, rows+1)
	return t
}

func (f *draftFile) tier() int { return tier(f.rows(), f.add.Size) }

// jobs makes the jobs that a draft cannot do without: the new rows of each partition go into one
// file, and every file with dead rows is written anew. The live rows of small files join the new ones.
func (d *draft) jobs(groups map[string][]piece) []job {
	joint := map[string]*job{}
	partition := func(p string) *job {
		if joint[p] == nil {
			joint[p] = &job{partition: p}
		}
		return joint[p]
	}
	for p, pieces := range groups {
		partition(p).pieces = pieces
	}
	var jobs []job
	for _, f := range d.files {
		switch {
		case f.gone || f.dead == nil:
		case f.rows() == 0:
			d.retire(f)
		case f.tier() < hotTiers:
			j := partition(f.add.partition())
			j.files = append(j.files, f)
		default:
			jobs = append(jobs, job{partition: f.add.partition(), files: []*draftFile{f}})
		}
	}
	for _, j := range joint {
		jobs = append(jobs, *j)
	}
	return jobs
}

// fold adds files to the jobs of their partitions where a tier is full.
func (d *draft) fold(jobs []job) []job {
	busy := map[*draftFile]bool{}
	joint := map[string]int{}
	for i, j := range jobs {
		for _, f := range j.files {
			busy[f] = true
		}
		if len(j.pieces) > 0 || len(j.files) != 1 || j.files[0].tier() < hotTiers {
			joint[j.partition] = i
		}
	}
	full := d.fullTiers(busy)
	for p, tiers := range full {
		for _, files := range tiers[:hotTiers] {
			if len(files) <= tierFiles {
				continue
			}
			i, ok := joint[p]
			if !ok {
				i = len(jobs)
				joint[p] = i
				jobs = append(jobs, job{partition: p})
			}
			jobs[i].files = append(jobs[i].files, files...)
		}
	}
	if j, ok := d.foldLarge(full); ok {
		jobs = append(jobs, j)
	}
	return jobs
}

// fullTiers sorts the files that no job has yet by partition and tier.
func (d *draft) fullTiers(busy map[*draftFile]bool) map[string][][]*draftFile {
	out := map[string][][]*draftFile{}
	for _, f := range d.files {
		t := f.tier()
		if f.gone || busy[f] || t == len(tierRows) {
			continue
		}
		p := f.add.partition()
		if out[p] == nil {
			out[p] = make([][]*draftFile, len(tierRows))
		}
		out[p][t] = append(out[p][t], f)
	}
	return out
}

// foldLarge makes one file out of some of the last tier, in the partition that has most of them.
func (d *draft) foldLarge(full map[string][][]*draftFile) (job, bool) {
	var best job
	for p, tiers := range full {
		if files := tiers[len(tierRows)-1]; len(files) > max(tierFiles, len(best.files)) {
			best = job{partition: p, files: files}
		}
	}
	if best.files == nil {
		return best, false
	}
	slices.SortStableFunc(best.files, func(a, b *draftFile) int { return a.rows() - b.rows() })
	rows, n := 0, 0
	for _, f := range best.files {
		if rows += f.rows(); n >= 2 && rows > d.t.w.MaxFileRows {
			break
		}
		n++
	}
	best.files = best.files[:n]
	return best, true
}
