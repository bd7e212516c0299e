package memory

import (
	"runtime"

	"github.com/rldb/rldb/engine"
)

// dropsPerLock bounds how many entries are freed while others wait for the shard.
const dropsPerLock = 256

// Drop removes all entries of a slot at once, by taking the slot's index away,
// and frees them bit by bit before it returns.
func (e *Engine) Drop(slot uint16) error { return e.DropWith(slot, nil) }

// Watcher learns of a drop as it happens, with the slot locked, under the rules
// of [engine.Step]'s Decide.
type Watcher interface {
	// Detached: from here on the slot's entries are found no more.
	Detached()
	// Freed is called for each entry that was in the slot, before DropWith
	// returns.
	Freed(k engine.Key, e engine.Entry)
}

// DropWith is Drop for who keeps account of the entries.
func (e *Engine) DropWith(slot uint16, w Watcher) error {
	if err := e.check(); err != nil {
		return err
	}
	s := &e.shards[shardOf(slot)]
	d := dropper{shard: s, slot: slot, watcher: w}
	for !d.detach(slot) {
		runtime.Gosched() // until a started transaction of the slot is over
	}
	for d.free(dropsPerLock) {
		e.arena.bury()
		runtime.Gosched() // whoever waits for the shard goes first
	}
	e.arena.bury()
	return nil
}

// dropper frees an index that no root leads to any more, and its entries. Each
// of its objects stays as it is until it is freed, so that evacuation, which
// may come across it, finds an entry below it and then that it has no owner.
type dropper struct {
	shard   *shard
	slot    uint16
	watcher Watcher // or nil
	pending []link
}

// detach takes a slot's index over; false while a key of the slot is marked.
func (d *dropper) detach(full uint16) bool {
	s, slot := d.shard, localSlot(full)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.marked {
		if s.marked[i].slot == full {
			return false
		}
	}
	d.pending = append(d.pending, s.roots[slot])
	s.roots[slot] = link{}
	s.keys -= s.lens[slot].Swap(0)
	if d.watcher != nil {
		d.watcher.Detached()
	}
	return true
}

// free frees up to n entries, and reports whether there are more.
func (d *dropper) free(n int) bool {
	s := d.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	for n > 0 && len(d.pending) > 0 {
		last := len(d.pending) - 1
		l := d.pending[last]
		d.pending = d.pending[:last]
		if l.isNode() {
			d.pending = append(d.pending, s.heap.node(l.ref)[:]...)
			s.heap.free(l.ref)
			n-- // a node counts as an entry: chains of them are bounded too
			continue
		}
		n -= d.freeTable(l, n)
	}
	s.tidy()
	return len(d.pending) > 0
}

// freeTable frees up to n entries of a table, and the table once it is empty;
// otherwise it stays pending. It reports how many it freed.
func (d *dropper) freeTable(l link, n int) (freed int) {
	s := d.shard
	t := s.heap.table(&l)
	for i, c := range t {
		if c == 0 {
			continue
		}
		if freed == n {
			d.pending = append(d.pending, l)
			return freed
		}
		e := s.heap.entry(c.ref())
		if d.watcher != nil {
			k := engine.Key{Slot: d.slot, Hash: e.hash(), Name: e.name()}
			d.watcher.Freed(k, engine.Entry{Found: true, Meta: *e.meta(), Value: e.value()})
		}
		s.live -= e.live()
		s.heap.free(c.ref())
		t[i] = 0
		l.n--
		freed++
	}
	if t != nil {
		s.heap.free(l.ref)
	}
	return freed
}
