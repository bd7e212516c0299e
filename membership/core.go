package membership

import (
	"log/slog"
	"slices"
	"time"

	"github.com/rldb/rldb/ring"
)

// core decides. Each of its steps takes what happened and when, and leaves what
// is to be done in effects; it does no I/O, has no clock and no goroutine. Node's
// loop owns it, feeds it and carries the effects out.
type core struct {
	o    Options // with defaults
	snap snapshot
	view *View

	out []effect

	links map[ring.ID]*link // what this node itself knows of members; never told to others
	peers []ring.ID         // whom beacons go to, in turn

	alone    bool
	lost     map[ring.ID]bool // see sight; renewed with each tick
	heardAt  time.Time        // when any member was last heard
	tickAt   time.Time
	beaconAt time.Time
	triedAt  time.Time
	nextPeer int

	pending *snapshot // while joining: what to go back to
	leaving bool

	forming forming

	dirty    bool   // the state, or alone, may have changed since the last settle
	rev      uint64 // grows with each change of the state
	digested uint64 // digest of the state as of the last settle
	durable  string // digest of what was last given to be kept
}

// effect is something that the core wants done.
type effect interface{ isEffect() }

type (
	// tell sends entries to members, as fast as can be; copies get lost.
	tell struct {
		to  []ring.ID
		msg message
	}
	// sendState sends the whole state to one member, reliably.
	sendState struct{ to ring.ID }
	// connect tries to exchange states with a member.
	connect struct{ to ring.ID }
	// keep writes the snapshot.
	keep struct{ snap snapshot }
	// publish makes a view the current one.
	publish struct{ view *View }
	// check asks for a heartbeat at once.
	check struct{ id ring.ID }
	// greet asks the node at a client address who it is.
	greet struct{ addr string }
	// autoJoin joins the cluster of a node of the join list.
	autoJoin struct {
		addr     string
		greeting greeting
	}
	// regossip begins gossip anew, in the cluster of the snapshot; zero: in none.
	regossip struct{ cluster ring.ID }
	// line is a line of the log.
	line struct {
		level slog.Level
		text  string
		attrs []any
	}
)

func (tell) isEffect()      {}
func (sendState) isEffect() {}
func (connect) isEffect()   {}
func (keep) isEffect()      {}
func (publish) isEffect()   {}
func (check) isEffect()     {}
func (greet) isEffect()     {}
func (autoJoin) isEffect()  {}
func (regossip) isEffect()  {}
func (line) isEffect()      {}

// newCore begins from what was kept, or from nothing.
func newCore(o Options, kept snapshot, found bool, now time.Time) *core {
	c := &core{o: o, snap: kept, links: map[ring.ID]*link{}, heardAt: now, tickAt: now}
	if !found {
		c.snap = snapshot{self: ring.NewID(), name: o.Name, state: newState()}
	}
	c.forming.init(o.Join)
	c.snap.name = o.Name
	switch {
	case !c.snap.cluster.IsZero():
		c.info("in a cluster since an earlier start", "cluster", c.snap.cluster, "members", len(c.snap.state.entries))
		c.saySelf(false)
		c.setReports(reports{version: c.me().reports.version + 1})
		c.emit(regossip{c.snap.cluster})
	case c.snap.parted:
		c.warn("this node has left its cluster; it joins one again with CLUSTER JOIN only")
	case len(o.Join) == 0:
		c.found("there is no join list")
	}
	c.settle()
	return c
}

func (c *core) emit(e effect) { c.out = append(c.out, e) }

func (c *core) info(text string, attrs ...any) { c.emit(line{slog.LevelInfo, text, attrs}) }
func (c *core) warn(text string, attrs ...any) { c.emit(line{slog.LevelWarn, text, attrs}) }

// take gives the effects of the steps since the last take.
func (c *core) take() []effect {
	out := c.out
	c.out = nil
	return out
}

func (c *core) me() entry { return c.snap.state.entries[c.snap.self] }

// set replaces one entry by what this node has decided.
func (c *core) set(id ring.ID, e entry) {
	c.snap.state.entries[id] = e
	c.touch()
}

func (c *core) touch() {
	c.dirty = true
	c.rev++
}

// saySelf makes this node say the present things of itself, over all that it said
// in earlier lives.
func (c *core) saySelf(draining bool) {
	e := c.me()
	e.own = own{version: e.own.version + 1, self: c.o.Self, draining: draining}
	e.place.status = max(e.place.status, Joining)
	c.set(c.snap.self, e)
}

func (c *core) setReports(r reports) {
	e := c.me()
	e.reports = r
	c.set(c.snap.self, e)
}

// found begins a cluster of one.
func (c *core) found(reason string) {
	c.snap.cluster = ring.NewID()
	c.snap.parted = false
	c.snap.state = newState()
	c.saySelf(false)
	c.activate(c.snap.self, ring.Allocate(nil, c.snap.self, c.o.Self.Zone, c.o.Self.Weight))
	c.info("formed a cluster", "cluster", c.snap.cluster, "reason", reason)
	c.emit(regossip{c.snap.cluster})
}

