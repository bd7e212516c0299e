package membership

import (
	"fmt"
	"slices"

	"github.com/rldb/rldb/ring"
)

// Status is how far a member's membership has come. It only ever grows.
type Status uint8

const (
	Joining Status = iota + 1 // known, without tokens yet
	Active                    // has tokens
	Leaving                   // has tokens, and is handing its data over
	Left                      // gone, finally: no version brings it back
)

func (s Status) String() string {
	switch s {
	case Joining:
		return "joining"
	case Active:
		return "active"
	case Leaving:
		return "leaving"
	case Left:
		return "left"
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// Health is what the members together say of one of them.
type Health uint8

const (
	Alive   Health = iota // nobody says otherwise
	Suspect               // one member gets no answer; nothing changes for clients
	Down                  // several get none, or all that are left to ask
)

func (h Health) String() string {
	switch h {
	case Alive:
		return "alive"
	case Suspect:
		return "suspect"
	case Down:
		return "down"
	}
	return fmt.Sprintf("health %d", uint8(h))
}

// Member is what a view says of one member.
type Member struct {
	ID       ring.ID
	Version  string // the rldb version that it runs
	Host     string // what clients are told: address or host name,
	Port     int    // its plain port (0: none),
	TLSPort  int    // its TLS port (0: none),
	Hostname string // and its host name, if it has one beside Host
	Peer     string // host:port of the peer port, for members
	Gossip   string // host:port of the gossip port, for members
	Zone     string
	Weight   int
	Status   Status
	Tokens   []ring.Token
	Health   Health
	Draining bool // about to stop: others are advertised for its slots

	// Reporters are the members that say it does not answer them, ascending.
	Reporters []ring.ID
}

// Serves is true for a member that can be advertised: it is not down.
func (m Member) Serves() bool { return m.Health != Down && m.Status != Left }

// Range is a run of slots with the same primary.
type Range struct {
	From, To uint16
	Member   int // index into View.Members
}

// View is what a node knows of its cluster at one moment. It never changes; a
// new one takes its place. What is made from a view (encoded replies, say) is
// good for as long as that view is the current one.
type View struct {
	// Epoch grows with each change of what clients see: members, their addresses,
	// who is down, who serves which slot. It is gossiped, and the same on all
	// nodes once they have heard the same.
	Epoch uint64

	Cluster ring.ID // zero: this node is in no cluster, and serves nobody
	Name    string
	Self    ring.ID

	// Parted is true once this node has left its cluster or was forgotten by it,
	// until it joins one again. Self is a new ID by then.
	Parted bool

	// Members are ascending by ID, without those that have left.
	Members []Member

	// Ring has the members with tokens, so its indexes are not those of Members.
	Ring *ring.Ring

	// Ranges are the runs of slots with one primary, ascending. They leave out
	// slots that nobody serves.
	Ranges []Range

	self     int       // index of Self in Members, or -1
	primary  []int16   // by slot: index into Members, or -1
	fromRing []uint16  // by index into Ring.Members: index into Members
	left     []ring.ID // members that have left, ascending
	visible  [32]byte  // digest of what clients see
}

// Primary is the member that clients are told to use for a slot: the first
// owner that is not down and not draining, else the first such member clockwise
// that stands in, else one that is draining. It is false if there is nobody.
func (v *View) Primary(slot uint16) (Member, bool) {
	i := v.PrimaryIndex(slot)
	if i < 0 {
		return Member{}, false
	}
	return v.Members[i], true
}

// PrimaryIndex is Primary as an index into Members, or -1.
func (v *View) PrimaryIndex(slot uint16) int {
	if v.primary == nil {
		return -1
	}
	return int(v.primary[slot])
}

// Mine is true if this node is the slot's primary.
func (v *View) Mine(slot uint16) bool {
	return v.primary != nil && v.self >= 0 && int(v.primary[slot]) == v.self
}

// Me is this node's own entry. It is false if the node is in no cluster.
func (v *View) Me() (Member, bool) {
	if v.self < 0 {
		return Member{}, false
	}
	return v.Members[v.self], true
}

// Index is the place of a member in Members, or -1.
func (v *View) Index(id ring.ID) int {
	i, found := slices.BinarySearchFunc(v.Members, id, func(m Member, id ring.ID) int { return m.ID.Compare(id) })
	if !found {
		return -1
	}
	return i
}

// Find is the member of that ID, unless it has left or was never there.
func (v *View) Find(id ring.ID) (Member, bool) {
	i := v.Index(id)
	if i < 0 {
		return Member{}, false
	}
	return v.Members[i], true
}

// HasLeft is true for an ID that was a member and has left, or was forgotten:
// members refuse whatever comes from it.
func (v *View) HasLeft(id ring.ID) bool {
	_, found := slices.BinarySearchFunc(v.left, id, ring.ID.Compare)
	return found
}

// Owners appends the owners of a slot to into, as indexes into Members, in
// preference order, alive or not.
func (v *View) Owners(slot uint16, into []uint16) []uint16 {
	if v.Ring == nil {
		return into
	}
	for _, i := range v.Ring.Owners(slot) {
		into = append(into, v.fromRing[i])
	}
	return into
}

// SlotsServed counts the slots that have a primary.
func (v *View) SlotsServed() int {
	n := 0
	for _, r := range v.Ranges {
		n += int(r.To) - int(r.From) + 1
	}
	return n
}
