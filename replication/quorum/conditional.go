package quorum

// Conditional is the write of a conditional command (INCR, SET NX, EXEC …)
// whose outcome was decided on what a quorum read. A replica accepts it only if
// it covers all that the replica holds; the coordinator applies it last, so
// that it holds nothing that the others refused. A Conditional is not safe for
// concurrent use.
type Conditional struct {
	w, accepted int
	ownersOnly  bool
	others      []conditionalTarget
	local       localState
	applied     bool // this node accepted
	verdict     Verdict
	unknown     bool // one may have accepted without our knowing
}

type localState int

const (
	notAsked localState = iota
	applying            // ApplyLocal was given
	ended               // and its end was fed
)

type conditionalTarget struct {
	Target
	over bool
}

// NewConditional starts the write. others are all targets but this node, which
// is an owner. Where w+w > n only owners' acceptances count: two commands that
// have not seen each other cannot both be accepted by w of them.
func NewConditional(n, w int, others []Target) (*Conditional, []Effect) {
	q := &Conditional{w: w, ownersOnly: w+w > n}
	var effects []Effect
	for _, t := range others {
		if q.counts(t) {
			q.others = append(q.others, conditionalTarget{Target: t})
			effects = append(effects, Effect{Kind: Send, Target: t})
		}
	}
	if len(q.others)+1 < w {
		return q, q.end(ClusterDown)
	}
	return q, append(effects, q.next()...)
}

func (q *Conditional) counts(t Target) bool { return t.Owner() || !q.ownersOnly }

// Verdict is what the command has come to, and how many accepted it.
func (q *Conditional) Verdict() (v Verdict, accepted int) { return q.verdict, q.accepted }

func (q *Conditional) end(v Verdict) []Effect {
	q.verdict = v
	return []Effect{{Kind: Answer}}
}

// Reply feeds how the call of a node ended. Only the first end of each counts.
func (q *Conditional) Reply(n Node, o Outcome) []Effect {
	if q.verdict != Pending {
		return nil
	}
	for i := range q.others {
		t := &q.others[i]
		if t.Node != n || t.over {
			continue
		}
		t.over = true
		if o == OK {
			q.accepted++
		}
		q.unknown = q.unknown || o == Unknown
		return q.next()
	}
	return nil
}

// Local feeds whether this node accepted the record, after ApplyLocal.
func (q *Conditional) Local(accepted bool) []Effect {
	if q.verdict != Pending || q.local != applying {
		return nil
	}
	if accepted {
		q.accepted++
		q.applied = true
	}
	q.local = ended
	return q.next()
}

// Deadline ends a command that has waited long enough.
func (q *Conditional) Deadline() []Effect {
	if q.verdict != Pending {
		return nil
	}
	q.unknown = q.unknown || q.waiting() > 0
	return q.lost()
}

func (q *Conditional) waiting() (n int) {
	for i := range q.others {
		if !q.others[i].over {
			n++
		}
	}
	return n
}

func (q *Conditional) next() []Effect {
	own := 0
	if q.local != ended {
		own = 1 // this node may still accept
	}
	switch {
	case q.accepted >= q.w && q.applied:
		return q.end(Met)
	case q.accepted >= q.w:
		return append([]Effect{{Kind: MergeLocal}}, q.end(Met)...)
	case q.local == notAsked && q.accepted+1 >= q.w:
		q.local = applying
		return []Effect{{Kind: ApplyLocal}}
	case q.local == applying:
		return nil
	case q.accepted+q.waiting()+own < q.w:
		q.unknown = q.unknown || q.waiting() > 0
		return q.lost()
	}
	return nil
}

// lost ends a command that cannot be met any more. If a node has its dot, or may
// have it, this one takes it in too: it must not mint for the key again without
// having seen what it minted.
func (q *Conditional) lost() []Effect {
	if q.accepted == 0 && !q.unknown {
		return q.end(Retry)
	}
	return append([]Effect{{Kind: MergeLocal}}, q.end(NoQuorum)...)
}
