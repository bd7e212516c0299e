package repair

import (
	"math"
	"slices"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
	"pgregory.net/rapid"
)

func listed(hash uint64, name string, vector uint64) replica.Listed {
	return replica.Listed{Key: engine.Key{Slot: 7, Hash: hash, Name: []byte(name)}, Hash: vector}
}

// pageOf is the page of a slot from a hash on, as replica.Store.Page has it.
func pageOf(all []replica.Listed, from uint64, most int) (p page) {
	for i, l := range all {
		if l.Key.Hash < from {
			continue
		}
		if len(p.list) >= most && l.Key.Hash != all[i-1].Key.Hash {
			return page{p.list, l.Key.Hash, true}
		}
		p.list = append(p.list, l)
	}
	return p
}

// The walk over two copies finds exactly the keys that a comparison of maps finds,
// each once, however the pages fall.
func TestWalkFindsAllDifferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hashes := rapid.SampledFrom([]uint64{0, 1, 2, 3, 50, 51, math.MaxUint64 - 1, math.MaxUint64})
		names := rapid.SampledFrom([]string{"a", "b", "c"})
		side := func(label string) (all []replica.Listed) {
			n := rapid.IntRange(0, 20).Draw(t, label)
			for range n {
				l := listed(hashes.Draw(t, "hash"), names.Draw(t, "name"), rapid.Uint64Range(0, 2).Draw(t, "vector"))
				if !slices.ContainsFunc(all, func(o replica.Listed) bool { return compareKeys(o.Key, l.Key) == 0 }) {
					all = append(all, l)
				}
			}
			slices.SortFunc(all, func(a, b replica.Listed) int { return compareKeys(a.Key, b.Key) })
			return all
		}
		ours, theirs := side("ours"), side("theirs")
		type sides struct{ ours, theirs int } // hashes, -1: not there
		want := map[string]sides{}
		id := func(k engine.Key) string { return string(k.Name) + string(rune(k.Hash%1000)) }
		for _, l := range ours {
			want[id(l.Key)] = sides{int(l.Hash), -1}
		}
		for _, l := range theirs {
			w, both := want[id(l.Key)]
			if !both {
				w.ours = -1
			}
			want[id(l.Key)] = sides{w.ours, int(l.Hash)}
		}
		got, steps := map[string]bool{}, 0
		mostA, mostB := rapid.IntRange(1, 5).Draw(t, "most ours"), rapid.IntRange(1, 5).Draw(t, "most theirs")
		for from, more := uint64(0), true; more; steps++ {
			a, b := pageOf(ours, from, mostA), pageOf(theirs, from, mostB)
			if err := b.check(7, from); err != nil {
				t.Fatal(err)
			}
			var x, y []replica.Listed
			x, y, from, more = common(&a, &b)
			for _, d := range compare(x, y) {
				if _, twice := got[id(d.key)]; twice {
					t.Fatalf("%v was found twice", d.key)
				}
				got[id(d.key)] = d.listed
			}
			if steps > 100 {
				t.Fatal("the walk does not end")
			}
		}
		for k, w := range want {
			listed, found := got[k]
			if found != (w.ours != w.theirs || w.ours == 0) || found && listed != (w.theirs >= 0) {
				t.Fatalf("%q: found %v, listed %v; it is %v", k, found, listed, w)
			}
			delete(got, k)
		}
		if len(got) > 0 {
			t.Fatalf("%v are nowhere", got)
		}
	})
}

func TestPagesThatCannotBe(t *testing.T) {
	good := []replica.Listed{listed(5, "a", 1), listed(5, "b", 1), listed(9, "a", 1)}
	other := listed(6, "a", 1)
	other.Key.Slot = 8
	for _, c := range []struct {
		name string
		p    page
		ok   bool
	}{
		{"good", page{good, 0, false}, true},
		{"good, more", page{good, 10, true}, true},
		{"empty", page{}, true},
		{"goes on where it began", page{nil, 5, true}, false},
		{"goes back", page{nil, 4, true}, false},
		{"before its start", page{[]replica.Listed{listed(4, "a", 1)}, 0, false}, false},
		{"beyond its end", page{good, 9, true}, false},
		{"twice", page{[]replica.Listed{good[0], good[0]}, 0, false}, false},
		{"out of order", page{[]replica.Listed{good[2], good[0]}, 0, false}, false},
		{"of another slot", page{[]replica.Listed{other}, 0, false}, false},
	} {
		if err := c.p.check(7, 5); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
