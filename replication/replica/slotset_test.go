package replica_test

import (
	"fmt"
	"testing"

	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
	"pgregory.net/rapid"
)

// TestSlotSets holds scans, counts, random keys and Clear against a map of the
// keys, for any set of slots.
func TestSlotSets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, c := open(rt)
		slotset := new(replica.SlotSet)
		names := rapid.SliceOfNDistinct(rapid.StringN(1, 8, -1), 1, 30, rapid.ID[string]).Draw(rt, "names")
		inside := rapid.SliceOfN(rapid.Bool(), len(names), len(names)).Draw(rt, "inside")
		slots := map[uint16]bool{}
		for i, name := range names {
			if inside[i] {
				slot := ring.Slot([]byte(name))
				slotset.Add(slot)
				slots[slot] = true
			}
		}
		want, expiring, sum := map[string]bool{}, int64(0), int64(0)
		for i, name := range names {
			at := int64(0)
			if i%3 == 0 {
				at = c.now() + 1000 + int64(i)
			}
			set(s, c, name, "v", at)
			if slotset.Has(ring.Slot([]byte(name))) {
				want[name] = true
				if at != 0 {
					expiring, sum = expiring+1, sum+at
				}
			}
		}
		if slotset.Len() != len(slots) {
			rt.Fatalf("the set has %d slots, want %d", slotset.Len(), len(slots))
		}
		if n := s.KeysIn(slotset); n != int64(len(want)) {
			rt.Fatalf("%d keys, want %d", n, len(want))
		}
		if n, total := s.Expiring(slotset); n != expiring || total != sum {
			rt.Fatalf("%d expiring, sum %d, want %d, %d", n, total, expiring, sum)
		}
		got := map[string]bool{}
		for from := replica.Cursor(0); ; {
			next, err := s.Scan(slotset, from, 3, c.now(), true, func(name []byte, _ int64) { got[string(name)] = true })
			if err != nil {
				rt.Fatal(err)
			}
			if from = next; from == 0 {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("scanned %v, want %v", got, want)
		}
		name, ok, err := s.Random(slotset, c.now(), true)
		if err != nil || ok != (len(want) > 0) || ok && !want[string(name)] {
			rt.Fatalf("drew %q, %v, %v out of %v", name, ok, err, want)
		}
		if _, err := s.Clear(slotset, true); err != nil {
			rt.Fatal(err)
		}
		if n, all := s.KeysIn(slotset), s.KeysIn(nil); n != 0 || all != int64(len(names)-len(want)) {
			rt.Fatalf("%d and %d keys are left, want 0 and %d", n, all, len(names)-len(want))
		}
	})
}

func TestEverySlot(t *testing.T) {
	var every *replica.SlotSet
	if !every.Has(0) || !every.Has(ring.Slots-1) || every.Len() != ring.Slots {
		t.Fatal("a nil set is not every slot")
	}
}
