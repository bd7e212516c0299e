package replica

// markKeys bounds how many records the sweep of a replicated store holds in memory
// at once: it has to read their values to write them again.
const markKeys = 8

// mark has the metas of expired records say so, cuts the bytes of values whose
// time for that has come, and gives a hash to what has none. No record is removed,
// and no version changes.
func (w *sweeper) mark(names [][]byte) error {
	for len(names) > 0 {
		few := names[:min(len(names), markKeys)]
		names = names[len(few):]
		w.recs.Reset(w.store, Write, marker{})
		for _, name := range few {
			w.recs.Key(KeyOf(name))
		}
		w.store.DoRecords(&w.recs)
		err := w.recs.Err()
		w.recs.Trim()
		if err != nil {
			return err
		}
	}
	return nil
}

// marker is the step that marks and cuts: over what there is now, so that a record
// which was written meanwhile stays as it is.
type marker struct{}

// Decide implements RecordStep. Damaged records wait for repair.
func (marker) Decide(r *Records) {
	for i := range r.Len() {
		w, err := r.Whole(i)
		if err != nil {
			r.store.dueBy(r.At(i).Slot, r.now+cutAfter)
			continue
		}
		if w.IsZero() {
			continue
		}
		m, cut := w.CutExpired(r.now - cutAfter)
		if meta := r.eng.Old[i].Meta; cut || hashOf(meta) == 0 || shownBy(w, r.now) != shownOf(meta) {
			r.Put(i, &m)
		}
	}
}

// Done implements RecordStep.
func (marker) Done(*Records) {}
