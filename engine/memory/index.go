package memory

import (
	"bytes"
	"cmp"
	"unsafe"

	"github.com/rldb/rldb/engine"
)

// link leads to a part of a slot's index: nothing, a table, or a node. Its
// class says which.
type link struct {
	ref   ref
	class class  // 0 if there is nothing
	n     uint16 // cells in use, if it is a table
}

func (l *link) isNode() bool { return l.class == nodeClass }

// node divides what a table could not hold by the next fanBits bits of the hash.
type node [fan]link

const (
	fanBits   = 6
	fan       = 1 << fanBits
	nodeBytes = int(unsafe.Sizeof(node{}))

	// maxLeaf is the number of cells at which a table is replaced by a node of
	// tables, which bounds the work of any insert: to split it is to hash
	// maxLeaf names shorter than longName. Only keys whose 64 hash bits are all
	// equal share a larger table, of up to maxTable cells.
	maxLeaf = 1024

	// A node whose tables hold no more than mergeLeaf cells becomes a table
	// again. That is looked into when a table has fallen to mergeCheck.
	mergeLeaf  = maxLeaf / 4
	mergeCheck = mergeLeaf / fan
)

// tail is what a cell keeps of a hash of which bits have been used up by nodes.
func tail(hash uint64, bits uint) uint32 { return uint32(hash << bits >> 32) }

// branch is the number of the child that a hash leads to in a node.
func branch(hash uint64, bits uint) int { return int(hash << bits >> (64 - fanBits)) }

// spot is where in the index a key is, or belongs. It is valid until the index
// next changes.
type spot struct {
	link *link // of the table
	bits uint  // used up on the way there
	pos  int   // of the cell
	ref  ref   // the entry, or 0 if there is none
}

