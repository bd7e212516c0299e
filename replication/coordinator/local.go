package coordinator

import (
	"bytes"
	"slices"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

// local carries out a transaction on this node's records. decide is called in the
// keys' turn at the engine, done at the end, from another goroutine perhaps.
func (c *Coordinator) local(mode engine.Mode, keys []engine.Key, decide func(*replica.Records), done func(engine.Position, error)) {
	x, _ := c.locals.Get().(*local)
	if x == nil {
		x = new(local)
	}
	x.c, x.decide, x.done = c, decide, done
	x.records.Reset(c.store, mode, x)
	for i := range keys {
		x.records.Key(keys[i])
	}
	if c.store.TryRecords(&x.records) {
		x.Done(&x.records)
		return
	}
	c.store.StartRecords(&x.records, x)
}

// local is the step of one, used again and again.
type local struct {
	c       *Coordinator
	records replica.Records
	decide  func(*replica.Records)
	done    func(engine.Position, error)
}

// Decide implements replica.RecordStep.
func (x *local) Decide(r *replica.Records) { x.decide(r) }

// Done implements replica.RecordStep.
func (x *local) Done(r *replica.Records) {
	done, pos, err := x.done, r.Pos(), r.Err()
	r.Trim()
	c := x.c
	x.decide, x.done = nil, nil
	c.locals.Put(x)
	done(pos, err)
}

// merge merges records into this node's. What it tells is parallel to them.
func (c *Coordinator) merge(records []Entry, done func([]HeldAnswer, engine.Position, error)) {
	held := make([]HeldAnswer, len(records))
	c.local(replica.Write, keysOf(records), func(x *replica.Records) {
		for i := range records {
			mergeInto(x, i, &records[i].Whole, &held[i])
		}
	}, func(pos engine.Position, err error) { done(held, pos, err) })
}

func keysOf(records []Entry) []engine.Key {
	keys := make([]engine.Key, len(records))
	for i := range records {
		keys[i] = records[i].Key
	}
	return keys
}

// mergeInto merges w into key i's record, and tells what is held then. A damaged
// record is replaced.
func mergeInto(x *replica.Records, i int, w *record.Whole, held *HeldAnswer) {
	m := *w
	if old, err := x.Whole(i); err == nil && !old.IsZero() {
		if old.Vector.Covers(w.Vector) {
			m = *old
		} else {
			m = record.Merge(old, w)
			x.Put(i, &m)
		}
	} else {
		x.Put(i, &m)
	}
	if held.Unseen = m.Unseen(nil, w.Vector); len(held.Unseen) > 0 {
		held.Vector = slices.Clone(m.Vector)
	}
}

// cloned is w in memory of its own.
func cloned(w *record.Whole) (c record.Whole) {
	c.Vector, c.Values = slices.Clone(w.Vector), slices.Clone(w.Values)
	for i := range c.Values {
		c.Values[i].Value = bytes.Clone(c.Values[i].Value)
	}
	return c
}
