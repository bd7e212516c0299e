package quorum

import "github.com/rldb/rldb/ring"

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

// Targets picks up to n members of preference, all members in ring order, of
// which the first n own the key. Reachable owners come first; with sloppy, each
// unreachable one has the next reachable member in its place. A draining owner
// is still one, as reads count it until it stops, but it stands in for nobody.
// spares are the members that are left to stand in should a target fail.
func Targets(preference []Node, n int, sloppy bool, state func(Node) State) (targets []Target, spares []Node) {
	owners, others := preference[:min(n, len(preference))], preference[min(n, len(preference)):]
	if sloppy {
		for _, m := range others {
			if s := state(m); s == Up || s == CatchingUp {
				spares = append(spares, m)
			}
		}
	}
	var absent []Node
	for _, m := range owners {
		if s := state(m); s == Down {
			absent = append(absent, m)
		} else {
			targets = append(targets, Target{Node: m, Current: s != CatchingUp})
		}
	}
	for len(absent) > 0 && len(spares) > 0 {
		targets = append(targets, Target{Node: spares[0], For: absent[0]})
		absent, spares = absent[1:], spares[1:]
	}
	return targets, spares
}
