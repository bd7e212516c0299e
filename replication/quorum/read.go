package quorum

import "github.com/rldb/rldb/record"

// maxMet is how often a repair may meet a newer value, which is then read too,
// before the read answers without it.
const maxMet = 8

// Read is a quorum read under way: this node's record, the hashes of the
// others' vectors, whole records only where they differ. It answers once R
// nodes that count have been heard and W are known to hold what it answers, and
// nothing greater. Whoever does not count, differs, or fails has the next spare
// asked. A Read is not safe for concurrent use.
type Read struct {
	r, w    int
	others  func() bool
	now     int64
	merged  record.Whole
	hash    uint64 // of merged
	room    [5]readNode
	nodes   []readNode
	spares  []Target // not asked yet
	met     int
	live    bool // a node that was heard holds a value that has not expired
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
	damaged                   // this node's own copy is: it is to be repaired
	heard                     // what it holds is part of the merged record
	lost                      // it answered with an error, or not at all
)

// ReadOptions say what a Read is. Now judges expiry, Unix ms.
type ReadOptions struct {
	R, W int
	Now  int64
	// Others says whether answers that do not count may do, now that R current owners
	// are not to be had: sloppy quorums, of a node that knows how things stand. nil: never.
	Others func() bool
}

// NewRead starts a read. own is this node's record, nil if its bytes are damaged,
// and self what it is to the key. others are whom to ask, in this order, and no
// more of them than needed.
func NewRead(o ReadOptions, self Target, own *record.Whole, others []Target) (*Read, []Effect) {
	q := &Read{r: o.R, w: o.W, others: o.Others, now: o.Now, spares: others}
	q.nodes = append(q.room[:0], readNode{Target: self, state: damaged})
	if own != nil {
		q.merged, q.live = *own, own.Winner(o.Now) != nil
		q.hash = own.Vector.Hash()
		q.nodes[0].state, q.nodes[0].hash = heard, q.hash
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
	effects := []Effect{{Kind: Fetch, Target: t.Target}}
	return append(q.askSpare(effects), q.next()...)
}

// askSpare has the next spare asked, if there is one.
func (q *Read) askSpare(effects []Effect) []Effect {
	if len(q.spares) == 0 {
		return effects
	}
	t := q.spares[0]
	q.spares = q.spares[1:]
	q.nodes = append(q.nodes, readNode{Target: t})
	return append(effects, Effect{Kind: Ask, Target: t})
}

// Whole feeds the record that a Fetch brought.
func (q *Read) Whole(n Node, w record.Whole) []Effect {
	t := q.find(n, fetching)
	if t == nil {
		return nil
	}
	t.state, t.hash = heard, w.Vector.Hash()
	q.live = q.live || w.Winner(q.now) != nil
	q.merged = record.Merge(&q.merged, &w)
	q.hash = q.merged.Vector.Hash()
	return q.next()
}

// Failed feeds the end of a question or a Fetch without an answer.
func (q *Read) Failed(n Node) []Effect {
	for i := range q.nodes {
		if t := &q.nodes[i]; t.Node == n && t.state <= fetching {
			t.state = lost
			return q.next()
		}
	}
	return nil
}

// Repaired feeds the end of a Repair, with the hash of what was sent, and the dots
// that the replica held beside it. One that failed makes the node one that does
// not hold it, and is not tried again.
func (q *Read) Repaired(n Node, hash uint64, ok bool, unseen []record.Dot) []Effect {
	t := q.find(n, heard)
	if t == nil {
		t = q.find(n, damaged)
	}
	if t == nil || t.sent != hash {
		return nil
	}
	switch {
	case !ok:
		t.state = lost
	case q.verdict == Pending && q.met < maxMet && q.greater(unseen):
		// Had the replica held this when it was asked, it would be the answer. To
		// leave it out could be to answer what a write that is minted again has
		// been before: see Write.
		q.met++
		t.state = fetching
		return append([]Effect{{Kind: Fetch, Target: t.Target}}, q.next()...)
	default:
		t.state, t.hash = heard, hash
	}
	return q.next()
}

// greater says whether one of the dots stands above all of the merged record's.
func (q *Read) greater(unseen []record.Dot) bool {
	for _, d := range unseen {
		if len(q.merged.Values) == 0 || d.Compare(q.merged.Values[0].Dot) > 0 {
			return true
		}
	}
	return false
}

// Deadline ends a read that has waited long enough.
func (q *Read) Deadline() []Effect {
	if q.verdict != Pending {
		return nil
	}
	for i := range q.nodes {
		if q.nodes[i].state <= fetching {
			q.nodes[i].state = lost
		}
	}
	q.spares = nil
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
func (q *Read) next() (effects []Effect) {
	c := q.count()
	for q.verdict == Pending && len(q.spares) > 0 && c.current+c.askingCurrent < q.r {
		effects = q.askSpare(effects)
		c = q.count()
	}
	quorum := c.current >= q.r
	if !quorum && c.current+c.askingCurrent < q.r { // no R current owners are to be had
		others := q.others != nil && q.others()
		quorum = others && c.all >= q.r && c.asking == 0 // one of these may be the only one that has it
		if q.verdict == Pending && (!others || c.all+c.asking < q.r) {
			return append(effects, q.end(ClusterDown)...)
		}
	}
	if q.verdict == Pending && !q.nothing() {
		effects = q.seekHolders(effects)
	}
	if !quorum {
		return effects
	}
	if c.fetches == 0 { // else the merged record is about to change
		effects = q.repair(effects)
	}
	if q.verdict != Pending {
		return effects
	}
	holders, hope := q.holders()
	switch {
	case q.nothing() || holders >= q.w:
		effects = append(effects, q.end(Met)...)
	case holders+hope < q.w:
		effects = append(effects, q.end(NoQuorum)...)
	}
	return effects
}

// seekHolders asks spares while those that were asked cannot make W holders.
func (q *Read) seekHolders(effects []Effect) []Effect {
	for len(q.spares) > 0 {
		if holders, hope := q.holders(); holders+hope >= q.w {
			break
		}
		effects = q.askSpare(effects)
	}
	return effects
}

// nothing says that there is nothing to hold: no record, or only expired values, which
// cause no repair unless they overwrote a live one that was heard of too: it must not
// be answered by the next read.
func (q *Read) nothing() bool { return q.merged.IsZero() || q.expired() && !q.live }

// Heard is how many nodes have been heard, and how many hold what was read.
func (q *Read) Heard() (nodes, holders int) {
	holders, _ = q.holders()
	return q.count().all, holders
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

// repair sends the merged record to those that hold another one, or a damaged one.
func (q *Read) repair(effects []Effect) []Effect {
	hash := q.hash
	for i := range q.nodes {
		t := &q.nodes[i]
		if (t.state == heard && t.hash != hash || t.state == damaged) && t.sent != hash && !q.nothing() {
			t.sent = hash
			effects = append(effects, Effect{Kind: Repair, Target: t.Target})
		}
	}
	return effects
}

// holders counts the nodes that hold the merged record, and those that may come
// to hold it.
func (q *Read) holders() (holders, hope int) {
	hash := q.hash
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

// expired says that nothing is left of the record but expired values.
func (q *Read) expired() bool { return len(q.merged.Values) > 0 && q.merged.Reapable(q.now) }
