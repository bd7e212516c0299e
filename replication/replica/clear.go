package replica

import "github.com/rldb/rldb/engine"

// Clear removes every key of some slots, and says what must be durable before anybody is told
// so. Keys that are written meanwhile may stay. Unless wait is set it fails with
// ErrWait where it would wait for a disk; it may have removed some keys by then.
func (s *Store) Clear(slots *SlotSet, wait bool) (engine.Position, error) {
	c := clearer{store: s, wait: wait}
	for i := range s.slots {
		if !slots.Has(uint16(i)) || s.eng.Len(uint16(i)) == 0 {
			continue
		}
		if err := c.slot(uint16(i)); err != nil {
			return c.pos, err
		}
	}
	return c.pos, nil
}

// clearer removes keys, a page at a time, so that the figures stay right whoever
// writes meanwhile. It is the step that deletes, too.
type clearer struct {
	store *Store
	wait  bool
	names [][]byte
	from  uint64
	last  uint64
	more  bool
	txn   Txn
	pos   engine.Position
}

func (c *clearer) slot(slot uint16) error {
	s := c.store
	for c.from, c.more = 0, true; c.more; {
		c.names, c.more = c.names[:0], false
		scan := engine.Scan{Slot: slot, From: c.from, Visit: c}
		s.scan(&scan, c.wait)
		if scan.Err != nil {
			return scan.Err
		}
		if err := c.remove(); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes the keys of a page, at once.
func (c *clearer) remove() error {
	s := c.store
	c.txn.Reset(s, Blind, s.clock.Milli(), c)
	c.txn.stage = forced // what only removes mints no dot
	for _, name := range c.names {
		c.txn.Key(name)
	}
	if len(c.names) == 0 {
		return nil
	}
	if c.wait {
		s.Do(&c.txn)
	} else if !s.Try(&c.txn) {
		return ErrWait
	}
	c.pos = max(c.pos, c.txn.Pos())
	s.Changed(int64(c.txn.Changes()))
	return c.txn.Err()
}

func (c *clearer) Visit(k engine.Key, _ engine.Entry) bool {
	if len(c.names) >= sweepPage && k.Hash != c.last {
		c.from, c.more = k.Hash, true
		return false
	}
	c.last = k.Hash
	c.names = append(c.names, append([]byte(nil), k.Name...))
	return true
}

// Decide implements Step.
func (c *clearer) Decide(t *Txn) {
	for i := range t.Len() {
		t.Delete(i)
	}
}

// Done implements Step.
func (c *clearer) Done(*Txn) {}
