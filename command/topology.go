package command

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// Cluster is what commands need of the cluster that this node is in. Join, Leave
// and Forget are called from goroutines of their own, one at a time; they may take
// as long as their context lives. An error's text is what follows "ERR " in the
// reply. The rest answers at once, from any goroutine.
type Cluster interface {
	// Join has this node join the cluster that the node at a client address is
	// in, and returns once it was accepted. It is idempotent. Unless force is set
	// it is refused where it would leave keys of this node behind.
	Join(ctx context.Context, addr string, force bool) error
	// Leave has this node leave, under the same condition.
	Leave(ctx context.Context, force bool) error
	// Forget removes a member that is dead. id is that of another member.
	Forget(ctx context.Context, id string) error
	// Greet answers another node's greeting, whose words these are: names and
	// values. It may take a moment, and is called as Join is, but not one at a time.
	Greet(ctx context.Context, words []string) ([][2]string, error)
	// Links are the connections to other members.
	Links() []Link
	// Messages are how many messages were exchanged with other members.
	Messages() (sent, received int64)
	// Agreed says whether, as far as this node knows, every member that is alive
	// has the same view as this node. Where that is not known it is false for some
	// seconds after a change.
	Agreed() bool
	// Tell has the other members learn that a client follows slot maps: theirs
	// are to call Server.Follows.
	Tell(Follower)
	// Publish has all other members, as far as they can be reached, hand a message to
	// their subscribers: theirs are to call Server.Deliver. It neither waits nor keeps the
	// bytes.
	Publish(channel, message []byte)
	// Standing is where this node stands.
	Standing() Standing
	// Repair has a round of anti-entropy done now, and waits for its end. It is called as
	// Greet is.
	Repair(ctx context.Context) error
}

// Link is one connection to another member.
type Link struct {
	Inbound   bool // it was opened by the other
	Member    string
	Created   time.Time
	Allocated int64 // bytes of its send buffer
	Used      int64
}

// Health is what the members together think of one.
type Health uint8

// The three verdicts.
const (
	Alive Health = iota
	Suspect
	Down
)

// Member is a member of the cluster, as clients are told of it.
type Member struct {
	ID       string // 40 lower-case hexadecimal digits
	Host     string // that clients connect to: an address or a name
	Port     int    // 0: none without TLS
	TLSPort  int    // 0: none
	Hostname string // told beside Host, if not empty
	BusPort  int    // the peer port
	Health   Health
	Reports  int  // how many members say that it does not answer them
	Joining  bool // it has no slots yet
	Draining bool // it is about to stop: others advertise its slots
}

// TopologyOptions are what a Topology is made of.
type TopologyOptions struct {
	Epoch   uint64
	Name    string // the cluster's; may be empty
	Cluster string // the cluster's ID; "": this node is in none yet
	Self    Member // this node
	// Members are all of the cluster, in ascending order of their IDs, with this
	// node if it is one.
	Members []Member
	// Primary says which member a slot is advertised at: its place in Members,
	// or -1 if there is nobody.
	Primary func(slot uint16) int
	// Owns says whether this node is one of those that own a slot, advertised or not.
	// nil: it owns those whose primary it is.
	Owns func(slot uint16) bool
	// Owners are the members that hold a slot's copies and are alive, in order of
	// preference. nil: only primaries do.
	Owners func(slot uint16) []int
}

// Topology is one view of the cluster: what is shown to clients, and what is
// decided by. It never changes, but for replies that it keeps once they were made:
// so what CLUSTER SLOTS, SHARDS, NODES and MOVED say is of one piece.
type Topology struct {
	epoch   uint64
	name    string
	cluster string
	self    Member
	members []Member
	me      int // this node's place in members, or -1
	// primary is a member's place, plus one; 0: nobody.
	primary [ring.Slots]uint16
	owners  func(slot uint16) []int
	owned   *replica.SlotSet // of which this node is an owner, advertised or not
	ranges  []slotRange      // ascending, of all slots that have a primary
	mine    *replica.SlotSet // whose primary this node is
	counts  []int            // slots of each member

	early   bool      // stands for the first view, which is not there yet
	changed time.Time // when this node learnt of the epoch; set by SetTopology
	encoded [encodings]encoded
}

