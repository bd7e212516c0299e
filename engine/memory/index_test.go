package memory

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// chosen is the key of a slot whose name has a hash of choice.
func chosen(slot uint16, hash, n uint64) engine.Key {
	return engine.Key{Slot: slot, Hash: hash, Name: enginetest.NameWithHash(hash, n)}
}

// The distributions of hashes that an index has to live with: the expected one,
// and those that somebody chose.
func distributions() map[string]func(i int) engine.Key {
	return map[string]func(i int) engine.Key{
		"random":    func(i int) engine.Key { return numbered(3, i) },
		"ascending": func(i int) engine.Key { return chosen(3, uint64(i)<<44, 0) },
		"greatest":  func(i int) engine.Key { return chosen(3, math.MaxUint64-uint64(i), 0) },
		"two":       func(i int) engine.Key { return chosen(3, uint64(i%2)<<20, uint64(i)) },
		"equal":     func(i int) engine.Key { return chosen(3, 1<<50, uint64(i)) },
	}
}

// TestWorkIsBounded grows one slot to many times the size of a table, and
// empties it again. No operation may move more than a table's cells.
func TestWorkIsBounded(t *testing.T) {
	for name, key := range distributions() {
		t.Run(name, func(t *testing.T) {
			e := New()
			defer e.Close()
			s := &e.shards[3]
			// Splitting a table: each cell once for every node on a shared
			// path, and the tables below. Or rebuilding one, perhaps in
			// several sizes; or pushing all that share a hash.
			keys, bound := 12_000, 12*maxLeaf
			if name == "equal" || name == "two" {
				keys, bound = 4*maxLeaf, maxTable // and every lookup walks along all of them
			}
			worst := 0
			measured := func(do func()) {
				before := s.steps
				do()
				worst = max(worst, s.steps-before)
			}
			for i := range keys {
				k := key(i)
				measured(func() {
					if err := put(e, k, 0); err != nil {
						t.Fatal(err)
					}
				})
			}
			verify(t, e)
			full := inUse(e)
			for _, i := range rand.Perm(keys) {
				k := key(i)
				measured(func() { remove(e, k) })
			}
			verify(t, e)
			if worst > bound {
				t.Errorf("one operation took %d steps, want at most %d", worst, bound)
			}
			if s.roots[0] != (link{}) || e.Len(3) != 0 {
				t.Errorf("the slot's root is %+v", s.roots[0])
			}
			if used := inUse(e); used > full/8 {
				t.Errorf("%d bytes are used by no key, %d were by %d keys", used, full, keys)
			}
			t.Logf("worst operation: %d steps; %d bytes a key", worst, full/int64(keys))
		})
	}
}

// Cells that share all 64 bits of their hash are limited by the largest table.
func TestTooManyEqualHashes(t *testing.T) {
	e := New()
	defer e.Close()
	s := &e.shards[0]
	cells := make([]cell, maxTable+1)
	for i := range cells {
		cells[i] = newCell(0, ref(i+1))
	}
	if _, err := s.build(cells, 66); !errors.Is(err, engine.ErrFull) {
		t.Errorf("a table of %d cells: error %v", len(cells), err)
	}
	l, err := s.build(cells[:maxTable], 66)
	if err != nil || !slices.Equal(s.heap.table(&l), table(cells[:maxTable])) {
		t.Errorf("a table of %d cells: error %v", maxTable, err)
	}
}

// TestIndexMixes lets distributions come and go in one slot.
func TestIndexMixes(t *testing.T) {
	e := New()
	defer e.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	var all []func(int) engine.Key
	for _, name := range []string{"random", "ascending", "greatest", "two", "equal"} {
		all = append(all, distributions()[name])
	}
	want := map[string]bool{}
	for round := range 6 {
		for range 6000 {
			k := all[rng.IntN(len(all))](rng.IntN(3000))
			if rng.IntN(3) < 2 == (round%2 == 0) {
				if err := put(e, k, rng.IntN(20)); err != nil {
					t.Fatal(err)
				}
				want[string(k.Name)] = true
			} else {
				remove(e, k)
				delete(want, string(k.Name))
			}
		}
		verify(t, e)
		if got := e.Len(3); got != int64(len(want)) {
			t.Fatalf("round %d: %d keys, want %d", round, got, len(want))
		}
	}
}

func TestNoAllocation(t *testing.T) {
	e := New()
	defer e.Close()
	sets, gets := newLoad(engine.Write, set), newLoad(engine.Read, get)
	for i := range 1000 {
		sets.run(e, uint64(i))
	}
	i := uint64(0)
	for name, l := range map[string]*load{"get": gets, "overwrite": sets} {
		if n := testing.AllocsPerRun(500, func() { i++; l.run(e, i%1000) }); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestSlotsAreWhollyInOneShard(t *testing.T) {
	seen := map[string]bool{}
	for slot := range uint16(engine.Slots) {
		seen[fmt.Sprint(shardOf(slot), " ", localSlot(slot))] = true
		if k := localSlot(slot)*shards + uint16(shardOf(slot)); k != slot {
			t.Fatalf("slot %d is slot %d of shard %d", slot, localSlot(slot), shardOf(slot))
		}
	}
	if len(seen) != engine.Slots {
		t.Errorf("%d places for %d slots", len(seen), engine.Slots)
	}
}
