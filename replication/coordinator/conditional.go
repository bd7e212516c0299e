package coordinator

import (
	"slices"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/replica"
)

// maxTries is how often a conditional command reads and decides: with the pauses
// between, for half a second or so.
const maxTries = 30

// conditional is a command whose outcome depends on what is there. It has its
// keys' turn on this node until it has ended; that nobody else wrote meanwhile,
// the replicas see.
type conditional struct {
	operation
	place
	ticket
	copies
	call    *Call
	keys    []engine.Key
	tries   int
	hlc     record.HLC // taken before the read
	records []Entry
	checks  []Check // the keys that it does not change
	q       *quorum.Conditional
	pos     engine.Position
	err     error // of this node's engine
}

func (c *Coordinator) startConditional(x *Call, p place) {
	c.counts.conditionals.Add(1)
	c.begin()
	d := &conditional{operation: operation{c: c}, place: p, call: x, keys: ownKeys(x.Txn)}
	d.copies.enter(x.Written)
	if !c.turns.take(&d.ticket, d.keys, func() { d.post(d.turn) }) {
		d.post(func() { d.answer(errWaiting, 0) })
	}
}

// turn begins in the keys' turn.
func (d *conditional) turn() {
	d.calls++ // until it gives the turn on: whose turn is next is then under way
	d.try()
}

// try reads, in the keys' turn.
func (d *conditional) try() {
	d.tries++
	d.hlc = d.c.clock.After(0, d.c.o.Wall())
	p := d.place
	p.R = max(p.R, len(p.owners)-p.W+1) // less, and the replicas may know better each time
	p.read(d.keys, d.call.Txn.Now(), func(r *reading) {
		d.post(func() { d.decide(r) })
	})
}

func (d *conditional) decide(r *reading) {
	if err := r.failure(); err != nil {
		d.end(err, 0)
		return
	}
	t := d.call.Txn
	t.Begin(d.call.Step)
	r.load(t)
	t.RunStep()
	d.mint(r)
	if err := d.c.bounded(d.records, len(d.owners)); err != nil {
		d.end(err, 0)
		return
	}
	if len(d.records) == 0 {
		d.pos = r.pos
		d.end(nil, 0)
		return
	}
	d.send()
}

// mint makes the records of the keys that the step has changed over what was read. The
// others must still be as they were read: an EXEC has watched them, or decided by them.
func (d *conditional) mint(r *reading) {
	t, floor := d.call.Txn, record.HLC(0)
	var changed []int
	for i := range d.keys {
		w := &r.found[i].record
		result, _, _ := t.Outcome(i)
		if result == replica.Changed || result == replica.Removed && !w.Reapable(t.Now()) {
			changed = append(changed, i)
			floor = max(floor, w.Floor(nil))
		}
	}
	if d.records, d.checks = nil, nil; len(changed) == 0 {
		return
	}
	for i := range d.keys {
		if !slices.Contains(changed, i) {
			d.checks = append(d.checks, Check{d.keys[i], slices.Clone(r.found[i].record.Vector)})
		}
	}
	dot := record.Dot{Actor: d.c.store.Actor(), HLC: d.hlc}
	if d.hlc <= floor {
		dot = d.c.dot(floor)
	}
	for _, i := range changed {
		w := &r.found[i].record
		result, data, expireAt := t.Outcome(i)
		if result == replica.Removed {
			d.records = append(d.records, Entry{d.keys[i], w.Delete(dot)})
		} else {
			d.records = append(d.records, Entry{d.keys[i], w.Put(dot, ownValue(data, expireAt))})
		}
	}
}

func (d *conditional) send() {
	var others []quorum.Target
	for _, t := range d.targets(make([]quorum.Target, 0, len(d.owners))) {
		if t.Node != d.self {
			others = append(others, t)
		}
	}
	d.copies.again()
	q, effects := quorum.NewConditional(len(d.owners), d.W, others)
	d.q = q
	d.carry(q, effects)
}

