package replica

import (
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

// Visit is called with a key and when it expires (Unix ms, 0: never), in the
// key's turn: name is valid until it returns, and it must not block.
type Visit func(name []byte, expireAt int64)

// Scan visits at least count keys from a cursor on, or all that are left, and
// returns the cursor to go on from, 0 at the end. Every key that is there from
// the first call of an iteration to the last is visited exactly once.
func (s *Store) Scan(from Cursor, count int, now int64, visit Visit) (Cursor, error) {
	v := visitor{now: now, count: count, visit: visit}
	slot, hash := int(from>>hashBits), uint64(from)<<hashShift
	for ; slot < engine.Slots; slot, hash = slot+1, 0 {
		if s.eng.Len(uint16(slot)) == 0 {
			continue
		}
		v.prefix, v.more = hash>>hashShift, false
		if v.seen >= v.count {
			return Cursor(slot) << hashBits, nil
		}
		scan := engine.Scan{Slot: uint16(slot), From: hash, Visit: &v}
		s.scan(&scan)
		if scan.Err != nil {
			return 0, scan.Err
		}
		if v.more {
			return Cursor(slot)<<hashBits | Cursor(v.prefix), nil
		}
	}
	return 0, nil
}

// ScanSlot visits up to count keys of one slot.
func (s *Store) ScanSlot(slot uint16, count int, now int64, visit Visit) error {
	v := visitor{now: now, count: count, visit: visit, hard: true}
	scan := engine.Scan{Slot: slot, Visit: &v}
	s.scan(&scan)
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

// scan carries a scan out to its end, waiting for a disk if it must.
func (s *Store) scan(x *engine.Scan) {
	if s.eng.TryScan(x) {
		return
	}
	var wg sync.WaitGroup
	wg.Add(1)
	x.Done = func(*engine.Scan) { wg.Done() }
	s.eng.StartScan(x)
	wg.Wait()
}

// clearSlot removes the keys of a slot, a page at a time, so that the figures
// stay right whoever writes meanwhile.
func (s *Store) clearSlot(slot uint16) error {
	var c clearer
	for {
		c.names = c.names[:0]
		scan := engine.Scan{Slot: slot, From: c.from, Visit: &c}
		c.more = false
		s.scan(&scan)
		if scan.Err != nil {
			return scan.Err
		}
		for _, name := range c.names {
			c.txn.Reset(s, Blind, s.clock.Milli(), &c)
			c.txn.Key(name)
			s.Do(&c.txn)
			if err := c.txn.Err(); err != nil {
				return err
			}
		}
		if !c.more {
			return nil
		}
	}
}

// clearer is one slot's clearing: a page of names, and the step that deletes.
type clearer struct {
	names [][]byte
	from  uint64
	last  uint64
	more  bool
	txn   Txn
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

func (c *clearer) Decide(t *Txn) { t.Delete(0) }
func (c *clearer) Done(*Txn)     {}
