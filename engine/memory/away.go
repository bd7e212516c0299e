package memory

import (
	"bytes"
	"math/bits"
	"runtime"
	"sync"

	"github.com/rldb/rldb/engine"
)

// away carries out started transactions: those on large entries, whose copying
// nobody should wait for but who asked for it, and those that would meet one.
//
// Their keys are marked for as long as they take, which keeps all others from
// the keys and leaves the shards to everybody: locks are held only to find and
// to link entries. Copies are made while none is held.
//
// Transactions start in the order in which they came, up to maxAway at once;
// one that meets a marked key waits for it, and keeps a place.
type away struct {
	wg sync.WaitGroup

	mu      sync.Mutex // guards what follows; no other lock is taken below it
	waiting []*engine.Txn
	running int
	ends    int // transactions that were unmarked so far
	ended   sync.Cond
}

const (
	maxAway    = 4
	maxWaiting = 16384 // what comes beyond fails with ErrBusy
	// maxMarked is up to how many keys a transaction marks. One of more keys
	// holds the locks of their shards instead.
	maxMarked = 64
)

// mark keeps others from a key.
type mark struct {
	slot uint16
	hash uint64
	name []byte
}

func (a *away) init() { a.ended.L = &a.mu }

// Start has t carried out by a goroutine of away's.
func (e *Engine) Start(t *engine.Txn) {
	a := &e.away
	a.mu.Lock()
	if len(a.waiting) == maxWaiting {
		a.mu.Unlock()
		t.Prepare()
		t.Err = ErrBusy
		t.Step.Done(t)
		return
	}
	a.waiting = append(a.waiting, t)
	if a.running < maxAway {
		a.running++
		a.wg.Go(e.work)
	}
	a.mu.Unlock()
}

// work carries out what waits, until nothing does.
func (e *Engine) work() {
	a := &e.away
	for {
		a.mu.Lock()
		if len(a.waiting) == 0 {
			a.waiting = nil
			a.running--
			a.mu.Unlock()
			return
		}
		t := a.waiting[0]
		a.waiting[0] = nil
		a.waiting = a.waiting[1:]
		a.mu.Unlock()
		if e.admit(t) {
			e.carry(t)
			e.arena.bury()
		}
		t.Step.Done(t)
		runtime.Gosched() // whoever the memory was copied for goes first
	}
}

// carry carries t out.
func (e *Engine) carry(t *engine.Txn) {
	if len(t.Keys) > maxMarked {
		for ends := e.away.count(); !e.tryMany(t, true); ends = e.away.count() {
			e.away.wait(ends)
		}
		return
	}
	set := shardsOf(t.Keys)
	for ends := e.away.count(); !e.mark(t, set); ends = e.away.count() {
		e.away.wait(ends)
	}
	defer e.unmark(t, set)
	t.Step.Decide(t)
	if t.Mode != engine.Read {
		t.Err = e.commit(t, set)
	}
}

func (a *away) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ends
}

// wait waits until more transactions were unmarked than so many.
func (a *away) wait(ends int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.ends == ends {
		a.ended.Wait()
	}
}

// mark marks the keys of t and hands out their entries, all or none: false if one
// is marked already. Only objects of bigClass stay where they are while their
// shard is not locked: others are copied.
func (e *Engine) mark(t *engine.Txn, set uint64) bool {
	e.lock(set)
	defer e.unlock(set)
	for i := range t.Keys {
		if k := &t.Keys[i]; e.shards[shardOf(k.Slot)].isMarked(k) {
			return false
		}
	}
	for i := range t.Keys {
		k := &t.Keys[i]
		s := &e.shards[shardOf(k.Slot)]
		s.marked = append(s.marked, mark{k.Slot, k.Hash, k.Name})
		at := s.find(k)
		t.Old[i] = s.read(at, t.Mode)
		if at.ref != 0 && s.heap.slab(at.ref.slab()).class != bigClass {
			t.Old[i].Value = bytes.Clone(t.Old[i].Value)
		}
	}
	return true
}

func (s *shard) isMarked(k *engine.Key) bool {
	for i := range s.marked {
		if m := &s.marked[i]; m.slot == k.Slot && m.hash == k.Hash && bytes.Equal(m.name, k.Name) {
			return true
		}
	}
	return false
}

// unmark ends what mark began. The names are gone from the marks before their
// owner may change them.
func (e *Engine) unmark(t *engine.Txn, set uint64) {
	e.lock(set)
	for i := range t.Keys {
		k := &t.Keys[i]
		s := &e.shards[shardOf(k.Slot)]
		for j := range s.marked {
			if m := &s.marked[j]; m.hash == k.Hash && m.slot == k.Slot && bytes.Equal(m.name, k.Name) {
				last := len(s.marked) - 1
				s.marked[j], s.marked[last] = s.marked[last], mark{}
				s.marked = s.marked[:last]
				break
			}
		}
	}
	e.unlock(set)
	a := &e.away
	a.mu.Lock()
	a.ends++
	a.mu.Unlock()
	a.ended.Broadcast()
}

// commit carries out the changes of a transaction whose keys are marked. What is
// large is written to objects that nothing refers to yet, with no lock held.
func (e *Engine) commit(t *engine.Txn, set uint64) error {
	large := make([]ref, len(t.Keys))
	for i := range t.Keys {
		var err error
		if large[i], err = e.stageLarge(&t.Keys[i], &t.New[i]); err != nil {
			e.lock(set)
			defer e.unlock(set)
			e.discard(t, large, 0)
			return err
		}
	}
	e.lock(set)
	defer e.unlock(set)
	err := e.applyMany(t, large)
	for ; set != 0; set &= set - 1 {
		e.shards[bits.TrailingZeros64(set)].tidy()
	}
	return err
}

// stageLarge writes a Put to a new object if that is of bigClass; 0 if not.
func (e *Engine) stageLarge(k *engine.Key, ch *engine.Change) (ref, error) {
	size := entrySize(len(k.Name), len(ch.Head)+len(ch.Body))
	switch {
	case ch.Action != engine.Put || entryClass(size) != bigClass:
		return 0, nil
	case tooLarge(ch):
		return 0, engine.ErrTooLarge
	}
	s := &e.shards[shardOf(k.Slot)]
	s.mu.Lock()
	r, err := s.heap.newEntry(size)
	if err != nil {
		s.mu.Unlock()
		return 0, err
	}
	to := s.heap.entry(r)
	s.mu.Unlock()
	to.init(k)
	to.set(ch)
	return r, nil
}

// discard frees what was staged, from a number on.
func (e *Engine) discard(t *engine.Txn, large []ref, from int) {
	for i := from; i < len(large); i++ {
		if large[i] != 0 {
			e.shards[shardOf(t.Keys[i].Slot)].heap.free(large[i])
		}
	}
}
