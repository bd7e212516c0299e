package coordinator

import (
	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/replica"
)

// blind is a write that is made over what this node holds, in its keys' turn, and
// then sent to the others. Where it is minted again over what they held, and
// where 2W ≤ N, so that they would not tell, over what a quorum read has found.
type blind struct {
	operation
	place
	ticket
	copies
	keys    []engine.Key
	maker   maker
	once    bool // it is not minted again
	reads   bool // a quorum, in its turn, before it is applied
	read    []found
	changes []change      // parallel to keys
	records []Entry       // of the changed ones; those of this round
	request *WriteRequest // with them
	round   int
	q       *quorum.Write
	sends   []quorum.Effect // of q, to be carried out once it is applied here
	err     error
	pos     engine.Position
}

// maker says what a blind write writes.
type maker interface {
	// decide fills b.changes, in the keys' turn, over the records that are there. An
	// error ends the write before anything is applied.
	decide(b *blind, over []over) error
	// mint makes key i's record. Its bytes are the operation's own.
	mint(b *blind, i int, over *record.Whole, dot record.Dot) record.Whole
	// done is called once: the write was met, or err says why not.
	done(b *blind, err error)
}

// over is what a key's record is written over; damaged: nobody knows.
type over struct {
	record  record.Whole
	damaged bool
}

// change is what becomes of a key.
type change struct {
	made    bool
	deletes bool
	value   record.Value // unless it deletes
	floor   record.HLC   // what the dot must be above, besides the record's
	dot     record.Dot
	seen    record.Vector // what replies told of
}

// start waits for the keys' turn, whose memory must stay as it is.
func (b *blind) start(w *Written) {
	b.c.counts.writes.Add(1)
	b.c.begin()
	b.copies.enter(w)
	b.changes = make([]change, len(b.keys))
	if !b.c.turns.take(&b.ticket, b.keys, func() { b.post(b.turn) }) {
		b.post(func() { b.answer(errWaiting) })
	}
}

// turn begins in the keys' turn.
func (b *blind) turn() {
	b.calls++ // until it gives the turn on: whose turn is next is then under way
	targets := b.targets(make([]quorum.Target, 0, len(b.owners)))
	o := quorum.WriteOptions{W: b.W, Once: b.once, Spares: b.spares(targets)}
	b.q, b.sends = quorum.NewWrite(o, targets)
	if v, _ := b.q.Verdict(); v == quorum.ClusterDown {
		b.c.counts.failed(v)
		b.giveUp(&Error{v.Error(len(targets), b.W)})
		return
	}
	if b.reads {
		b.readFirst()
		return
	}
	b.apply()
}

// readFirst has the write made over what a quorum holds.
func (b *blind) readFirst() {
	b.place.read(b.keys, b.c.clock.MilliAt(b.c.o.Wall()), func(r *reading) {
		b.post(func() {
			if err := r.failure(); err != nil {
				b.giveUp(err)
				return
			}
			b.read = r.found
			b.apply()
		})
	})
}

// giveUp ends a write in its turn, before anything was applied.
func (b *blind) giveUp(err error) {
	b.answer(err)
	b.give()
}

func (b *blind) give() {
	b.c.turns.give(&b.ticket)
	b.calls--
	b.over()
}

// apply mints the records and stores them here.
func (b *blind) apply() {
	b.calls++
	b.c.local(replica.Write, b.keys, b.decide, func(pos engine.Position, err error) {
		b.called(func() { b.applied(pos, err) })
	})
}

func (b *blind) decide(x *replica.Records) {
	b.records = nil
	below := make([]over, len(b.keys))
	for i := range below {
		w, err := x.Whole(i)
		if err == nil {
			below[i].record = *w
		}
		below[i].damaged = err != nil
		if b.read != nil {
			below[i].record = record.Merge(&below[i].record, &b.read[i].record)
		}
	}
	if b.err = b.maker.decide(b, below); b.err != nil {
		return
	}
	places := b.mint(below)
	if b.err = b.c.bounded(b.records, len(b.owners)); b.err != nil {
		return
	}
	for j := range b.records {
		x.Put(places[j], &b.records[j].Whole)
	}
}

// mint makes the changed keys' records, with dots of one time, and says whose they
// are.
func (b *blind) mint(below []over) (places []int) {
	floor := record.HLC(0)
	for i := range b.changes {
		if b.changes[i].made {
			floor = max(floor, b.changes[i].floor, below[i].record.Floor(nil))
		}
	}
	dot := b.c.dot(floor)
	for i := range b.changes {
		if y := &b.changes[i]; y.made {
			y.dot = dot
			places = append(places, i)
			b.records = append(b.records, Entry{b.keys[i], b.maker.mint(b, i, &below[i].record, dot)})
		}
	}
	return places
}

// dot mints one above floor.
func (c *Coordinator) dot(floor record.HLC) record.Dot {
	return record.Dot{Actor: c.store.Actor(), HLC: c.clock.After(floor, c.o.Wall())}
}

// bounded refuses records that do not fit into one frame between owners.
func (c *Coordinator) bounded(records []Entry, owners int) error {
	size := 0
	for i := range records {
		e := &records[i]
		size += len(e.Key.Name) + entryRoom + len(e.Whole.Vector)*dotRoom
		for j := range e.Whole.Values {
			size += len(e.Whole.Values[j].Value) + entryRoom
		}
	}
	if size > c.o.MaxBytes && owners > 1 {
		return errTooLarge
	}
	return nil
}

// What a record and a dot take besides names and values, at most.
const (
	entryRoom = 64
	dotRoom   = 16
)

