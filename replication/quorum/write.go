package quorum

import (
	"github.com/rldb/rldb/record"
)

// maxRounds is how often a blind write is minted. Each time it met a write that
// was made meanwhile; a key that busy gives up with NoQuorum.
const maxRounds = 8

// Write is a blind write (SET, DEL) under way. The shell applies the record
// locally, sends it as the effects say, and feeds every reply, its own too. A
// Write is not safe for concurrent use.
type Write struct {
	w       int
	deletes bool
	dot     record.Dot
	targets []writeTarget
	spares  []Node
	round   int
	verdict Verdict
	acked   int
	seen    record.Vector // what replies of any round told of
}

type writeTarget struct {
	Target
	ok, over bool // acknowledged; ended in another way, for now
}

// WriteReply is a replica's answer. After merging it holds Unseen, which the
// write had not seen, and has seen Vector.
type WriteReply struct {
	Node    Node
	Round   int
	Outcome Outcome
	Unseen  []record.Dot
	Vector  record.Vector
}

// NewWrite starts a write with dot that needs w copies. Nothing must have been
// applied yet: nothing is if the verdict is ClusterDown.
func NewWrite(w int, dot record.Dot, deletes bool, targets []Target, spares []Node) (*Write, []Effect) {
	q := &Write{w: w, deletes: deletes, dot: dot, spares: spares}
	for _, t := range targets {
		q.targets = append(q.targets, writeTarget{Target: t})
	}
	if len(targets) < w {
		return q, q.end(ClusterDown)
	}
	return q, q.sendAll(nil)
}

// Verdict is what the write has come to, and on how many copies it is.
func (q *Write) Verdict() (v Verdict, copies int) { return q.verdict, q.acked }

func (q *Write) end(v Verdict) []Effect {
	q.verdict = v
	return []Effect{{Kind: Answer}}
}

func (q *Write) sendAll(effects []Effect) []Effect {
	for i := range q.targets {
		t := &q.targets[i]
		t.ok, t.over = false, false
		effects = append(effects, Effect{Kind: Send, Target: t.Target, Round: q.round})
	}
	return effects
}

// Reminted tells the dot that was minted for the current round.
func (q *Write) Reminted(dot record.Dot) { q.dot = dot }

// Reply feeds a reply. Replies of earlier rounds, second ones, and those of
// nodes that were not asked change nothing.
func (q *Write) Reply(r WriteReply) []Effect {
	t := q.find(r.Node)
	if q.verdict != Pending || t == nil || r.Round != q.round || t.ok {
		return nil
	}
	if r.Outcome != OK {
		return q.failed(t)
	}
	if q.met(r.Unseen) {
		return q.remint(r.Vector)
	}
	t.ok = true
	if q.acked++; q.acked >= q.w {
		return q.end(Met)
	}
	return nil
}

// Deadline ends a write that has waited long enough.
func (q *Write) Deadline() []Effect {
	if q.verdict != Pending {
		return nil
	}
	return q.end(NoQuorum)
}

func (q *Write) find(n Node) *writeTarget {
	for i := range q.targets {
		if q.targets[i].Node == n {
			return &q.targets[i]
		}
	}
	return nil
}

// met says whether the write must be minted again: a DEL that meets anything
// would leave it standing, a SET that meets a greater dot would lose to it.
func (q *Write) met(unseen []record.Dot) bool {
	for _, d := range unseen {
		if q.deletes || d.Compare(q.dot) > 0 {
			return true
		}
	}
	return false
}

func (q *Write) remint(v record.Vector) []Effect {
	if q.round+1 >= maxRounds {
		return q.end(NoQuorum)
	}
	q.round++
	q.acked = 0
	q.seen = q.seen.Union(v)
	return q.sendAll([]Effect{{Kind: Remint, Round: q.round, Seen: q.seen}})
}

// failed puts a further fallback in the place of t. A late reply of t still
// counts.
func (q *Write) failed(t *writeTarget) []Effect {
	if t.over {
		return nil
	}
	t.over = true
	if len(q.spares) > 0 {
		stands := t.For
		if t.Owner() {
			stands = t.Node
		}
		next := Target{Node: q.spares[0], For: stands}
		q.spares = q.spares[1:]
		q.targets = append(q.targets, writeTarget{Target: next})
		return []Effect{{Kind: Send, Target: next, Round: q.round}}
	}
	possible := 0
	for i := range q.targets {
		if q.targets[i].ok || !q.targets[i].over {
			possible++
		}
	}
	if possible < q.w {
		return q.end(NoQuorum)
	}
	return nil
}
