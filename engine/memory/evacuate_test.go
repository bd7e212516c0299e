package memory

import (
	"math/rand/v2"
	"testing"

	"github.com/rldb/rldb/engine"
)

// filledBy gives an engine of n keys, spread over slots of all shards.
func filledBy(t *testing.T, n int, size func(i int) int) *Engine {
	e := New()
	t.Cleanup(func() { e.Close() })
	for i := range n {
		if err := put(e, spread(i), size(i)); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// spread is the key of a number, in one of 512 slots.
func spread(i int) engine.Key { return numbered(uint16(i%512), i) }

func sized(n int) func(int) int { return func(int) int { return n } }

const manyKeys = 40_000

func TestMemoryComesBackAfterDeletes(t *testing.T) {
	for name, size := range map[string]func(int) int{
		"small": sized(87),
		"mixed": func(i int) int { return i * 37 % 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			e := filledBy(t, manyKeys, size)
			full := inUse(e)
			order := rand.New(rand.NewPCG(1, 1)).Perm(manyKeys)
			for _, i := range order[manyKeys/10:] {
				remove(e, spread(i))
			}
			verify(t, e)
			// A tenth is left, half as much again may be free, and then there
			// is what each class of each shard may have free.
			if used := inUse(e); used > full/4 {
				t.Errorf("%d bytes are used by a tenth of the keys, %d by all", used, full)
			}
			for _, i := range order[:manyKeys/10] {
				remove(e, spread(i))
			}
			verify(t, e)
			if used := inUse(e); used > full/6 {
				t.Errorf("%d bytes are used by no key, %d by all", used, full)
			}
		})
	}
}

// All values are rewritten a little larger, so that they change class.
func TestMemoryFollowsAChangeOfSize(t *testing.T) {
	e := filledBy(t, manyKeys, sized(87))
	worst := int64(0)
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(manyKeys) {
		if err := put(e, spread(i), 103); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, inUse(e))
	}
	verify(t, e)
	fresh := inUse(filledBy(t, manyKeys, sized(103)))
	if used := inUse(e); used > fresh*11/10 {
		t.Errorf("%d bytes are used after the change, %d by an engine filled with the new size", used, fresh)
	}
	if worst > fresh*3/2 {
		t.Errorf("%d bytes are used during the change, %d after it", worst, fresh)
	}
}

func TestBigValuesComeBack(t *testing.T) {
	const n = 1 << 20
	e := filledBy(t, 40, sized(n))
	full := inUse(e)
	if full < 40*n || full > 42*n {
		t.Errorf("40 values of 1 MiB use %d bytes", full)
	}
	for i := range 40 {
		if err := put(e, spread(i), n/4); err != nil {
			t.Fatal(err)
		}
	}
	verify(t, e)
	if used := inUse(e); used > full/3 {
		t.Errorf("%d bytes are used by values of a quarter, %d before", used, full)
	}
	for i := range 40 {
		remove(e, spread(i))
	}
	verify(t, e)
	if used := inUse(e); used > full/50 {
		t.Errorf("%d bytes are used by no key", used)
	}
}

// TestEverythingMoves empties each slab of each class in turn, whether that is
// called for or not: no cell, link or byte may be lost.
func TestEverythingMoves(t *testing.T) {
	e := filledBy(t, 20_000, func(i int) int { return i % 100 })
	for i := range 5000 { // a slot with nodes
		if err := put(e, numbered(7, i), 10); err != nil {
			t.Fatal(err)
		}
	}
	before := e.Stats()
	moved := map[class]int{}
	for i := range e.shards {
		h := &e.shards[i].heap
		for last, j := h.slabs, uint32(1); j < last; j++ {
			s := h.slab(j)
			if s.base == nil || s.next == 0 {
				continue
			}
			c := s.class
			h.leave(&h.classes[c].room, j)
			h.classes[c].emptying, h.classes[c].cursor = j, 0
			for h.classes[c].emptying == j {
				if !e.shards[i].evacuateOne(c) {
					t.Fatalf("shard %d: class %d has an object that does not move", i, c)
				}
				moved[c]++
			}
		}
	}
	verify(t, e)
	after := e.Stats()
	if after.Keys != before.Keys || after.LiveBytes != before.LiveBytes {
		t.Errorf("before %+v, after %+v", before, after)
	}
	for _, c := range []class{entryClass(80), tableClass(44), nodeClass} {
		if moved[c] == 0 {
			t.Errorf("nothing of class %d has moved: %v", c, moved)
		}
	}
}

// While a slot is being dropped its objects have no owner: evacuation, which
// meets them, must leave them alone.
func TestEvacuationDuringDrop(t *testing.T) {
	e := New()
	t.Cleanup(func() { e.Close() })
	s := &e.shards[0]
	for i := range 20_000 {
		if err := put(e, numbered(uint16(i%2*shards), i), 50); err != nil {
			t.Fatal(err)
		}
	}
	d := dropper{shard: s}
	d.detach(0)
	for i := 1; d.free(20); i += 2 {
		for j := i * 8; j < i*8+16; j++ {
			remove(e, numbered(shards, j))
		}
		// The same keys again, in the slot that is being dropped.
		if err := put(e, numbered(0, i-1), 50); err != nil {
			t.Fatal(err)
		}
	}
	verify(t, e)
	if err := e.Drop(0); err != nil {
		t.Fatal(err)
	}
	verify(t, e)
}
