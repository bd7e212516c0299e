package bitcask

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// budget is the arithmetic of what the disk may hold beyond what is needed. The
// reasons are in DESIGN.md.
type budget struct {
	used   int64 // by settled segments
	needed int64 // of that
	soft   int64 // waste at which merging is no longer slowed down
}

func (b budget) waste() int64 { return b.used - b.needed }

// begins: there is enough waste to merge. hurry: there is so much that merging
// goes at full speed. When writes have to wait for it the ledger says.
func (b budget) begins() bool { return b.waste() > b.soft/2 }
func (b budget) hurry() bool  { return b.waste() > b.soft }

// account adds segments up. Live is the engine's live bytes: keys, metas, values.
func account(all []*segment, live, limit int64) (b budget) {
	for _, s := range all {
		if s.settled.Load() {
			b.used += s.disk() + s.owed.Load()
			b.needed += s.needed()
		}
	}
	b.soft = max((2*live-b.needed)*3/4, b.needed/8) + limit/4
	return b
}

// ordered gives the segments in the log's order.
func (t *segments) ordered() []*segment {
	return slices.SortedFunc(maps.Values(t.all()), func(a, b *segment) int { return cmp.Compare(a.lo, b.lo) })
}

// run is a row of neighbours in the log's order that are to become one segment.
type run struct {
	segments []*segment
	reap     bool  // delete markers are not needed any more
	hold     int64 // bytes that nobody may write when it is done, until the keeper has looked
}

func (r *run) lo() uint32 { return r.segments[0].lo }
func (r *run) hi() uint32 { return r.segments[len(r.segments)-1].hi }

// planner chooses what to merge.
type planner struct {
	all      []*segment // in the log's order
	limit    int64
	room     int64 // on the disk for what a merge writes
	dropping bool  // a drop has not been accounted for

	blocked []uint32 // by number of earlier segments: see mayReap
}

const (
	worthwhile = 8  // a merge should win an eighth of what it reads
	leastWin   = 64 // and must win this part of it: so merging comes to an end
	fewFiles   = 8
)

// mayMerge: it is complete, and all of it can be read.
func mayMerge(s *segment) bool { return s.settled.Load() && !s.damaged.Load() }

// reapable reports whether the delete markers of all[from:to] may go: no older
// segment holds a value that one of them keeps from coming back, because it
// holds no dead values at all, or has been rid of those that were dead when the
// last of the markers was written.
func (p *planner) reapable(from, to int) bool {
	if p.dropping {
		return false
	}
	hi := p.all[to-1].hi
	for _, s := range p.all[:from] {
		if !s.harmless() && (s.cleaned <= hi || s.damaged.Load()) {
			return false
		}
	}
	return true
}

// mayReap is reapable for all[i] as it was when it was first asked, at a price that
// does not grow with the number of segments. It is for choosing only: what is
// chosen is looked at again.
func (p *planner) mayReap(i int) bool {
	if p.blocked == nil { // the least number that a marker must be below
		least := uint32(math.MaxUint32)
		for _, s := range p.all {
			p.blocked = append(p.blocked, least)
			switch {
			case s.damaged.Load():
				least = 0
			case !s.harmless():
				least = min(least, s.cleaned)
			}
		}
	}
	return !p.dropping && p.all[i].hi < p.blocked[i]
}

// gain is how many bytes a merge of one segment would win, apart from its hint.
func (p *planner) gain(i int) int64 {
	s := p.all[i]
	g := s.size.Load() - s.liveBytes.Load() - headerSize
	if !p.mayReap(i) {
		g -= s.markers.Load()
	}
	return g
}

// choose gives the run that wins most for what it costs. Where the waste is in
// delete markers that are still needed, it clears the way for them: it cleans
// the oldest segment that keeps them.
func (p *planner) choose() (run, bool) {
	best, bestShare := -1, 0.0
	for i, s := range p.all {
		share := float64(p.gain(i)) / float64(s.size.Load())
		if !mayMerge(s) || share <= 1.0/leastWin {
			continue
		}
		if best < 0 || p.better(i, best, share > bestShare) {
			best, bestShare = i, share
		}
	}
	if bestShare < 1.0/worthwhile {
		if i, ok := p.blocker(); ok && p.keeps(i) <= p.room {
			return p.extend(i), true
		}
	}
	if best < 0 {
		return run{}, false
	}
	return p.extend(best), true
}

// better reports whether to merge i rather than j: of those that there is room
// for the one that wins more, or, if there is not, the one that takes less.
func (p *planner) better(i, j int, winsMore bool) bool {
	ci, cj := p.keeps(i), p.keeps(j)
	if ci <= p.room && cj <= p.room {
		return winsMore
	}
	return ci < cj
}

// blocker is the oldest segment that delete markers are kept for.
func (p *planner) blocker() (int, bool) {
	newest := uint32(0) // segment with markers
	for _, s := range p.all {
		if s.settled.Load() && s.markers.Load() > 0 {
			newest = max(newest, s.hi)
		}
	}
	for i, s := range p.all {
		if p.dropping { // what is merged now would not be clean
			break
		}
		if mayMerge(s) && s.hi < newest && !s.harmless() && s.cleaned <= newest {
			return i, true
		}
	}
	return 0, false
}

// extend takes neighbours in, while what is needed of all fits one segment and
// they are worth it: dead in large part, or small.
func (p *planner) extend(i int) run {
	from, to := i, i+1
	sum := p.keeps(i)
	fits := func(j int) bool {
		s := p.all[j]
		worth := p.gain(j) > s.size.Load()/3 || s.size.Load() < p.limit/4
		if !mayMerge(s) || !worth || sum+p.keeps(j) > min(p.limit, p.room) {
			return false
		}
		sum += p.keeps(j)
		return true
	}
	for from > 0 && fits(from-1) {
		from--
	}
	for to < len(p.all) && fits(to) {
		to++
	}
	return p.run(from, to)
}

func (p *planner) run(from, to int) run {
	return run{segments: p.all[from:to], reap: p.reapable(from, to)}
}

// keeps is what a merge of a segment may write at most, hint and all.
func (p *planner) keeps(i int) int64 { return keeps(p.all[i]) }

func keeps(s *segment) int64 {
	return headerSize + s.needed() + s.markers.Load()*2 // which stand in the hint, too
}

// cost is what a merge may write at most.
func (p *planner) cost(r run) (sum int64) {
	for _, s := range r.segments {
		sum += keeps(s)
	}
	return sum + hintExtra
}

// hintExtra is for the beginning and end of a hint, and for its blocks'.
const hintExtra = 4 << 10

// small gives a row of small segments, if there are many: every restart leaves
// one, and each is an open file.
func (p *planner) small(used int64) (run, bool) {
	if int64(len(p.all)) < fewFiles+2*used/p.limit {
		return run{}, false
	}
	best, bestLen := 0, 0
	for from := range p.all {
		to, sum := from, int64(0)
		for to < len(p.all) && mayMerge(p.all[to]) && sum+p.keeps(to) <= p.limit {
			sum += p.keeps(to)
			to++
		}
		if to-from > bestLen {
			best, bestLen = from, to-from
		}
	}
	if bestLen < fewFiles/2 {
		return run{}, false
	}
	return p.run(best, best+bestLen), true
}
