package memory

import "github.com/rldb/rldb/engine"

// Memory that deletes and changes of size leave free is used again, but only by
// objects of its class. So that it does not stay with a class that has no more
// use for it, writes to a shard in which a class is sparse each move a few
// objects out of the class's emptiest slab, until it can be given back.
//
// That keeps up: from a slab that is at most three quarters full, three moves
// at the most win one object, and a write leaves one behind.
const (
	movesPerWrite = 4
	bytesPerWrite = 16 << 10 // but one object at least
	candidates    = 16       // slabs looked at to choose one
)

// tidy does a write's share of the work.
func (s *shard) tidy() {
	c := s.heap.sparseClass()
	if c == 0 {
		return
	}
	size := c.bytes()
	for n := 0; n < movesPerWrite && (n == 0 || n*size < bytesPerWrite); n++ {
		if !s.evacuateOne(c) {
			s.heap.stopEmptying(c)
			return
		}
	}
}

// evacuateOne moves one object of a sparse class, and reports whether there
// may be more to move.
func (s *shard) evacuateOne(c class) bool {
	state := &s.heap.classes[c]
	if state.emptying == 0 && !s.heap.startEmptying(c) {
		return false
	}
	i := state.emptying
	index := s.heap.slab(i).nextLive(int(state.cursor))
	if index < 0 {
		return false // all that is left cannot be moved
	}
	state.cursor = uint32(index) + 1
	s.steps++
	return s.move(newRef(i, index), c)
}

// startEmptying picks the emptiest of a few slabs of a class, if the class is
// sparse still.
func (h *heap) startEmptying(c class) bool {
	state := &h.classes[c]
	if !state.isSparse(c.bytes()) {
		return false
	}
	best := uint32(0)
	for n := 0; n < candidates && state.room != 0; n++ {
		s := h.slab(state.room)
		if int(s.live)*4 < int(s.carved)*3 && (best == 0 || emptier(s, h.slab(best))) {
			best = state.room
		}
		state.room = s.next // so that the next search begins with others
	}
	if best == 0 {
		return false
	}
	h.leave(&state.room, best)
	state.emptying, state.cursor = best, 0
	return true
}

// emptier reports whether less of a is live than of b.
func emptier(a, b *slab) bool {
	return int(a.live)*int(b.carved) < int(b.live)*int(a.carved)
}

// stopEmptying lets a class be. Its next free finds out whether it is still
// sparse.
func (h *heap) stopEmptying(c class) {
	state := &h.classes[c]
	if i := state.emptying; i != 0 {
		state.emptying = 0
		h.enter(&state.room, i)
	}
	h.sparse[c/64] &^= 1 << (c % 64)
}

// move moves an object within its class. An object of a slot that is being
// dropped has no owner any more and stays: it will be freed soon. False means
// that there is no memory to move to.
func (s *shard) move(r ref, c class) bool {
	owner := s.owner(r, c)
	if owner.link == nil {
		return true
	}
	to, err := s.heap.alloc(c)
	if err != nil {
		return false
	}
	copy(s.heap.bytes(to), s.heap.bytes(r))
	if c.isEntry() {
		t := s.heap.table(owner.link)
		t[owner.pos] = newCell(t[owner.pos].hash(), to)
	} else {
		owner.link.ref = to
	}
	s.heap.free(r)
	return true
}

// owner finds the cell or link that refers to an object, by way of the key of an
// entry below it.
func (s *shard) owner(r ref, c class) spot {
	below := s.anyEntry(r, c)
	if below == 0 {
		return spot{}
	}
	e := s.heap.entry(below)
	if c.isEntry() {
		k := engine.Key{Slot: e.slot() * shards, Hash: e.hash(), Name: e.name()}
		if at := s.find(&k); at.ref == r {
			return at
		}
		return spot{}
	}
	hash := e.hash()
	l, bits := &s.roots[e.slot()], uint(0)
	for l.ref != r && l.isNode() {
		l = &s.heap.node(l.ref)[branch(hash, bits)]
		bits += fanBits
	}
	if l.ref != r {
		return spot{}
	}
	return spot{link: l}
}

// anyEntry is an entry at or below an object, or 0.
func (s *shard) anyEntry(r ref, c class) ref {
	for c == nodeClass {
		children := s.heap.node(r)
		r, c = 0, 0
		for i := range children {
			if children[i].class != 0 {
				r, c = children[i].ref, children[i].class
				break
			}
		}
	}
	if !c.isTable() {
		return r
	}
	for _, cell := range s.heap.cells(r, c.cells()) {
		if cell != 0 {
			return cell.ref()
		}
	}
	return 0
}
