package lsm

import (
	"slices"
	"sync"

	"github.com/rldb/rldb/engine"
)

// stripes is how many locks the slots share: each has its own, since a round of
// writes holds many at once, and reads are to meet few of them. They take 512 KiB.
const stripes = engine.Slots

// stripe guards the entries and counts of every slot whose number it is modulo
// stripes, and the position of the last change made to any of them.
type stripe struct {
	sync.RWMutex
	last engine.Position
}

// locks are the stripes of all slots. They are taken in ascending order: so
// transactions do not wait for each other in a circle.
type locks [stripes]stripe

func (l *locks) of(slot uint16) *stripe { return &l[slot%stripes] }

// set appends the stripes of keys to buf, each once and in order.
func (l *locks) set(buf []uint16, keys []engine.Key) []uint16 { return sorted(l.add(buf, keys)) }

// add appends the stripes of keys to set, as they come.
func (l *locks) add(set []uint16, keys []engine.Key) []uint16 {
	for i := range keys {
		set = append(set, keys[i].Slot%stripes)
	}
	return set
}

// sorted brings stripes into the order in which they are locked, each once.
func sorted(set []uint16) []uint16 {
	if len(set) > 1 {
		slices.Sort(set)
		set = slices.Compact(set)
	}
	return set
}

// lock locks a set, for a mode.
func (l *locks) lock(set []uint16, m engine.Mode) {
	for _, i := range set {
		if m == engine.Read {
			l[i].RLock()
		} else {
			l[i].Lock()
		}
	}
}

func (l *locks) unlock(set []uint16, m engine.Mode) {
	for _, i := range set {
		if m == engine.Read {
			l[i].RUnlock()
		} else {
			l[i].Unlock()
		}
	}
}

// last is the position of the last change made to the slots of keys, which are
// locked.
func (l *locks) last(keys []engine.Key) (pos engine.Position) {
	for i := range keys {
		pos = max(pos, l.of(keys[i].Slot).last)
	}
	return pos
}
