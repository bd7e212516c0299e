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
		v.prefix, v.more = hash>>hashShift, false
		if v.seen >= v.count {
			return Cursor(slot) << hashBits, nil
		}
		scan := engine.Scan{Slot: uint16(slot), From: hash, Visit: &v}
		s.scan(&scan, wait)
		if scan.Err != nil {
			return 0, scan.Err
		}
		if v.more {
			return Cursor(slot)<<hashBits | Cursor(v.prefix), nil
		}
	}
	return 0, nil
}

// ScanSlot visits up to count keys of one slot. See Scan for wait.
func (s *Store) ScanSlot(slot uint16, count int, now int64, wait bool, visit Visit) error {
	v := visitor{now: now, count: count, visit: visit, hard: true}
	scan := engine.Scan{Slot: slot, Visit: &v}
	s.scan(&scan, wait)
	return scan.Err
}

type visitor struct {
	now    int64
	count  int
	visit  Visit
	hard   bool // stop at count, wherever that is
	seen   int
	prefix uint64
	more   bool
}

func (v *visitor) Visit(k engine.Key, e engine.Entry) bool {
	if prefix := k.Hash >> hashShift; v.seen >= v.count && (v.hard || prefix != v.prefix) {
		v.prefix, v.more = prefix, true
		return false
	} else {
		v.prefix = prefix
	}
	if at := expiryOf(e.Meta); at == 0 || at > v.now {
		v.seen++
		v.visit(k.Name, at)
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
