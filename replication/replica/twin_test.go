package replica

import (
	"bytes"
	"slices"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// twin is what a store holds, as records in a map whose bytes are never cut.
type twin map[string]record.Whole

// check holds all that can be asked of the store against the twin. swept: the sweep
// has just seen everything.
func (w twin) check(b *rig, swept bool) {
	b.t.Helper()
	digests, counts, live := map[uint16]uint64{}, map[uint16]int64{}, map[string]bool{}
	for key, want := range w {
		got, err := b.whole(key)
		if err != nil || !sameRecord(&got, &want, b.ms) {
			b.t.Fatalf("%q is %+v (error %v), want %+v", key, got, err, want)
		}
		k := KeyOf([]byte(key))
		digests[k.Slot] ^= partOf(&k, want.Vector.Hash())
		counts[k.Slot]++
		if want.Winner(b.ms) != nil {
			live[key] = true
		}
		for _, mode := range []engine.Mode{Read, Write, Blind} {
			err := b.records(mode, func(r *Records) {
				if h := r.Hash(0); h != want.Vector.Hash() || r.Hash(1) != 0 {
					b.t.Fatalf("the hash of %q is %x, want %x; of no record, %x", key, h, want.Vector.Hash(), r.Hash(1))
				}
			}, key, "nobody has written this")
			if err != nil && b.eng.fault == nil {
				b.t.Fatal(err)
			}
		}
		w.checkTxn(b, key, &want)
	}
	w.checkScan(b, live)
	shown := int64(0)
	for slot := range counts {
		if b.RecordsIn(slot) != counts[slot] {
			b.t.Fatalf("slot %d: %d records, want %d", slot, b.RecordsIn(slot), counts[slot])
		}
		w.checkPages(b, slot, counts[slot])
		if b.replicated && b.Digest(slot) != digests[slot] {
			b.t.Fatalf("slot %d: the digest is %x, want %x", slot, b.Digest(slot), digests[slot])
		}
		shown += b.SlotKeys(slot)
	}
	if keys := b.Keys(); keys != shown || keys < int64(len(live)) || swept && keys != int64(len(live)) {
		b.t.Fatalf("%d keys, %d of all slots, %d are there (swept: %v)", keys, shown, len(live), swept)
	}
}

// sameRecord allows for bytes that were cut, and that must be by then.
func sameRecord(got, want *record.Whole, now int64) bool {
	if !slices.Equal(got.Vector, want.Vector) || len(got.Values) != len(want.Values) {
		return false
	}
	for i := range got.Values {
		g, x := got.Values[i], want.Values[i]
		if g.Dot != x.Dot || g.ExpireAt != x.ExpireAt || !g.Cut && !bytes.Equal(g.Value, x.Value) {
			return false
		}
		if g.Cut && !x.Expired(now-cutAfter) {
			return false
		}
	}
	return true
}

// checkTxn reads a key as a command of a node that stands alone would.
func (w twin) checkTxn(b *rig, key string, want *record.Whole) {
	b.t.Helper()
	var x Txn
	x.Reset(b.Store, Read, b.ms, txnStep(func(t *Txn) {
		v, ok := t.Get(0)
		winner := want.Winner(b.ms)
		if ok != (winner != nil) || ok && (!bytes.Equal(v, winner.Value) || t.ExpireAt(0) != winner.ExpireAt) || t.Corrupt(0) {
			b.t.Fatalf("%q reads as %q, %v, want %+v", key, v, ok, winner)
		}
	}))
	x.Key([]byte(key))
	b.Do(&x)
	if x.Err() != nil {
		b.t.Fatal(x.Err())
	}
}

// txnStep is a Step made of a function, for tests.
type txnStep func(*Txn)

func (f txnStep) Decide(t *Txn) { f(t) }
func (f txnStep) Done(*Txn)     {}

func (w twin) checkScan(b *rig, live map[string]bool) {
	b.t.Helper()
	seen := 0
	for cursor, first := Cursor(0), true; first || cursor != 0; first = false {
		var err error
		cursor, err = b.Scan(nil, cursor, 3, b.ms, true, func(name []byte, _ int64) {
			seen++
			if !live[string(name)] {
				b.t.Fatalf("a scan shows %q", name)
			}
		})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	if seen != len(live) {
		b.t.Fatalf("a scan shows %d keys of %d", seen, len(live))
	}
	name, ok, err := b.Random(nil, b.ms, true)
	if err != nil || ok != (len(live) > 0) || ok && !live[string(name)] {
		b.t.Fatalf("by chance: %q, %v, %v", name, ok, err)
	}
}

func (w twin) checkPages(b *rig, slot uint16, want int64) {
	b.t.Helper()
	for from, more := uint64(0), true; more; {
		page, next, goOn, err := b.Page(slot, from, 2)
		if err != nil || len(page) == 0 {
			b.t.Fatalf("slot %d: a page of %d from %x on, %v", slot, len(page), from, err)
		}
		for _, l := range page {
			r, ok := w[string(l.Key.Name)]
			if !ok || l.Hash != r.Vector.Hash() || !sameKey(l.Key, KeyOf(l.Key.Name)) || l.Key.Hash < from {
				b.t.Fatalf("a page lists %q with %x, want %v, %x", l.Key.Name, l.Hash, ok, r.Vector.Hash())
			}
			want--
		}
		from, more = next, goOn
	}
	if want != 0 {
		b.t.Fatalf("slot %d: the pages lack %d records", slot, want)
	}
}

func sameKey(a, b engine.Key) bool {
	return a.Slot == b.Slot && a.Hash == b.Hash && bytes.Equal(a.Name, b.Name)
}

// checkFigures holds the figures of all slots against those of all metas, which a
// store that is opened anew makes.
func (w twin) checkFigures(b *rig) {
	b.t.Helper()
	again := &Store{eng: &picky{noting: noting{Engine: b.eng.Engine}}, replicated: b.replicated, log: b.log}
	for i := range again.slots {
		again.slots[i].due.Store(never)
	}
	again.load()
	for i := range again.slots {
		x, y := &b.slots[i], &again.slots[i]
		if x.expiring.Load() != y.expiring.Load() || x.expirySum.Load() != y.expirySum.Load() ||
			x.dead.Load() != y.dead.Load() || b.replicated && b.damaged.n.Load() == 0 && x.digest.Load() != y.digest.Load() || x.due.Load() > y.due.Load() {
			b.t.Fatalf("slot %d: %d expiring, sum %d, %d dead, due %d; want %d, %d, %d, %d", i,
				x.expiring.Load(), x.expirySum.Load(), x.dead.Load(), x.due.Load(),
				y.expiring.Load(), y.expirySum.Load(), y.dead.Load(), y.due.Load())
		}
	}
	if b.expiring.Load() != again.expiring.Load() || b.dead.Load() != again.dead.Load() {
		b.t.Fatalf("%d expire, %d are dead, want %d and %d", b.expiring.Load(), b.dead.Load(), again.expiring.Load(), again.dead.Load())
	}
}