// slotRange are neighbouring slots with one primary.
type slotRange struct {
	from, to uint16 // both included
	member   int
}

// encoded is a reply that is made when it is first asked for.
type encoded struct {
	once sync.Once
	b    []byte
}

// NewTopology makes a view.
func NewTopology(o TopologyOptions) *Topology {
	t := &Topology{epoch: o.Epoch, name: o.Name, cluster: o.Cluster, self: o.Self, members: slices.Clone(o.Members),
		me: -1, owners: o.Owners, owned: new(replica.SlotSet), mine: new(replica.SlotSet), counts: make([]int, len(o.Members))}
	for i := range t.members {
		if t.members[i].ID == o.Self.ID {
			t.me = i
		}
	}
	for s := range ring.Slots {
		if t.me >= 0 && o.Owns != nil && o.Owns(uint16(s)) {
			t.owned.Add(uint16(s))
		}
		i := -1
		if o.Primary != nil {
			i = o.Primary(uint16(s))
		}
		if i < 0 || i >= len(t.members) {
			continue
		}
		t.primary[s] = uint16(i + 1)
		t.counts[i]++
		if i == t.me {
			t.mine.Add(uint16(s))
		}
		if n := len(t.ranges); n > 0 && t.ranges[n-1].member == i && int(t.ranges[n-1].to) == s-1 {
			t.ranges[n-1].to = uint16(s)
		} else {
			t.ranges = append(t.ranges, slotRange{uint16(s), uint16(s), i})
		}
	}
	return t
}

// Epoch is the number of the view.
func (t *Topology) Epoch() uint64 { return t.epoch }

// serves says whether this node is to execute commands on a slot: at whose place it is
// advertised, and any other owner, unless it is about to stop.
func (t *Topology) serves(slot uint16) bool {
	return t.advertised(slot) || t.owned.Has(slot) && !t.members[t.me].Draining
}

// advertised says whether this node is where clients are told to go for a slot.
func (t *Topology) advertised(slot uint16) bool { return t.me >= 0 && int(t.primary[slot]) == t.me+1 }

// primaryOf is whom a slot is advertised at, nil if there is nobody.
func (t *Topology) primaryOf(slot uint16) *Member {
	if i := t.primary[slot]; i > 0 {
		return &t.members[i-1]
	}
	return nil
}

// find is the place of the member of an ID, or -1.
func (t *Topology) find(id []byte) int {
	return slices.IndexFunc(t.members, func(m Member) bool { return m.ID == string(id) })
}

// port is where a client that comes through TLS, or not, connects to a member.
func (m *Member) port(tls bool) int {
	if tls && m.TLSPort != 0 || m.Port == 0 {
		return m.TLSPort
	}
	return m.Port
}

// address is that with the host. IPv6 addresses stand in no brackets, as clients
// of Redis expect: they cut at the last colon.
func (m *Member) address(tls bool) string {
	return m.Host + ":" + strconv.Itoa(m.port(tls))
}

// SetTopology replaces the view. Views must be given in order, and none twice.
func (s *Server) SetTopology(t *Topology) {
	t.changed = time.Now()
	old := s.topology.Load()
	if old != nil && old.epoch == t.epoch && !old.early {
		t.changed = old.changed
	}
	s.topology.Store(t)
	if old != nil && old.early {
		s.starting.end()
	}
}

// slots are those whose keys this node shows: all of them, nil, if it stands
// alone, else those whose primary it is. A client sums up over primaries.
func (c *call) slots() *replica.SlotSet {
	if c.view == nil {
		return nil
	}
	return c.view.mine
}

// joinHostPort is an address that Join understands.
func joinHostPort(host []byte, port int64) string {
	return net.JoinHostPort(string(host), strconv.FormatInt(port, 10))
}
