package record

// Pruned is w without the vector entries of actors that are gone and that no
// surviving value needs. It is only safe once every owner is known to hold this
// version, and no older one is on its way anywhere: who calls it sees to that.
// changed is false if there was nothing to prune; m is w then.
func (w *Whole) Pruned(gone func(actor uint64) bool) (m Whole, changed bool) {
	m = *w
	for i, d := range w.Vector {
		cut := gone(d.Actor) && !w.needs(d.Actor)
		if cut && !changed {
			m.Vector, changed = append(make(Vector, 0, len(w.Vector)-1), w.Vector[:i]...), true
		} else if changed && !cut {
			m.Vector = append(m.Vector, d)
		}
	}
	return m, changed
}

// needs says whether a value of actor survives.
func (w *Whole) needs(actor uint64) bool {
	for i := range w.Values {
		if w.Values[i].Dot.Actor == actor {
			return true
		}
	}
	return false
}

// Digest is the part of this record in its slot's digest: of its key and all of
// its vector that Pruned would leave. gone may be nil.
func (w *Whole) Digest(key []byte, gone func(actor uint64) bool) uint64 {
	if gone == nil {
		return w.Vector.Digest(key, nil)
	}
	return w.Vector.Digest(key, func(a uint64) bool { return gone(a) && !w.needs(a) })
}

// Reapable says that nothing of w needs keeping once every owner has this
// version: it has no value, or none that has not expired at beforeMilli.
func (w *Whole) Reapable(beforeMilli int64) bool {
	for i := range w.Values {
		if !w.Values[i].Expired(beforeMilli) {
			return false
		}
	}
	return true
}
