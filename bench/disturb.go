package main

import (
	"fmt"
	"time"
)

// usage is who used the machine between two moments.
type usage struct {
	wall, server, client time.Duration
	others, steal        time.Duration
	most                 string // the busiest of the others
}

// since compares two moments. What others used is the larger of two figures,
// because each can miss something: the sum over the processes that are to be
// seen (a container shows only its own), and what remains of the machine's busy
// time (it misses what is counted as interrupts).
func (m moment) since(before moment) usage {
	u := usage{
		wall: m.at.Sub(before.at), server: m.server - before.server, client: m.client - before.client,
		steal: m.all.steal - before.all.steal,
	}
	sum, most := usedBy(before.others, m.others)
	u.others = max(0, sum, m.all.busy-before.all.busy-u.server-u.client)
	u.most = most
	return u
}

// usedBy sums what processes used. A process that ended in between is in its
// parent's figure for children, so the sum stays whole.
func usedBy(before, after map[int]process) (sum time.Duration, most string) {
	for _, p := range before {
		sum -= p.own + p.children
	}
	var top time.Duration
	for pid, p := range after {
		sum += p.own + p.children
		if used := p.own - before[pid].own; used > top {
			top, most = used, p.name
		}
	}
	return sum, most
}

// limits is how much of the machine others may use before a run is disturbed,
// in cores.
type limits struct{ others, steal float64 }

// disturbed says why a run does not count, or nothing. Two ticks are forgiven:
// the kernel counts no finer.
func (u usage) disturbed(l limits) string {
	allowed := func(cores float64) time.Duration {
		return time.Duration(cores*float64(u.wall)) + 2*tick
	}
	switch {
	case u.steal > allowed(l.steal):
		return fmt.Sprintf("%.2f cores were stolen", cores(u.steal, u.wall))
	case u.others > allowed(l.others):
		return fmt.Sprintf("other processes used %.2f cores, most of all %q", cores(u.others, u.wall), u.most)
	}
	return ""
}

func cores(used, wall time.Duration) float64 {
	if wall <= 0 {
		return 0
	}
	return used.Seconds() / wall.Seconds()
}

// perMillion is CPU seconds a million operations.
func perMillion(used time.Duration, ops float64) float64 {
	if ops <= 0 {
		return 0
	}
	return used.Seconds() * 1e6 / ops
}
