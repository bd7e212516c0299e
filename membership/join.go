package membership

import (
	"fmt"

	"github.com/rldb/rldb/ring"
)

// These are the steps of joining, leaving and forgetting. Node carries out what
// lies between them.

// mayJoin says why this node cannot join the cluster of a node that answered;
// done is true if it is in it already.
func (c *core) mayJoin(g greeting, a ask, force, empty bool) (done bool, err error) {
	if err := g.judge(c.o, a); err != nil {
		return false, err
	}
	switch {
	case c.pending != nil || c.leaving:
		return false, ErrBusy
	case g.cluster.IsZero():
		return false, ErrNoCluster
	case g.cluster == c.snap.cluster:
		return true, nil
	case len(c.others()) > 0:
		return false, ErrInCluster
	case g.refuses != "":
		return false, fmt.Errorf("%w: %s", ErrRefused, g.refuses)
	case !empty && !force:
		return false, ErrNotEmpty
	case g.hides && !force:
		return false, ErrHidesKeys
	}
	return false, nil
}

// adopt makes this node a joining member of another cluster, for itself only:
// nothing is published or kept until accepted, or taken back by refused.
func (c *core) adopt(cluster ring.ID) {
	before := c.snap
	c.pending = &before
	version := c.me().own.version
	c.snap = snapshot{self: before.self, name: before.name, cluster: cluster, state: newState()}
	c.snap.state.entries[c.snap.self] = entry{own: own{version: version}}
	c.saySelf(false)
	c.links = map[ring.ID]*link{}
	c.digested = c.snap.state.digest()
	c.touch()
	c.emit(regossip{cluster})
}

// accepted ends what adopt began, if a member has told of the cluster.
func (c *core) accepted() error {
	if c.pending == nil {
		return ErrBusy
	}
	known := false
	for _, id := range c.others() {
		known = known || c.snap.state.entries[id].hasSay()
	}
	if !known || c.me().place.status == Left {
		c.refused()
		return ErrNobodyAnswers
	}
	c.pending = nil
	c.alone = false
	c.touch()
	c.forming.vote = ring.ID{}
	c.info("joined a cluster", "cluster", c.snap.cluster, "id", c.snap.self, "members", len(c.others())+1)
	c.settle()
	c.spread(c.snap.self)
	return nil
}

// refused takes back what adopt did.
func (c *core) refused() {
	if c.pending == nil {
		return
	}
	c.snap = *c.pending
	c.pending = nil
	c.touch()
	c.links = map[ring.ID]*link{}
	c.emit(regossip{c.snap.cluster})
	c.settle()
}

// leave gives the message that takes this node out of its cluster, and to whom it
// must go. left or stay ends it.
func (c *core) leave(force, empty bool) (message, []ring.ID, error) {
	switch {
	case c.pending != nil || c.leaving:
		return message{}, nil, ErrBusy
	case c.snap.cluster.IsZero() || len(c.others()) == 0:
		return message{}, nil, ErrOnlyMember
	case !empty && !force:
		return message{}, nil, ErrNotEmpty
	}
	var to []ring.ID
	for _, m := range c.view.Members {
		if m.ID != c.snap.self && m.Health != Down {
			to = append(to, m.ID)
		}
	}
	if len(to) == 0 {
		return message{}, nil, ErrNobodyAnswers
	}
	c.leaving = true
	part := newState()
	part.epoch = c.snap.state.epoch
	part.entries[c.snap.self] = entry{place: place{status: Left}}
	return message{kind: kindState, sender: c.snap.self, cluster: c.snap.cluster, state: part}, to, nil
}

// left ends leaving: others know, or nobody does.
func (c *core) left(told bool) error {
	if !c.leaving {
		return nil // it was told by the others in the meantime
	}
	c.leaving = false
	if !told {
		return ErrNobodyAnswers
	}
	c.part("it was told to leave")
	c.settle()
	return nil
}

// forget takes a member out that is down.
func (c *core) forget(id ring.ID) error {
	if id == c.snap.self {
		return ErrForgetsItself
	}
	if c.snap.state.entries[id].place.status == Left {
		return nil
	}
	m, known := c.view.Find(id)
	switch {
	case !known:
		return ErrUnknownMember
	case m.Health != Down:
		return ErrMemberAlive
	}
	c.info("a member is forgotten, as this node was told to", "id", id, "peer", m.Peer)
	c.set(id, entry{place: place{status: Left}})
	c.spread(id)
	c.settle()
	return nil
}

// drain tells the others that this node is about to stop.
func (c *core) drain() (message, []ring.ID) {
	if c.snap.cluster.IsZero() || c.pending != nil {
		return message{}, nil
	}
	c.saySelf(true)
	c.spread(c.snap.self)
	c.settle()
	part := newState()
	part.epoch = c.snap.state.epoch
	part.entries[c.snap.self] = c.me()
	var to []ring.ID
	for _, m := range c.view.Members {
		if m.ID != c.snap.self && m.Health != Down {
			to = append(to, m.ID)
		}
	}
	return message{kind: kindState, sender: c.snap.self, cluster: c.snap.cluster, state: part}, to
}

// undrain takes drain back.
func (c *core) undrain() {
	if c.snap.cluster.IsZero() || c.pending != nil || !c.me().own.draining {
		return
	}
	c.saySelf(false)
	c.spread(c.snap.self)
	c.settle()
}

// part takes this node out of its cluster, for good: it goes on under a new ID,
// in no cluster.
func (c *core) part(reason string) {
	c.warn("this node is no member any more", "cluster", c.snap.cluster, "id", c.snap.self, "reason", reason)
	c.snap = snapshot{self: ring.NewID(), name: c.snap.name, parted: true, state: newState()}
	c.links = map[ring.ID]*link{}
	c.leaving = false
	c.alone = false
	c.touch()
	c.emit(regossip{})
}
