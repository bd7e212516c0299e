package quorum

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rldb/rldb/record"
)

// model is one register on three replicas, which SETs and reads use as Write and
// Read have it, every message as late as chance will have it. Nothing fails: what
// a history must be is linearizable.
type model struct {
	rng   *rand.Rand
	rule  rule
	holds [3]record.Whole
	last  [3]record.HLC
	queue []event
	hist  []modelOp
	now   int
}

// rule says what of the rules is left out, to see that it is needed.
type rule int

const (
	asBuilt       rule = iota
	eager              // a SET is minted again as soon as one reply is dirty
	knownIsClean       // what came by a reader's repair before is taken for clean
	knownIsDirty       // … for dirty
	repairIsBlind      // a repair that meets a newer value is taken for a holder
)

// modelOp is a SET of value, or a read that answered it. end is -1 while its
// outcome is not known.
type modelOp struct {
	set        bool
	value      byte
	start, end int
}

// event is what happens at a time, such as that a message arrives.
type event struct {
	at int
	f  func()
}

// later has f happen soon, or, now and then, much later.
func (m *model) later(f func()) {
	delay := 1 + m.rng.IntN(3)
	if m.rng.IntN(4) == 0 {
		delay += m.rng.IntN(30)
	}
	m.queue = append(m.queue, event{m.now + delay, f})
}

func (m *model) index(n Node) int {
	for i := range m.holds {
		if n == node(i) {
			return i
		}
	}
	panic("no such node")
}

// held is what a replica answers to a write.
type held struct {
	known  bool
	unseen []record.Dot
	vector record.Vector
}

// merge brings w to replica i, and gives what it answers.
func (m *model) merge(i int, w record.Whole) held {
	known := m.holds[i].Vector.Covers(w.Vector)
	m.holds[i] = record.Merge(&m.holds[i], &w)
	return held{known, m.holds[i].Unseen(nil, w.Vector), m.holds[i].Vector}
}

// others are the targets but i, in no order.
func (m *model) others(i int) (ts []Target) {
	for _, j := range m.rng.Perm(3) {
		if j != i {
			ts = append(ts, Target{Node: node(j), Current: true})
		}
	}
	return ts
}

func (m *model) mint(i int, floor record.HLC) record.Dot {
	m.last[i] = max(m.last[i], floor) + 1 + record.HLC(m.rng.IntN(4)) // clocks are apart
	return record.Dot{Actor: uint64(i + 1), HLC: m.last[i]}
}

func (m *model) set(i int, value byte) {
	at := len(m.hist)
	m.hist = append(m.hist, modelOp{set: true, value: value, start: m.now, end: -1})
	v := record.NewValue([]byte{value}, 0)
	dot := m.mint(i, m.holds[i].Floor(nil))
	m.holds[i] = m.holds[i].Put(dot, v)
	w, seen := m.holds[i], record.Vector(nil)
	q, es := NewWrite(WriteOptions{W: 2}, owners(3))
	var carry func([]Effect)
	carry = func(es []Effect) {
		for _, e := range es {
			switch e.Kind {
			case Remint:
				over := record.Whole{Vector: m.holds[i].Vector.Union(seen)}
				dot = m.mint(i, over.Floor(nil))
				w = over.Put(dot, v)
				m.merge(i, w)
			case Send:
				j, w, dot := m.index(e.Target.Node), w, dot
				if j == i {
					carry(q.Reply(WriteReply{Node: node(i), Round: e.Round}))
					continue
				}
				m.later(func() {
					h := m.merge(j, w)
					m.later(func() {
						seen = seen.Union(h.vector)
						carry(m.reply(q, WriteReply{Node: node(j), Round: e.Round, Known: h.known, Met: Meets(dot, false, h.unseen)}))
					})
				})
			case Answer:
				if v, _ := q.Verdict(); v == Met {
					m.hist[at].end = m.now
				}
			}
		}
	}
	carry(es)
}

func (m *model) reply(q *Write, r WriteReply) []Effect {
	switch {
	case m.rule == eager && q.verdict == Pending && r.Round == q.round && r.Met:
		return q.remint()
	case m.rule == knownIsClean && r.Known:
		r.Met = false
	}
	return q.Reply(r)
}

