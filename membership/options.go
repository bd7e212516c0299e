package membership

import (
	"context"
	"log/slog"
	"time"

	"github.com/rldb/rldb/ring"
)

// Options say how a node takes part in a cluster. What is zero has the default
// that stands beside it.
type Options struct {
	Dir    string // the data directory; the member map is kept in it. "": kept nowhere
	Name   string // the cluster's name; nodes of other names are refused
	Secret string // the cluster's secret, also the key of gossip; "": none

	// N, R, W are the same in the whole cluster. N is how many owners a slot has.
	N, R, W int

	Self Self // what this node says of itself

	// GossipBind is the host and port at which gossip listens (TCP and UDP); port
	// 0 takes a free one. Node.GossipAddr tells which.
	GossipBind string

	// MoreBinds are further hosts at which gossip listens, with the same port. What
	// this machine does not have is left out.
	MoreBinds []string

	// Join are client addresses (host:port) of nodes whose cluster this one is to
	// be in. Empty: a node without a cluster forms one of its own.
	Join []string

	// Call sends the command CLUSTER GREET with these arguments to the node at a
	// client address, and gives back the strings of its reply, flat. Its errors are
	// shown to whoever asked to join: they should name what went wrong, with
	// ErrNotRldb for a node that does not know the command.
	Call func(ctx context.Context, addr string, args []string) ([]string, error)

	// Empty says whether this node holds no keys. nil: it holds none.
	Empty func() bool

	// Check asks for a heartbeat to a member at once: another member gets no answer
	// from it. It must not block. nil: nobody is asked.
	Check func(id ring.ID)

	Log *slog.Logger

	Timing Timing

	cut func(addr string) bool // for tests, see transport
}

// Self is what a node tells the others of itself.
type Self struct {
	Version  string
	Host     string // what clients are told
	Port     int
	TLSPort  int
	Hostname string
	Peer     string // host:port for members; a host name is resolved anew on each try
	Gossip   string // the same for gossip; port 0 stands for the port that GossipBind got
	Zone     string
	Weight   int // 1 if it is less
}

// Timing are the intervals of a node. Tests shorten them.
type Timing struct {
	// Tick (100 ms) is how often timers are looked at: all others are multiples.
	Tick time.Duration

	// Beacon (200 ms) is how often a digest of the member map is sent to one
	// member, in turn. A member whose map differs answers with its own: so a lost
	// packet is made good after Beacon × (members−1) at the latest.
	Beacon time.Duration

	// Stable (400 ms) is how long a member must have answered, and how long nobody
	// may have raised a new report on it, before this node withdraws its report.
	Stable time.Duration

	// Alone (1 s) is how long this node must have heard from nobody, by gossip or
	// heartbeat, before it takes those who do not answer for down without
	// asking others.
	Alone time.Duration

	// Reconnect (1 s) is how often each member from which no gossip came lately is
	// tried, all of them in parallel; ReconnectTimeout (1 s) is how long a try may
	// take.
	Reconnect        time.Duration
	ReconnectTimeout time.Duration

	// Greet (500 ms) is how often the nodes of the join list are greeted by a node
	// that is in no cluster, or alone in one; GreetTimeout (2 s) is how long one
	// may take to answer.
	Greet        time.Duration
	GreetTimeout time.Duration

	// VoteHold (10 s) is how long a vote for the founder of a cluster binds whoever
	// gave it. A founder counts only votes that are younger than half of it.
	VoteHold time.Duration

	// Probe (1 s), ProbeTimeout (500 ms), Gossip (100 ms), PushPull (10 s) and
	// GossipToTheDead (30 s) are memberlist's. It takes a node that answers no
	// probe for dead after 4 × log10(members+1) × Probe, at least 4 × Probe.
	Probe           time.Duration
	ProbeTimeout    time.Duration
	Gossip          time.Duration
	PushPull        time.Duration
	GossipToTheDead time.Duration
}

func (t Timing) withDefaults() Timing {
	set := func(d *time.Duration, standard time.Duration) {
		if *d <= 0 {
			*d = standard
		}
	}
	set(&t.Tick, 100*time.Millisecond)
	set(&t.Beacon, 200*time.Millisecond)
	set(&t.Stable, 400*time.Millisecond)
	set(&t.Alone, time.Second)
	set(&t.Reconnect, time.Second)
	set(&t.ReconnectTimeout, time.Second)
	set(&t.Greet, 500*time.Millisecond)
	set(&t.GreetTimeout, 2*time.Second)
	set(&t.VoteHold, 10*time.Second)
	set(&t.Probe, time.Second)
	set(&t.ProbeTimeout, 500*time.Millisecond)
	set(&t.Gossip, 100*time.Millisecond)
	set(&t.PushPull, 10*time.Second)
	set(&t.GossipToTheDead, 30*time.Second)
	return t
}
