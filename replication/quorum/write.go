package quorum

import (
	"github.com/rldb/rldb/record"
)

// maxRounds is how often a blind write is minted. Each time it met writes that
// were made meanwhile; a key that busy gives up with NoQuorum.
const maxRounds = 8

// Write is a blind write (SET, FLUSHALL's deletes) under way. The shell applies
// the record locally, sends it as the effects say, and feeds every reply, its own
// too. A Write is not safe for concurrent use.
//
// A reply is clean if the replica held nothing that the write would have to
// stand behind. The write is met by W clean replies, whatever others met, and is
// minted again only once W clean ones cannot come any more. Where 2W > N this is
// linearizable: had another write been complete before this one began, W copies
// of it would have been there, and any W replies would meet one of them. So W
// clean replies prove that the other write was concurrent, and this one stands
// before it. To mint again then would let a reader see this one, the other one,
// and this one again.
type Write struct {
	w       int
	once    bool
	room    [3]writeTarget
	targets []writeTarget
	ask     func() []Node // for spares, until it was asked
	spares  []Node
	round   int
	verdict Verdict
}

type writeTarget struct {
	Target
	state sendState
}

// sendState is what has come of a target in this round.
type sendState int

const (
	sent sendState = iota
	clean
	dirty // it met what the write would have to stand behind
	// known: so it is now, but the write had come to the replica before, with a
	// reader's repair: it may have been clean then, and may have been read.
	known
	failed  // by an error or by silence, for now
	nStates // how many there are
)

// WriteReply is a replica's answer.
type WriteReply struct {
	Node    Node
	Round   int
	Outcome Outcome
	Met     bool // it holds what the write would have to stand behind: see Meets
	Known   bool // it had seen all of the write before
}

// Meets says whether a write that minted dot would have to stand behind a value
// that a replica holds and the write had not seen: one that deletes would leave
// it standing, whatever it is; a SET would lose to a greater dot.
func Meets(dot record.Dot, deletes bool, unseen []record.Dot) bool {
	for _, d := range unseen {
		if deletes || d.Compare(dot) > 0 {
			return true
		}
	}
	return false
}

// WriteOptions say what a Write is.
type WriteOptions struct {
	W    int
	Once bool // it is not minted again, whatever it meets
	// Spares gives the members that are left to stand in for a target that fails;
	// it is asked once at most. nil: there are none.
	Spares func() []Node
}

// NewWrite starts a write of some keys. Nothing must have been applied yet:
// nothing is if the verdict is ClusterDown.
func NewWrite(o WriteOptions, targets []Target) (*Write, []Effect) {
	q := &Write{w: o.W, once: o.Once, ask: o.Spares}
	if len(targets) < o.W {
		return q, q.end(ClusterDown)
	}
	q.targets = q.room[:0]
	for _, t := range targets {
		q.targets = append(q.targets, writeTarget{Target: t})
	}
	return q, q.sendAll(make([]Effect, 0, len(targets)))
}

// Verdict is what the write has come to, and on how many copies it is.
func (q *Write) Verdict() (v Verdict, copies int) {
	n := q.count()
	return q.verdict, n[clean] + n[dirty] + n[known]
}

func (q *Write) end(v Verdict) []Effect {
	q.verdict = v
	return []Effect{{Kind: Answer}}
}

func (q *Write) sendAll(effects []Effect) []Effect {
	for i := range q.targets {
		t := &q.targets[i]
		t.state = sent
		effects = append(effects, Effect{Kind: Send, Target: t.Target, Round: q.round})
	}
	return effects
}

// Reply feeds a reply. Replies of earlier rounds, second ones, and those of
// nodes that were not asked change nothing. A late one, after an error, counts.
func (q *Write) Reply(r WriteReply) []Effect {
	t := q.find(r.Node)
	if q.verdict != Pending || t == nil || r.Round != q.round || t.state != sent && t.state != failed {
		return nil
	}
	switch {
	case r.Outcome != OK:
		return q.failed(t)
	case q.once || !r.Met:
		t.state = clean
	case r.Known:
		t.state = known
	default:
		t.state = dirty
	}
	return q.next()
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

func (q *Write) count() (n [nStates]int) {
	for i := range q.targets {
		n[q.targets[i].state]++
	}
	return n
}

// next looks at all that is known and says what follows.
func (q *Write) next() []Effect {
	n := q.count()
	hope := n[clean] + n[sent] // of clean replies
	switch {
	case n[clean] >= q.w:
		return q.end(Met)
	case hope >= q.w:
		return nil
	case hope+n[known]+n[dirty] < q.w:
		return q.end(NoQuorum) // too few copies
	case hope+n[known] < q.w:
		// It was never clean on W copies, so no read has answered it.
		return q.remint()
	case n[sent] > 0:
		return nil
	}
	// It may have been clean on W copies, and read, before the others came: then
	// it must not be minted again. Or they were complete before it began: then it
	// must be. Nobody can tell.
	return q.end(NoQuorum)
}

func (q *Write) remint() []Effect {
	if q.round+1 >= maxRounds {
		return q.end(NoQuorum)
	}
	q.round++
	return q.sendAll([]Effect{{Kind: Remint, Round: q.round}})
}

// failed puts a further fallback in the place of t.
func (q *Write) failed(t *writeTarget) []Effect {
	if t.state == failed {
		return nil
	}
	t.state = failed
	if q.ask != nil {
		q.spares, q.ask = q.ask(), nil
	}
	if len(q.spares) == 0 {
		return q.next()
	}
	stands := t.For
	if t.Owner() {
		stands = t.Node
	}
	next := Target{Node: q.spares[0], For: stands}
	q.spares = q.spares[1:]
	q.targets = append(q.targets, writeTarget{Target: next})
	return []Effect{{Kind: Send, Target: next, Round: q.round}}
}
