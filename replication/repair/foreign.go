package repair

import (
	"slices"
	"time"

	"github.com/rldb/rldb/ring"
)

// foreign decides what of the slots that this node holds and does not own goes to
// whom, and when it may be dropped. It goes by the slots' digests: an owner that has been sent
// all of a slot since it had a digest has confirmed that digest.
type foreign struct {
	seq   uint64                  // numbers questions and plans
	slots map[uint16]*foreignSlot // those that something was sent of, and that are not empty
	// returns counts how often a member has come back: what it confirmed before does not count any more.
	returns map[ring.ID]uint64
	// returning are the members that have come back since all was theirs.
	returning map[ring.ID]*delivery
}

type foreignSlot struct {
	confirmed map[ring.ID]uint64
	// marks say since when a member that has asked lacks something of the slot. As long as writes go on for an owner that is
	// away, there is no moment at which another one has all; but it may have all that was here when it asked.
	marks map[ring.ID]uint64
	pause time.Duration // between two attempts while not all owners are to be had
	next  time.Duration // not before
	short bool          // the last attempt left records behind that cannot be sent
}

// delivery counts what has gone to a member since it returned.
type delivery struct {
	since          time.Duration
	records, bytes int64
}

// The pauses before all of a slot is sent once more: after an attempt that went wrong, and, growing, while an owner is away and
// the slot goes on changing.
const (
	shortPause = time.Second
	longPause  = 30 * time.Second
)

// held is a slot with foreign data.
type held struct {
	slot   uint16
	digest uint64
	owners []ring.ID
}

// plan is what to do about a slot.
type plan struct {
	held
	seq  uint64
	to   []recipient // who has not confirmed the digest, and is reachable
	same []recipient // of those: who was found to hold the same, and is sent nothing
	// direct: all owners are being sent to, so what they confirm may be dropped at once.
	direct bool
	// whole: once those have confirmed, all owners have, so what is still exactly as it was may be dropped.
	whole bool
	// again: all owners had confirmed the digest, and yet it is there.
	again bool
}

// recipient is an owner that a slot is sent to.
type recipient struct {
	id      ring.ID
	returns uint64
}

func newForeign() *foreign {
	return &foreign{slots: map[uint16]*foreignSlot{}, returns: map[ring.ID]uint64{}, returning: map[ring.ID]*delivery{}}
}

// plans says what to do about all slots with foreign data, and forgets the others.
func (f *foreign) plans(now time.Duration, all []held, reachable map[ring.ID]bool) (plans []plan) {
	still := make(map[uint16]bool, len(all))
	for _, h := range all {
		still[h.slot] = true
		if p, ok := f.plan(now, h, reachable); ok {
			plans = append(plans, p)
		}
	}
	for slot := range f.slots {
		if !still[slot] {
			delete(f.slots, slot)
		}
	}
	return plans
}

// plan says what to do about a slot, if anything.
func (f *foreign) plan(now time.Duration, h held, reachable map[ring.ID]bool) (p plan, ok bool) {
	s := f.slot(h.slot)
	if len(h.owners) == 0 || now < s.next {
		return plan{}, false
	}
	again := !slices.ContainsFunc(h.owners, func(id ring.ID) bool { return !s.has(id, h.digest) })
	if again {
		clear(s.confirmed) // what was to be dropped was not: once more from the start
	}
	f.seq++
	p = plan{held: h, seq: f.seq, whole: true, again: again}
	for _, id := range h.owners {
		switch {
		case s.has(id, h.digest):
		case reachable[id]:
			p.to = append(p.to, recipient{id, f.returns[id]})
		default:
			p.whole = false
		}
	}
	p.direct = len(p.to) == len(h.owners)
	return p, len(p.to) > 0
}

// equal takes the recipients out that have a digest that is this node's.
func (p *plan) equal(theirs func(ring.ID) uint64) {
	p.to = slices.DeleteFunc(p.to, func(to recipient) bool {
		same := theirs(to.id) == p.digest
		if same {
			p.same, p.direct = append(p.same, to), false
		}
		return same
	})
}

func (f *foreign) slot(slot uint16) *foreignSlot {
	s := f.slots[slot]
	if s == nil {
		s = &foreignSlot{confirmed: map[ring.ID]uint64{}, marks: map[ring.ID]uint64{}}
		f.slots[slot] = s
	}
	return s
}

