package replica

import (
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// damaged are the records of a replicated store that were found damaged: that do
// not decode, or whose checksums do not match. Their metas say what they were, so
// they must be told apart: they have no part in the digest, their hash is 0 in Hash
// and in pages, as if they were not there, and so repair fetches them from others.
// Their bytes stay where they are until they are written again.
//
// It is kept in memory only. After a restart, or beyond maxDamaged, a damaged record counts
// as what its meta says until it is read again.
type damaged struct {
	n  atomic.Int64 // how many there are; nearly always none
	mu struct {
		sync.Mutex
		parts map[damagedKey]uint64 // what each is missing from the digest
	}
}

// damagedKey names a record by its name's hash.
type damagedKey struct {
	slot uint16
	hash uint64
}

// maxDamaged bounds how many are kept.
const maxDamaged = 16384

// damage notes, in the key's turn, that its record is damaged; false if that was known.
func (s *Store) damage(k *engine.Key, part uint64) bool {
	if !s.replicated {
		return false
	}
	d, at := &s.damaged, damagedKey{k.Slot, k.Hash}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.mu.parts[at]; known || len(d.mu.parts) >= maxDamaged {
		return false
	}
	if d.mu.parts == nil {
		d.mu.parts = map[damagedKey]uint64{}
	}
	d.mu.parts[at] = part
	d.n.Add(1)
	s.slots[k.Slot].fold(part)
	return true
}

// intact notes, in the key's turn, that its record is not damaged, or goes.
func (s *Store) intact(k *engine.Key) {
	d, at := &s.damaged, damagedKey{k.Slot, k.Hash}
	if d.n.Load() == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if part, known := d.mu.parts[at]; known {
		delete(d.mu.parts, at)
		d.n.Add(-1)
		s.slots[k.Slot].fold(part)
	}
}

// has says whether a key's record is known to be damaged.
func (d *damaged) has(k *engine.Key) bool {
	if d.n.Load() == 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, known := d.mu.parts[damagedKey{k.Slot, k.Hash}]
	return known
}