func (m *model) read(i int) {
	start, own, answered := m.now, m.holds[i], false
	q, es := NewRead(ReadOptions{R: 2, W: 2}, Target{Node: node(i), Current: true}, &own, m.others(i))
	var carry func([]Effect)
	carry = func(es []Effect) {
		for _, e := range es {
			n, j := e.Target.Node, 0
			if e.Kind != Answer {
				j = m.index(n)
			}
			switch e.Kind {
			case Ask:
				m.later(func() { h := m.holds[j].Vector.Hash(); m.later(func() { carry(q.Hash(n, h, true)) }) })
			case Fetch:
				m.later(func() { w := m.holds[j]; m.later(func() { carry(q.Whole(n, w)) }) })
			case Repair:
				w := *q.Record()
				m.later(func() {
					h := m.merge(j, w)
					if m.rule == repairIsBlind {
						h.unseen = nil
					}
					m.later(func() { carry(q.Repaired(n, w.Vector.Hash(), true, h.unseen)) })
				})
			case Answer:
				if q.Verdict() == Met && !answered {
					answered = true
					op := modelOp{start: start, end: m.now}
					if w := q.Record().Winner(0); w != nil {
						op.value = w.Value[0]
					}
					m.hist = append(m.hist, op)
				}
			}
		}
	}
	carry(es)
}

// run carries out sets SETs and reads reads, at any node, one after another or
// at once as chance will have it.
func (m *model) run(sets, reads int) {
	for i := range m.last {
		m.last[i] = record.HLC(m.rng.IntN(8))
	}
	for value := range sets {
		i := m.rng.IntN(3)
		m.queue = append(m.queue, event{m.rng.IntN(10), func() { m.set(i, byte(value+1)) }})
	}
	for range reads {
		i := m.rng.IntN(3)
		m.queue = append(m.queue, event{m.rng.IntN(40), func() { m.read(i) }})
	}
	for len(m.queue) > 0 {
		next := 0
		for i := range m.queue {
			if m.queue[i].at < m.queue[next].at {
				next = i
			}
		}
		e := m.queue[next]
		m.queue = append(m.queue[:next], m.queue[next+1:]...)
		m.now = e.at
		e.f()
	}
}

// linearizable looks for an order of the operations that a register shows,
// by brute force: of those that no other one must come before, try each.
func linearizable(ops []modelOp, value byte) bool {
	if !slices.ContainsFunc(ops, func(o modelOp) bool { return o.end >= 0 }) {
		return true // what is left may never have taken effect
	}
	for i, o := range ops {
		first := true
		for _, p := range ops {
			first = first && (p.end < 0 || p.end >= o.start || p == o)
		}
		if !first || !o.set && o.value != value {
			continue
		}
		rest := append(append([]modelOp(nil), ops[:i]...), ops[i+1:]...)
		if linearizable(rest, o.value) {
			return true
		}
	}
	return false
}

// violation looks for a history that is not linearizable.
func violation(r rule, runs int) (found []modelOp, seed uint64) {
	for seed := range uint64(runs) {
		m := &model{rng: rand.New(rand.NewPCG(seed, 1)), rule: r}
		m.run(2+int(seed%2), 3)
		if !linearizable(m.hist, 0) {
			return m.hist, seed
		}
	}
	return nil, 0
}

// TestXYXCannotBeRead: SETs and reads of one key are linearizable with strict
// quorums. Each rule is needed: without it the same schedules show a violation.
func TestXYXCannotBeRead(t *testing.T) {
	const runs = 60_000
	if h, seed := violation(asBuilt, runs); h != nil {
		t.Errorf("seed %d: not linearizable: %+v", seed, h)
	}
	for r, name := range map[rule]string{eager: "minted again at the first dirty reply", knownIsClean: "known is clean", repairIsBlind: "repair is blind"} {
		h, seed := violation(r, runs)
		if h == nil {
			t.Errorf("%s: nothing is violated, so what is the rule for?", name)
		}
		t.Logf("%s: seed %d, %+v", name, seed, h)
	}
}
