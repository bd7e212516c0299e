package memory

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/engine"
)

// TestHeap allocates and frees at random: live objects keep their bytes, and the
// heap its invariants.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := newArena(math.MaxInt64)
		defer a.release()
		h := newHeap(a)
		sizes := rapid.SampledFrom([]int{1, 20, 124, 128, 1000, 5000, maxEntry, maxEntry + 1, 300_000})
		live, refs := map[ref]class{}, []ref(nil)
		marks := map[ref]byte{}
		rt.Repeat(map[string]func(*rapid.T){
			"alloc": func(rt *rapid.T) {
				n := sizes.Draw(rt, "size")
				for range rapid.IntRange(1, min(50, 1+maxEntry/n)).Draw(rt, "n") {
					r, err := h.newEntry(n)
					if err != nil || !h.fits(r, n) || len(h.bytes(r)) < n || live[r] != 0 {
						rt.Fatalf("object %x for %d bytes, error %v", r, n, err)
					}
					live[r], marks[r] = entryClass(n), byte(len(marks))
					refs = append(refs, r)
					fillEnds(h.bytes(r), marks[r])
				}
			},
			"free": func(rt *rapid.T) {
				for range min(len(refs), rapid.IntRange(1, 50).Draw(rt, "n")) {
					i := rapid.IntRange(0, len(refs)-1).Draw(rt, "i")
					h.free(refs[i])
					delete(live, refs[i])
					refs[i] = refs[len(refs)-1]
					refs = refs[:len(refs)-1]
				}
			},
			"": func(rt *rapid.T) {
				for _, r := range refs {
					if b := h.bytes(r); b[0] != marks[r] || b[len(b)-1] != marks[r] {
						rt.Fatalf("object %x has changed", r)
					}
				}
				if err := verifyHeap(&h, live); err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
}

func fillEnds(b []byte, mark byte) { b[0], b[len(b)-1] = mark, mark }

func TestNewTablesAndNodesAreEmpty(t *testing.T) {
	a := newArena(math.MaxInt64)
	defer a.release()
	h := newHeap(a)
	for range 2 {
		r, err := h.newTable(tableClass(100))
		if err != nil || !bytes.Equal(h.bytes(r), make([]byte, len(h.bytes(r)))) {
			t.Fatalf("new table %x, error %v", h.bytes(r), err)
		}
		fillEnds(h.bytes(r), 1)
		n, err := h.newNode()
		if err != nil || *h.node(n) != (node{}) {
			t.Fatalf("new node %v, error %v", h.node(n), err)
		}
		fillEnds(h.bytes(n), 1)
		h.free(r)
		h.free(n)
	}
}

// Slabs of a class that shrinks and grows must not cost a system call each.
func TestArenaKeepsSomeDirtyBlocks(t *testing.T) {
	a := newArena(math.MaxInt64)
	defer a.release()
	var blocks []block
	for range 2 * keepDirty / maxSlab {
		b, err := a.take(maxSlab)
		if err != nil {
			t.Fatal(err)
		}
		a.touch(&b, maxSlab)
		blocks = append(blocks, b)
	}
	if a.used.Load() != 2*keepDirty {
		t.Errorf("%d bytes used, want %d", a.used.Load(), 2*keepDirty)
	}
	for _, b := range blocks {
		a.give(b)
	}
	if a.used.Load() != keepDirty || a.dirty != keepDirty {
		t.Errorf("%d bytes used and %d dirty after all blocks are free, want %d", a.used.Load(), a.dirty, keepDirty)
	}
	if b, err := a.take(maxSlab); err != nil || a.dirty+b.touched != keepDirty {
		t.Errorf("block with %d bytes touched, %d bytes dirty, error %v", b.touched, a.dirty, err)
	}
}

func TestArenaGivesLargeBlocksBack(t *testing.T) {
	a := newArena(2 * chunkSize)
	b, err := a.take(chunkSize + 1)
	if err != nil || len(b.mem) != chunkSize+a.page {
		t.Fatalf("block of %d bytes, error %v", len(b.mem), err)
	}
	a.touch(&b, 1)
	if _, err := a.take(2 * chunkSize); !errors.Is(err, engine.ErrFull) {
		t.Errorf("beyond the limit: error %v", err)
	}
	a.give(b)
	if n := a.used.Load(); n != 0 || len(a.large) != 0 {
		t.Errorf("%d bytes in %d blocks are left", n, len(a.large))
	}
	a.release()
}
