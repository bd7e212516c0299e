package memory

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/rldb/rldb/engine"
)

// verify checks every invariant of an engine that nobody is using, and that each
// live object is referred to exactly once.
func verify(t testing.TB, e *Engine) {
	t.Helper()
	for i := range e.shards {
		if err := verifyShard(&e.shards[i], i); err != nil {
			t.Fatalf("shard %d: %v", i, err)
		}
	}
}

// census is what verifyShard has met so far.
type census struct {
	*shard
	number int
	seen   map[ref]class
	live   int64
	keys   int64
}

func verifyShard(s *shard, number int) error {
	c := census{shard: s, number: number, seen: map[ref]class{}}
	for slot := range s.roots {
		before := c.keys
		var last *engine.Key
		if err := c.walk(&s.roots[slot], uint16(slot), 0, 0, &last); err != nil {
			return fmt.Errorf("slot %d of it: %w", slot, err)
		}
		if n := s.lens[slot].Load(); n != c.keys-before {
			return fmt.Errorf("slot %d of it has %d keys and a length of %d", slot, c.keys-before, n)
		}
	}
	if c.keys != s.keys || c.live != s.live {
		return fmt.Errorf("%d keys of %d bytes, counted as %d of %d", c.keys, c.live, s.keys, s.live)
	}
	return verifyHeap(&s.heap, c.seen)
}

func (c *census) meet(r ref, want class) error {
	if _, twice := c.seen[r]; twice || r == 0 {
		return fmt.Errorf("ref %x twice", r)
	}
	if got := c.heap.slab(r.slab()).class; got != want {
		return fmt.Errorf("ref %x is of class %d, want %d", r, got, want)
	}
	c.seen[r] = want
	return nil
}

// walk checks what is below a link whose hashes begin with the given bits.
func (c *census) walk(l *link, slot uint16, prefix uint64, bits uint, last **engine.Key) error {
	if l.class == 0 {
		if *l != (link{}) {
			return fmt.Errorf("empty link is %+v", *l)
		}
		return nil
	}
	if err := c.meet(l.ref, l.class); err != nil {
		return err
	}
	if l.isNode() {
		children := c.heap.node(l.ref)
		for i := range children {
			p := prefix | uint64(i)<<(64-fanBits)>>bits
			if err := c.walk(&children[i], slot, p, bits+fanBits, last); err != nil {
				return err
			}
		}
		return nil
	}
	t := c.heap.table(l)
	if err := verifyTable(t, int(l.n)); err != nil {
		return err
	}
	for _, cell := range t {
		if cell == 0 {
			continue
		}
		if err := c.visit(cell, slot, prefix, bits, last); err != nil {
			return err
		}
	}
	return nil
}

// visit checks the entry of one cell.
func (c *census) visit(cell cell, slot uint16, prefix uint64, bits uint, last **engine.Key) error {
	e := c.heap.entry(cell.ref())
	size := entrySize(len(e.name()), len(e.value()))
	if err := c.meet(cell.ref(), entryClass(size)); err != nil {
		return err
	}
	k := &engine.Key{Hash: engine.Hash(e.name()), Name: e.name()}
	if e.slot() != slot || e.hash() != k.Hash || tail(k.Hash, bits) != cell.hash() || k.Hash>>(64-bits) != prefix>>(64-bits) {
		return fmt.Errorf("key %q (hash %x) in slot %d, cell %x below %x", k.Name, k.Hash, e.slot(), cell, prefix)
	}
	if p := *last; p != nil && cmp.Or(cmp.Compare(p.Hash, k.Hash), bytes.Compare(p.Name, k.Name)) >= 0 {
		return fmt.Errorf("key %q after %q", k.Name, p.Name)
	}
	*last = k
	c.keys++
	c.live += e.live()
	return nil
}

// verifyTable checks the invariants of type table.
func verifyTable(t table, n int) error {
	used, last := 0, uint32(0)
	for i, c := range t {
		if c == 0 {
			continue
		}
		used++
		home := t.home(c.hash())
		if c.hash() < last || home > i {
			return fmt.Errorf("cell %d (%x, home %d) after hash %x", i, c, home, last)
		}
		for j := home; j < i; j++ {
			if t[j] == 0 {
				return fmt.Errorf("cell %d is empty, between cell %d and its home %d", j, i, home)
			}
		}
		last = c.hash()
	}
	if used != n || n == 0 {
		return fmt.Errorf("table of %d cells, %d in its link", used, n)
	}
	return nil
}

// verifyHeap checks the invariants of a heap, whose live objects are known.
func verifyHeap(h *heap, objects map[ref]class) error {
	var states [classes]classState
	live := 0
	for i := uint32(1); i < h.slabs; i++ {
		s := h.slab(i)
		if s.base == nil {
			continue // unused
		}
		n := uint16(0)
		for j := s.nextLive(0); j >= 0; j = s.nextLive(j + 1) {
			if _, ok := objects[newRef(i, j)]; !ok {
				return fmt.Errorf("object %d of slab %d, class %d, is lost", j, i, s.class)
			}
			n++
		}
		live += int(n)
		states[s.class].live += uint32(n)
		states[s.class].carved += uint32(s.carved)
		inRing := s.next != 0
		wantRing := s.live < s.cap && h.classes[s.class].emptying != i && s.class != bigClass
		if n != s.live || n == 0 || s.carved < n || s.cap < s.carved || inRing != wantRing {
			return fmt.Errorf("slab %d: %d live: %+v", i, n, *s)
		}
	}
	if live != len(objects) {
		return fmt.Errorf("%d live objects, %d referred to", live, len(objects))
	}
	for c := range states {
		if got := h.classes[c]; got.live != states[c].live || got.carved != states[c].carved {
			return fmt.Errorf("class %d: %+v, counted %+v", c, got, states[c])
		}
	}
	return nil
}

// inUse is what an engine uses apart from the free blocks that the arena keeps.
func inUse(e *Engine) int64 { return e.UsedBytes() - int64(e.arena.dirty) }

// put stores a value of a size under a key.
func put(e *Engine, k engine.Key, size int) error {
	l := newLoad(engine.Write, func(t *engine.Txn, _ *load) {
		t.New[0] = engine.Change{Action: engine.Put, Body: make([]byte, size)}
	})
	l.key[0] = k
	e.Try(&l.txn)
	return l.txn.Err
}

func remove(e *Engine, k engine.Key) {
	l := newLoad(engine.Write, del)
	l.key[0] = k
	e.Try(&l.txn)
}

// numbered is the key of a number, in a slot.
func numbered(slot uint16, i int) engine.Key {
	name := binary.BigEndian.AppendUint64([]byte("numbered"), uint64(i))
	return engine.Key{Slot: slot, Hash: engine.Hash(name), Name: name}
}
