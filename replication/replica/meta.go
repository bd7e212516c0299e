package replica

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// The meta of an entry, little-endian:
//
//	0  what is shown, 8 bytes:
//	     0   a value that never expires
//	     E   a value that expires at E, Unix ms
//	     -1  nothing: a tombstone, or its bytes are cut
//	     -F  nothing, F > 1: the winner has expired; of the values whose bytes are
//	         there, F is the earliest expiry, and at F + cutAfter they are to be cut
//	8  the hash of the record's vector, 8 bytes; 0: not computed, see Records.Hash
const (
	noExpiry = 0
	nothing  = -1

	// cutAfter is how many milliseconds after its expiry a value loses its bytes
	// in a replicated store: nobody's clock is so far behind that it could still
	// show it.
	cutAfter = 60_000
)

func metaOf(shown int64, hash uint64) (m engine.Meta) {
	binary.LittleEndian.PutUint64(m[:], uint64(shown))
	binary.LittleEndian.PutUint64(m[8:], hash)
	return m
}

func shownOf(m engine.Meta) int64 { return int64(binary.LittleEndian.Uint64(m[:])) }

func hashOf(m engine.Meta) uint64 { return binary.LittleEndian.Uint64(m[8:]) }

// absentAt says whether an entry reads as absent at now.
func absentAt(shown, now int64) bool { return shown < 0 || shown != noExpiry && shown <= now }

// shownBy is what the meta says of a record at now.
func shownBy(w *record.Whole, now int64) int64 {
	if v := w.Winner(now); v != nil {
		return v.ExpireAt
	}
	next := int64(math.MaxInt64)
	for i := range w.Values {
		if v := &w.Values[i]; !v.Cut && v.ExpireAt != 0 {
			next = min(next, v.ExpireAt)
		}
	}
	if next == math.MaxInt64 {
		return nothing
	}
	return -max(next, 2)
}

// dueAt is when the sweep has to do with an entry; never. A store that is not
// replicated cuts nothing.
func (s *Store) dueAt(shown int64) int64 {
	switch {
	case shown > 0:
		return shown
	case shown == noExpiry || shown == nothing || !s.replicated:
		return never
	}
	return min(-shown, never-cutAfter) + cutAfter
}

// dueOf is dueAt of an entry. One that a node has written while it stood alone has
// no hash, and so no part in the digest: the sweep is to give it one.
func (s *Store) dueOf(m engine.Meta) int64 {
	if s.replicated && hashOf(m) == 0 {
		return 0
	}
	return s.dueAt(shownOf(m))
}

// face is what the figures need to know of an entry. The zero face is of one
// that is not there.
type face struct {
	shown int64
	part  uint64 // of its slot's digest
}

// face is that of key k's entry. Its meta alone makes the digest, so that this can
// be made anew without values: a record whose hash was not computed has no part
// in it, as one that is not there, until the sweep has written it again.
func (s *Store) face(k *engine.Key, m engine.Meta) face {
	f := face{shown: shownOf(m)}
	if s.replicated {
		f.part = partOf(k, hashOf(m))
	}
	return f
}

// partOf is what a record adds to the digest of its slot.
func partOf(k *engine.Key, hash uint64) uint64 {
	if hash == 0 {
		return 0
	}
	return max(mix(mix(hash)+bits.RotateLeft64(k.Hash, 32)), 1)
}

// mix is the last step of murmur3's 64-bit hash: each bit of x changes each of the
// result's with even chances.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// moved keeps the figures of a slot when an entry goes from one face to another.
func (s *Store) moved(slot uint16, from, to face) {
	if from.part != to.part {
		s.slots[slot].fold(from.part ^ to.part)
	}
	if from.shown != to.shown {
		s.counted(slot, from.shown, to.shown)
	}
}

// fold changes the slot's digest.
func (x *slot) fold(part uint64) {
	for {
		d := x.digest.Load()
		if x.digest.CompareAndSwap(d, d^part) {
			return
		}
	}
}

// counted is moved but for the digest.
func (s *Store) counted(slot uint16, from, to int64) {
	x := &s.slots[slot]
	if n := one(to > 0) - one(from > 0); n != 0 {
		s.expiring.Add(n)
		x.expiring.Add(n)
	}
	if n := one(to < 0) - one(from < 0); n != 0 {
		s.dead.Add(n)
		x.dead.Add(n)
	}
	if sum := max(to, 0) - max(from, 0); sum != 0 {
		x.expirySum.Add(sum)
	}
	if due := s.dueAt(to); due != never {
		s.dueBy(slot, due)
	}
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
