package membership

import (
	"slices"
	"time"

	"github.com/rldb/rldb/ring"
)

// forming is how nodes with a join list become a cluster, or find one. Each asks
// every address of its list, again and again, who is there. Who is in a cluster
// is joined. While nobody is, each votes for the smallest ID that it hears, once
// it hears a majority of the list (itself included); whoever has the votes of a
// majority forms the cluster, and the others join it.
//
// A vote is a promise. It is changed only when the one it was given to has given
// itself up (asked after it was last told of the vote, it votes for another), or
// has not been told of it for VoteHold, as a candidate.
// A candidate counts only votes that answer questions which it sent after its own
// vote, and less than VoteHold/2 ago. So no two nodes have the votes of
// majorities of the same list at once. A founder whom none of the others can ask
// for VoteHold is given up, though; it is alone in its cluster, and joins theirs
// when it finds it, if it holds no keys.
type forming struct {
	list    []string
	answers map[string]answer // by address: the newest
	greetAt time.Time
	busy    map[string]bool // addresses whose answer is awaited
	vote    ring.ID
	votedAt time.Time
	toldAt  time.Time // when the candidate was last told of the vote
	joining bool
	said    map[string]string // by address: the last trouble, so that each is logged once
}

// answer is what an address has said.
type answer struct {
	asked    time.Time
	greeting greeting
}

func (f *forming) init(list []string) {
	f.list = slices.Compact(slices.Sorted(slices.Values(list)))
	f.answers, f.busy, f.said = map[string]answer{}, map[string]bool{}, map[string]string{}
}

// seek is the step, at each tick, of a node that is in no cluster, or alone in
// one, and has a list.
func (c *core) seek(now time.Time) {
	f := &c.forming
	if c.snap.parted || len(f.list) == 0 || f.joining || len(c.others()) > 0 || now.Sub(f.greetAt) < c.o.Timing.Greet {
		return
	}
	f.greetAt = now
	for _, addr := range f.list {
		if !f.busy[addr] {
			f.busy[addr] = true
			c.emit(greet{addr})
		}
	}
	if c.snap.cluster.IsZero() {
		c.elect(now)
	}
}

// greeted is the step for the answer of an address of the list, or for none: err
// says why.
func (c *core) greeted(asked, now time.Time, addr string, g greeting, a ask, err error) {
	f := &c.forming
	f.busy[addr] = false
	if err == nil && g.node != c.snap.self {
		err = g.judge(c.o, a)
	}
	if err != nil {
		delete(f.answers, addr)
		if text := err.Error(); f.said[addr] != text {
			f.said[addr] = text
			c.warn("a node of the join list is not there yet, or cannot be joined", "addr", addr, "reason", text)
		}
		return
	}
	delete(f.said, addr)
	if a.node != c.snap.self {
		return // asked in an earlier life
	}
	f.answers[addr] = answer{asked, g}
	if !g.cluster.IsZero() && g.cluster != c.snap.cluster && !f.joining && c.mayFollow(g) {
		f.joining = true
		c.emit(autoJoin{addr, g})
		return
	}
	if c.snap.cluster.IsZero() {
		c.elect(now)
	}
	c.settle()
}

// mayFollow keeps two clusters of one from joining each other: the one of the
// smaller ID stays.
func (c *core) mayFollow(g greeting) bool {
	if c.snap.parted || len(c.others()) > 0 {
		return false
	}
	return c.snap.cluster.IsZero() || g.members > 1 || g.cluster.Compare(c.snap.cluster) < 0
}

// joined is the step for the end of a try to join from the list.
func (c *core) joinTried(addr string, err error) {
	f := &c.forming
	f.joining = false
	if err != nil && f.said[addr] != err.Error() {
		f.said[addr] = err.Error()
		c.warn("joining failed; it is tried again", "addr", addr, "reason", err.Error())
	}
}

// elect votes, and forms the cluster if a majority has voted for this node.
func (c *core) elect(now time.Time) {
	f := &c.forming
	fresh := func(a answer) bool { return now.Sub(a.asked) < c.o.Timing.VoteHold/2 }
	heard, size, smallest := 1, len(f.list)+1, c.snap.self
	votes := 1
	seen := map[ring.ID]bool{}
	for _, a := range f.answers {
		if a.greeting.node == c.snap.self {
			size = len(f.list) // this node is in its own list
			continue
		}
		if !fresh(a) || !a.greeting.cluster.IsZero() || seen[a.greeting.node] {
			continue
		}
		seen[a.greeting.node] = true
		heard++
		if a.greeting.node.Compare(smallest) < 0 {
			smallest = a.greeting.node
		}
		if a.greeting.vote == c.snap.self && a.asked.After(f.votedAt) {
			votes++
		}
	}
	majority := size/2 + 1
	if f.vote == c.snap.self && votes >= majority {
		c.found("a majority of the join list has voted for this node")
		return
	}
	if heard >= majority && f.vote != smallest && c.free(now) {
		f.vote, f.votedAt, f.toldAt = smallest, now, now
		if majority == 1 && smallest == c.snap.self {
			c.found("this node is the only one of the join list")
		}
	}
}

// free says whether this node may vote for another than it has.
func (c *core) free(now time.Time) bool {
	f := &c.forming
	if f.vote.IsZero() || f.vote == c.snap.self || now.Sub(f.toldAt) >= c.o.Timing.VoteHold {
		return true
	}
	// What it answered before it was last told may be of an earlier candidacy.
	for _, a := range f.answers {
		if a.greeting.node == f.vote && a.asked.After(f.toldAt) {
			return a.greeting.vote != f.vote && !a.greeting.vote.IsZero()
		}
	}
	return false
}

// greet answers another node that greets this one. empty says whether this one holds
// no keys.
func (c *core) greet(now time.Time, a ask, empty bool) greeting {
	f := &c.forming
	g := greeting{
		version: c.o.Self.Version, name: c.o.Name, cluster: c.snap.cluster, node: c.snap.self,
		n: c.o.N, r: c.o.R, w: c.o.W, peer: c.o.Self.Peer, gossip: c.o.Self.Gossip,
	}
	if c.pending != nil {
		g.cluster = c.pending.cluster // it is not sure yet to be in another one
	}
	if g.cluster.IsZero() {
		g.vote = f.vote
		if a.node == f.vote && a.vote == a.node {
			f.toldAt = now // what it asked before it was a candidate, it does not count
		}
	} else if c.pending == nil && c.view != nil {
		g.members = len(c.view.Members)
		g.refuses = c.refuses(a)
		g.hides = !empty && !c.replaces(a)
	}
	g.proof = g.prove(c.o.Secret, a)
	return g
}

// refuses says why a node cannot be taken on: a member that is alive has its peer
// address, or its ID has left.
func (c *core) refuses(a ask) string {
	if c.view.HasLeft(a.node) {
		return "its ID has left the cluster"
	}
	for _, m := range c.view.Members {
		if m.Peer == a.peer && m.ID != a.node && m.Health != Down {
			return "a member that is alive has the peer address " + a.peer + ": " + m.ID.String()
		}
	}
	return ""
}

// replaces says whether a node would be given the tokens of a dead member, whose peer
// address it has, and so take no slots from others.
func (c *core) replaces(a ask) bool {
	return slices.ContainsFunc(c.view.Members, func(m Member) bool {
		return m.Peer == a.peer && m.ID != a.node && m.Health == Down && len(m.Tokens) > 0
	})
}
