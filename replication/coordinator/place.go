package coordinator

import (
	"slices"

	"github.com/rldb/rldb/replication/quorum"
)

// place is whom a command goes by: the owners of its slot at its start, and how
// many of them it needs.
type place struct {
	by      *Coordinator
	members Members
	self    Node
	slot    uint16
	owners  []Node
	Quorum
}

// placeOf fails if this node does not own the slot.
func (c *Coordinator) placeOf(slot uint16, q Quorum) (place, error) {
	m := c.members.Load()
	if m == nil {
		return place{}, errNotOwner
	}
	p := place{by: c, members: *m, self: (*m).Self(), slot: slot, owners: (*m).Owners(slot), Quorum: q}
	if !slices.Contains(p.owners, p.self) {
		return place{}, errNotOwner
	}
	return p, nil
}

// stateOf is what is known of a member. This node is reachable in any case.
func (c *Coordinator) stateOf(n Node) State {
	if m := c.members.Load(); m == nil || (*m).Self() != n {
		return c.o.Peers.State(n)
	}
	if !c.o.Current() {
		return quorum.CatchingUp
	}
	return quorum.Up
}

// targets appends whom a write goes to, this node among them.
func (p *place) targets(into []quorum.Target) []quorum.Target {
	into, absent := quorum.Targets(into, p.owners, p.by.state)
	if absent > 0 && p.by.o.Sloppy {
		into, _ = quorum.Fallbacks(into, p.owners, p.members.Others(p.slot, nil), p.by.state)
	}
	return into
}

// spares are who may stand in should one of the targets fail.
func (p *place) spares(targets []quorum.Target) func() []Node {
	if !p.by.o.Sloppy {
		return nil
	}
	return func() []Node {
		others := p.members.Others(p.slot, nil)
		return slices.DeleteFunc(others, func(n Node) bool {
			s := p.by.state(n)
			asked := slices.ContainsFunc(targets, func(t quorum.Target) bool { return t.Node == n })
			return asked || s != quorum.Up && s != quorum.CatchingUp
		})
	}
}

// readers are whom a read asks: this node, and the others in the order in which
// to ask them: owners that are up in ring order, owners that do not count or are
// about to stop, and who stands in for those that are absent.
func (p *place) readers(into []quorum.Target) (self quorum.Target, others []quorum.Target) {
	all := p.targets(into)
	rank := func(t quorum.Target) int {
		switch {
		case t.Owner() && p.by.state(t.Node) == quorum.Up:
			return 0
		case t.Owner():
			return 1
		}
		return 2
	}
	at := slices.IndexFunc(all, func(t quorum.Target) bool { return t.Node == p.self })
	self = all[at]
	others = slices.Delete(all, at, at+1)
	slices.SortStableFunc(others, func(a, b quorum.Target) int { return rank(a) - rank(b) })
	return self, others
}
