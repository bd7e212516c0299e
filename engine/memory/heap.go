package memory

import (
	"math/bits"
	"unsafe"

	"github.com/rldb/rldb/engine"
)

// ref names an object of a heap: the number of its slab, then its index there.
// No object has the zero ref.
type ref uint32

const (
	indexBits = 14
	maxIndex  = 1 << indexBits // objects to a slab
	maxSlabs  = 1 << (32 - indexBits)

	// A class's slabs grow with it, so that what the last one leaves unused
	// is in proportion: its first is small, the next have a page or a share
	// of what the class holds, up to maxSlab; but minObjects at least.
	maxSlab    = 1 << 20
	slabShare  = 8
	minObjects = 4

	// A class is sparse if at least sparseFloor bytes of it are free, and
	// these are more than a third.
	sparseFloor = 2 << 10
)

func newRef(slab uint32, index int) ref { return ref(slab<<indexBits | uint32(index)) }

func (r ref) slab() uint32 { return uint32(r >> indexBits) }
func (r ref) index() int   { return int(r & (maxIndex - 1)) }

// heap allocates the objects of a shard, whose lock guards it, from slabs of
// one class each.
//
// Invariants: a slab has at least one live object; a slab is in its class's
// ring of slabs with room if and only if it has room and is not being emptied.
type heap struct {
	arena   *arena
	pages   []*slabPage // slab i is pages[i/slabsToPage][i%slabsToPage]
	slabs   uint32      // slab numbers ever used; 0 never is
	unused  uint32      // ring of slab numbers free for reuse, or 0
	classes [classes]classState
	sparse  [(classes + 63) / 64]uint64 // set of classes to be made denser
}

// slabsToPage is how many slabs are allocated together: so a slab is two loads
// away, and the table of pages, which append copies, within 128 KiB.
const slabsToPage = 16

type slabPage [slabsToPage]slab

// classState sums up the slabs of a class.
type classState struct {
	room     uint32 // ring of slabs with room, or 0
	live     uint32 // objects in use
	carved   uint32 // objects ever used, in the slabs as they are
	emptying uint32 // slab that is being emptied, or 0: see evacuate.go
	cursor   uint32 // how far that is: the first object not tried yet
}

func newHeap(a *arena) heap { return heap{arena: a, slabs: 1} }

func (h *heap) slab(i uint32) *slab { return &h.pages[i/slabsToPage][i%slabsToPage] }

// bytes is the memory of object r.
func (h *heap) bytes(r ref) []byte {
	s := h.slab(r.slab())
	return unsafe.Slice((*byte)(s.object(r.index())), s.size)
}

func (h *heap) entry(r ref) entry { return entry(h.bytes(r)) }
func (h *heap) node(r ref) *node  { return (*node)(h.pointer(r)) }

// table is the table that l, which is no node, leads to.
func (h *heap) table(l *link) table {
	if l.n == 0 {
		return nil
	}
	return h.cells(l.ref, l.class.cells())
}

// cells is the table of n cells at r.
func (h *heap) cells(r ref, n int) table {
	return unsafe.Slice((*cell)(h.pointer(r)), n)
}

func (h *heap) pointer(r ref) unsafe.Pointer { return h.slab(r.slab()).object(r.index()) }

// fits reports whether object r is of the size that an entry of n bytes gets.
func (h *heap) fits(r ref, n int) bool {
	s := h.slab(r.slab())
	if s.class == bigClass {
		return roundUp(n, h.arena.page) == int(s.size)
	}
	return entryClass(n) == s.class
}

// newEntry allocates an entry of n bytes.
func (h *heap) newEntry(n int) (ref, error) {
	c := entryClass(n)
	if c != bigClass {
		return h.alloc(c)
	}
	size := roundUp(n, h.arena.page)
	i, err := h.addSlab(bigClass, size, size)
	if err != nil {
		return 0, err
	}
	return h.place(i), nil
}

// newTable allocates an empty table of class c.
func (h *heap) newTable(c class) (ref, error) {
	r, err := h.alloc(c)
	if err == nil {
		clear(h.cells(r, c.cells()))
	}
	return r, err
}

