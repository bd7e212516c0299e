package memory

import (
	"math/bits"
	"unsafe"
)

// slab is a block cut into objects of one size. Which are free is kept in a
// bitmap beside it rather than in the objects: so that the live ones can be
// told apart when the slab is emptied, and freeing touches no cold memory.
type slab struct {
	base   unsafe.Pointer // of block.mem
	size   uint32         // bytes to an object
	class  class
	live   uint16 // objects in use, ≤ maxIndex as carved and cap are
	carved uint16 // objects ever in use: the first ones
	cap    uint16 // objects that it holds
	hint   uint16 // no word of free before this one has a bit set
	prev   uint32 // in a ring of the heap; 0 if in none
	next   uint32
	free   []uint64 // bit i is set: object i is free
	block  block
}

// init makes s an empty slab. The bitmap of a former life is used again.
func (s *slab) init(c class, size int, b block) {
	n := min(len(b.mem)/size, maxIndex)
	if c == bigClass {
		n = 1
	}
	words := (n + 63) / 64
	free := s.free
	if cap(free) < words {
		free = make([]uint64, words)
	}
	free = free[:words]
	for i := range free {
		free[i] = ^uint64(0)
	}
	if n%64 != 0 {
		free[words-1] = 1<<(n%64) - 1
	}
	*s = slab{
		base: unsafe.Pointer(unsafe.SliceData(b.mem)), size: uint32(size),
		class: c, cap: uint16(n), free: free, block: b,
	}
}

func (s *slab) object(i int) unsafe.Pointer {
	return unsafe.Add(s.base, i*int(s.size))
}

func (s *slab) full() bool { return s.live == s.cap }

// take marks the lowest free object as live. There is one.
func (s *slab) take() int {
	w := int(s.hint)
	for s.free[w] == 0 {
		w++
	}
	s.hint = uint16(w)
	bit := bits.TrailingZeros64(s.free[w])
	s.free[w] &^= 1 << bit
	s.live++
	return w*64 + bit
}

// put marks a live object as free.
func (s *slab) put(i int) {
	w := i / 64
	s.free[w] |= 1 << (i % 64)
	s.hint = min(s.hint, uint16(w))
	s.live--
}

// nextLive is the first live object from i on, or -1.
func (s *slab) nextLive(i int) int {
	for i < int(s.carved) {
		live := ^s.free[i/64] >> (i % 64)
		if live != 0 {
			i += bits.TrailingZeros64(live)
			break
		}
		i = (i/64 + 1) * 64
	}
	if i >= int(s.carved) {
		return -1
	}
	return i
}
