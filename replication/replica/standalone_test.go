package replica

import (
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// TestStandaloneOverReplicated: a node that stands alone reads the directory of a
// cluster's node, and what it writes there comes after what it replaced.
func TestStandaloneOverReplicated(t *testing.T) {
	for _, damagedByEngine := range []bool{false, true} {
		for _, mode := range []engine.Mode{Write, Blind} {
			b := newRig(t, true)
			zero, held := record.Whole{}, twin{}
			ahead := record.Dot{Actor: 9, HLC: record.HLC(b.ms+3_600_000) << 16}
			value := zero.Put(b.dot(1, &zero), record.NewValue([]byte("value"), 0))
			other := zero.Put(ahead, record.NewValue([]byte("winner"), b.ms+5000))
			held["plain"], held["siblings"] = value, record.Merge(&value, &other)
			held["deleted"] = other.Delete(b.dot(2, &other))
			held["expired"] = zero.Put(b.dot(3, &zero), record.NewValue(nil, b.ms-1))
			for key, w := range held {
				b.put(key, w)
			}
			b.Store.Close()
			b.open(false)
			held.check(b, false)
			if n := b.Keys(); n != 2 {
				t.Errorf("%d keys", n)
			}
			e := &rot{picky: b.eng, bad: map[string]bool{}}
			b.Store.eng = e
			if damagedByEngine {
				e.bad["siblings"] = true
			}
			for _, key := range []string{"plain", "siblings", "deleted", "expired"} {
				if damagedByEngine && mode == Write && key == "siblings" {
					continue
				}
				var x Txn
				x.Reset(b.Store, mode, b.ms, txnStep(func(x *Txn) { x.Set(0, []byte("new"), 0) }))
				x.Key([]byte(key))
				b.Do(&x)
				if x.Err() != nil || x.Changes() != 1 {
					t.Errorf("%s: %d changes, %v", key, x.Changes(), x.Err())
				}
				w, err := b.whole(key)
				if err != nil || len(w.Values) != 1 || string(w.Values[0].Value) != "new" {
					t.Fatalf("%s is %+v, %v", key, w, err)
				}
				had := held[key]
				if !damagedByEngine && w.Vector.Max() <= had.Vector.Max() {
					t.Errorf("%s: the dot %v is not above %v", key, w.Vector, had.Vector)
				}
			}
			if n := b.Keys(); n != 4 {
				t.Errorf("%d keys", n)
			}
			// Tombstones stay; others are really deleted.
			b.put("deleted", held["deleted"])
			var x Txn
			x.Reset(b.Store, mode, b.ms, txnStep(func(x *Txn) {
				for i := range x.Len() {
					x.Delete(i)
				}
			}))
			for _, key := range []string{"plain", "deleted", "never"} {
				x.Key([]byte(key))
			}
			b.Do(&x)
			if x.Err() != nil || x.Changes() != 1 || b.Keys() != 2 || b.eng.Stats().Keys != 3 {
				t.Errorf("%d changes, %v, %d keys, %d entries", x.Changes(), x.Err(), b.Keys(), b.eng.Stats().Keys)
			}
			twin{}.checkFigures(b)
			if _, err := b.Clear(nil, true); err != nil || b.Keys() != 0 || b.eng.Stats().Keys != 1 {
				t.Errorf("cleared, with %v: %d keys, %d entries", err, b.Keys(), b.eng.Stats().Keys)
			}
			twin{}.checkFigures(b)
			b.end()
		}
	}
}
