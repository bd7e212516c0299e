package ring

import (
	"cmp"
	"slices"

	"github.com/spaolacci/murmur3"
)

const (
	// tokensPerWeight is how many tokens a member of weight 1 gets: so many entries
	// it has at most in CLUSTER SLOTS.
	tokensPerWeight = 28
	// maxTokens bounds what a member of a great weight gets.
	maxTokens = 8 * tokensPerWeight
	// candidates is how many hashes of a member's ID there are to choose from: two
	// for each slot, so that close to each wanted place there is one.
	candidates = 2 * Slots
	// plans is how many ways of placing the tokens are tried.
	plans = 12
	// judgedCopies is the number of owners for which plans are compared.
	judgedCopies = 3
)

// Allocate chooses the tokens of a member that joins these members, from
// candidates that come from murmur3 of its ID. They take from each member what
// it holds above the new mean, so that few tokens give an even ring, and nothing
// moves between those who were there before. The result is a function of the
// arguments only, ascending, and never empty.
//
// It chooses greedily: always from the member that holds most for its weight,
// from one of its longest runs. Which one is what the plans differ in; the one
// is taken that leaves the copies most even, too. Of members it looks at the first
// MaxMembers-1 only: there is no room for the one that joins beside more.
func Allocate(members []Member, id ID, zone string, weight int) []Token {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b Member) int { return a.ID.Compare(b.ID) })
	members = members[:min(len(members), MaxMembers-1)]
	pool := candidatesOf(id)
	var best []Token
	bestScore := 0.0
	for seed := range uint64(plans) {
		plan := newPlan(members, weight, seed)
		tokens := plan.place(pool)
		joined := append(slices.Clone(members), Member{ID: id, Zone: zone, Weight: weight, Tokens: tokens})
		if score := unevenness(New(joined, judgedCopies), id); best == nil || score < bestScore {
			best, bestScore = tokens, score
		}
	}
	return best
}

// candidatesOf are the tokens that a member may get, ascending.
func candidatesOf(id ID) []Token {
	pool := make([]Token, candidates)
	for i := range pool {
		pool[i] = Token(murmur3.Sum64WithSeed(id[:], uint32(i)))
	}
	slices.Sort(pool)
	return slices.Compact(pool)
}

// unevenness is how far the members are from what each should hold: the fullest
// primary, and what the new member owns of all copies. Less is better.
func unevenness(r *Ring, joined ID) float64 {
	weights := 0
	for _, m := range r.members {
		weights += shareOf(m.Weight)
	}
	primaries := make([]int, len(r.members))
	owned := make([]int, len(r.members))
	for slot := range uint16(Slots) {
		for rank, m := range r.Owners(slot) {
			owned[m]++
			if rank == 0 {
				primaries[m]++
			}
		}
	}
	score := 0.0
	for i, m := range r.members {
		fair := float64(Slots) * float64(shareOf(m.Weight)) / float64(weights)
		score = max(score, float64(primaries[i])/fair-1)
		if m.ID == joined {
			moved := float64(owned[i])/(fair*float64(r.n)) - 1
			score = max(score, moved, -moved)
		}
	}
	return score
}

func shareOf(weight int) int { return max(weight, 1) }

// run is the slots between two tokens: those of the second one.
type run struct {
	start, end int // slots start <= s < end; end is above Slots for the run that spans slot 0
	member     int
}

func (r run) length() int { return r.end - r.start }

// plan places the tokens of one member, one after another.
type plan struct {
	runs   []run
	load   []float64 // by member: slots held
	share  []float64 // by member: weight
	want   float64   // slots the new member is still to get
	mean   float64   // slots for a weight of 1 once it has joined
	tokens int       // tokens still to place
	seed   uint64
}

