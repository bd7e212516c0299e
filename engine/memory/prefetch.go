package memory

import (
	"unsafe"

	"github.com/rldb/rldb/engine"
)

// A look-up waits for memory twice: for the cell of the index, and for the
// entry that the cell refers to; with millions of keys neither is in a cache.
// Prefetch has the processor wait for those of several keys at once.

const (
	cacheLine = 64
	// fetchLines is how many cache lines of an entry are fetched: enough for
	// a key and a value of usual sizes.
	fetchLines = 3
	// fetchKeys is how many keys are fetched together: about as many as have
	// room in the processor's queue of outstanding loads.
	fetchKeys = 16
)

// Prefetch fetches what a look-up of the keys will read. The keys need not
// exist, and may change before they are looked up: it is a hint.
func (e *Engine) Prefetch(keys []engine.Key) {
	if e.closed.Load() {
		return
	}
	for len(keys) > 0 {
		n := min(len(keys), fetchKeys)
		// The locks are for finding the places. What is there may change before
		// it is fetched: nothing is read, so it does not matter.
		for i := range keys[:n] {
			prefetch(e.shards[shardOf(keys[i].Slot)].cellOf(&keys[i]))
		}
		for i := range keys[:n] {
			p, size := e.shards[shardOf(keys[i].Slot)].entryOf(&keys[i])
			for at := 0; at < min(size, fetchLines*cacheLine); at += cacheLine {
				prefetch(unsafe.Add(p, at))
			}
		}
		keys = keys[n:]
	}
}

// cellOf is where the search for k begins, or nil.
func (s *shard) cellOf(k *engine.Key) unsafe.Pointer {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.leaf(localSlot(k.Slot), k.Hash)
	t := s.heap.table(at.link)
	if t == nil {
		return nil
	}
	return unsafe.Pointer(&t[t.home(tail(k.Hash, at.bits))])
}

// entryOf is the first entry that may be k's, going by its cell, and its size;
// or nil.
func (s *shard) entryOf(k *engine.Key) (unsafe.Pointer, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.leaf(localSlot(k.Slot), k.Hash)
	t := s.heap.table(at.link)
	lo, hi := t.run(tail(k.Hash, at.bits))
	if lo == hi {
		return nil, 0
	}
	r := t[lo].ref()
	b := s.heap.slab(r.slab())
	return b.object(r.index()), int(b.size)
}
