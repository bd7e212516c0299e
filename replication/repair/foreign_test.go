package repair

import (
	"slices"
	"testing"
	"time"

	"github.com/rldb/rldb/ring"
	"pgregory.net/rapid"
)

var threeOwners = []ring.ID{named('x'), named('y'), named('z')}

func reachableIDs(ids string) map[ring.ID]bool {
	m := map[ring.ID]bool{}
	for _, id := range []byte(ids) {
		m[named(id)] = true
	}
	return m
}

func (p *plan) ids() (s string) {
	for _, to := range p.to {
		s += string(to.id[0])
	}
	return s
}

// deliverAllOf plans a slot with a digest, and has all go well.
func deliverAllOf(f *foreign, now time.Duration, digest uint64, reachable string) (to string, mayDrop bool) {
	ps := f.plans(now, []held{{7, digest, threeOwners}}, reachableIDs(reachable))
	if len(ps) == 0 {
		return "", false
	}
	f.done(now, &ps[0], ps[0].to, true)
	return ps[0].ids(), f.agreed(&ps[0])
}

func TestForeignGoesToAll(t *testing.T) {
	f := newForeign()
	if to, drop := deliverAllOf(f, 0, 5, "xyz"); to != "xyz" || !drop {
		t.Fatal(to, drop)
	}
	if len(f.plans(0, nil, reachableIDs("xyz"))) != 0 || len(f.slots) != 0 {
		t.Fatal("an empty slot is not forgotten")
	}
}

func TestForeignWhileAnOwnerIsDown(t *testing.T) {
	f := newForeign()
	step := func(now time.Duration, digest uint64, reachable, wantTo string, wantDrop bool) {
		t.Helper()
		if to, drop := deliverAllOf(f, now, digest, reachable); to != wantTo || drop != wantDrop {
			t.Fatalf("sent to %q, may be dropped: %v; want %q, %v", to, drop, wantTo, wantDrop)
		}
	}
	step(0, 5, "xy", "xy", false)
	for now := range time.Duration(100) {
		step(now*time.Minute, 5, "xy", "", false) // nothing is sent twice
	}
	now := 100 * time.Minute
	step(now, 6, "xy", "xy", false)             // the slot has changed
	step(now+time.Second/2, 7, "xy", "", false) // and again: not all the time
	step(now+time.Minute, 7, "xy", "xy", false)
	now += time.Minute + time.Millisecond
	f.returned(now, named('z'), func(uint16) []ring.ID { return threeOwners })
	step(now, 7, "xyz", "z", true)
	step(now, 7, "xyz", "xyz", true) // it was not dropped: once more
	step(now, 7, "xyz", "", false)   // and then after a pause
	step(now+longPause, 7, "xyz", "xyz", true)
}

func TestForeignOfAnOwnerThatReturnsEmpty(t *testing.T) {
	f := newForeign()
	deliverAllOf(f, 0, 5, "xy")
	p := f.plans(0, []held{{7, 5, threeOwners}}, reachableIDs("xyz"))
	if len(p) != 0 {
		t.Fatal("a plan in the pause")
	}
	f.returned(0, named('z'), func(uint16) []ring.ID { return threeOwners })
	p = f.plans(0, []held{{7, 5, threeOwners}}, reachableIDs("xyz"))
	f.returned(0, named('z'), func(uint16) []ring.ID { return threeOwners }) // while it is being sent to
	f.done(0, &p[0], p[0].to, true)
	if f.agreed(&p[0]) || !f.lacks(named('z'), p[0].held) {
		t.Fatal("what went to the process before counts")
	}
	if to, drop := deliverAllOf(f, 0, 5, "xyz"); to != "z" || !drop {
		t.Fatal(to, drop)
	}
}

