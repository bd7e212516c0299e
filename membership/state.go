package membership

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/rldb/rldb/ring"
)

// state is all that the members tell each other. Two states are merged entry by
// entry, and each part of an entry by its own rule; every rule takes the greater
// of two in some total order, so that merge is commutative, associative and
// idempotent.
type state struct {
	epoch   uint64 // of what clients see: the greatest that anybody has seen
	entries map[ring.ID]entry
}

// entry is what is known of one member. A Left entry has nothing but its status.
type entry struct {
	place   place
	own     own
	reports reports
}

// place is the member's part in the ring: written by stewards, and by whoever
// takes the member out. The greater status wins; of tokens, the later ones.
type place struct {
	status  Status
	version uint64 // of the tokens; 0: none yet
	tokens  []ring.Token
}

// own is what the member says of itself. Only it writes it: the greater version
// wins.
type own struct {
	version  uint64
	self     Self
	draining bool
}

// reports are the members that do not answer this one. Only it writes them: the
// greater version wins.
type reports struct {
	version uint64
	on      []report // ascending by ID
}

// report says that a member does not answer.
type report struct {
	id     ring.ID
	raised uint64 // the version of the reports in which it was raised, last
}

func newState() state { return state{entries: map[ring.ID]entry{}} }

func (s state) clone() state { return state{s.epoch, maps.Clone(s.entries)} }

// ids are the IDs of all entries, ascending.
func (s state) ids() []ring.ID {
	return slices.SortedFunc(maps.Keys(s.entries), ring.ID.Compare)
}

// merge takes other into s, and gives the IDs of the entries that it changed,
// ascending. New entries beyond maxEntries are left out.
func (s *state) merge(other state) []ring.ID {
	s.epoch = max(s.epoch, other.epoch)
	var changed []ring.ID
	for _, id := range other.ids() {
		mine, known := s.entries[id]
		if !known && len(s.entries) >= maxEntries {
			continue
		}
		merged := mergeEntries(mine, other.entries[id])
		if !known || !sameEntry(mine, merged) {
			s.entries[id] = merged
			changed = append(changed, id)
		}
	}
	return changed
}

func mergeEntries(a, b entry) entry {
	m := entry{
		place:   mergePlaces(a.place, b.place),
		own:     greater(a.own, b.own, a.own.version, b.own.version, appendOwn),
		reports: greater(a.reports, b.reports, a.reports.version, b.reports.version, appendReports),
	}
	if m.place.status == Left {
		return entry{place: place{status: Left}}
	}
	return m
}

func mergePlaces(a, b place) place {
	m := greater(a, b, a.version, b.version, appendTokens)
	m.status = max(a.status, b.status)
	return m
}

// greater is the one of the greater version, or (where two were given the same
// version, as two stewards may) of the greater bytes.
func greater[T any](a, b T, va, vb uint64, enc func([]byte, T) []byte) T {
	order := cmp.Compare(va, vb)
	if order == 0 {
		order = bytes.Compare(enc(nil, a), enc(nil, b))
	}
	if order < 0 {
		return b
	}
	return a
}

func sameEntry(a, b entry) bool {
	return bytes.Equal(appendEntry(nil, a), appendEntry(nil, b))
}

// has says whether r reports id.
func (r reports) has(id ring.ID) bool {
	_, found := r.find(id)
	return found
}

func (r reports) find(id ring.ID) (int, bool) {
	return slices.BinarySearchFunc(r.on, id, func(r report, id ring.ID) int { return r.id.Compare(id) })
}

// raise gives the reports with one on id that is new.
func (r reports) raise(id ring.ID) reports {
	next := reports{r.version + 1, slices.Clone(r.on)}
	at, found := r.find(id)
	if found {
		next.on[at].raised = next.version
		return next
	}
	next.on = slices.Insert(next.on, at, report{id, next.version})
	return next
}

// withdraw gives the reports without one on id.
func (r reports) withdraw(id ring.ID) reports {
	next := reports{r.version + 1, slices.Clone(r.on)}
	if at, found := r.find(id); found {
		next.on = slices.Delete(next.on, at, at+1)
	}
	return next
}
