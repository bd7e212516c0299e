package replica

import (
	"math/rand/v2"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// Listed is one record of a page, without its values.
type Listed struct {
	Key  engine.Key // Name is the page's own
	Hash uint64     // of its vector; 0: not known, or the record is damaged: it has to be looked at
}

// Page lists the records of a slot, tombstones too, from a hash on: about most, but
// always all of one hash. more says where to go on, if there is more. It may wait for a disk.
func (s *Store) Page(slot uint16, from uint64, most int) (page []Listed, next uint64, more bool, err error) {
	l := lister{store: s, most: max(most, 1)}
	scan := engine.Scan{Slot: slot, From: from, Visit: &l}
	s.scan(&scan, true)
	if scan.Err != nil {
		return nil, 0, false, scan.Err
	}
	return l.page, l.next, l.more, nil
}

// lister collects a page.
type lister struct {
	store *Store
	most  int
	page  []Listed
	names []byte // room for names; those of the page refer to it and to those before it
	next  uint64
	more  bool
}

func (l *lister) Visit(k engine.Key, e engine.Entry) bool {
	if n := len(l.page); n >= l.most && l.page[n-1].Key.Hash != k.Hash {
		l.next, l.more = k.Hash, true
		return false
	}
	hash := hashOf(e.Meta)
	if l.store.damaged.has(&k) {
		hash = 0
	}
	n := len(k.Name)
	if cap(l.names)-len(l.names) < n {
		l.names = make([]byte, 0, max(n, 4096))
	}
	from := len(l.names)
	l.names = append(l.names, k.Name...)
	k.Name = l.names[from : from+n : from+n]
	l.page = append(l.page, Listed{k, hash})
	return true
}

// Digest is the digest of a slot: equal data gives equal digests, on any engine; 0 for an empty slot. It changes with
// each write and looks at no record. Only of a Store with Options.Replicated.
func (s *Store) Digest(slot uint16) uint64 { return s.slots[slot].digest.Load() }

// RecordsIn is the number of records of a slot, tombstones and expired ones included.
func (s *Store) RecordsIn(slot uint16) int64 { return s.eng.Len(slot) }

// Clock is what dots are minted from.
func (s *Store) Clock() *record.Clock { return s.clock }

// Actor is this process's name in dots.
func (s *Store) Actor() uint64 { return s.actor.Load() }

// NewActor gives this process another name, drawn by chance: an entry of a vector says that all dots up to it were seen, so
// who may have lost records that it has minted must not go on by the name that they bear.
func (s *Store) NewActor() {
	for {
		if old, actor := s.actor.Load(), rand.Uint64(); actor != 0 && actor != old && s.actor.CompareAndSwap(old, actor) {
			return
		}
	}
}
