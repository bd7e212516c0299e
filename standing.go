package main

import (
	"bytes"
	"context"

	"github.com/rldb/rldb/command"
	"github.com/rldb/rldb/replication/peer"
	"github.com/rldb/rldb/ring"
)

// Publish, Standing and Repair are part of command.Cluster.
func (c *cluster) Publish(channel, message []byte) {
	v := c.view.Load()
	if v == nil || len(v.Members) < 2 {
		return
	}
	channel, message = bytes.Clone(channel), bytes.Clone(message)
	for _, m := range v.Members {
		if m.ID != v.Self {
			c.replication.client.Publish(m.ID, channel, message, func(error) {}) // best effort
		}
	}
}

func (c *cluster) Standing() command.Standing {
	x := c.replication.repair.Counters()
	s := command.Standing{
		CatchingUp: x.CatchingUp, Why: x.Reason, Hints: x.Foreign, Delivered: x.Delivered, Dropped: x.Dropped,
		Pulled: x.Pulled, Pushed: x.Pushed, Unequal: x.Differences, Rounds: x.Rounds, LastRound: x.LastRound, Siblings: -1,
	}
	s.Peers = c.latencies()
	return s
}

// latencies are the round trips to the members that answer.
func (c *cluster) latencies() (all []command.PeerLatency) {
	p := c.replication.pool.Load()
	if p == nil {
		return nil
	}
	for _, l := range p.Links() {
		if l.Up {
			all = append(all, command.PeerLatency{Member: ring.ID(l.Peer).String(), RoundTrip: l.RTT})
		}
	}
	return all
}

func (c *cluster) Repair(ctx context.Context) error { return c.replication.repair.Now(ctx) }

// deliver is what the replica's server does with a message from another member.
func (c *cluster) deliver(channel, message []byte) {
	if c.commands != nil {
		c.commands.Deliver(channel, message)
	}
}

var _ peer.Handler = (*cluster)(nil)
