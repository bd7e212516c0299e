package coordinator

import (
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/replica"
)

// reading is a quorum read of some keys of one slot. It goes on after its answer,
// until who lacks what was read has been sent it.
type reading struct {
	operation
	place
	keys  []engine.Key
	now   int64
	reads []*quorum.Read
	found []found
	own   []ownCopy
	left  int             // reads without a verdict
	tries int             // before this one
	blind bool            // it could have been answered, had this node known how things stand
	pos   engine.Position // what this node's own copies need
	err   error           // of the engine
	done  func(*reading)
}

// found is what was read of a key.
type found struct {
	record  record.Whole
	damaged bool // this node's copy is, and the others were too few
	err     *Error
}

// ownCopy is this node's record of a key.
type ownCopy struct {
	record  record.Whole
	damaged bool
}

// read reads keys, whose memory must stay as it is, and calls done once, with an
// answer for each.
func (p place) read(keys []engine.Key, now int64, done func(*reading)) {
	p.readAgain(keys, now, 0, done)
}

func (p place) readAgain(keys []engine.Key, now int64, tries int, done func(*reading)) {
	r := &reading{operation: operation{c: p.by}, place: p, keys: keys, now: now, left: len(keys), tries: tries, done: done}
	r.found, r.own = make([]found, len(keys)), make([]ownCopy, len(keys))
	p.by.begin()
	r.calls++
	p.by.local(replica.Read, keys, func(x *replica.Records) { copyOwn(r.own, x) }, func(pos engine.Position, err error) {
		r.called(func() { r.ask(pos, err) })
	})
}

// copyOwn takes this node's records out of the engine's memory.
func copyOwn(own []ownCopy, x *replica.Records) {
	for i := range own {
		w, err := x.Whole(i)
		if own[i].damaged = err != nil; err == nil {
			own[i].record = cloned(w)
		}
	}
}

// ask starts the reads, once this node's copies are there.
func (r *reading) ask(pos engine.Position, err error) {
	if r.err = err; err != nil {
		r.answer()
		return
	}
	r.pos = pos
	self, others := r.readers(make([]quorum.Target, 0, len(r.owners)))
	r.reads = make([]*quorum.Read, len(r.keys))
	var b batches
	for i := range r.keys {
		own := &r.own[i].record
		if r.own[i].damaged {
			own = nil
		}
		q, effects := quorum.NewRead(quorum.ReadOptions{R: r.R, W: r.W, Now: r.now, Others: r.others}, self, own, others)
		r.reads[i] = q
		b.add(i, effects)
	}
	r.carry(b)
}

func (r *reading) carry(bs batches) {
	for i := range bs {
		b := &bs[i]
		switch b.kind {
		case quorum.Ask:
			r.hash(b)
		case quorum.Fetch:
			r.fetch(b)
		case quorum.Repair:
			r.repair(b)
		}
	}
	for i := range bs {
		if bs[i].kind == quorum.Answer {
			for _, k := range bs[i].at {
				r.decided(k)
			}
		}
	}
}

func (r *reading) keysOf(b *batch) []engine.Key {
	if len(b.at) == len(r.keys) {
		return r.keys
	}
	keys := make([]engine.Key, 0, len(b.at))
	for _, k := range b.at {
		keys = append(keys, r.keys[k])
	}
	return keys
}

func (r *reading) hash(b *batch) {
	r.calls++
	r.c.o.Peers.Hash(b.node, r.keysOf(b), func(a HashAnswer, err error) {
		r.called(func() {
			if err == nil && len(a.Hashes) != len(b.at) {
				err = errAnswer
			}
			r.feed(b, func(j int, q *quorum.Read) []quorum.Effect {
				if err != nil {
					return q.Failed(b.node)
				}
				return q.Hash(b.node, a.Hashes[j], a.Current)
			})
		})
	})
}

func (r *reading) fetch(b *batch) {
	r.calls++
	r.c.o.Peers.Fetch(b.node, r.keysOf(b), func(ws []record.Whole, err error) {
		r.called(func() {
			if err == nil && len(ws) != len(b.at) {
				err = errAnswer
			}
			r.feed(b, func(j int, q *quorum.Read) []quorum.Effect {
				if err != nil {
					return q.Failed(b.node)
				}
				r.c.observe(ws[j].Vector)
				return q.Whole(b.node, ws[j])
			})
		})
	})
}