// newNode allocates an empty node.
func (h *heap) newNode() (ref, error) {
	r, err := h.alloc(nodeClass)
	if err == nil {
		*h.node(r) = node{}
	}
	return r, err
}

// alloc allocates an object of class c, of unknown content.
func (h *heap) alloc(c class) (ref, error) {
	state := &h.classes[c]
	if state.room == 0 {
		size, span := c.bytes(), minBlock
		if state.live > 0 {
			span = min(max(int(state.live)*size/slabShare, h.arena.page), maxSlab)
		}
		if _, err := h.addSlab(c, size, max(span, minObjects*size)); err != nil {
			return 0, err
		}
	}
	return h.place(state.room), nil
}

// place takes the lowest free object of slab i, so that slabs fill from below.
func (h *heap) place(i uint32) ref {
	s := h.slab(i)
	state := &h.classes[s.class]
	index := s.take()
	state.live++
	if index >= int(s.carved) {
		s.carved++
		state.carved++
		h.arena.touch(&s.block, (index+1)*int(s.size))
	}
	if s.full() && s.next != 0 {
		h.leave(&state.room, i)
	}
	return newRef(i, index)
}

// free frees object r.
func (h *heap) free(r ref) {
	i := r.slab()
	s := h.slab(i)
	state := &h.classes[s.class]
	state.live--
	s.put(r.index())
	switch {
	case s.live == 0:
		h.dropSlab(i)
	case s.next == 0 && i != state.emptying:
		h.enter(&state.room, i)
	}
	if s.class != bigClass && state.isSparse(int(s.size)) {
		h.sparse[s.class/64] |= 1 << (s.class % 64)
	}
}

func (c *classState) isSparse(size int) bool {
	free := int(c.carved - c.live)
	return free*3 > int(c.carved) && free*size >= sparseFloor
}

// sparseClass is a class that is to be made denser, or 0.
func (h *heap) sparseClass() class {
	for i, set := range h.sparse {
		if set != 0 {
			return class(i*64 + bits.TrailingZeros64(set))
		}
	}
	return 0
}

// addSlab adds a slab for objects of size bytes that has at least span bytes.
func (h *heap) addSlab(c class, size, span int) (uint32, error) {
	i := h.unused
	if i == 0 && h.slabs == maxSlabs {
		return 0, engine.ErrFull
	}
	b, err := h.arena.take(span)
	if err != nil {
		return 0, err
	}
	if i == 0 {
		i = h.slabs
		h.slabs++
		if int(i/slabsToPage) == len(h.pages) {
			h.pages = append(h.pages, new(slabPage))
			h.arena.charge(int(unsafe.Sizeof(slabPage{})))
		}
	} else {
		h.leave(&h.unused, i)
	}
	s := h.slab(i)
	had := cap(s.free)
	s.init(c, size, b)
	h.arena.charge((cap(s.free) - had) * 8)
	if c != bigClass {
		h.enter(&h.classes[c].room, i)
	}
	return i, nil
}

// dropSlab gives the memory of slab i, which has no live objects, back.
func (h *heap) dropSlab(i uint32) {
	s := h.slab(i)
	state := &h.classes[s.class]
	state.carved -= uint32(s.carved)
	if s.next != 0 {
		h.leave(&state.room, i)
	}
	if state.emptying == i {
		state.emptying = 0
	}
	h.arena.give(s.block)
	s.block, s.base = block{}, nil
	h.enter(&h.unused, i)
}

// enter puts slab i, which is in no ring, at the front of a ring.
func (h *heap) enter(ring *uint32, i uint32) {
	s := h.slab(i)
	if *ring == 0 {
		s.prev, s.next = i, i
	} else {
		next := h.slab(*ring)
		s.prev, s.next = next.prev, *ring
		h.slab(s.prev).next = i
		next.prev = i
	}
	*ring = i
}

// leave takes slab i out of a ring.
func (h *heap) leave(ring *uint32, i uint32) {
	s := h.slab(i)
	if *ring == i {
		*ring = s.next
	}
	if *ring == i {
		*ring = 0
	}
	h.slab(s.prev).next = s.next
	h.slab(s.next).prev = s.prev
	s.prev, s.next = 0, 0
}
