package memory

import (
	"math/bits"

	"github.com/rldb/rldb/engine"
)

// Try carries t out, unless it is about large entries or about some that a
// started transaction has marked.
//
// A Decide that panics leaves nothing locked and nothing changed: that is what
// the deferred unlocks are for, which cost a nanosecond.
func (e *Engine) Try(t *engine.Txn) bool {
	if !e.admit(t) {
		return true
	}
	if len(t.Keys) == 1 {
		return e.tryOne(t)
	}
	return e.tryMany(t, e.index)
}

// admit prepares a transaction; false if it cannot be carried out.
func (e *Engine) admit(t *engine.Txn) bool {
	t.Prepare()
	if t.Err = e.check(); t.Err != nil {
		return false
	}
	for i := range t.Keys {
		if len(t.Keys[i].Name) > engine.MaxKey {
			t.Err = engine.ErrTooLarge
			return false
		}
	}
	return true
}

func (e *Engine) tryOne(t *engine.Txn) bool {
	k, ch := &t.Keys[0], &t.New[0]
	s := &e.shards[shardOf(k.Slot)]
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(k)
	if s.size(at) > engine.Large && !e.index || s.isMarked(k) {
		return false
	}
	t.Old[0] = s.read(at, t.Mode)
	t.Step.Decide(t)
	if t.Mode == engine.Read {
		return true
	}
	if tooLarge(ch) {
		t.Err = engine.ErrTooLarge
		return true
	}
	t.Err = s.apply(at, k, ch)
	s.tidy()
	return true
}

// tryMany is Try for several keys. patient: large entries do not matter.
func (e *Engine) tryMany(t *engine.Txn, patient bool) bool {
	set := shardsOf(t.Keys)
	e.lock(set)
	defer e.unlock(set)
	size := 0
	for i := range t.Keys {
		k := &t.Keys[i]
		s := &e.shards[shardOf(k.Slot)]
		at := s.find(k)
		size += s.size(at)
		if size > engine.Large && !patient || s.isMarked(k) {
			clear(t.Old)
			return false
		}
		t.Old[i] = s.read(at, t.Mode)
	}
	t.Step.Decide(t)
	if t.Mode == engine.Read {
		return true
	}
	t.Err = e.applyMany(t, nil)
	for ; set != 0; set &= set - 1 {
		e.shards[bits.TrailingZeros64(set)].tidy()
	}
	return true
}

// applyMany carries out all of t.New, of which some may be staged already: these
// are freed if it fails. First it does what can fail: new objects
// are written, and new keys entered. Only then is any old entry touched, so
// until then all can be undone, and every Body is still what it was.
func (e *Engine) applyMany(t *engine.Txn, large []ref) error {
	for i := range t.New {
		if tooLarge(&t.New[i]) {
			return engine.ErrTooLarge
		}
	}
	var few [16]ref
	staged := few[:0]
	for i := range t.Keys {
		r, err := e.stageOne(t, i, large)
		if err != nil {
			e.unstage(t, staged)
			e.discard(t, large, i+1)
			return err
		}
		staged = append(staged, r)
	}
	for i, r := range staged {
		e.commitOne(t, i, r)
	}
	return nil
}

// stageOne does what can fail of a change, and gives the new object, or 0 if it
// needs none. What it fails with is freed.
func (e *Engine) stageOne(t *engine.Txn, i int, large []ref) (r ref, err error) {
	k, ch := &t.Keys[i], &t.New[i]
	s := &e.shards[shardOf(k.Slot)]
	at := s.find(k)
	switch {
	case i < len(large) && large[i] != 0:
		r = large[i]
	case ch.Action != engine.Put || s.inPlace(at, k, ch):
		return 0, nil
	default:
		r, err = s.stage(k, ch)
	}
	if err == nil && at.ref == 0 {
		err = s.add(at, k, r)
	}
	return r, err
}

// unstage undoes stageOne for the first keys.
func (e *Engine) unstage(t *engine.Txn, staged []ref) {
	for i, r := range staged {
		if r == 0 {
			continue
		}
		k := &t.Keys[i]
		s := &e.shards[shardOf(k.Slot)]
		if at := s.find(k); at.ref == r {
			s.delete(at, k)
		} else {
			s.heap.free(r)
		}
	}
}

// commitOne does the rest of a change, which cannot fail.
func (e *Engine) commitOne(t *engine.Txn, i int, r ref) {
	k, ch := &t.Keys[i], &t.New[i]
	s := &e.shards[shardOf(k.Slot)]
	at := s.find(k)
	switch {
	case ch.Action == engine.Delete && at.ref != 0:
		s.delete(at, k)
	case ch.Action != engine.Put || at.ref == r:
		// nothing was asked for, or stageOne has done it
	case r != 0:
		s.replace(at, r)
	default:
		s.overwrite(at, ch)
	}
}

func tooLarge(ch *engine.Change) bool {
	return ch.Action == engine.Put && len(ch.Head)+len(ch.Body) > engine.MaxValue
}

// shardsOf is the set of the shards of keys: bit i is shard i.
func shardsOf(keys []engine.Key) (set uint64) {
	for i := range keys {
		set |= 1 << shardOf(keys[i].Slot)
	}
	return set
}

// lock locks a set of shards in ascending order: the order that keeps
// transactions from waiting for each other in a circle.
func (e *Engine) lock(set uint64) {
	for ; set != 0; set &= set - 1 {
		e.shards[bits.TrailingZeros64(set)].mu.Lock()
	}
}

func (e *Engine) unlock(set uint64) {
	for ; set != 0; set &= set - 1 {
		e.shards[bits.TrailingZeros64(set)].mu.Unlock()
	}
}
