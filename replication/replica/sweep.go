package replica

import (
	"bytes"
	"errors"
	"time"

	"github.com/rldb/rldb/engine"
)

// The sweep removes keys that expired and that nobody asks for. It needs no
// memory per key: each slot knows a time before which nothing in it expires,
// and only slots whose time has come are looked through. It works for at most
// sweepWork in every sweepEvery, a quarter of one core; what is left over is
// seen by nobody and waits for the next round.
const (
	sweepEvery = 100 * time.Millisecond
	sweepWork  = 25 * time.Millisecond
	// sweepPage is how many entries are looked at under one hold of a lock.
	sweepPage = 256
	// sweepKeys is from how many expired keys on they are removed, together: an
	// engine that waits for a disk takes as long for one as for all of them.
	sweepKeys = 64
)

func (s *Store) sweepLoop() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	sw := sweeper{store: s, page: page{store: s}}
	for {
		select {
		case <-s.stop:
			return
		case start := <-tick.C:
			if !s.sweepOff.Load() && (s.replicated || s.expiring.Load() > 0) {
				sw.round(start.Add(sweepWork))
			}
		}
	}
}

// sweeper is the sweep's place: the slot it goes on with, and the expired keys
// that it has found and not yet removed, with their slots.
type sweeper struct {
	store *Store
	next  int
	page  page
	found []uint16
	txn   Txn
	recs  Records
}

// round looks through the slots that are due, until a time.
func (w *sweeper) round(until time.Time) {
	s := w.store
	now := s.clock.Milli() // asked once, but where time has been spent: a clock is dear, 16384 times
	for range engine.Slots {
		i := uint16(w.next)
		w.next = (w.next + 1) % engine.Slots
		if s.slots[i].due.Load() > now {
			continue
		}
		if !w.slot(i) || time.Now().After(until) {
			break
		}
		now = s.clock.Milli()
	}
	w.remove()
}

// slot looks for the expired keys of a slot; false if some cannot be removed. The
// slot's due time is set to never first, so that an expiry set meanwhile, which
// lowers it, is not forgotten.
func (w *sweeper) slot(i uint16) bool {
	s := w.store
	s.slots[i].due.Store(never)
	w.page.now = s.clock.Milli()
	w.page.earliest = never
	for from, more := uint64(0), true; more; {
		if n := len(w.found); n == 0 || w.found[n-1] != i {
			w.found = append(w.found, i)
		}
		w.page.begin()
		scan := engine.Scan{Slot: i, From: from, Visit: &w.page}
		s.scan(&scan, true)
		if scan.Err != nil {
			s.log.Error("looking for expired keys failed", "slot", i, "err", scan.Err)
			s.dueBy(i, w.page.now+1000)
			return true
		}
		if len(w.page.ends) >= sweepKeys && !w.remove() {
			s.dueBy(i, w.page.now+1000)
			return false
		}
		from, more = w.page.next, w.page.more
	}
	s.dueBy(i, w.page.earliest)
	return true
}

// remove removes what was found. Where that fails, the slots are looked at again in
// a second. False: writes are refused, which the engine has logged.
func (w *sweeper) remove() bool {
	names := w.page.names()
	err := w.drop(names)
	refused := err != nil && !errors.Is(err, engine.ErrCorrupt)
	if err != nil && !refused {
		for i := range names { // a damaged one is not to keep the others
			_ = w.drop(names[i : i+1])
		}
	}
	if err != nil {
		for _, i := range w.found {
			w.store.dueBy(i, w.page.now+1000)
		}
	}
	w.page.reset()
	w.found = w.found[:0]
	return !refused
}

// drop removes keys if they have expired.
func (w *sweeper) drop(names [][]byte) error {
	if len(names) == 0 {
		return nil
	}
	if w.store.replicated {
		return w.mark(names)
	}
	w.txn.Reset(w.store, Blind, w.page.now, nop{})
	w.txn.stage = forced // it mints no dot
	for _, name := range names {
		w.txn.Key(name)
	}
	w.store.Do(&w.txn)
	return w.txn.Err()
}

// nop decides nothing: a transaction removes expired entries by itself.
type nop struct{}

func (nop) Decide(*Txn) {}
func (nop) Done(*Txn)   {}

// page collects the expired keys among the next sweepPage entries of a slot, and
// keeps them until it is reset.
type page struct {
	store    *Store
	now      int64
	earliest int64 // when one of the entries that stay is due
	seen     int
	last     uint64
	next     uint64
	more     bool
	buf      bytes.Buffer
	ends     []int
	found    [][]byte
}

func (p *page) begin() { p.seen, p.more = 0, false }

func (p *page) reset() {
	p.buf.Reset()
	p.ends = p.ends[:0]
}

// Visit stops only between two hashes, so that the next page can begin there.
func (p *page) Visit(k engine.Key, e engine.Entry) bool {
	if p.seen >= sweepPage && k.Hash != p.last {
		p.next, p.more = k.Hash, true
		return false
	}
	p.seen++
	p.last = k.Hash
	if at := p.store.dueOf(e.Meta); at <= p.now {
		p.buf.Write(k.Name)
		p.ends = append(p.ends, p.buf.Len())
	} else {
		p.earliest = min(p.earliest, at)
	}
	return true
}

func (p *page) names() [][]byte {
	p.found = p.found[:0]
	from := 0
	for _, end := range p.ends {
		p.found = append(p.found, p.buf.Bytes()[from:end])
		from = end
	}
	return p.found
}

// reap removes the expired entries that a read has met, or has the sweep do it
// if that had to wait for a disk: they are seen by nobody either way.
func (s *Store) reap(t *Txn) {
	if t.eng.Mode != engine.Read || s.replicated {
		return // a write has removed them itself, or the sweep sees to it
	}
	var w Txn
	w.Reset(s, Blind, t.now, nop{})
	w.stage = forced // it mints no dot
	for i := range t.eng.Keys {
		w.Key(t.eng.Keys[i].Name)
	}
	if !s.eng.Try(&w.eng) {
		s.dueAll(t)
	}
}

// dueAll has the sweep look at the slots of a transaction's keys.
func (s *Store) dueAll(t *Txn) {
	if t.eng.Mode != engine.Read || s.replicated {
		return
	}
	for i := range t.eng.Keys {
		s.dueBy(t.eng.Keys[i].Slot, t.now)
	}
}
