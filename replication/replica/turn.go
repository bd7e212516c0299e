package replica

import (
	"errors"
	"sync"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// TryRecords is Try for Records.
func (s *Store) TryRecords(r *Records) bool {
	for {
		r.begin()
		if !s.eng.Try(&r.eng) {
			return false
		}
		switch r.then() {
		case over:
			r.report()
			return true
		case salvaging:
			if !r.salvage.try() {
				r.anew()
				return false
			}
			if r.eng.Err != nil {
				return true
			}
		}
	}
}

// StartRecords is Start for Records.
func (s *Store) StartRecords(r *Records, step RecordStep) {
	r.step = step
	r.start()
}

func (r *Records) start() {
	r.begin()
	r.store.eng.Start(&r.eng)
}

// DoRecords is Do for Records.
func (s *Store) DoRecords(r *Records) {
	if s.TryRecords(r) {
		return
	}
	w := &recordsWaiter{step: r.step}
	w.wg.Add(1)
	s.StartRecords(r, w)
	w.wg.Wait()
}

// recordsWaiter is a step whose end is waited for.
type recordsWaiter struct {
	step RecordStep
	wg   sync.WaitGroup
}

func (w *recordsWaiter) Decide(r *Records) { w.step.Decide(r) }
func (w *recordsWaiter) Done(*Records)     { w.wg.Done() }

// begin prepares for the engine to be asked.
func (r *Records) begin() {
	r.now = r.store.clock.Milli()
	r.unhashed, r.stale = false, false
	if r.salvage != nil {
		r.eng.Mode = Blind
	}
}

// anew has it begin as if the engine had not been asked yet.
func (r *Records) anew() { r.salvage, r.eng.Mode = nil, r.mode }

// upshot is what becomes of a transaction that the engine is done with.
type upshot uint8

const (
	over upshot = iota
	again
	salvaging // then again
)

func (r *Records) then() upshot {
	err := r.eng.Err
	if err != nil {
		r.fail()
	}
	switch {
	case r.stale && r.tries < maxTries:
		r.anew()
		return again
	case r.stale:
		r.eng.Err = engine.ErrCorrupt
	case r.unhashed && err == nil:
		r.eng.Mode = Write
		return again
	case r.salvage == nil && r.store.replicated && errors.Is(err, engine.ErrCorrupt):
		r.tries++
		r.salvage = newSalvage(r)
		return salvaging
	case r.salvage != nil && err != nil && r.mode == Read:
		r.eng.Err = engine.ErrCorrupt // why nothing can be written is no answer
	}
	return over
}

// Decide is the engine's call: it has the step decide, and turns its records into
// entries.
func (r *Records) Decide(e *engine.Txn) {
	if r.stale = r.salvage != nil && r.salvage.stale(); r.stale {
		return
	}
	if r.unhashed = e.Mode == Blind && r.salvage == nil && unhashed(e.Old); r.unhashed {
		return
	}
	n := len(e.Keys)
	if cap(r.recs) < n {
		r.recs = append(r.recs[:cap(r.recs)], make([]rec, n-cap(r.recs))...)
	}
	r.recs, r.bytes = r.recs[:n], r.bytes[:0]
	for i := range r.recs {
		x := &r.recs[i]
		w := record.Whole{Vector: x.whole.Vector[:0], Values: x.whole.Values[:0]}
		*x = rec{whole: w}
		if r.salvage != nil && e.Old[i].Found && r.salvage.got[i].damaged {
			r.damage(i)
		}
	}
	r.step.Decide(r)
	if r.mode != Read {
		r.tallied = true
		for i := range r.recs {
			r.save(i, &e.Old[i], &e.New[i])
		}
	}
}

// unhashed says whether the hash of an entry is not in its meta.
func unhashed(old []engine.Entry) bool {
	for i := range old {
		if old[i].Found && hashOf(old[i].Meta) == 0 {
			return true
		}
	}
	return false
}

// save makes key i's change, and keeps the figures.
func (r *Records) save(i int, old *engine.Entry, c *engine.Change) {
	x, s, k := &r.recs[i], r.store, &r.eng.Keys[i]
	if x.action == engine.Keep || x.action == engine.Delete && !old.Found {
		return
	}
	if old.Found {
		s.intact(k) // what takes its place is
		x.was = s.face(k, old.Meta)
	}
	c.Action = x.action
	if x.action == engine.Put {
		c.Meta, c.Head, c.Body = x.meta, r.bytes[x.from:x.to], x.body
		x.is = s.face(k, x.meta)
	}
	s.moved(k.Slot, x.was, x.is)
	s.slots[k.Slot].removed.Add(1)
	if x.lapsed = x.was.shown > 0 && x.was.shown <= r.now; x.lapsed {
		s.expired.Add(1)
	}
}

// fail takes back what save has told the store, where the engine has refused the
// changes after all: see Txn.fail. A damaged record that was to be written again
// is found once more when it is read.
func (r *Records) fail() {
	if !r.tallied {
		return
	}
	r.tallied = false
	for i := range r.recs {
		x := &r.recs[i]
		r.store.moved(r.eng.Keys[i].Slot, x.is, x.was)
		if x.lapsed {
			r.store.expired.Add(-1)
		}
	}
}

// report logs what damage was found: not in the keys' turn, as it may wait.
func (r *Records) report() {
	for i := range r.found {
		r.store.log.Error("a record is damaged", "slot", r.found[i].Slot, "hash", r.found[i].Hash)
	}
	r.found = r.found[:0]
}

// Done passes the end of a started transaction on.
func (r *Records) Done(*engine.Txn) {
	switch r.then() {
	case over:
		r.report()
		r.step.Done(r)
	case again:
		r.start()
	case salvaging:
		r.salvage.start()
	}
}
