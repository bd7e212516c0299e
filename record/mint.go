package record

import "slices"

// A coordinator makes a new record of the one it holds. Each of these gives a
// record whose vector is w's, what the client had seen, and the minted dot.
// None changes w. The dot must come from a Clock that was given Floor.

// MaxSiblings is how many values a minted record keeps. With conflict: lww it
// is one, LastWriteWins.
const (
	MaxSiblings   = 16
	LastWriteWins = 1
)

// Floor is what a dot minted over w, for a client that has seen context, must
// be above.
func (w *Whole) Floor(context Vector) HLC { return max(w.Vector.Max(), context.Max()) }

// NewValue is a value as the first coordinator makes it, with its checksum.
func NewValue(value []byte, expireAt int64) Value {
	return Value{Type: String, ExpireAt: expireAt, CRC: Checksum(value), Value: value}
}

// Put is w overwritten by v: a plain SET has seen all that the coordinator has.
func (w *Whole) Put(dot Dot, v Value) Whole {
	v.Dot, v.Cut = dot, false
	return Whole{Vector: w.Vector.Union(Vector{dot}), Values: []Value{v}}
}

// Delete is w with nothing left: a tombstone with a dot of its own.
func (w *Whole) Delete(dot Dot) Whole { return Whole{Vector: w.Vector.Union(Vector{dot})} }

// Overtaken says whether w knows of writes that a client with this context has
// not seen: its PUT is refused then.
func (w *Whole) Overtaken(context Vector) bool { return !context.Covers(w.Vector) }

// PutContext is w with v in the place of all that context has seen; what it has
// not seen stays beside it. At most limit values are left, the oldest go first;
// dropped says how many did.
func (w *Whole) PutContext(context Vector, dot Dot, v Value, limit int) (m Whole, dropped int) {
	v.Dot, v.Cut = dot, false
	rest := w.unseen(context)
	m.Vector = w.Vector.Union(context).Union(Vector{dot})
	m.Values = append([]Value{v}, rest...)
	return m, m.limit(limit)
}

// DeleteContext is w without what context has seen.
func (w *Whole) DeleteContext(context Vector, dot Dot, limit int) (m Whole, dropped int) {
	m.Vector = w.Vector.Union(context).Union(Vector{dot})
	m.Values = w.unseen(context)
	return m, m.limit(limit)
}

// Keep is w with another expiry (0: never) of the value that GET answers; its
// bytes and checksum stay as they are, and so do its siblings. ok is false if
// GET answers nothing.
func (w *Whole) Keep(dot Dot, expireAt, nowMilli int64) (m Whole, ok bool) {
	if w.Winner(nowMilli) == nil {
		return Whole{}, false
	}
	m.Vector = w.Vector.Union(Vector{dot})
	m.Values = slices.Clone(w.Values)
	m.Values[0].Dot, m.Values[0].ExpireAt = dot, expireAt
	return m, true
}

// CutExpired is w without the bytes of the values that had expired at
// beforeMilli. Their dots and expiries stay, so it is the same version: no dot
// is minted. changed is false if there was nothing to cut; m is w then.
func (w *Whole) CutExpired(beforeMilli int64) (m Whole, changed bool) {
	m = *w
	for i := range w.Values {
		v := &w.Values[i]
		if v.Cut || !v.Expired(beforeMilli) {
			continue
		}
		if !changed {
			m.Values, changed = slices.Clone(w.Values), true
		}
		m.Values[i] = Value{Type: v.Type, Dot: v.Dot, ExpireAt: v.ExpireAt, Cut: true}
	}
	return m, changed
}

// unseen is a copy of the values that context has not seen.
func (w *Whole) unseen(context Vector) (rest []Value) {
	for i := range w.Values {
		if !context.Has(w.Values[i].Dot) {
			rest = append(rest, w.Values[i])
		}
	}
	return rest
}

// limit drops the oldest values: the vector has seen them, so they are gone.
func (w *Whole) limit(n int) (dropped int) {
	n = max(n, 1)
	if len(w.Values) <= n {
		return 0
	}
	dropped = len(w.Values) - n
	clear(w.Values[n:])
	w.Values = w.Values[:n]
	return dropped
}
