package coordinator

import (
	"sync"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

// What Clear has under way at once: pages of one slot's keys.
const (
	clearPage  = 256
	clearAhead = 8
)

// Clear deletes all keys of some slots, at W, a page at a time (FLUSHALL); done gets how many. It
// waits: for a goroutine of its own. It ends at the first error, and keys that are
// written meanwhile may stay.
func (c *Coordinator) Clear(slots *replica.SlotSet) (int64, error) {
	x := &clearing{c: c, ahead: make(chan struct{}, clearAhead)}
	for slot := range uint16(engine.Slots) {
		if !slots.Has(slot) || c.store.SlotKeys(slot) == 0 {
			continue
		}
		if !x.slot(slot) {
			break
		}
	}
	for range clearAhead {
		x.ahead <- struct{}{}
	}
	if err := c.store.Commit(x.mu.pos); x.mu.err == nil {
		x.mu.err = err
	}
	return x.mu.keys, x.mu.err
}

// clearing is a Clear under way.
type clearing struct {
	c     *Coordinator
	ahead chan struct{} // one for each page under way
	mu    struct {
		sync.Mutex
		keys int64
		pos  engine.Position
		err  error
	}
}

func (x *clearing) failed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.mu.err != nil
}

func (x *clearing) ended(keys int, pos engine.Position, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil && x.mu.err == nil {
		x.mu.err = err
	}
	if x.mu.pos = max(x.mu.pos, pos); err == nil {
		x.mu.keys += int64(keys)
	}
}

// slot begins to delete a slot's keys. A slot of more than a page is waited for
// before its next one is read. False: something failed.
func (x *clearing) slot(slot uint16) bool {
	now := x.c.clock.MilliAt(x.c.o.Wall())
	left := x.c.store.SlotKeys(slot) // what is written meanwhile keeps nobody here forever
	for ; left > 0 && !x.failed(); left -= clearPage {
		var keys []engine.Key
		err := x.c.store.ScanSlot(slot, clearPage, now, true, func(name []byte, _ int64) {
			keys = append(keys, replica.KeyOf(append([]byte(nil), name...)))
		})
		if err != nil {
			x.ended(0, 0, err)
			return false
		}
		if len(keys) == 0 {
			break
		}
		applied := x.page(slot, keys)
		if len(keys) < clearPage {
			break
		}
		<-applied
	}
	return !x.failed()
}

// page deletes keys; the channel tells when they are gone here, or that they stay.
func (x *clearing) page(slot uint16, keys []engine.Key) <-chan struct{} {
	x.ahead <- struct{}{}
	m := &clearer{x: x, keys: len(keys), applied: make(chan struct{})}
	p, err := x.c.placeOf(slot, x.c.quorum(Quorum{}))
	if err != nil {
		m.end(0, err)
		return m.applied
	}
	b := &blind{operation: operation{c: x.c}, place: p, keys: keys, maker: m}
	b.start(nil)
	return m.applied
}

// clearer is the maker of a page's deletes.
type clearer struct {
	x       *clearing
	keys    int
	applied chan struct{}
}

func (m *clearer) end(pos engine.Position, err error) {
	m.x.ended(m.keys, pos, err)
	close(m.applied)
	<-m.x.ahead
}

func (m *clearer) decide(b *blind, _ []over) error {
	for i := range b.changes {
		b.changes[i] = change{made: true, deletes: true}
	}
	return nil
}

func (m *clearer) mint(_ *blind, _ int, over *record.Whole, dot record.Dot) record.Whole {
	return over.Delete(dot)
}

func (m *clearer) done(b *blind, err error) { m.end(b.pos, err) }
