package replica

import (
	"math/rand/v2"

	"github.com/rldb/rldb/engine"
)

// Random gives a key of some slots drawn by chance, or ok false if there is none. A slot is
// as likely as it has keys; within it a key is as likely as the gap before it
// in the slot's order is wide. See Scan for wait.
func (s *Store) Random(slots *SlotSet, now int64, wait bool) (name []byte, ok bool, err error) {
	take := func(key []byte, _ int64) { name, ok = append([]byte(nil), key...), true }
	slot, ok := s.randomSlot(slots)
	if !ok {
		return nil, false, nil
	}
	ok = false
	for _, from := range []uint64{rand.Uint64(), 0} {
		v := visitor{now: now, count: 1, hard: true, visit: take}
		if err := s.visit(slot, from, &v, wait); ok || err != nil {
			return name, ok, err
		}
	}
	// What is in that slot has expired, or was just removed.
	_, err = s.Scan(slots, 0, 1, now, wait, func(key []byte, at int64) {
		if !ok {
			take(key, at)
		}
	})
	return name, ok, err
}

// randomSlot draws one of some slots, as likely as it has keys; false if none has
// any.
func (s *Store) randomSlot(slots *SlotSet) (last uint16, ok bool) {
	n := rand.Int64N(max(s.KeysIn(slots), 1))
	for slot := range uint16(engine.Slots) {
		here := int64(0)
		if slots.Has(slot) {
			here = s.SlotKeys(slot)
		}
		if here > 0 {
			last, ok = slot, true // keys may have gone since they were counted
		}
		if n -= here; n < 0 {
			break
		}
	}
	return last, ok
}
