package record

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Compare orders dots by (HLC, actor): the order by which every node finds the
// same winner among siblings.
func (d Dot) Compare(e Dot) int {
	if c := cmp.Compare(d.HLC, e.HLC); c != 0 {
		return c
	}
	return cmp.Compare(d.Actor, e.Actor)
}

// Vector is a version vector: for each actor the highest HLC that was seen of
// it. It is sorted by actor, has each actor once, and holds no HLC of 0. An
// entry (A, t) says that every dot of A up to t was seen, so a vector is only
// made by Merge and by adding a minted dot.
type Vector []Dot

func byActor(d Dot, actor uint64) int { return cmp.Compare(d.Actor, actor) }

// At is the highest HLC seen of actor, 0 if none was.
func (v Vector) At(actor uint64) HLC {
	if i, found := slices.BinarySearchFunc(v, actor, byActor); found {
		return v[i].HLC
	}
	return 0
}

// Has says whether v has seen d.
func (v Vector) Has(d Dot) bool { return d.HLC <= v.At(d.Actor) }

// Covers says whether v has seen all that w has.
func (v Vector) Covers(w Vector) bool {
	i := 0
	for _, d := range w {
		for i < len(v) && v[i].Actor < d.Actor {
			i++
		}
		if i == len(v) || v[i].Actor != d.Actor || v[i].HLC < d.HLC {
			return false
		}
	}
	return true
}

// Order is how two vectors stand to each other.
type Order int

// The orders that Compare gives.
const (
	Equal      Order = iota
	Before           // the other one has seen more
	After            // the other one has seen less
	Concurrent       // each has seen what the other has not
)

// Compare says how v stands to w.
func (v Vector) Compare(w Vector) Order {
	above, below := v.Covers(w), w.Covers(v)
	switch {
	case above && below:
		return Equal
	case below:
		return Before
	case above:
		return After
	}
	return Concurrent
}

// Max is the greatest HLC in v. A minted one must be above it.
func (v Vector) Max() (t HLC) {
	for _, d := range v {
		t = max(t, d.HLC)
	}
	return t
}

// appendUnion appends the union of v and w, each actor at its maximum.
func appendUnion(dst, v, w Vector) Vector {
	for len(v) > 0 && len(w) > 0 {
		switch {
		case v[0].Actor < w[0].Actor:
			dst, v = append(dst, v[0]), v[1:]
		case v[0].Actor > w[0].Actor:
			dst, w = append(dst, w[0]), w[1:]
		default:
			dst = append(dst, Dot{v[0].Actor, max(v[0].HLC, w[0].HLC)})
			v, w = v[1:], w[1:]
		}
	}
	return append(append(dst, v...), w...)
}

// Union is the vector that has seen what v or w has. It shares no memory with
// them.
func (v Vector) Union(w Vector) Vector {
	return appendUnion(make(Vector, 0, len(v)+len(w)), v, w)
}

// Hash is a 64-bit murmur3 of v: equal vectors have equal hashes, and records
// with equal vectors are equal. 0 is the hash of the empty vector alone: of a
// record that is not there.
func (v Vector) Hash() uint64 { return v.Digest(nil, nil) }

// Digest is a 64-bit murmur3 of key and v, without the entries whose actors
// skip names, if it is given: they do not count for a record's version when
// they are about to be pruned. It is 0 if nothing is left.
func (v Vector) Digest(key []byte, skip func(actor uint64) bool) uint64 {
	var m murmur
	m.write(key)
	for _, d := range v {
		if skip == nil || !skip(d.Actor) {
			m.dot(d)
		}
	}
	if m.size == uint64(len(key)) {
		return 0
	}
	return max(m.sum(), 1)
}

func appendDot(b []byte, d Dot) []byte {
	b = binary.LittleEndian.AppendUint64(b, d.Actor)
	return binary.LittleEndian.AppendUint64(b, uint64(d.HLC))
}