// While writes go on for z, which is away, y can still learn that all has come which was there when it asked.
func TestForeignAsAnotherOwnerAsks(t *testing.T) {
	f := newForeign()
	ask := func(digest uint64) bool { return f.asked(named('y'), held{7, digest, threeOwners}, true) }
	ask(1)
	if !ask(1) || !ask(2) {
		t.Fatal("nothing was sent, and nothing is lacking")
	}
	plans := f.plans(0, []held{{7, 2, threeOwners}}, reachableIDs("xy"))
	f.done(0, &plans[0], plans[0].to, true)
	if ask(3) {
		t.Fatal("it has all that was there when it asked")
	}
	if !ask(3) {
		t.Fatal("it has not what was there when it asked the last time")
	}
	if to, _ := deliverAllOf(f, 1, 3, "xy"); to != "xy" {
		t.Fatal("it asks for it, and must wait: ", to)
	}
	plans = f.plans(1, []held{{7, 4, threeOwners}}, reachableIDs("xy"))
	if len(plans) != 0 {
		t.Fatal("nobody waits, and it is sent")
	}
	if ask(4) {
		t.Fatal("it has all that was there when it asked")
	}
	plans = f.plans(1, []held{{7, 4, threeOwners}}, reachableIDs("xy"))
	ask(5)
	f.done(1, &plans[0], plans[0].to, true)
	ask(5)
	if !ask(5) {
		t.Fatal("it lacks what came since")
	}
}

// What is dropped, each owner has confirmed since it last came back; as long as nothing
// changes, nothing is sent twice to one owner.
func TestForeignProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newForeign()
		owners := threeOwners
		version := uint64(1)         // of the slot: its digest
		has := map[ring.ID]uint64{}  // the version that each owner has got whole, since it came back
		sent := map[ring.ID]uint64{} // what was last sent to each
		reach := map[ring.ID]bool{}
		now := time.Duration(0)
		deliver := func(failing bool) (dropped bool) {
			plans := f.plans(now, []held{{7, version, owners}}, reach)
			if len(plans) == 0 {
				return false
			}
			p := plans[0]
			began, well := version, true
			var got []recipient
			for _, to := range p.to {
				if !reach[to.id] {
					t.Fatal("sent to who is not reachable")
				}
				if sent[to.id] == began && !p.again {
					t.Fatal("sent twice")
				}
				if failing && rapid.Bool().Draw(t, "fails") {
					well = false
					continue
				}
				got = append(got, to)
				has[to.id], sent[to.id] = began, began
			}
			if rapid.IntRange(0, 9).Draw(t, "changes meanwhile") == 0 {
				version++
			}
			if id := rapid.SampledFrom(owners).Draw(t, "id"); rapid.IntRange(0, 9).Draw(t, "returns meanwhile") == 0 {
				delete(has, id)
				delete(sent, id)
				f.returned(now, id, func(uint16) []ring.ID { return owners })
			}
			f.done(now, &p, got, well)
			if !f.agreed(&p) || version != began {
				return false
			}
			for _, id := range owners {
				if has[id] != version {
					t.Fatalf("dropped, and %c has version %d of %d", id[0], has[id], version)
				}
			}
			return true
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := rapid.SampledFrom(owners).Draw(t, "id")
			switch rapid.IntRange(0, 5).Draw(t, "event") {
			case 0:
				version++
			case 1:
				reach[id] = false
			case 2:
				if !reach[id] {
					reach[id] = true
					delete(has, id)
					delete(sent, id)
					f.returned(now, id, func(uint16) []ring.ID { return owners })
				}
			case 3:
				now += rapid.SampledFrom([]time.Duration{time.Second, longPause}).Draw(t, "time")
			case 4:
				f.asked(id, held{7, version, owners}, rapid.Bool().Draw(t, "urgent"))
			default:
				if deliver(true) {
					version++ // the slot was emptied, and filled again
				}
			}
		}
		for _, id := range owners {
			reach[id] = true
		}
		for range 8 {
			now += longPause
			v := version
			if deliver(false) {
				return
			}
			if version == v && !slices.ContainsFunc(owners, func(id ring.ID) bool { return has[id] != version }) {
				continue
			}
		}
		t.Log("no quiet pass: changes went on")
	})
}
