package quorum

import (
	"slices"

	"github.com/rldb/rldb/ring"
)

// Node is a member's ID.
type Node = ring.ID

// State is what the coordinator knows of a member.
type State int

// The states of a member. The zero State is of one that nothing is known of.
const (
	Down       State = iota // dead, or suspected
	Up                      // reachable; an owner's answers count
	CatchingUp              // reachable; it may lack writes, so its answers do not count
	Draining                // reachable, but about to stop
)

// Target is a member that a write goes to, or a read asks.
type Target struct {
	Node    Node
	For     Node // the owner that a fallback stands in for; zero for an owner
	Current bool // an owner that has all that was acknowledged, as far as is known
}

// Owner says whether the target owns the key.
func (t Target) Owner() bool { return t.For.IsZero() }

// Targets appends to targets the owners that are reachable, in ring order, and
// says how many are not. A draining owner is still one, as reads count it until
// it stops.
func Targets(targets []Target, owners []Node, state func(Node) State) (_ []Target, absent int) {
	for _, m := range owners {
		if s := state(m); s == Down {
			absent++
		} else {
			targets = append(targets, Target{Node: m, Current: s != CatchingUp})
		}
	}
	return targets, absent
}

// Fallbacks appends to targets, for each owner that is not among them, the next
// reachable one of others: members in ring order that own nothing of the key. One
// that drains stands in for nobody. spares are those that are left.
func Fallbacks(targets []Target, owners, others []Node, state func(Node) State) (_ []Target, spares []Node) {
	for _, m := range others {
		if s := state(m); s == Up || s == CatchingUp {
			spares = append(spares, m)
		}
	}
	reachable := targets
	for _, m := range owners {
		if len(spares) == 0 {
			break
		}
		if !slices.ContainsFunc(reachable, func(t Target) bool { return t.Node == m }) {
			targets = append(targets, Target{Node: spares[0], For: m})
			spares = spares[1:]
		}
	}
	return targets, spares
}