// feed gives each key of b its part of an answer, and carries out what follows.
func (r *reading) feed(b *batch, one func(j int, q *quorum.Read) []quorum.Effect) {
	var next batches
	for j, k := range b.at {
		next.add(k, one(j, r.reads[k]))
	}
	r.carry(next)
}

// repair brings merged records to who lacks them.
func (r *reading) repair(b *batch) {
	r.c.counts.repairs.Add(int64(len(b.at)))
	records := make([]Entry, 0, len(b.at))
	for _, k := range b.at {
		records = append(records, Entry{r.keys[k], *r.reads[k].Record()})
	}
	end := func(held []HeldAnswer, ok bool) {
		r.feed(b, func(j int, q *quorum.Read) []quorum.Effect {
			var unseen []record.Dot
			if ok {
				unseen = held[j].Unseen
				r.c.observe(held[j].Vector)
			}
			return q.Repaired(b.node, records[j].Whole.Vector.Hash(), ok, unseen)
		})
	}
	r.calls++
	if b.node == r.self {
		r.c.merge(records, func(held []HeldAnswer, pos engine.Position, err error) {
			r.called(func() {
				r.pos = max(r.pos, pos)
				end(held, err == nil)
			})
		})
		return
	}
	r.c.o.Peers.Write(b.node, &WriteRequest{Records: records}, func(a WriteAnswer, err error) {
		r.called(func() { end(a.Held, outcome(len(records), &a, err) == quorum.OK) })
	})
}

// decided takes down what a key's read has come to.
func (r *reading) decided(k int) {
	q, f := r.reads[k], &r.found[k]
	f.record = *q.Record()
	if v := q.Verdict(); v != quorum.Met {
		heard, holders := q.Heard()
		have, need := heard, r.R
		if v == quorum.NoQuorum {
			have, need = holders, r.W
		}
		f.err = &Error{v.ReadError(have, need)}
		if f.damaged = r.own[k].damaged; !f.damaged && !r.blind {
			r.c.counts.failed(v)
		}
	}
	if r.left--; r.left == 0 {
		r.answer()
	}
}

// Where R current owners are not to be had, a node of sloppy quorums takes the answers of
// others for as good. One that was stopped for a while, and does not know yet how things
// stand, may only think so. It reads again until it knows, up to mostLooks times: then it
// hears from nobody, and nobody is there who would know better.
const (
	lookPause = 10 * time.Millisecond
	mostLooks = 100
)

// others is quorum.ReadOptions.Others.
func (r *reading) others() bool {
	if !r.c.o.Sloppy {
		return false
	}
	if r.tries == mostLooks || r.c.o.Knows() {
		return true
	}
	r.blind = true
	return false
}

func (r *reading) answer() {
	r.answered = true
	if r.blind && r.failure() != nil {
		r.c.begin() // there is one under way all the time
		r.c.o.After(lookPause, func() {
			r.readAgain(r.keys, r.now, r.tries+1, r.done)
			r.c.end()
		})
	} else {
		r.done(r)
	}
	r.over()
}

// failure is why the whole is not answered: the first key's error. A damaged copy
// that nobody could replace is none: the step is told of it.
func (r *reading) failure() error {
	if r.err != nil {
		return r.err
	}
	for i := range r.found {
		if f := &r.found[i]; f.err != nil && !f.damaged {
			return f.err
		}
	}
	return nil
}

// load shows a transaction what was read.
func (r *reading) load(t *replica.Txn) {
	for i := range r.found {
		f := &r.found[i]
		if f.damaged {
			f.record = record.Whole{}
		}
		t.Load(i, &f.record, f.damaged)
	}
}

// startRead carries out a command that changes nothing.
func (c *Coordinator) startRead(x *Call, p place) {
	c.counts.reads.Add(1)
	keys := ownKeys(x.Txn)
	if !c.turns.behind(new(ticket), keys, func() { p.read(keys, x.Txn.Now(), func(r *reading) { r.finish(x) }) }) {
		x.Txn.Finish(errWaiting, 0, 0)
	}
}

func (r *reading) finish(x *Call) {
	if err := r.failure(); err != nil {
		x.Txn.Finish(err, 0, 0)
		return
	}
	r.load(x.Txn)
	x.Txn.RunStep()
	x.Txn.Finish(nil, r.pos, 0)
}
