package quorum

import "github.com/rldb/rldb/record"

// Read is a quorum read under way: this node's record, the hashes of the
// others' vectors, whole records only where they differ. It answers once R
// nodes that count have been heard and W are known to hold what it answers. A
// Read is not safe for concurrent use.
type Read struct {
	r, w    int
	sloppy  bool
	now     int64
	merged  record.Whole
	nodes   []readNode
	verdict Verdict
}

type readNode struct {
	Target
	state readState
	hash  uint64 // of what it is known to hold
	sent  uint64 // of what repair has sent it last, 0: nothing
}

type readState int

const (
	asked    readState = iota // its hash
	fetching                  // its record
	heard                     // what it holds is part of the merged record
	lost                      // it answered with an error, or not at all
)

// NewRead starts a read. own is this node's record and self what it is to the
// key; others were sent a question for their hash. nowMilli judges expiry.
func NewRead(r, w int, sloppy bool, nowMilli int64, self Target, own record.Whole, others []Target) (*Read, []Effect) {
	q := &Read{r: r, w: w, sloppy: sloppy, now: nowMilli, merged: own}
	q.nodes = append(q.nodes, readNode{Target: self, state: heard, hash: own.Vector.Hash()})
	for _, t := range others {
		q.nodes = append(q.nodes, readNode{Target: t})
	}
	return q, q.next()
}

// Verdict is what the read has come to; once it is Met, the record is what it
// answers.
func (q *Read) Verdict() Verdict { return q.verdict }

// Record is all that was read so far, merged.
func (q *Read) Record() *record.Whole { return &q.merged }

func (q *Read) find(n Node, s readState) *readNode {
	for i := range q.nodes {
		if q.nodes[i].Node == n && q.nodes[i].state == s {
			return &q.nodes[i]
		}
	}
	return nil
}

// Hash feeds a node's hash, and whether it calls itself current.
func (q *Read) Hash(n Node, hash uint64, current bool) []Effect {
	t := q.find(n, asked)
	if t == nil {
		return nil
	}
	t.hash, t.Current = hash, t.Current && current
	for i := range q.nodes {
		if o := &q.nodes[i]; o.state == heard && o.hash == hash {
			t.state = heard // somebody's like it is merged already
			return q.next()
		}
	}
	t.state = fetching
	return append([]Effect{{Kind: Fetch, Target: t.Target}}, q.next()...)
}

// Whole feeds the record that a Fetch brought.
func (q *Read) Whole(n Node, w record.Whole) []Effect {
	t := q.find(n, fetching)
	if t == nil {
		return nil
	}
	t.state, t.hash = heard, w.Vector.Hash()
	q.merged = record.Merge(&q.merged, &w)
	return q.next()
}

// Failed feeds the end of a question or a Fetch without an answer.
func (q *Read) Failed(n Node) []Effect {
	for i := range q.nodes {
		if t := &q.nodes[i]; t.Node == n && t.state < heard {
			t.state = lost
			return q.next()
		}
	}
	return nil
}

// Repaired feeds the end of a Repair, with the hash of what was sent. One that
// failed makes the node one that does not hold it, and is not tried again.
func (q *Read) Repaired(n Node, hash uint64, ok bool) []Effect {
	t := q.find(n, heard)
	if t == nil || t.sent != hash {
		return nil
	}
	if ok {
		t.hash = hash
	} else {
		t.state = lost
	}
	return q.next()
}

// Deadline ends a read that has waited long enough.
func (q *Read) Deadline() []Effect {
	if q.verdict != Pending {
		return nil
	}
	for i := range q.nodes {
		if q.nodes[i].state < heard {
			q.nodes[i].state = lost
		}
	}
	if effects := q.next(); q.verdict != Pending {
		return effects
	}
	return q.end(NoQuorum)
}

func (q *Read) end(v Verdict) []Effect {
	q.verdict = v
	return []Effect{{Kind: Answer}}
}

// next looks at all that is known and says what follows.
func (q *Read) next() []Effect {
	c := q.count()
	quorum := c.current >= q.r
	if !quorum && c.current+c.askingCurrent < q.r { // no R current owners are to be had
		quorum = q.sloppy && c.all >= q.r
		if q.verdict == Pending && (!q.sloppy || c.all+c.asking < q.r) {
			return q.end(ClusterDown)
		}
	}
	if !quorum {
		return nil
	}
	var effects []Effect
	if c.fetches == 0 { // else the merged record is about to change
		effects = q.repair()
	}
	if q.verdict != Pending {
		return effects
	}
	holders, hope := q.holders()
	switch {
	case holders >= q.w || q.expired() || q.merged.IsZero():
		effects = append(effects, q.end(Met)...)
	case holders+hope < q.w:
		effects = append(effects, q.end(NoQuorum)...)
	}
	return effects
}

// counts says of how many nodes what is known: heard current owners, all that
// were heard, the same of those that may still answer, records on their way.
type counts struct{ current, all, askingCurrent, asking, fetches int }

func (q *Read) count() (c counts) {
	for i := range q.nodes {
		t := &q.nodes[i]
		current := 0
		if t.Owner() && t.Current {
			current = 1
		}
		switch t.state {
		case heard:
			c.all++
			c.current += current
		case asked, fetching:
			c.asking++
			c.askingCurrent += current
			if t.state == fetching {
				c.fetches++
			}
		}
	}
	return c
}

// repair sends the merged record to those heard that hold another one.
func (q *Read) repair() (effects []Effect) {
	hash := q.merged.Vector.Hash()
	for i := range q.nodes {
		t := &q.nodes[i]
		if t.state == heard && t.hash != hash && t.sent != hash && !q.expired() {
			t.sent = hash
			effects = append(effects, Effect{Kind: Repair, Target: t.Target})
		}
	}
	return effects
}

// holders counts the nodes that hold the merged record, and those that may come
// to hold it.
func (q *Read) holders() (holders, hope int) {
	hash := q.merged.Vector.Hash()
	for i := range q.nodes {
		switch t := &q.nodes[i]; {
		case t.state == heard && t.hash == hash:
			holders++
		case t.state != lost:
			hope++
		}
	}
	return holders, hope
}

// expired says that nothing is left of the record but expired values, which
// never cause a repair.
func (q *Read) expired() bool { return len(q.merged.Values) > 0 && q.merged.Reapable(q.now) }
