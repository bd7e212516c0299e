package record

// Value is one of a record's surviving values: a record as format 1 has it.
type Value = Record

// Whole is all that is stored under a key: what has been seen, and the values
// that survive it. More than one are siblings: writes that had not seen each
// other. With none it is a tombstone. The zero Whole is a key that nobody has
// written.
//
// Values are sorted by dot, the greatest first, and each has its dot in Vector.
// A Whole is read only once it is made: its slices may be shared.
type Whole struct {
	Vector Vector
	Values []Value
}

// IsZero says that nobody has written the key, as far as w knows.
func (w *Whole) IsZero() bool { return len(w.Vector) == 0 }

// Winner is the value that GET answers, the same on every node: the one with
// the greatest (HLC, actor), nil if that one has expired or there is none.
func (w *Whole) Winner(nowMilli int64) *Value {
	if len(w.Values) == 0 || w.Values[0].Expired(nowMilli) {
		return nil
	}
	return &w.Values[0]
}

// Unseen appends the dots of w's values that v has not seen: what a replica
// answers to a write that had seen v.
func (w *Whole) Unseen(dst []Dot, v Vector) []Dot {
	for i := range w.Values {
		if d := w.Values[i].Dot; !v.Has(d) {
			dst = append(dst, d)
		}
	}
	return dst
}

// Accepts says whether a record that has seen v may take w's place as the
// outcome of a conditional command: it must have seen all that w has.
func (w *Whole) Accepts(v Vector) bool { return v.Covers(w.Vector) }

// Merge is the record that a and b make together: a value stays if both have
// it, or if the other one has not seen its dot. It is commutative, associative
// and idempotent, and drops nothing else: no cap, no expiry.
func Merge(a, b *Whole) (m Whole) {
	m.SetMerged(a, b)
	return m
}

// SetMerged makes m the merge of a and b, in the memory that m has. m must be
// neither of them.
func (m *Whole) SetMerged(a, b *Whole) {
	m.Vector = appendUnion(m.Vector[:0], a.Vector, b.Vector)
	m.Values = m.Values[:0]
	x, y := a.Values, b.Values
	for len(x) > 0 || len(y) > 0 {
		c := 0
		switch {
		case len(x) == 0:
			c = -1
		case len(y) == 0:
			c = 1
		default:
			c = x[0].Dot.Compare(y[0].Dot)
		}
		switch {
		case c > 0:
			m.keep(&x[0], b.Vector)
			x = x[1:]
		case c < 0:
			m.keep(&y[0], a.Vector)
			y = y[1:]
		default: // the same write; the bytes may be gone in one of the two
			v := &x[0]
			if y[0].Cut {
				v = &y[0]
			}
			m.Values = append(m.Values, *v)
			x, y = x[1:], y[1:]
		}
	}
}

// keep appends v, which the record that has seen other does not hold.
func (m *Whole) keep(v *Value, other Vector) {
	if !other.Has(v.Dot) {
		m.Values = append(m.Values, *v)
	}
}
