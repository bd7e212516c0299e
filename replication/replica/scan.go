package replica

import (
	"errors"
	"sync"

	"github.com/rldb/rldb/engine"
)

// Cursor is a place in the order of all keys: slot, then the top hashBits bits
// of the key's hash. Keys that share those are never split, so a cursor stays
// below 2^53, which clients written in JavaScript need. 0 is the beginning.
type Cursor uint64

const (
	hashBits  = 39
	hashShift = 64 - hashBits
)

// EndCursor is the first number that is no cursor.
const EndCursor = Cursor(engine.Slots) << hashBits

// ErrWait says that a call which must not wait would have to, for a disk.
var ErrWait = errors.New("replica: it takes a while")

// Visit is called with a key and when it expires (Unix ms, 0: never), in the
// key's turn: name is valid until it returns, and it must not block.
type Visit func(name []byte, expireAt int64)

// Scan visits at least count keys of some slots from a cursor on, or all that are
// left, and returns the cursor to go on from, 0 at the end. Every key that is there from
// the first call of an iteration to the last is visited exactly once. Unless
// wait is set it fails with ErrWait where it would wait for a disk; it may have
// visited some keys by then.
func (s *Store) Scan(slots *SlotSet, from Cursor, count int, now int64, wait bool, visit Visit) (Cursor, error) {
	v := visitor{now: now, count: count, visit: visit}
	slot, hash := int(from>>hashBits), uint64(from)<<hashShift
	for ; slot < engine.Slots; slot, hash = slot+1, 0 {
		if !slots.Has(uint16(slot)) || s.eng.Len(uint16(slot)) == 0 {
			continue
		}
		if v.seen >= v.count {
			return Cursor(slot) << hashBits, nil
		}
		if err := s.visit(uint16(slot), hash, &v, wait); err != nil {
			return 0, err
		}
		if v.more {
			return Cursor(slot)<<hashBits | Cursor(v.prefix), nil
		}
	}
	return 0, nil
}

// visit has the visitor see a slot from a hash on, until it has seen enough. The
// slot is not held while many entries are passed over.
func (s *Store) visit(slot uint16, from uint64, v *visitor, wait bool) error {
	for {
		v.prefix, v.more, v.passed, v.paused = from>>hashShift, false, 0, false
		scan := engine.Scan{Slot: slot, From: from, Visit: v}
		if s.scan(&scan, wait); scan.Err != nil || !v.paused {
			return scan.Err
		}
		from = v.prefix << hashShift
	}
}

// ScanSlot visits up to count keys of one slot. See Scan for wait.
func (s *Store) ScanSlot(slot uint16, count int, now int64, wait bool, visit Visit) error {
	return s.visit(slot, 0, &visitor{now: now, count: count, visit: visit, hard: true}, wait)
}

type visitor struct {
	now    int64
	count  int
	visit  Visit
	hard   bool // stop at count, wherever that is
	seen   int
	prefix uint64
	more   bool
	passed int  // entries that show nothing, under one hold of the slot
	paused bool // to go on at prefix
}

// maxPassed bounds how many entries that show nothing are passed over under one
// hold of a slot, but for those of one prefix.
const maxPassed = 1024

func (v *visitor) Visit(k engine.Key, e engine.Entry) bool {
	prefix := k.Hash >> hashShift
	v.more = v.seen >= v.count && (v.hard || prefix != v.prefix)
	v.paused = !v.more && v.passed >= maxPassed && prefix != v.prefix
	v.prefix = prefix
	if v.more || v.paused {
		return false
	}
	if at := shownOf(e.Meta); !absentAt(at, v.now) {
		v.seen++
		v.visit(k.Name, at)
	} else {
		v.passed++
	}
	return true
}

// scan carries a scan out to its end. It may wait for a disk only if wait is
// set; else it fails with ErrWait where it would have to.
func (s *Store) scan(x *engine.Scan, wait bool) {
	if s.eng.TryScan(x) {
		return
	}
	if !wait {
		x.Err = ErrWait
		return
	}
	var wg sync.WaitGroup
	wg.Add(1)
	x.Done = func(*engine.Scan) { wg.Done() }
	s.eng.StartScan(x)
	wg.Wait()
}
