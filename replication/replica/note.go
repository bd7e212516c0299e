package replica

import "encoding/binary"

// A note is what load would have to make anew, as it is when a node stops:
//
//	1 · keys · (slot · due · expiring · sum of expiries, 8 bytes)*
//
// of the slots that have a due time, ascending. Numbers are varints, but for the
// sum, which is little-endian as are others of a fixed size. A note is only used
// for the entries that it was made of: engines forget it at the next start.
const noteFormat = 1

func (s *Store) writeNote() []byte {
	b := []byte{noteFormat}
	b = binary.AppendUvarint(b, uint64(s.Keys()))
	for i := range s.slots {
		x := &s.slots[i]
		if due := x.due.Load(); due != never {
			b = binary.AppendUvarint(b, uint64(i))
			b = binary.AppendUvarint(b, uint64(due))
			b = binary.AppendUvarint(b, uint64(x.expiring.Load()))
			b = binary.LittleEndian.AppendUint64(b, uint64(x.expirySum.Load()))
		}
	}
	return b
}

// noted is what a note says of a slot.
type noted struct{ slot, due, expiring, sum uint64 }

// readNote takes a note over. False: it is none, or of other entries than there
// are, and nothing has changed.
func (s *Store) readNote(b []byte) bool {
	if len(b) == 0 || b[0] != noteFormat {
		return false
	}
	r := noteReader{b: b[1:]}
	keys := r.uvarint()
	if keys != uint64(s.Keys()) {
		return false
	}
	var slots []noted
	left := keys // that may yet be said to expire
	for next := uint64(0); len(r.b) > 0; {
		x := noted{slot: r.uvarint(), due: r.uvarint(), expiring: r.uvarint(), sum: r.fixed()}
		if x.slot < next || x.slot >= uint64(len(s.slots)) || x.due >= never || x.expiring > left {
			return false
		}
		next, left = x.slot+1, left-x.expiring
		slots = append(slots, x)
	}
	if r.short {
		return false
	}
	for _, x := range slots {
		at := &s.slots[x.slot]
		at.due.Store(int64(x.due))
		at.expiring.Store(int64(x.expiring))
		at.expirySum.Store(int64(x.sum))
		s.expiring.Add(int64(x.expiring))
	}
	return true
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
