package membership

import (
	"maps"
	"slices"
	"time"

	"github.com/rldb/rldb/ring"
)

// link is what this node itself has seen of another member.
type link struct {
	measured     bool      // heartbeats have told of it; until then, gossip does
	silent       bool      // it does not answer
	answersSince time.Time // since when it does
	raisedAt     time.Time // when anybody last raised a report on it
	gossipAt     time.Time // when a gossip message of it came last
	sentAt       time.Time // when it was last sent the whole state
	waits        bool      // the log says why it is given no tokens

	// instances are the lives of the member that memberlist takes for alive: it
	// has a new name there in each. At most maxInstances.
	instances []string
}

const maxInstances = 8

func (c *core) link(id ring.ID) *link {
	l := c.links[id]
	if l == nil {
		l = &link{}
		c.links[id] = l
	}
	return l
}

// member says whether an ID is another member of this node's cluster.
func (c *core) member(id ring.ID) bool {
	e, known := c.snap.state.entries[id]
	return known && e.place.status != Left && id != c.snap.self && !c.snap.cluster.IsZero()
}

// suspect is the step for a call to a member that failed.
func (c *core) suspect(now time.Time, id ring.ID, reason string) {
	if !c.member(id) {
		return
	}
	c.link(id).measured = true
	c.silence(now, id, reason)
	c.settle()
}

// answers is the step for a call to a member that was answered.
func (c *core) answers(now time.Time, id ring.ID) {
	if !c.member(id) {
		return
	}
	l := c.link(id)
	l.measured = true
	c.voice(now, id)
	c.anybody(now)
	c.settle()
}

// gossiped is the step for what memberlist says of one life of a member. It
// counts as long as there are no heartbeats to that member.
func (c *core) gossiped(now time.Time, id ring.ID, instance string, alive bool) {
	if !c.member(id) {
		return
	}
	l := c.link(id)
	l.instances = slices.DeleteFunc(l.instances, func(s string) bool { return s == instance })
	if alive && len(l.instances) < maxInstances {
		l.instances = append(l.instances, instance)
	}
	if !l.measured && len(l.instances) == 0 {
		c.silence(now, id, "no answer to gossip's probes")
	} else if !l.measured {
		c.voice(now, id)
	}
	c.settle()
}

// silence notes that a member does not answer, and reports it if that is new.
func (c *core) silence(now time.Time, id ring.ID, reason string) {
	l := c.link(id)
	fresh := !l.silent
	l.silent = true
	if !fresh {
		return
	}
	again := c.me().reports.has(id)
	l.raisedAt = now
	c.setReports(c.me().reports.raise(id))
	c.spread(c.snap.self)
	if !again {
		c.info("a member does not answer this node", "id", id, "peer", c.snap.state.entries[id].own.self.Peer, "reason", reason)
	}
	c.judgeAlone(now)
}

// voice notes that a member answers. The report on it, if there is one, is
// withdrawn later.
func (c *core) voice(now time.Time, id ring.ID) {
	l := c.link(id)
	if l.silent || l.answersSince.IsZero() {
		l.silent = false
		l.answersSince = now
	}
}

// withdrawals takes back the reports on those that have answered for a while, in
// which nobody raised a new one: so a member that comes and goes, or answers one
// and not the other, stays out until it is steady.
func (c *core) withdrawals(now time.Time) {
	withdrawn := false
	for _, r := range slices.Clone(c.me().reports.on) {
		if !c.member(r.id) {
			c.setReports(c.me().reports.withdraw(r.id))
			withdrawn = true
			continue
		}
		l := c.link(r.id)
		stable := c.o.Timing.Stable
		if !l.silent && !l.answersSince.IsZero() && now.Sub(l.answersSince) >= stable && now.Sub(l.raisedAt) >= stable {
			c.setReports(c.me().reports.withdraw(r.id))
			withdrawn = true
			c.info("a member answers this node again", "id", r.id, "peer", c.snap.state.entries[r.id].own.self.Peer)
		}
	}
	if withdrawn {
		c.spread(c.snap.self)
	}
}

// heard notes a gossip message of a member.
func (c *core) heard(now time.Time, id ring.ID) {
	if c.member(id) {
		c.link(id).gossipAt = now
	}
	c.anybody(now)
}

// anybody notes that this node is not cut off.
func (c *core) anybody(now time.Time) {
	c.heardAt = now
	if c.alone {
		c.alone = false
		c.touch()
		c.info("this node hears other members again")
		c.announce(now)
	}
}

// judgeAlone finds out whether this node is cut off from all others: none of them
// answers it, and nothing came from any for a while.
func (c *core) judgeAlone(now time.Time) {
	if c.alone || now.Sub(c.heardAt) < c.o.Timing.Alone {
		return
	}
	others := c.others()
	for _, id := range others {
		if !c.me().reports.has(id) {
			return
		}
	}
	if len(others) > 0 {
		c.alone = true
		c.touch()
		c.warn("this node hears from no other member: it takes all for down that do not answer it")
	}
}

// judgeLost finds out who is lost to this side of a partition.
func (c *core) judgeLost() {
	lost := map[ring.ID]bool{}
	for id, l := range c.links {
		if l.silent && len(l.instances) == 0 && c.member(id) {
			lost[id] = true
		}
	}
	if !maps.Equal(lost, c.lost) {
		c.lost = lost
		c.touch()
	}
}

// report gives a log line for each thing that has changed between two views.
func (c *core) report(before, after *View) {
	if before == nil || before.Cluster != after.Cluster {
		return
	}
	for _, m := range after.Members {
		old, known := before.Find(m.ID)
		attrs := []any{"id", m.ID, "peer", m.Peer, "epoch", after.Epoch}
		attrs = attrs[:len(attrs):len(attrs)] // each line appends its own
		if !known {
			c.info("a member is known", append(attrs, "status", m.Status)...)
			continue
		}
		if old.Status != m.Status {
			c.info("a member's status has changed", append(attrs, "from", old.Status, "to", m.Status, "tokens", len(m.Tokens))...)
		}
		if old.Health != m.Health {
			c.info("a member's health has changed", append(attrs, "from", old.Health, "to", m.Health, "reason", c.why(m))...)
		}
		if old.Draining != m.Draining {
			c.info("a member's draining has changed", append(attrs, "draining", m.Draining, "reason", "it says so itself")...)
		}
		if old.Peer != m.Peer || old.Host != m.Host || old.Port != m.Port || old.Gossip != m.Gossip {
			c.info("a member has other addresses", append(attrs, "host", m.Host, "port", m.Port, "reason", "it says so itself")...)
		}
	}
	for _, m := range before.Members {
		if after.Index(m.ID) < 0 {
			c.info("a member has left, or was forgotten", "id", m.ID, "peer", m.Peer, "epoch", after.Epoch)
		}
	}
}

func (c *core) why(m Member) string {
	switch {
	case c.alone && m.Health == Down && len(m.Reporters) <= 1:
		return "this node hears from nobody"
	case len(m.Reporters) == 0:
		return "nobody reports it any more"
	}
	text := "reported by"
	for _, id := range m.Reporters {
		text += " " + id.Short()
	}
	return text
}
