package membership

import (
	"slices"
	"time"

	"github.com/rldb/rldb/ring"
)

// others are all members but this one, whom the state (not the view) knows.
func (c *core) others() []ring.ID {
	ids := c.snap.state.ids()
	return slices.DeleteFunc(ids, func(id ring.ID) bool {
		return id == c.snap.self || c.snap.state.entries[id].place.status == Left
	})
}

// spread tells all members of these entries.
func (c *core) spread(ids ...ring.ID) {
	part := newState()
	part.epoch = c.snap.state.epoch
	for _, id := range ids {
		part.entries[id] = c.snap.state.entries[id]
	}
	c.emit(tell{c.others(), message{kind: kindState, sender: c.snap.self, cluster: c.snap.cluster, state: part}})
}

// received is the step for a message of another member.
func (c *core) received(now time.Time, m message) {
	if m.cluster != c.snap.cluster || c.snap.cluster.IsZero() || m.sender == c.snap.self {
		return
	}
	if c.snap.state.entries[m.sender].place.status == Left {
		return // it learns that from those whom it connects to
	}
	if m.kind == kindDigest {
		c.heard(now, m.sender)
		if m.digest != c.digested {
			c.answerDigest(now, m.sender)
		}
		c.settle()
		return
	}
	before := c.snap.state.clone()
	changed := c.snap.state.merge(m.state)
	if len(changed) > 0 || c.snap.state.epoch != before.epoch {
		c.touch()
	}
	c.heard(now, m.sender)
	for _, id := range changed {
		c.learn(now, id, before.entries[id])
	}
	c.afterMerge()
	c.settle()
}

// answerDigest gives a member that knows something else the whole state, and asks
// for its own; not more often than once a tick.
func (c *core) answerDigest(now time.Time, id ring.ID) {
	if !c.member(id) {
		return // it is to connect first
	}
	if l := c.link(id); now.Sub(l.sentAt) >= c.o.Timing.Tick {
		l.sentAt = now
		c.emit(sendState{id})
		c.emit(tell{[]ring.ID{id}, c.digest()})
	}
}

// learn is told of an entry that another member has changed.
func (c *core) learn(now time.Time, id ring.ID, before entry) {
	e := c.snap.state.entries[id]
	if id == c.snap.self {
		c.correct(before)
		return
	}
	for _, r := range e.reports.on {
		at, known := before.reports.find(r.id)
		if !c.member(r.id) || r.id == id || known && before.reports.on[at].raised >= r.raised {
			continue
		}
		l := c.link(r.id)
		l.raisedAt = now
		c.emit(check{r.id})
	}
}

// correct answers what others say of this node with what is true: they know it
// from an earlier life, of which its directory does not know.
func (c *core) correct(before entry) {
	e := c.me()
	if e.place.status == Left {
		return
	}
	wrong := false
	if e.own.version != before.own.version || !sameOwn(e.own, before.own) {
		wrong = true
		e.own = own{version: e.own.version + 1, self: c.o.Self, draining: before.own.draining}
	}
	if e.reports.version != before.reports.version || len(e.reports.on) != len(before.reports.on) {
		wrong = true
		e.reports = reports{version: e.reports.version + 1, on: before.reports.on}
	}
	if wrong {
		c.set(c.snap.self, e)
		c.spread(c.snap.self)
	}
}

func sameOwn(a, b own) bool { return string(appendOwn(nil, a)) == string(appendOwn(nil, b)) }

// afterMerge looks whether this node is still a member.
func (c *core) afterMerge() {
	if c.me().place.status == Left && c.pending == nil {
		c.part("the other members say that it has left, or was forgotten")
	}
}

// moved is the step for another address of this node: gossip begins anew with it.
func (c *core) moved(now time.Time) {
	if c.snap.cluster.IsZero() {
		return
	}
	c.info("this node's own address has changed", "gossip", c.o.Self.Gossip)
	for _, l := range c.links {
		l.instances = nil // memberlist, too, begins to look for them anew
	}
	c.emit(regossip{c.snap.cluster})
	c.announce(now)
}

// whole is the message with all that this node knows.
func (c *core) whole() message {
	return message{kind: kindState, sender: c.snap.self, cluster: c.snap.cluster, state: c.snap.state}
}