// newPlan expects members in the order of their IDs.
func newPlan(members []Member, weight int, seed uint64) *plan {
	p := &plan{seed: seed, tokens: min(tokensPerWeight*shareOf(weight), maxTokens)}
	total := float64(shareOf(weight))
	var points []point
	for i, m := range members {
		p.load = append(p.load, 0)
		p.share = append(p.share, float64(shareOf(m.Weight)))
		for _, t := range m.Tokens {
			points = append(points, point{t, uint16(i)})
		}
		if len(m.Tokens) > 0 {
			total += p.share[i]
		}
	}
	p.mean = Slots / total
	p.want = p.mean * float64(shareOf(weight))
	slices.SortFunc(points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(a.member, b.member))
	})
	for i, pt := range points {
		before := int(points[len(points)-1].token.Slot()) - Slots
		if i > 0 {
			before = int(points[i-1].token.Slot())
		}
		r := run{before + 1, int(pt.token.Slot()) + 1, int(pt.member)}
		if r.length() > 0 {
			p.runs = append(p.runs, r)
			p.load[r.member] += float64(r.length())
		}
	}
	return p
}

// place gives the tokens, ascending.
func (p *plan) place(pool []Token) []Token {
	var tokens []Token
	if len(p.runs) == 0 {
		return p.first(pool)
	}
	for p.tokens > 0 && p.want >= 1 {
		at := p.choose()
		if at < 0 {
			break
		}
		r := &p.runs[at]
		// As much as this token's part of what is missing, and not more than its
		// member has too much, but for the last one.
		part := p.want / float64(p.tokens)
		if excess := p.load[r.member] - p.mean*p.share[r.member]; excess > 1 && excess < 1.5*part {
			part = excess
		}
		take := min(int(part+0.5), r.length()-1)
		if token, found := nearest(pool, r.start, max(take, 1), r.length()-1); found {
			took := int(token.Slot()) - wrap(r.start) + 1
			if took <= 0 {
				took += Slots
			}
			tokens = append(tokens, token)
			p.load[r.member] -= float64(took)
			p.want -= float64(took)
			r.start += took
		} else {
			r.end = r.start // nothing can be placed in it
		}
		p.tokens--
	}
	if len(tokens) == 0 {
		tokens = append(tokens, pool[0])
	}
	slices.Sort(tokens)
	return tokens
}

// first gives the tokens of the first member: evenly spread, so that those who
// come can take as much here as there.
func (p *plan) first(pool []Token) []Token {
	var tokens []Token
	step := Slots / p.tokens
	for i := range p.tokens {
		if token, found := nearest(pool, i*step, step, step); found {
			tokens = append(tokens, token)
		}
	}
	slices.Sort(tokens)
	return slices.Compact(tokens)
}

// choose gives the run to take from: one of the longest of the member that holds
// most for its weight. -1 if no run can be cut.
func (p *plan) choose() int {
	heaviest := -1
	for m := range p.load {
		if p.load[m] > 0 && (heaviest < 0 || p.load[m]/p.share[m] > p.load[heaviest]/p.share[heaviest]) {
			heaviest = m
		}
	}
	var longest [3]int // indexes into runs, longest first
	found := 0
	for i, r := range p.runs {
		if r.member != heaviest || r.length() < 2 {
			continue
		}
		at := found
		for at > 0 && r.length() > p.runs[longest[at-1]].length() {
			at--
		}
		if at < len(longest) {
			copy(longest[at+1:], longest[at:len(longest)-1])
			longest[at] = i
			found = min(found+1, len(longest))
		}
	}
	if found == 0 {
		return -1
	}
	if p.seed == 0 {
		return longest[0]
	}
	p.seed = p.seed*6364136223846793005 + 1442695040888963407
	pick := int(p.seed>>33) % found
	if p.runs[longest[pick]].length() < p.runs[longest[0]].length()/2 {
		pick = 0
	}
	return longest[pick]
}

func wrap(slot int) int { return (slot%Slots + Slots) % Slots }

// nearest is the candidate that takes as close to take slots as can be, and at
// most most, from a run that begins with slot start.
func nearest(pool []Token, start, take, most int) (Token, bool) {
	for off := 0; off <= max(take, most); off++ {
		for _, n := range [2]int{take - off, take + off} {
			if n < 1 || n > most {
				continue
			}
			slot := Token(wrap(start + n - 1))
			at, _ := slices.BinarySearch(pool, slot<<slotShift)
			if at < len(pool) && Token(pool[at].Slot()) == slot {
				return pool[at], true
			}
		}
	}
	return 0, false
}
