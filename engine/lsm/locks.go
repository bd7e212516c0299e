package lsm

import (
	"slices"
	"sync"

	"github.com/rldb/rldb/engine"
)

// stripes is how many locks the slots share.
const stripes = 1024

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
func (l *locks) set(buf []uint16, keys []engine.Key) []uint16 {
	for i := range keys {
		buf = append(buf, keys[i].Slot%stripes)
	}
	if len(buf) > 1 {
		slices.Sort(buf)
		buf = slices.Compact(buf)
	}
	return buf
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

// last is the position of the last change made under a locked set.
func (l *locks) last(set []uint16) (pos engine.Position) {
	for _, i := range set {
		pos = max(pos, l[i].last)
	}
	return pos
}

// changed notes the position of a change made under a locked set.
func (l *locks) changed(set []uint16, pos engine.Position) {
	for _, i := range set {
		l[i].last = pos
	}
}
