package main

import (
	"context"
	"slices"
	"time"

	"github.com/rldb/rldb/membership"
	"github.com/rldb/rldb/ring"
)

// How long a node goes on by its old view, so that those who take slots over can
// begin first, and how often it looks whether they have.
const (
	handoverTime = 3 * time.Second // drainTime is longer, so a node that stops is not in a hurry
	handoverTick = 2 * time.Millisecond
)

// takers are the members that gain slots between two views, if the change is one
// that may wait for them: nobody who loses slots is down, and this node gains none.
//
// Who gains slots must serve them before anyone sends clients there. Else a client
// is sent to a node that sends it back, and go-redis gives up after three redirects.
func takers(from, to *membership.View) []ring.ID {
	if from == nil || from.Cluster != to.Cluster {
		return nil
	}
	alive := func(id ring.ID) bool {
		i := to.Index(id)
		return i >= 0 && to.Members[i].Serves()
	}
	return takersOf(to.Self, primaries(from), primaries(to), alive)
}

// primaries says who serves a slot by a view: the zero ID if nobody does.
func primaries(v *membership.View) func(slot uint16) ring.ID {
	return func(slot uint16) ring.ID {
		if i := v.PrimaryIndex(slot); i >= 0 {
			return v.Members[i].ID
		}
		return ring.ID{}
	}
}

func takersOf(self ring.ID, from, to func(slot uint16) ring.ID, alive func(ring.ID) bool) []ring.ID {
	var gain []ring.ID
	for slot := range ring.Slots {
		was, now := from(uint16(slot)), to(uint16(slot))
		switch {
		case was.IsZero() || now.IsZero():
			return nil // nobody serves, or served: there is nothing to go on with
		case was == now:
			continue
		case now == self || !alive(was):
			return nil
		}
		if !slices.Contains(gain, now) {
			gain = append(gain, now)
		}
	}
	return gain
}

// serves says whether a view's own node is the primary of any slot.
func serves(v *membership.View) bool {
	me := v.Index(v.Self)
	return me >= 0 && slices.ContainsFunc(v.Ranges, func(r membership.Range) bool { return r.Member == me })
}

// handOver has others serve this node's slots, and waits until its own commands know.
// It does nothing more where nobody takes them.
func (c *cluster) handOver(ctx context.Context, n *membership.Node) {
	if n.Drain(ctx) != nil || serves(n.View()) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handoverTime+time.Second)
	defer cancel()
	tick := time.NewTicker(handoverTick)
	defer tick.Stop()
	for v := c.adopted.Load(); v == nil || serves(v); v = c.adopted.Load() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
