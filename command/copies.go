package command

import (
	"time"

	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// Copies carries commands out on the copies that a cluster keeps of a key: it is a
// coordinator.Coordinator, whose methods say what they do. What is handed over stays
// unchanged until the end is told of, which may be done from any goroutine, and from
// within the call.
type Copies interface {
	Start(x *coordinator.Call)
	records
	Clear(slots *replica.SlotSet) (int64, error)
	Counters() coordinator.Counters
}

// Quorums are what a cluster is set up with: N owners of a key, R for a read, W for a
// write; with Sloppy others stand in for owners that are not reachable.
type Quorums struct {
	N, R, W int
	Sloppy  bool
}

// Standing is where this node stands in its cluster, for INFO and CLUSTER INFO.
type Standing struct {
	CatchingUp bool   // this node's copy does not count for reads yet:
	Why        string // for this reason; "" if it does

	Hints     int64 // records that wait to go to the nodes that own them
	Delivered int64 // records that were sent to those
	Dropped   int64 // that were dropped here, as they were home
	Pulled    int64 // records that repair has fetched
	Pushed    int64 // and sent
	Unequal   int64 // slots that repair found apart from another owner's

	Rounds    int64 // of anti-entropy
	LastRound time.Duration
	Siblings  int64 // keys of this node that have more than one value; -1: not known

	Peers []PeerLatency // of those that are connected
}

// PeerLatency is how long another member takes to answer.
type PeerLatency struct {
	Member    string
	RoundTrip time.Duration
}