// find looks a key up.
func (s *shard) find(k *engine.Key) spot {
	at := s.leaf(localSlot(k.Slot), k.Hash)
	t := s.heap.table(at.link)
	if t == nil {
		return at
	}
	lo, hi := t.run(tail(k.Hash, at.bits))
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := s.compare(t[mid].ref(), k); {
		case c == 0:
			at.pos, at.ref = mid, t[mid].ref()
			return at
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	at.pos = lo
	return at
}

// leaf walks to the table for a hash.
func (s *shard) leaf(slot uint16, hash uint64) spot {
	l, bits := &s.roots[slot], uint(0)
	for l.isNode() {
		l = &s.heap.node(l.ref)[branch(hash, bits)]
		bits += fanBits
	}
	return spot{link: l, bits: bits}
}

// compare orders the entry at r against k: by hash, then by name.
func (s *shard) compare(r ref, k *engine.Key) int {
	e := s.heap.entry(r)
	name := e.name()
	if bytes.Equal(name, k.Name) {
		return 0
	}
	if c := cmp.Compare(e.hash(), k.Hash); c != 0 {
		return c
	}
	return bytes.Compare(name, k.Name)
}

// insert puts a cell for entry r at the spot where find missed it.
func (s *shard) insert(at spot, hash uint64, r ref) error {
	l, c := at.link, newCell(tail(hash, at.bits), r)
	if l.n > 0 && int(l.n) < fill(l.class.cells()) {
		if pushed, ok := s.heap.table(l).insert(at.pos, c); ok {
			s.steps += pushed
			l.n++
			return nil
		}
	}
	return s.rebuild(l, at.bits, at.pos, c)
}

// remove takes the cell at a spot out of the index.
func (s *shard) remove(at spot, slot uint16, hash uint64) {
	l := at.link
	s.steps += s.heap.table(l).remove(at.pos)
	l.n--
	switch {
	case l.n == 0:
		s.heap.free(l.ref)
		*l = link{}
	case 2*int(l.n) < l.class.cells():
		// Without memory for a smaller table, the larger one does.
		_ = s.rebuild(l, at.bits, 0, 0)
	}
	if at.bits > 0 && l.n <= mergeCheck {
		s.merge(slot, hash)
	}
}

// rebuild replaces a table by what suits its cells, and an extra one to be
// inserted at pos unless that is 0. After an error all is as before.
func (s *shard) rebuild(l *link, bits uint, pos int, extra cell) error {
	cells := s.scratch[:0]
	for i, c := range s.heap.table(l) {
		if i == pos && extra != 0 {
			cells = append(cells, extra)
			extra = 0
		}
		if c != 0 {
			cells = append(cells, c)
		}
	}
	if extra != 0 {
		cells = append(cells, extra)
	}
	s.scratch = cells
	built, err := s.build(cells, bits)
	if err != nil {
		return err
	}
	if l.n > 0 {
		s.heap.free(l.ref)
	}
	*l = built
	return nil
}

// build makes a table, or a node, of cells that are in order, and uses them up.
func (s *shard) build(cells []cell, bits uint) (link, error) {
	exhausted := bits >= 64
	if len(cells) < maxLeaf || exhausted {
		l, err := s.buildTable(cells)
		if err != nil || l.n > 0 {
			return l, err
		}
		if exhausted {
			return link{}, engine.ErrFull
		}
	}
	return s.buildNode(cells, bits)
}

// buildTable makes a table. It gives an empty link if none of a fair size holds
// the cells: hashes may be chosen so that they all end up in its spill.
func (s *shard) buildTable(cells []cell) (link, error) {
	n := len(cells)
	fair := 2 * (n + spill)
	for c := tableClass(roomy(n)); c.isTable() && c.cells() <= fair; c++ {
		r, err := s.heap.newTable(c)
		if err != nil {
			return link{}, err
		}
		s.steps += n
		if s.heap.cells(r, c.cells()).spread(cells) {
			return link{ref: r, class: c, n: uint16(n)}, nil
		}
		s.heap.free(r)
	}
	return link{}, nil
}

// buildNode makes a node with a table, or a node, for each branch.
func (s *shard) buildNode(cells []cell, bits uint) (link, error) {
	r, err := s.heap.newNode()
	if err != nil {
		return link{}, err
	}
	l := link{ref: r, class: nodeClass}
	for children := s.heap.node(r); len(cells) > 0; {
		child := cells[0].hash() >> (32 - fanBits)
		n := 0
		for n < len(cells) && cells[n].hash()>>(32-fanBits) == child {
			hash := s.heap.entry(cells[n].ref()).hash()
			cells[n] = newCell(tail(hash, bits+fanBits), cells[n].ref())
			n++
		}
		s.steps += n
		if children[child], err = s.build(cells[:n], bits+fanBits); err != nil {
			s.unbuild(&l)
			return link{}, err
		}
		cells = cells[n:]
	}
	return l, nil
}

// unbuild frees what build made. The entries stay.
func (s *shard) unbuild(l *link) {
	if l.isNode() {
		children := s.heap.node(l.ref)
		for i := range children {
			s.unbuild(&children[i])
		}
	}
	if l.class != 0 {
		s.heap.free(l.ref)
	}
}

// merge turns the nodes on the way to a hash back into tables, from the last
// one up, where they have become too empty.
func (s *shard) merge(slot uint16, hash uint64) {
	for {
		var last *link
		l, bits := &s.roots[slot], uint(0)
		for l.isNode() {
			last = l
			l = &s.heap.node(l.ref)[branch(hash, bits)]
			bits += fanBits
		}
		if last == nil || !s.mergeNode(last) {
			return
		}
	}
}

// mergeNode turns one node into a table, if its tables hold little enough.
func (s *shard) mergeNode(l *link) bool {
	children := s.heap.node(l.ref)
	sum := 0
	for i := range children {
		sum += int(children[i].n)
		if children[i].isNode() || sum > mergeLeaf {
			return false
		}
	}
	cells := s.scratch[:0]
	for i := range children {
		for _, c := range s.heap.table(&children[i]) {
			if c != 0 {
				hash := uint32(i)<<(32-fanBits) | c.hash()>>fanBits
				cells = append(cells, newCell(hash, c.ref()))
			}
		}
	}
	s.scratch = cells
	merged, err := s.buildTable(cells)
	if err != nil || merged.n == 0 && sum > 0 {
		return false
	}
	s.unbuild(l)
	*l = merged
	return true
}
