package coordinator

import (
	"sync/atomic"

	"github.com/rldb/rldb/replication/quorum"
)

// Counters are totals since the start, and two gauges.
type Counters struct {
	Reads, Writes, Conditionals int64
	NoQuorum, ClusterDown       int64 // commands that ended so
	Repairs                     int64 // records that reads sent to replicas that lacked them
	Remints                     int64 // blind writes that were minted again
	Retries                     int64 // conditional ones that were decided again
	Fallbacks                   int64 // writes that went to a fallback
	SiblingsMade                int64 // writes that left more than one value
	SiblingsDropped             int64 // values left out by the cap, or by last-write-wins
	Waiting                     int64 // calls that wait for their key's turn now
	UnderWay                    int64
}

// counts is where they are counted.
type counts struct {
	reads, writes, conditionals             atomic.Int64
	noQuorum, clusterDown                   atomic.Int64
	repairs, remints, retries, fallbacks    atomic.Int64
	siblingsMade, siblingsDropped, underWay atomic.Int64
}

// Counters are the coordinator's figures.
func (c *Coordinator) Counters() Counters {
	n := &c.counts
	return Counters{
		Reads: n.reads.Load(), Writes: n.writes.Load(), Conditionals: n.conditionals.Load(),
		NoQuorum: n.noQuorum.Load(), ClusterDown: n.clusterDown.Load(),
		Repairs: n.repairs.Load(), Remints: n.remints.Load(), Retries: n.retries.Load(), Fallbacks: n.fallbacks.Load(),
		SiblingsMade: n.siblingsMade.Load(), SiblingsDropped: n.siblingsDropped.Load(),
		Waiting: c.turns.waiting.Load(), UnderWay: n.underWay.Load(),
	}
}

// failed counts a command that ended so.
func (n *counts) failed(v quorum.Verdict) {
	switch v {
	case quorum.ClusterDown:
		n.clusterDown.Add(1)
	case quorum.NoQuorum, quorum.Retry:
		n.noQuorum.Add(1)
	}
}
