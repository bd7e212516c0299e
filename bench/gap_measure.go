package main

import (
	"slices"
	"time"
)

// ack is a write that was acknowledged.
type ack struct {
	at   time.Duration // since the writers began
	n    int           // which of its writer's
	hurt bool          // the node that fails served its key before
}

// gaps are the longest times without an acknowledged write.
type gaps struct {
	hurt   time.Duration // to a key that the failed node served
	writer time.Duration // of any one writer
	all    time.Duration // of anybody, to any key
}

// gapsOf computes them between two moments, from what each writer was answered,
// in the order of time.
func gapsOf(writers [][]ack, from, to time.Duration) gaps {
	var g gaps
	var hurt, all []time.Duration
	for _, acks := range writers {
		var own []time.Duration
		for _, a := range acks {
			own = append(own, a.at)
			if a.hurt {
				hurt = append(hurt, a.at)
			}
		}
		g.writer = max(g.writer, longest(own, from, to))
		all = append(all, own...)
	}
	slices.Sort(hurt)
	slices.Sort(all)
	g.hurt, g.all = longest(hurt, from, to), longest(all, from, to)
	return g
}

// longest is the longest time between two moments in which none of the times
// lies, which are in order.
func longest(times []time.Duration, from, to time.Duration) time.Duration {
	var most time.Duration
	last := from
	for _, t := range times {
		if t <= from || t >= to {
			continue
		}
		most = max(most, t-last)
		last = t
	}
	return max(most, to-last)
}

// calm says whether every writer has had a write to the failed node's keys
// acknowledged within the last second, and after a moment. last is when each had
// its latest.
func calm(last []time.Duration, after, now time.Duration) bool {
	for _, at := range last {
		if at <= after || now-at > time.Second {
			return false
		}
	}
	return true
}