func (c *core) activate(id ring.ID, tokens []ring.Token) {
	e := c.snap.state.entries[id]
	e.place = place{status: Active, version: e.place.version + 1, tokens: tokens}
	c.set(id, e)
}

// settle ends each step: it publishes a view if anything in it has changed, lets
// the epoch grow if clients see the change, and has kept what must be. While this
// node is joining it does nothing: if that fails, nothing has happened.
func (c *core) settle() {
	if c.pending != nil || !c.dirty && c.view != nil {
		return
	}
	c.dirty = false
	v := compute(c.snap, c.o.N, sight{c.alone, c.o.W > 1, c.lost}, c.view)
	last := uint64(0)
	if c.view != nil {
		last = c.view.Epoch
	}
	if (c.view == nil || v.visible != c.view.visible) && v.Epoch <= last {
		c.snap.state.epoch = last + 1
		c.rev++
		v.Epoch = last + 1
	}
	if c.view == nil || !sameView(c.view, v) {
		c.report(c.view, v)
		c.view = v
		c.emit(publish{v})
		c.renewPeers()
	}
	c.digested = c.snap.state.digest()
	if d := durableDigest(c.snap); d != c.durable {
		c.durable = d
		kept := c.snap
		kept.state = c.snap.state.clone()
		c.emit(keep{kept})
	}
}

// durableDigest sums up what must be kept: all but reports, which are made anew
// in each life.
func durableDigest(s snapshot) string {
	s.state = s.state.clone()
	for id, e := range s.state.entries {
		e.reports = reports{}
		s.state.entries[id] = e
	}
	return string(s.encode())
}

func sameView(a, b *View) bool {
	return a.Epoch == b.Epoch && a.Cluster == b.Cluster && a.Self == b.Self && a.Parted == b.Parted &&
		a.visible == b.visible && a.Ring == b.Ring && slices.Equal(a.left, b.left) &&
		slices.EqualFunc(a.Members, b.Members, func(a, b Member) bool {
			return a.Health == b.Health && a.Draining == b.Draining && a.Status == b.Status &&
				a.Gossip == b.Gossip && a.Peer == b.Peer && a.Version == b.Version && slices.Equal(a.Reporters, b.Reporters)
		})
}

// renewPeers has beacons go to all members but this one.
func (c *core) renewPeers() {
	c.peers = c.peers[:0]
	known := map[ring.ID]bool{}
	for _, m := range c.view.Members {
		known[m.ID] = true
		if m.ID != c.view.Self {
			c.peers = append(c.peers, m.ID)
		}
	}
	for id := range c.links {
		if !known[id] {
			delete(c.links, id)
		}
	}
}

// tick is the step for time that has passed.
func (c *core) tick(now time.Time) {
	paused := now.Sub(c.tickAt) > max(10*c.o.Timing.Tick, time.Second)
	c.tickAt = now
	if c.snap.cluster.IsZero() {
		c.seek(now)
		c.settle()
		return
	}
	if paused {
		c.heardAt = now // the silence was this node's own
		c.announce(now)
	}
	c.withdrawals(now)
	c.judgeAlone(now)
	c.judgeLost()
	if now.Sub(c.beaconAt) >= c.o.Timing.Beacon && len(c.peers) > 0 {
		c.beaconAt = now
		c.nextPeer = (c.nextPeer + 1) % len(c.peers)
		c.emit(tell{[]ring.ID{c.peers[c.nextPeer]}, c.digest()})
	}
	c.reconnect(now)
	if c.pending == nil && !c.leaving {
		c.steward()
		c.seek(now)
	}
	c.settle()
}

func (c *core) digest() message {
	return message{kind: kindDigest, sender: c.snap.self, cluster: c.snap.cluster, digest: c.digested}
}

// announce tells all members at once that this node is there, and has those
// answer that know more.
func (c *core) announce(now time.Time) {
	c.triedAt = now
	c.spread(c.snap.self)
	c.emit(tell{c.others(), c.digest()})
	for _, id := range c.others() {
		c.emit(connect{id})
	}
}

// reconnect tries those that were not heard by gossip lately, each time anew by
// the address that they gave: memberlist itself gives the dead up.
func (c *core) reconnect(now time.Time) {
	if now.Sub(c.triedAt) < c.o.Timing.Reconnect {
		return
	}
	c.triedAt = now
	quiet := max(2*c.o.Timing.Reconnect, 3*c.o.Timing.Beacon*time.Duration(len(c.peers)))
	for _, id := range c.others() {
		if l := c.link(id); now.Sub(l.gossipAt) >= quiet || len(l.instances) == 0 {
			c.emit(connect{id})
		}
	}
}
