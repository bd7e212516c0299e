package replica

import "encoding/binary"

// A note is what load would have to make anew, as it is when a node stops:
//
//	2 · replicated, 0 or 1 · entries ·
//	(slot · due · expiring · dead · sum of expiries, 8 bytes · digest, 8 bytes)*
//
// of the slots of which there is something to say, ascending. Numbers are varints,
// but for the last two, which are little-endian as are others of a fixed size; due
// is written plus one, 0 for never. A note is only used
// for the entries that it was made of: engines forget it at the next start.
const noteFormat = 2

// writeNote is nil where the figures do not say what a load would find.
func (s *Store) writeNote() []byte {
	if s.unread.Load() || s.damaged.n.Load() > 0 {
		return nil
	}
	b := []byte{noteFormat, byte(one(s.replicated))}
	b = binary.AppendUvarint(b, uint64(s.eng.Stats().Keys))
	for i := range s.slots {
		x := &s.slots[i]
		due := uint64(x.due.Load()) + 1
		if due == never+1 {
			due = 0
		}
		n := noted{
			slot: uint64(i), due: due, expiring: uint64(x.expiring.Load()), dead: uint64(x.dead.Load()),
			sum: uint64(x.expirySum.Load()), digest: x.digest.Load(),
		}
		if n != (noted{slot: n.slot}) {
			b = n.append(b)
		}
	}
	return b
}

// noted is what a note says of a slot.
type noted struct{ slot, due, expiring, dead, sum, digest uint64 }

func (n *noted) append(b []byte) []byte {
	for _, x := range [...]uint64{n.slot, n.due, n.expiring, n.dead} {
		b = binary.AppendUvarint(b, x)
	}
	b = binary.LittleEndian.AppendUint64(b, n.sum)
	return binary.LittleEndian.AppendUint64(b, n.digest)
}

// readNote takes a note over. False: it is none, or of other entries than there
// are, or does not say what this store needs, and nothing has changed.
func (s *Store) readNote(b []byte) bool {
	if len(b) < 2 || b[0] != noteFormat || b[1] > 1 || s.replicated && b[1] == 0 {
		return false
	}
	r := noteReader{b: b[2:]}
	entries := r.uvarint()
	if entries != uint64(s.eng.Stats().Keys) {
		return false
	}
	var slots []noted
	left := entries // that may yet be said to expire, or to be dead
	for next := uint64(0); len(r.b) > 0; {
		x := noted{slot: r.uvarint(), due: r.uvarint(), expiring: r.uvarint(), dead: r.uvarint(), sum: r.fixed(), digest: r.fixed()}
		if x.slot < next || x.slot >= uint64(len(s.slots)) || x.due > never {
			return false
		}
		if x.expiring > left || x.dead > left-x.expiring {
			return false
		}
		next, left = x.slot+1, left-x.expiring-x.dead
		slots = append(slots, x)
	}
	if r.short {
		return false
	}
	for i := range slots {
		s.take(&slots[i])
	}
	return true
}

func (s *Store) take(x *noted) {
	at := &s.slots[x.slot]
	if x.due != 0 {
		at.due.Store(int64(x.due - 1))
	}
	at.expiring.Store(int64(x.expiring))
	at.dead.Store(int64(x.dead))
	at.expirySum.Store(int64(x.sum))
	s.expiring.Add(int64(x.expiring))
	s.dead.Add(int64(x.dead))
	if s.replicated {
		at.digest.Store(x.digest)
	}
}

// noteReader takes numbers off bytes; short is set, and b empty, once they do not
// suffice.
type noteReader struct {
	b     []byte
	short bool
}

func (r *noteReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.short = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *noteReader) fixed() uint64 {
	if len(r.b) < 8 {
		r.b, r.short = nil, true
		return 0
	}
	v := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}
