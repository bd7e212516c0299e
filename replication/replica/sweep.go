package replica

import (
	"bytes"
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
)

func (s *Store) sweepLoop() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	sw := sweeper{store: s}
	for {
		select {
		case <-s.stop:
			return
		case start := <-tick.C:
			if !s.sweepOff.Load() && s.expiring.Load() > 0 {
				sw.round(start.Add(sweepWork))
			}
		}
	}
}

// sweeper is the sweep's place: the slot it goes on with.
type sweeper struct {
	store *Store
	next  int
	page  page
	txn   Txn
}

// round looks through the slots that are due, until a time.
func (w *sweeper) round(until time.Time) {
	s := w.store
	for range engine.Slots {
		i := uint16(w.next)
		w.next = (w.next + 1) % engine.Slots
		if s.slots[i].due.Load() > s.clock.Milli() {
			continue
		}
		w.slot(i)
		if time.Now().After(until) {
			return
		}
	}
}

// slot removes the expired keys of a slot. The slot's due time is set to never
// first, so that an expiry set meanwhile, which lowers it, is not forgotten.
func (w *sweeper) slot(i uint16) {
	s := w.store
	s.slots[i].due.Store(never)
	w.page.now = s.clock.Milli()
	w.page.earliest = never
	for from, more := uint64(0), true; more; {
		w.page.reset()
		scan := engine.Scan{Slot: i, From: from, Visit: &w.page}
		s.scan(&scan, true)
		if scan.Err != nil {
			s.log.Error("looking for expired keys failed", "slot", i, "err", scan.Err)
			s.dueBy(i, w.page.now+1000)
			return
		}
		for _, name := range w.page.names() {
			w.txn.Reset(s, Blind, w.page.now, nop{})
			w.txn.Key(name)
			s.Do(&w.txn)
			if w.txn.Err() != nil { // writes are refused, which the engine has logged
				s.dueBy(i, w.page.now+1000)
				return
			}
		}
		from, more = w.page.next, w.page.more
	}
	s.dueBy(i, w.page.earliest)
}

// nop decides nothing: a transaction removes expired entries by itself.
type nop struct{}

func (nop) Decide(*Txn) {}
func (nop) Done(*Txn)   {}

// page collects the expired keys among the next sweepPage entries of a slot.
type page struct {
	now      int64
	earliest int64 // expiry of the entries that stay
	seen     int
	last     uint64
	next     uint64
	more     bool
	buf      bytes.Buffer
	ends     []int
	found    [][]byte
}

func (p *page) reset() {
	p.seen, p.more = 0, false
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
	switch at := expiryOf(e.Meta); {
	case at == 0:
	case at <= p.now:
		p.buf.Write(k.Name)
		p.ends = append(p.ends, p.buf.Len())
	default:
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
	if t.eng.Mode != engine.Read {
		return // a write has removed them itself
	}
	var w Txn
	w.Reset(s, Blind, t.now, nop{})
	for i := range t.eng.Keys {
		w.Key(t.eng.Keys[i].Name)
	}
	if !s.eng.Try(&w.eng) {
		s.dueAll(t)
	}
}

// dueAll has the sweep look at the slots of a transaction's keys.
func (s *Store) dueAll(t *Txn) {
	if t.eng.Mode != engine.Read {
		return
	}
	for i := range t.eng.Keys {
		s.dueBy(t.eng.Keys[i].Slot, t.now)
	}
}