// applied begins to send what is stored here. It is sent before the turn goes on, so that a
// later write of the same keys does not overtake it.
func (b *blind) applied(pos engine.Position, err error) {
	if b.err == nil {
		b.err = err
	}
	b.pos = pos
	b.request = &WriteRequest{Records: b.records}
	if b.err != nil || len(b.records) == 0 {
		b.giveUp(b.err)
		return
	}
	b.carry(b.sends)
	b.give()
}

func (b *blind) carry(effects []quorum.Effect) {
	for i := 0; i < len(effects); i++ {
		switch e := effects[i]; {
		case e.Kind == quorum.Remint:
			b.remint(e.Round, effects[i+1:])
			return
		case e.Kind == quorum.Send && e.Target.Node == b.self:
			// It is stored here, over all that was here.
			effects = append(effects, b.q.Reply(quorum.WriteReply{Node: b.self, Round: e.Round})...)
		case e.Kind == quorum.Send:
			b.send(e)
		case e.Kind == quorum.Answer:
			b.verdict()
		}
	}
}

func (b *blind) send(e quorum.Effect) {
	if !e.Target.Owner() {
		b.c.counts.fallbacks.Add(1)
	}
	b.calls++
	b.copies.sent()
	request := b.request
	b.c.o.Peers.Write(e.Target.Node, request, func(a WriteAnswer, err error) {
		b.called(func() { b.reply(e, &a, outcome(len(request.Records), &a, err)) })
	})
}

func (b *blind) reply(e quorum.Effect, a *WriteAnswer, o quorum.Outcome) {
	if e.Round != b.round {
		return // of what has been minted again since
	}
	b.copies.ended(o == quorum.OK)
	r := quorum.WriteReply{Node: e.Target.Node, Round: e.Round, Outcome: o, Known: true}
	if o == quorum.OK {
		b.met(&r, a.Held)
	}
	b.carry(b.q.Reply(r))
}

// met says whether the write met something at a replica.
func (b *blind) met(r *quorum.WriteReply, held []HeldAnswer) {
	j := 0
	for i := range b.changes {
		y := &b.changes[i]
		if !y.made {
			continue
		}
		h := &held[j]
		j++
		b.c.observe(h.Vector)
		if quorum.Meets(y.dot, y.deletes, h.Unseen) {
			y.seen = y.seen.Union(h.Vector)
			r.Met, r.Known = true, r.Known && h.Known
		}
	}
}

// remint makes the records anew over what is here and what replies told of, and
// then goes on with the effects that are left. It takes the keys' turn for that: a
// conditional command that has it may be about to store what it has decided.
func (b *blind) remint(round int, rest []quorum.Effect) {
	b.c.counts.remints.Add(1)
	b.round = round
	b.copies.again()
	keys := keysOf(b.records)
	b.records = make([]Entry, len(keys))
	b.calls++
	b.ticket = ticket{}
	if !b.c.turns.take(&b.ticket, keys, func() { b.post(func() { b.mintInTurn(keys, rest) }) }) {
		b.calls--
		b.answer(&Error{quorum.NoQuorum.Error(0, b.W)})
	}
}

func (b *blind) mintInTurn(keys []engine.Key, rest []quorum.Effect) {
	b.c.local(replica.Write, keys, func(x *replica.Records) { b.mintAgain(x, keys) }, func(pos engine.Position, err error) {
		b.post(func() {
			b.pos = max(b.pos, pos)
			if err != nil {
				b.giveUp(err)
				return
			}
			b.request = &WriteRequest{Records: b.records}
			b.carry(rest)
			b.give()
		})
	})
}

func (b *blind) mintAgain(x *replica.Records, keys []engine.Key) {
	j := 0
	for i := range b.changes {
		y := &b.changes[i]
		if !y.made {
			continue
		}
		w, err := x.Whole(j)
		if err != nil {
			w = &record.Whole{}
		}
		e := &b.records[j]
		e.Key = keys[j]
		if err == nil && b.superseded(y, w) {
			e.Whole = cloned(w)
			y.dot = greatest(w)
		} else {
			// The new record overwrites all, so it needs no values of what it has seen.
			seen := record.Whole{Vector: w.Vector.Union(y.seen)}
			y.dot = b.c.dot(seen.Floor(nil))
			e.Whole = seen.Put(y.dot, y.value)
			if y.deletes {
				e.Whole = seen.Delete(y.dot)
			}
			x.Put(j, &e.Whole)
		}
		j++
	}
}

// superseded says that a later write of this node's, which has seen this one, has
// taken its place: it is for that one to stand where it must. To mint this one
// again would undo that one.
func (b *blind) superseded(y *change, w *record.Whole) bool {
	for i := range w.Values {
		d := w.Values[i].Dot
		if d == y.dot {
			return false
		}
		if d.Actor == y.dot.Actor && d.HLC > y.dot.HLC {
			return true
		}
	}
	return !y.deletes && w.Vector.Has(y.dot)
}

// greatest is the greatest dot that w has seen.
func greatest(w *record.Whole) (d record.Dot) {
	for _, e := range w.Vector {
		if e.Compare(d) > 0 {
			d = e
		}
	}
	return d
}

func (b *blind) verdict() {
	v, copies := b.q.Verdict()
	if v == quorum.Met {
		b.answer(nil)
		return
	}
	b.c.counts.failed(v)
	b.answer(&Error{v.Error(copies, b.W)})
}

func (b *blind) answer(err error) {
	b.answered = true
	b.copies.answer(err == nil && len(b.records) > 0)
	b.maker.done(b, err)
	b.over()
}
