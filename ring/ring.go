package ring

import (
	"cmp"
	"slices"
)

// Token is a place on the slot circle. Slot s stands at s<<50; slots are not
// hashed, so that the slots between two tokens are one range of numbers.
type Token uint64

// slotShift puts the 2^14 slots evenly on the circle of 2^64 tokens.
const slotShift = 50

// Slot is the last slot that the token covers: those up to it, back to the
// token before, are the token's.
func (t Token) Slot() uint16 { return uint16(t >> slotShift) }

// Member is one that holds tokens. Members without tokens are in no list.
type Member struct {
	ID     ID
	Zone   string // where it stands (a rack, a data centre); "" counts as a zone of its own
	Weight int    // its share relative to the others'; below 1 counts as 1
	Tokens []Token
}

// Ring says which members own a slot. It is computed once, by New, and never
// changes: any number of goroutines may use it.
type Ring struct {
	members []Member // ascending by ID
	n       int      // owners of a slot: never more than members with tokens
	points  []point  // the tokens, clockwise
	owners  []uint16 // Slots lists of n
	zones   []uint16 // zone of each member: equal numbers, equal zones
	zoned   int      // how many zones there are among members with tokens
	holders int      // how many members hold tokens
}

// point is a token and whose it is.
type point struct {
	token  Token
	member uint16
}

// MaxMembers is how many members a ring can hold.
const MaxMembers = 1024

// New computes the ring of these members, in which a slot has n owners, or as
// many as there are members with tokens if those are fewer. Members are put in
// the order of their IDs, of which no two may be equal; equal tokens are in the
// order of their members' IDs. Members beyond the first MaxMembers are left out.
func New(members []Member, n int) *Ring {
	r := &Ring{members: slices.Clone(members)}
	slices.SortFunc(r.members, func(a, b Member) int { return a.ID.Compare(b.ID) })
	r.members = r.members[:min(len(r.members), MaxMembers)]
	for i, m := range r.members {
		for _, t := range m.Tokens {
			r.points = append(r.points, point{t, uint16(i)})
		}
		if len(m.Tokens) > 0 {
			r.holders++
		}
	}
	slices.SortFunc(r.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(a.member, b.member))
	})
	r.numberZones()
	r.n = max(min(n, r.holders), 0)
	r.fill()
	return r
}

// numberZones gives each zone a number. A member without a zone is a zone of
// its own.
func (r *Ring) numberZones() {
	numbers := map[string]uint16{}
	counted := map[uint16]bool{}
	r.zones = make([]uint16, len(r.members))
	next := uint16(0)
	for i, m := range r.members {
		number, known := numbers[m.Zone]
		if m.Zone == "" || !known {
			number = next
			next++
			if m.Zone != "" {
				numbers[m.Zone] = number
			}
		}
		r.zones[i] = number
		if len(m.Tokens) > 0 {
			counted[number] = true
		}
	}
	r.zoned = len(counted)
}

// fill computes the list of each slot. Slots between two tokens share one.
func (r *Ring) fill() {
	if r.n == 0 {
		return
	}
	r.owners = make([]uint16, 0, Slots*r.n)
	w := newWalk(r)
	list := make([]uint16, 0, r.n)
	at := 0 // the first token that is not before the slot
	last := -1
	for slot := range Slots {
		for at < len(r.points) && r.points[at].token < Token(slot)<<slotShift {
			at++
		}
		if at != last {
			last = at
			list = w.from(at, r.n, list[:0])
		}
		r.owners = append(r.owners, list...)
	}
}

// Members are all members, ascending by ID. The caller must not change them.
func (r *Ring) Members() []Member { return r.members }

// Copies is how many owners each slot has.
func (r *Ring) Copies() int { return r.n }

// Owners is the preference list of a slot: indexes into Members, the first
// members met clockwise, distinct, of distinct zones first. The caller must not
// change it. It is empty if no member holds tokens.
func (r *Ring) Owners(slot uint16) []uint16 {
	at := int(slot) * r.n
	return r.owners[at : at+r.n : at+r.n]
}

// Order appends every member that holds tokens to into, in the order in which
// they would own the slot: Owners first, then those who stand in for them.
func (r *Ring) Order(slot uint16, into []uint16) []uint16 {
	at, _ := slices.BinarySearchFunc(r.points, Token(slot)<<slotShift, func(p point, t Token) int {
		return cmp.Compare(p.token, t)
	})
	return newWalk(r).from(at, r.holders, into)
}

// RunEnd is the last slot, from this one on, that has the same Owners and Order
// because no token lies between.
func (r *Ring) RunEnd(slot uint16) int {
	at, _ := slices.BinarySearchFunc(r.points, Token(slot)<<slotShift, func(p point, t Token) int {
		return cmp.Compare(p.token, t)
	})
	if at == len(r.points) {
		return Slots - 1
	}
	return int(r.points[at].token.Slot())
}

// walk goes clockwise from a token and takes members. It is used again and
// again, so that computing a ring allocates once.
type walk struct {
	r        *Ring
	round    uint32
	taken    []uint32 // by member: the round in which it was taken
	inZone   []uint32 // by zone: the round in which one of it was taken
	skipped  []uint16 // members of zones that had one, in the order in which they were met
	skippedB []uint32 // by member: the round in which it was skipped
}

func newWalk(r *Ring) *walk {
	n := len(r.members)
	return &walk{r: r, taken: make([]uint32, n), inZone: make([]uint32, n), skippedB: make([]uint32, n)}
}

// from appends n members to into: those met clockwise from point at, one of each
// zone; and when every zone has one, those that were passed over.
func (w *walk) from(at, n int, into []uint16) []uint16 {
	w.round++
	w.skipped = w.skipped[:0]
	want := len(into) + n
	zonesLeft := w.r.zoned
	for i := 0; i < len(w.r.points) && len(into) < want; i++ {
		m := w.r.points[(at+i)%len(w.r.points)].member
		if w.taken[m] == w.round || w.skippedB[m] == w.round {
			continue
		}
		zone := w.r.zones[m]
		if zonesLeft > 0 && w.inZone[zone] == w.round {
			w.skipped = append(w.skipped, m)
			w.skippedB[m] = w.round
			continue
		}
		if w.inZone[zone] != w.round {
			w.inZone[zone] = w.round
			zonesLeft--
		}
		w.taken[m] = w.round
		into = append(into, m)
		if zonesLeft == 0 {
			into = w.takeSkipped(into, want)
		}
	}
	return into
}

// takeSkipped appends those that were passed over, up to want in all.
func (w *walk) takeSkipped(into []uint16, want int) []uint16 {
	for _, m := range w.skipped {
		if len(into) == want {
			break
		}
		w.taken[m] = w.round
		into = append(into, m)
	}
	w.skipped = w.skipped[:0]
	return into
}
