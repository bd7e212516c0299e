package replica

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// load makes the figures that are kept of each slot from what the engine had
// when it was opened: from the note of the last stop, or by going through all
// entries. It asks for no values, and nobody uses the store yet.
func (s *Store) load() {
	if e, ok := s.eng.(engine.Noter); ok && s.readNote(e.Note()) {
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < engine.Slots; i = next.Add(1) - 1 {
				if s.eng.Len(uint16(i)) > 0 {
					s.loadSlot(uint16(i))
				}
			}
		})
	}
	wg.Wait()
}

// loadSlot counts the entries of a slot. One that cannot be read whole is not
// given up: what is readable is served, and the sweep will look at it again.
func (s *Store) loadSlot(slot uint16) {
	scan := engine.Scan{Slot: slot, Visit: loader{s}}
	if s.scan(&scan, true); scan.Err != nil {
		s.log.Error("a slot cannot be read whole", "slot", slot, "err", scan.Err)
		s.dueBy(slot, 0)
		s.unread.Store(true)
	}
}

type loader struct{ store *Store }

func (l loader) Visit(k engine.Key, e engine.Entry) bool {
	l.store.moved(k.Slot, face{}, l.store.face(&k, e.Meta))
	if due := l.store.dueOf(e.Meta); due != never {
		l.store.dueBy(k.Slot, due)
	}
	return true
}
