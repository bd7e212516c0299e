package coordinator

import (
	"bytes"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// Got is what Get has read.
type Got struct {
	Record record.Whole // its values' bytes are the receiver's to keep, not to change
	Err    error
}

// Get reads a whole record by quorum (RLDB.GET).
func (c *Coordinator) Get(k engine.Key, q Quorum, done func(Got)) {
	c.counts.reads.Add(1)
	p, err := c.placeOf(k.Slot, c.quorum(q))
	if err != nil {
		done(Got{Err: err})
		return
	}
	c.get(p, ownKey(k), func(f *found, err error) {
		if err == nil && f.damaged {
			err = f.err
		}
		done(Got{f.record, err})
	})
}

func ownKey(k engine.Key) []engine.Key {
	k.Name = bytes.Clone(k.Name)
	return []engine.Key{k}
}

// get reads one key, behind writes of it that wait.
func (c *Coordinator) get(p place, keys []engine.Key, done func(*found, error)) {
	now := c.clock.MilliAt(c.o.Wall())
	if !c.turns.behind(new(ticket), keys, func() {
		p.read(keys, now, func(r *reading) { done(&r.found[0], r.failure()) })
	}) {
		done(&found{}, errWaiting)
	}
}

// contextWrite is a write over what a client has seen.
type contextWrite struct {
	context    record.Vector
	has        bool // the client has given one
	deletes    bool
	value      record.Value
	removed    int
	dropped    int
	siblings   int
	vector     record.Vector // of the new record
	c          *Coordinator
	afterwards func(m *contextWrite, err error)
}

// Put writes a value over what context has seen (RLDB.PUT); hasContext false: over nothing, beside what is there. done gets the
// vector from which the next context is made: the new record's, if the value stands alone in it. Else it is the context that was
// given, which the write has overtaken: who has not seen the values beside it must read before it writes again.
func (c *Coordinator) Put(k engine.Key, context record.Vector, hasContext bool, value []byte, expireAt int64, q Quorum, w *Written, done func(record.Vector, error)) {
	m := &contextWrite{c: c, context: context, has: hasContext, value: ownValue(value, expireAt)}
	m.afterwards = func(m *contextWrite, err error) {
		if m.siblings > 1 {
			done(m.context, err)
			return
		}
		done(m.vector, err)
	}
	m.start(k, q, w)
}

// Delete deletes what context has seen (RLDB.DEL), and leaves what it has not; removed says how many values went.
func (c *Coordinator) Delete(k engine.Key, context record.Vector, q Quorum, w *Written, done func(removed int, err error)) {
	m := &contextWrite{c: c, context: context, deletes: true}
	m.afterwards = func(m *contextWrite, err error) { done(m.removed, err) }
	m.start(k, q, w)
}

// start reads first: a context that a quorum finds overtaken is refused.
func (m *contextWrite) start(k engine.Key, q Quorum, w *Written) {
	c := m.c
	p, err := c.placeOf(k.Slot, c.quorum(q))
	if err != nil {
		m.afterwards(m, err)
		return
	}
	keys := ownKey(k)
	c.get(p, keys, func(f *found, err error) {
		switch {
		case err != nil:
		case f.damaged:
			err = f.err
		case m.overtaken(&f.record):
			err = ErrStale
		}
		if err != nil {
			m.afterwards(m, err)
			return
		}
		b := &blind{operation: operation{c: c}, place: p, keys: keys, maker: m, once: true, read: []found{*f}}
		b.start(w)
	})
}

func (m *contextWrite) overtaken(w *record.Whole) bool { return m.has && w.Overtaken(m.context) }

// decide implements maker, over what was read and what is here by now.
func (m *contextWrite) decide(b *blind, below []over) error {
	if m.overtaken(&below[0].record) {
		return ErrStale
	}
	made := !m.deletes
	for i := range below[0].record.Values {
		made = made || m.context.Has(below[0].record.Values[i].Dot)
	}
	b.changes[0] = change{made: made, deletes: m.deletes, floor: m.context.Max()}
	return nil
}

func (m *contextWrite) mint(b *blind, _ int, over *record.Whole, dot record.Dot) record.Whole {
	var w record.Whole
	before := len(over.Values)
	if m.deletes {
		w, m.dropped = over.DeleteContext(m.context, dot, b.c.o.Siblings)
		m.removed = before - len(w.Values) - m.dropped
	} else {
		w, m.dropped = over.PutContext(m.context, dot, m.value, b.c.o.Siblings)
	}
	m.siblings, m.vector = len(w.Values), w.Vector
	return cloned(&w)
}

// done implements maker. Nobody else waits until this node's copy is durable.
func (m *contextWrite) done(b *blind, err error) {
	if m.vector != nil {
		m.c.counts.siblingsDropped.Add(int64(m.dropped))
		if m.siblings > 1 {
			m.c.counts.siblingsMade.Add(1)
		}
	}
	if err != nil || b.pos == 0 {
		m.afterwards(m, err)
		return
	}
	m.c.begin()           // Close waits for this, too
	_ = m.c.store.Flush() // where it failed, and that matters here, Await says so
	m.c.store.Await(b.pos, func(err error) {
		m.afterwards(m, err)
		m.c.end()
	})
}
