package repair

import (
	"slices"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// area is what a view means for this node. It never changes.
type area struct {
	view    *View
	member  bool // this node is one
	others  []ring.ID
	owned   replica.SlotSet
	shared  map[ring.ID][]uint16 // the owned slots that a co-owner owns too
	groups  [][]ring.ID          // the distinct sets of co-owners of owned slots
	foreign []uint16             // slots that this node does not own
}

func newArea(v *View) *area {
	a := &area{view: v, member: slices.Contains(v.Members, v.Self), shared: map[ring.ID][]uint16{}}
	for _, id := range v.Members {
		if id != v.Self {
			a.others = append(a.others, id)
		}
	}
	if !a.member {
		return a
	}
	known := map[string]bool{}
	for slot := range uint16(engine.Slots) {
		a.place(slot, v.Owners(slot), known)
	}
	return a
}

// place sorts one slot in. known are the groups that are there already.
func (a *area) place(slot uint16, owners []ring.ID, known map[string]bool) {
	if !slices.Contains(owners, a.view.Self) {
		a.foreign = append(a.foreign, slot)
		return
	}
	a.owned.Add(slot)
	var group []ring.ID
	for _, id := range owners {
		if id != a.view.Self {
			a.shared[id] = append(a.shared[id], slot)
			group = append(group, id)
		}
	}
	slices.SortFunc(group, ring.ID.Compare)
	name := make([]byte, 0, len(group)*len(ring.ID{}))
	for _, id := range group {
		name = append(name, id[:]...)
	}
	if !known[string(name)] {
		known[string(name)] = true
		a.groups = append(a.groups, group)
	}
}

// gained says whether this node owns slots that it did not own before, so that it may lack what they hold elsewhere.
// One that was alone owned all, for itself: only the view says whether it has joined the others, or they have joined it.
func (a *area) gained(before *area) bool {
	switch {
	case !a.member || len(a.others) == 0:
		return false
	case a.view.Joined:
		return len(a.groups) > 0
	}
	for slot := range uint16(engine.Slots) {
		if a.owned.Has(slot) && !before.owned.Has(slot) {
			return true
		}
	}
	return false
}
