package metrics

import "time"

// Source is a node that can be asked how it is doing, by many at once.
type Source interface {
	Figures() Figures
}

// Figures are a node's at one moment. What is said to be a total counts from the
// start, or from when its owner last had it begin anew.
type Figures struct {
	Version      string
	RedisVersion string // what clients are told
	Engine       string
	Uptime       time.Duration

	Commands []Command
	Steps    []time.Duration  // what Command.Steps count up to, rising
	Errors   map[string]int64 // total of error replies by code
	Hits     int64            // total of keys that were read and there
	Misses   int64            // and not there

	Connected    int   // clients
	ClientMemory int64 // bytes of their buffers
	Accepted     int64 // total of connections
	Rejected     int64 // total of connections that were refused
	In, Out      int64 // total of bytes
	Channels     int   // that have subscribers
	Patterns     int

	Keys, Expiring int64
	Expired        int64 // total of keys
	LiveBytes      int64 // of the engine's entries
	UsedBytes      int64 // of memory that the engine takes
	DiskBytes      int64
	Own            []Own // the engine's own figures

	UsedMemory int64 // what maxmemory is held against
	PeakMemory int64
	MaxMemory  int64 // 0: no limit

	Resident  int64 // bytes of memory that the process takes; 0: unknown
	CPUUser   time.Duration
	CPUSystem time.Duration

	Replication *Replication // nil: the node is in no cluster
}

// Replication is what a node of a cluster does for copies. All but what is said to be
// of now are totals.
type Replication struct {
	NoQuorum, ClusterDown int64 // commands that ended so
	ReadRepairs           int64 // records that reads sent to replicas that lacked them
	Remints               int64 // blind writes that were minted again
	Retries               int64 // conditional writes that were decided again
	Fallbacks             int64 // writes that went to who stands in for an owner

	SiblingsMade, SiblingsDropped int64 // writes that left several values; values that were left out

	Hints                           int64 // records that wait to go home now
	HintsDelivered, HintsDropped    int64 // records that were sent, and that went home whole
	Rounds, Pulled, Pushed, Unequal int64 // of anti-entropy; records fetched and sent; slots found apart
	Stuck                           int64 // attempts to move a record that could not be moved
	CatchingUp                      bool  // now: reads do not count on this node
	Peers                           []Peer
}

// Peer is a member that can be called now.
type Peer struct {
	Member    string
	RoundTrip time.Duration
}

// Command is one command's totals. Calls are those that were executed, of which
// Failed replied an error; Rejected were not executed.
type Command struct {
	Name                    string
	Calls, Failed, Rejected int64
	Time                    time.Duration // all calls together
	Steps                   []int64       // calls that took at most as long as each of Figures.Steps
}

// Own is a figure that only one engine has.
type Own struct {
	Name  string
	Value int64
}
