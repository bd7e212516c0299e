package main

import (
	"context"
	"time"
)

// How a node of a cluster goes: the others are told, and given tellTime to answer;
// then clients, who are answered MOVED, have until quietTime without a command, or
// drainTime in all, to follow.
const (
	tellTime  = time.Second
	quietTime = time.Second
	drainTime = 4 * time.Second
	drainTick = 50 * time.Millisecond
)

// drain hands a node's clients over to the other members. It does nothing for a
// node that stands alone, or where nobody takes over.
func (n *node) drain() {
	if n.cluster == nil {
		return
	}
	n.cluster.stopping.Store(true)
	members := n.cluster.members.Load()
	if members == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellTime)
	err := members.Drain(ctx)
	cancel()
	if err != nil {
		n.log.Warn("not every member knows that this node is about to stop", "err", err)
	}
	if serves(members.View()) {
		return // nobody else is there
	}
	n.awaitQuiet()
}

// awaitQuiet waits until clients send nothing more.
func (n *node) awaitQuiet() {
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	began := time.Now()
	last, quiet := n.front.Counters().In, began
	for now := range tick.C {
		if n.front.Connected() == 0 || now.Sub(quiet) >= quietTime || now.Sub(began) >= drainTime {
			n.log.Info("clients have gone", "connected", n.front.Connected(), "took", now.Sub(began).Round(time.Millisecond).String())
			return
		}
		if c := n.front.Counters().In; c != last {
			last, quiet = c, now
		}
	}
}
