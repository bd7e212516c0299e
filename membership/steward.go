package membership

import (
	"slices"

	"github.com/rldb/rldb/ring"
)

// steward gives the joining members tokens, one member a tick, if it is on this
// node to do so: it is the first by ID of the members that can. All others wait
// for what it tells. Where two take themselves for it, for they have heard
// different things, the merge keeps one outcome.
func (c *core) steward() {
	if c.alone || c.view == nil {
		return
	}
	first := slices.IndexFunc(c.view.Members, func(m Member) bool { return m.Status == Active && m.Health != Down && !m.Draining })
	if first < 0 || c.view.Members[first].ID != c.snap.self {
		return
	}
	for _, m := range c.view.Members {
		if m.Status == Joining && m.Health != Down && m.Peer != "" {
			if c.takeOn(m) {
				return
			}
		}
	}
}

// takeOn gives a joining member its tokens: those of the dead member whose peer
// address it has, if there is one.
func (c *core) takeOn(m Member) bool {
	for _, other := range c.view.Members {
		if other.ID == m.ID || other.Peer != m.Peer {
			continue
		}
		if other.Health != Down {
			c.waits(m, "another member that is alive has its peer address: "+other.ID.String())
			return false
		}
		c.set(other.ID, entry{place: place{status: Left}})
		if len(other.Tokens) > 0 {
			c.activate(m.ID, other.Tokens)
			c.spread(m.ID, other.ID)
			return true
		}
		c.spread(other.ID)
	}
	if len(c.view.Ring.Members()) >= ring.MaxMembers {
		c.waits(m, "there are as many members with tokens as a ring can hold")
		return false
	}
	c.activate(m.ID, ring.Allocate(c.view.Ring.Members(), m.ID, m.Zone, m.Weight))
	c.spread(m.ID)
	return true
}

// waits says in the log, once, why a member is given no tokens yet.
func (c *core) waits(m Member, reason string) {
	if l := c.link(m.ID); !l.waits {
		l.waits = true
		c.warn("a member waits for its tokens", "id", m.ID, "peer", m.Peer, "reason", reason)
	}
}
