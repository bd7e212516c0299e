package lsm

import "github.com/rldb/rldb/engine"

// Drop removes all entries of a slot by one mark that covers its range: the work
// does not grow with their number, and compactions give the room back. It is as
// durable as a position given after it.
func (e *Engine) Drop(slot uint16) error {
	if e.closed.Load() {
		return engine.ErrClosed
	}
	if err := e.health.writable(); err != nil {
		return err
	}
	s := e.locks.of(slot)
	s.Lock()
	defer s.Unlock()
	if e.Len(slot) == 0 {
		return nil
	}
	b := e.db.NewBatch()
	if err := b.DeleteRange(slotStart(slot), slotStart(slot+1), nil); err != nil {
		return err
	}
	e.commit(b)
	e.counts.clear(slot)
	s.last = e.flusher.committed()
	return b.Close()
}
