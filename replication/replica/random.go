package replica

import (
	"math/rand/v2"

	"github.com/rldb/rldb/engine"
)

// Random gives a key drawn by chance, or ok false if there is none. A slot is
// as likely as it has keys; within it a key is as likely as the gap before it
// in the slot's order is wide. See Scan for wait.
func (s *Store) Random(now int64, wait bool) (name []byte, ok bool, err error) {
	take := func(key []byte, _ int64) { name, ok = append([]byte(nil), key...), true }
	slot := s.randomSlot()
	for _, from := range []uint64{rand.Uint64(), 0} {
		scan := engine.Scan{Slot: slot, From: from, Visit: &visitor{now: now, count: 1, hard: true, visit: take}}
		if s.scan(&scan, wait); ok || scan.Err != nil {
			return name, ok, scan.Err
		}
	}
	// What is in that slot has expired, or was just removed.
	_, err = s.Scan(0, 1, now, wait, func(key []byte, at int64) {
		if !ok {
			take(key, at)
		}
	})
	return name, ok, err
}

// randomSlot draws a slot, as likely as it has keys.
func (s *Store) randomSlot() uint16 {
	n := rand.Int64N(max(s.Keys(), 1))
	for slot := range uint16(engine.Slots) {
		if n -= s.eng.Len(slot); n < 0 {
			return slot
		}
	}
	return 0
}
