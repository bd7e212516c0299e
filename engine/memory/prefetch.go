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
		for i := range keys[:n] {
			e.shards[shardOf(keys[i].Slot)].fetchCell(&keys[i])
		}
		for i := range keys[:n] {
			e.shards[shardOf(keys[i].Slot)].fetchEntry(&keys[i])
		}
		keys = keys[n:]
	}
}

// fetchCell fetches the cell where the search for k begins.
func (s *shard) fetchCell(k *engine.Key) {
	s.mu.Lock()
	at := s.leaf(localSlot(k.Slot), k.Hash)
	if t := s.heap.table(at.link); t != nil {
		prefetch(unsafe.Pointer(&t[t.home(tail(k.Hash, at.bits))]))
	}
	s.mu.Unlock()
}

// fetchEntry fetches the first entry that may be k's, going by its cell.
func (s *shard) fetchEntry(k *engine.Key) {
	s.mu.Lock()
	at := s.leaf(localSlot(k.Slot), k.Hash)
	t := s.heap.table(at.link)
	if lo, hi := t.run(tail(k.Hash, at.bits)); lo < hi {
		r := t[lo].ref()
		b := s.heap.slab(r.slab())
		p := b.object(r.index())
		for i := 0; i < fetchLines*cacheLine && i < int(b.size); i += cacheLine {
			prefetch(unsafe.Add(p, i))
		}
	}
	s.mu.Unlock()
}
