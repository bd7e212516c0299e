package replica

import (
	"math/bits"

	"github.com/rldb/rldb/engine"
)

// SlotSet is a set of slots. A nil set stands for all of them. Once it was handed
// to others it must not change.
type SlotSet struct {
	bits [engine.Slots / 64]uint64
}

// Add adds a slot.
func (s *SlotSet) Add(slot uint16) { s.bits[slot/64] |= 1 << (slot % 64) }

// Has says whether a slot is in the set.
func (s *SlotSet) Has(slot uint16) bool { return s == nil || s.bits[slot/64]&(1<<(slot%64)) != 0 }

// Len is the number of slots in the set.
func (s *SlotSet) Len() int {
	if s == nil {
		return engine.Slots
	}
	n := 0
	for _, b := range s.bits {
		n += bits.OnesCount64(b)
	}
	return n
}