func (d *conditional) carry(q *quorum.Conditional, effects []quorum.Effect) {
	for i, e := range effects {
		switch e.Kind {
		case quorum.Send:
			d.ask(q, e.Target)
		case quorum.ApplyLocal:
			d.applyLocal(q)
		case quorum.MergeLocal:
			d.mergeLocal(q, effects[i+1:])
			return
		case quorum.Answer:
			d.verdict()
		}
	}
}

func (d *conditional) ask(q *quorum.Conditional, to quorum.Target) {
	if !to.Owner() {
		d.c.counts.fallbacks.Add(1)
	}
	d.calls++
	d.copies.sent()
	records := len(d.records)
	d.c.o.Peers.Write(to.Node, &WriteRequest{Conditional: true, Records: d.records, Checks: d.checks}, func(a WriteAnswer, err error) {
		d.called(func() {
			if d.q != q {
				return // of an earlier try
			}
			for i := range a.Held {
				d.c.observe(a.Held[i].Vector)
			}
			o := outcome(records, &a, err)
			d.copies.ended(o == quorum.OK)
			d.carry(q, q.Reply(to.Node, o))
		})
	})
}

// applyLocal stores the records here, if they cover what is here.
func (d *conditional) applyLocal(q *quorum.Conditional) {
	records, checks, accepted := d.records, d.checks, true
	keys := keysOf(records)
	for i := range checks {
		keys = append(keys, checks[i].Key)
	}
	d.calls++
	d.c.local(replica.Write, keys, func(x *replica.Records) {
		for i := range checks {
			w, err := x.Whole(len(records) + i)
			accepted = accepted && (err != nil || w.Accepts(checks[i].Vector))
		}
		for i := range records {
			w, err := x.Whole(i)
			accepted = accepted && (err != nil || w.Accepts(records[i].Whole.Vector))
		}
		for i := range records {
			if accepted {
				x.Put(i, &records[i].Whole)
			}
		}
	}, func(pos engine.Position, err error) {
		d.called(func() {
			d.pos, d.err = pos, err
			d.carry(q, q.Local(accepted && d.err == nil))
		})
	})
}

// mergeLocal brings the records here, and then goes on.
func (d *conditional) mergeLocal(q *quorum.Conditional, rest []quorum.Effect) {
	d.calls++
	d.c.merge(d.records, func(_ []HeldAnswer, pos engine.Position, err error) {
		d.called(func() {
			d.pos = max(d.pos, pos)
			if err != nil {
				d.err = err
			}
			d.carry(q, rest)
		})
	})
}

func (d *conditional) verdict() {
	v, accepted := d.q.Verdict()
	switch {
	case v == quorum.Met:
		d.end(nil, len(d.records))
	case v == quorum.NoQuorum: // others may have it, whatever this node's engine says
		d.c.counts.failed(v)
		d.end(&Error{v.Error(accepted, d.W)}, 0)
	case d.err != nil:
		d.end(d.err, 0)
	case v == quorum.Retry:
		d.retry()
	default:
		d.c.counts.failed(v)
		d.end(&Error{v.Error(accepted, d.W)}, 0)
	}
}

// retry tries again after a random pause of at least 1 ms, which is longer each time.
func (d *conditional) retry() {
	if d.tries >= maxTries {
		d.c.counts.failed(quorum.Retry)
		d.end(errGaveUp, 0)
		return
	}
	d.c.counts.retries.Add(1)
	pause := time.Millisecond + time.Duration(d.c.o.Random(2*int64(d.tries)*int64(time.Millisecond)))
	d.c.o.After(pause, func() { d.post(d.try) })
}

// end answers, and gives the turn on.
func (d *conditional) end(err error, changes int) {
	d.answer(err, changes)
	d.c.turns.give(&d.ticket)
	d.calls--
	d.over()
}

func (d *conditional) answer(err error, changes int) {
	d.answered = true
	d.copies.answer(err == nil && changes > 0)
	d.call.Txn.Finish(err, d.pos, changes)
	d.over()
}