func (s *foreignSlot) has(id ring.ID, digest uint64) bool {
	d, ok := s.confirmed[id]
	return ok && d == digest
}

// done notes how a plan ended: who has confirmed everything, and whether all went well.
func (f *foreign) done(now time.Duration, p *plan, confirmed []recipient, well bool) {
	s := f.slot(p.slot)
	s.short = false
	for id := range s.confirmed {
		if !slices.Contains(p.owners, id) {
			delete(s.confirmed, id)
		}
	}
	for _, c := range confirmed {
		if f.returns[c.id] == c.returns {
			s.confirmed[c.id] = p.digest
			if s.marks[c.id] < p.seq {
				delete(s.marks, c.id)
			}
		}
	}
	switch {
	case !p.whole || p.again:
		s.pause = min(max(2*s.pause, shortPause), longPause)
	case !well:
		s.pause = shortPause
	default:
		s.pause = 0
	}
	s.next = now + s.pause
}

// short notes that a plan ended, for some of the recipients without records that cannot be sent, and says whether all owners have
// confirmed the others. Nobody has confirmed the digest then, so all of it is tried again. An owner that waits has got what
// can be got.
func (f *foreign) short(now time.Duration, p *plan, reached []recipient) (agreed bool) {
	s := f.slot(p.slot)
	agreed = !slices.ContainsFunc(p.owners, func(id ring.ID) bool {
		return !s.has(id, p.digest) && !slices.Contains(reached, recipient{id, f.returns[id]})
	})
	clear(s.confirmed)
	for _, to := range reached {
		if f.returns[to.id] == to.returns && s.marks[to.id] < p.seq {
			delete(s.marks, to.id)
		}
	}
	s.short = true
	s.pause = min(max(2*s.pause, shortPause), longPause)
	s.next = now + s.pause
	return agreed
}

// agreed says whether all owners have confirmed the digest that p began with.
func (f *foreign) agreed(p *plan) bool {
	s := f.slots[p.slot]
	return s != nil && !slices.ContainsFunc(p.owners, func(id ring.ID) bool { return !s.has(id, p.digest) })
}

// lacks says whether an owner has not confirmed what a slot holds.
func (f *foreign) lacks(id ring.ID, h held) bool {
	s := f.slots[h.slot]
	return s == nil || !s.has(id, h.digest)
}

// asked says whether an owner still lacks something that the slot held when it last asked, and notes that
// it has asked now. urgent: it waits for that, so the pause is over.
func (f *foreign) asked(id ring.ID, h held, urgent bool) bool {
	s := f.slot(h.slot)
	if s.has(id, h.digest) {
		delete(s.marks, id)
		return false
	}
	if urgent && !s.short {
		s.next = 0
	}
	if s.marks[id] != 0 {
		return true
	}
	f.seq++
	s.marks[id] = f.seq
	return false
}

// returned notes that a member is back, perhaps empty-handed: it is sent everything, now.
func (f *foreign) returned(now time.Duration, id ring.ID, owners func(slot uint16) []ring.ID) {
	f.returns[id]++
	if f.returning[id] == nil {
		f.returning[id] = &delivery{since: now}
	}
	for slot, s := range f.slots {
		if slices.Contains(owners(slot), id) {
			delete(s.confirmed, id)
			s.pause, s.next = 0, 0
		}
	}
}

// went counts what a member was sent, if it has returned.
func (f *foreign) went(id ring.ID, records, bytes int64) {
	if d := f.returning[id]; d != nil {
		d.records += records
		d.bytes += bytes
	}
}

// settled ends the delivery to a member that lacks nothing any more, or is none; nil: none was under way.
func (f *foreign) settled(id ring.ID) *delivery {
	d := f.returning[id]
	delete(f.returning, id)
	return d
}

// keep forgets slots that are foreign no more, and all pauses: the view has changed.
func (f *foreign) keep(isForeign func(slot uint16) bool) {
	for slot, s := range f.slots {
		if !isForeign(slot) {
			delete(f.slots, slot)
		}
		s.pause, s.next = 0, 0
	}
}
