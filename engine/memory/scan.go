package memory

import "github.com/rldb/rldb/engine"

// scan visits the entries below l whose hashes are at least from, in order, and
// reports whether the visitor wants more.
func (s *shard) scan(l *link, bits uint, from uint64, sc *engine.Scan) bool {
	if !l.isNode() {
		return s.scanTable(s.heap.table(l), bits, from, sc)
	}
	children := s.heap.node(l.ref)
	for i := branch(from, bits); i < fan; i++ {
		if !s.scan(&children[i], bits+fanBits, from, sc) {
			return false
		}
		from = 0 // what lies in later branches is greater anyway
	}
	return true
}

func (s *shard) scanTable(t table, bits uint, from uint64, sc *engine.Scan) bool {
	if len(t) == 0 {
		return true
	}
	least := tail(from, bits)
	for _, c := range t[t.home(least):] {
		if c == 0 || c.hash() < least {
			continue
		}
		e := s.heap.entry(c.ref())
		k := engine.Key{Slot: sc.Slot, Hash: e.hash(), Name: e.name()}
		if k.Hash < from {
			continue
		}
		found := engine.Entry{Found: true, Meta: *e.meta()}
		if sc.Values {
			found.Value = e.value()
		}
		if !sc.Visit.Visit(k, found) {
			return false
		}
	}
	return true
}
