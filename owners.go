package main

import (
	"github.com/rldb/rldb/membership"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/ring"
)

// owners is a view's ring as coordinators ask for it: coordinator.Members. It never
// changes. Neighbouring slots between two tokens share their lists.
type owners struct {
	self  ring.ID
	ring  *ring.Ring
	lists [][]coordinator.Node
	list  [ring.Slots]uint16 // the slot's place in lists
}

// ownersOf makes it; last, which may be nil, is used again if it is of the same ring.
func ownersOf(v *membership.View, last *owners) *owners {
	if last != nil && last.ring == v.Ring && last.self == v.Self {
		return last
	}
	o := &owners{self: v.Self, ring: v.Ring}
	if v.Ring == nil {
		o.lists = make([][]coordinator.Node, 1)
		return o
	}
	members := v.Ring.Members()
	for from := 0; from < ring.Slots; {
		to := v.Ring.RunEnd(uint16(from))
		var list []coordinator.Node
		for _, i := range v.Ring.Owners(uint16(from)) {
			list = append(list, members[i].ID)
		}
		for s := from; s <= to; s++ {
			o.list[s] = uint16(len(o.lists))
		}
		o.lists = append(o.lists, list)
		from = to + 1
	}
	return o
}

// Self implements coordinator.Members.
func (o *owners) Self() coordinator.Node { return o.self }

// Owners implements coordinator.Members.
func (o *owners) Owners(slot uint16) []coordinator.Node { return o.lists[o.list[slot]] }

// Others implements coordinator.Members.
func (o *owners) Others(slot uint16, into []coordinator.Node) []coordinator.Node {
	if o.ring == nil {
		return into
	}
	members := o.ring.Members()
	for _, i := range o.ring.Order(slot, nil)[len(o.Owners(slot)):] {
		into = append(into, members[i].ID)
	}
	return into
}

// owns says whether this node is one of a slot's owners.
func (o *owners) owns(slot uint16) bool {
	for _, n := range o.Owners(slot) {
		if n == o.self {
			return true
		}
	}
	return false
}
