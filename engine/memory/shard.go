package memory

import (
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// More shards would let more goroutines in at once. But each keeps slabs of its
// own, partly empty, for each class in use: with few keys, or values of many
// sizes, that is what memory goes to. 64 shards took 180 bytes a key where 16
// take 100, with 100,000 values of up to 1000 bytes.
const (
	shards        = 16
	slotsPerShard = engine.Slots / shards
)

// shardOf and localSlot divide a slot's number. Neighbours, which a node is
// likely to own together, are in different shards.
func shardOf(slot uint16) int      { return int(slot % shards) }
func localSlot(slot uint16) uint16 { return slot / shards }

// shard holds the entries of every 16th slot.
type shard struct {
	// mu guards everything in the shard and every byte of its heap's objects.
	// Only lens may be read without it.
	mu      sync.Mutex
	steps   int // cells and objects moved so far: what a call's work is measured by
	live    int64
	keys    int64
	heap    heap
	scratch []cell // cells of a table that is being rebuilt
	marked  []mark // keys of started transactions: see away.go
	roots   [slotsPerShard]link
	lens    [slotsPerShard]atomic.Int64
}

// read hands out the entry at a spot.
func (s *shard) read(at spot, mode engine.Mode) engine.Entry {
	if at.ref == 0 {
		return engine.Entry{}
	}
	e := s.heap.entry(at.ref)
	if mode == engine.Blind {
		return engine.Entry{Found: true, Meta: *e.meta()}
	}
	return engine.Entry{Found: true, Meta: *e.meta(), Value: e.value()}
}

// size is the memory of the entry at a spot.
func (s *shard) size(at spot) int {
	if at.ref == 0 {
		return 0
	}
	return int(s.heap.slab(at.ref.slab()).size)
}

// apply carries out one change on a key that find has just placed. If that
// fails nothing has changed.
func (s *shard) apply(at spot, k *engine.Key, ch *engine.Change) error {
	switch {
	case ch.Action == engine.Put && s.inPlace(at, k, ch):
		s.overwrite(at, ch)
	case ch.Action == engine.Put:
		r, err := s.stage(k, ch)
		if err != nil {
			return err
		}
		if at.ref != 0 {
			s.replace(at, r)
			return nil
		}
		return s.add(at, k, r)
	case ch.Action == engine.Delete && at.ref != 0:
		s.delete(at, k)
	}
	return nil
}

// inPlace reports whether a Put fits into the object that the key has.
func (s *shard) inPlace(at spot, k *engine.Key, ch *engine.Change) bool {
	return at.ref != 0 &&
		s.heap.fits(at.ref, entrySize(len(k.Name), len(ch.Head)+len(ch.Body)))
}

// stage writes a Put to a new object that nothing refers to yet.
func (s *shard) stage(k *engine.Key, ch *engine.Change) (ref, error) {
	r, err := s.heap.newEntry(entrySize(len(k.Name), len(ch.Head)+len(ch.Body)))
	if err != nil {
		return 0, err
	}
	e := s.heap.entry(r)
	e.init(k)
	e.set(ch)
	return r, nil
}

// overwrite does a Put in place.
func (s *shard) overwrite(at spot, ch *engine.Change) {
	e := s.heap.entry(at.ref)
	s.live += int64(len(ch.Head) + len(ch.Body) - len(e.value()))
	e.set(ch)
}

// replace lets staged object r take the place of the key's old one.
func (s *shard) replace(at spot, r ref) {
	s.live += s.heap.entry(r).live() - s.heap.entry(at.ref).live()
	t := s.heap.table(at.link)
	t[at.pos] = newCell(t[at.pos].hash(), r)
	s.heap.free(at.ref)
}

// add enters staged object r as a new key, or frees it if that fails.
func (s *shard) add(at spot, k *engine.Key, r ref) error {
	if err := s.insert(at, k.Hash, r); err != nil {
		s.heap.free(r)
		return err
	}
	s.keys++
	s.live += s.heap.entry(r).live()
	s.lens[localSlot(k.Slot)].Add(1)
	return nil
}

// delete removes a key that is there.
func (s *shard) delete(at spot, k *engine.Key) {
	s.keys--
	s.live -= s.heap.entry(at.ref).live()
	s.lens[localSlot(k.Slot)].Add(-1)
	s.remove(at, localSlot(k.Slot), k.Hash)
	s.heap.free(at.ref)
}
