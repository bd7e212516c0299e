package record

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func names(w Whole) (s []string) {
	for _, v := range w.Values {
		s = append(s, string(v.Value))
	}
	slices.Sort(s)
	return s
}

func expect(t *testing.T, w Whole, want ...string) {
	t.Helper()
	if got := names(w); !slices.Equal(got, want) {
		t.Fatalf("values %q, want %q", got, want)
	}
}

func plainValue(s string) Value { return NewValue([]byte(s), 0) }

// TestDottedVersionVectorsPaper is the run of Preguiça et al., Dotted Version
// Vectors (2012): two clients write through one server without having seen each
// other, where a plain version vector would let the later one win; then one
// overwrites what it has read, and must not lose what it has not.
func TestDottedVersionVectorsPaper(t *testing.T) {
	const a, b = 1, 2
	var w Whole
	w, _ = w.PutContext(nil, Dot{a, 1}, plainValue("v"), MaxSiblings)
	read := w.Vector
	w, _ = w.PutContext(nil, Dot{a, 2}, plainValue("w"), MaxSiblings)
	expect(t, w, "v", "w")
	other := w // a second server has this version
	w, _ = w.PutContext(read, Dot{a, 3}, plainValue("x"), MaxSiblings)
	expect(t, w, "w", "x")
	other, _ = other.PutContext(other.Vector, Dot{b, 3}, plainValue("y"), MaxSiblings)
	expect(t, other, "y")
	m := Merge(&w, &other)
	expect(t, m, "x", "y")
	if !slices.Equal(m.Vector, Vector{{a, 3}, {b, 3}}) {
		t.Fatalf("vector %v", m.Vector)
	}
	m, _ = m.PutContext(m.Vector, Dot{b, 4}, plainValue("z"), MaxSiblings)
	expect(t, m, "z")
}

// TestSiblingExplosion is Riak's: two clients read and write in turn, each with
// the context of its own last write, so each write races with the other's. With
// a vector for all values at once the siblings grew with every write.
func TestSiblingExplosion(t *testing.T) {
	var w Whole
	var contexts [2]Vector
	for i := range 1000 {
		w, _ = w.PutContext(contexts[i%2], Dot{1, HLC(i + 1)}, plainValue(fmt.Sprint(i)), MaxSiblings)
		contexts[i%2] = w.Vector
		if len(w.Values) > 2 {
			t.Fatalf("%d siblings after %d writes", len(w.Values), i+1)
		}
	}
}

func TestCapLeavesOutTheOldest(t *testing.T) {
	var w Whole
	total := 0
	for i := range 40 {
		var dropped int
		w, dropped = w.PutContext(nil, Dot{uint64(i%3 + 1), HLC(i + 1)}, plainValue(fmt.Sprint(i)), MaxSiblings)
		total += dropped
	}
	if len(w.Values) != MaxSiblings || total != 40-MaxSiblings || w.Values[15].Dot.HLC != 25 {
		t.Fatalf("%d values, %d dropped, the oldest is %v", len(w.Values), total, w.Values[15].Dot)
	}
	// What was dropped is covered: a copy that holds it does not bring it back.
	old := Whole{Vector{{1, 1}}, []Value{{Dot: Dot{1, 1}}}}
	if m := Merge(&old, &w); !same(m, w) {
		t.Fatal("a dropped sibling came back")
	}
	// Merge drops nothing, not even beyond the cap.
	more := Whole{}.putBeside(Dot{9, 99})
	if m := Merge(&w, &more); len(m.Values) != MaxSiblings+1 {
		t.Fatalf("merging left %d values", len(m.Values))
	}
	w, dropped := w.PutContext(nil, Dot{4, 100}, plainValue("last"), LastWriteWins)
	expect(t, w, "last")
	if dropped != MaxSiblings {
		t.Fatalf("lww dropped %d", dropped)
	}
}

func (w Whole) putBeside(d Dot) Whole {
	m, _ := w.PutContext(nil, d, plainValue("beside"), MaxSiblings)
	return m
}

func TestConcurrentSetWinsOverDel(t *testing.T) {
	base := (&Whole{}).Put(Dot{1, 1}, plainValue("old"))
	set := base.Put(Dot{1, 2}, plainValue("new"))
	del := base.Delete(Dot{2, 50}) // later, but has not seen the SET
	m := Merge(&set, &del)
	expect(t, m, "new")
	if got := m.Unseen(nil, del.Vector); !slices.Equal(got, []Dot{{1, 2}}) {
		t.Fatalf("the DEL is told of %v", got)
	}
	m = m.Delete(Dot{2, 51}) // minted again over the union
	if m = Merge(&m, &set); len(m.Values) != 0 || m.IsZero() {
		t.Fatalf("%+v is no tombstone", m)
	}
}

func TestWinnerIsTheGreatestEvenExpired(t *testing.T) {
	w := (&Whole{}).putBeside(Dot{1, 5}).putBeside(Dot{2, 5})
	if v := w.Winner(0); v == nil || v.Dot.Actor != 2 {
		t.Fatalf("winner %+v", v)
	}
	w, _ = w.PutContext(nil, Dot{1, 6}, NewValue([]byte("short"), 100), MaxSiblings)
	if v := w.Winner(99); string(v.Value) != "short" {
		t.Fatalf("winner %+v", v)
	}
	if v := w.Winner(100); v != nil {
		t.Fatalf("%+v is answered in the place of an expired value", v)
	}
	if _, ok := w.Keep(Dot{1, 7}, 500, 100); ok {
		t.Fatal("an expired value got another expiry")
	}
	kept, ok := w.Keep(Dot{1, 7}, 500, 99)
	if v := kept.Winner(200); !ok || string(v.Value) != "short" || v.ExpireAt != 500 || len(kept.Values) != 3 || kept.Verify() != nil {
		t.Fatalf("%+v, %v", kept, ok)
	}
	cut, changed := w.CutExpired(100)
	if !changed || len(cut.Values[0].Value) != 0 || cut.Vector.Hash() != w.Vector.Hash() || w.Values[0].Cut {
		t.Fatalf("%+v, cut: %+v", w, cut)
	}
	if m := Merge(&w, &cut); !same(m, cut) {
		t.Fatalf("%+v has its bytes back", m)
	}
	if cut.Winner(0) != nil || cut.Verify() != nil {
		t.Fatal("a cut value is answered")
	}
	if _, changed = cut.CutExpired(100); changed {
		t.Fatal("cut twice")
	}
}

func TestPruned(t *testing.T) {
	w := (&Whole{}).Put(Dot{1, 1}, plainValue("a")).putBeside(Dot{2, 2})
	w, _ = w.DeleteContext(Vector{{1, 1}}, Dot{3, 3}, MaxSiblings)
	gone := func(a uint64) bool { return a != 3 }
	p, changed := w.Pruned(gone)
	if !changed || !slices.Equal(p.Vector, Vector{{2, 2}, {3, 3}}) || len(p.Values) != 1 || len(w.Vector) != 3 {
		t.Fatalf("%+v", p)
	}
	key := []byte("k")
	if w.Digest(key, gone) != p.Digest(key, nil) || w.Digest(key, nil) == p.Digest(key, nil) || p.Digest(key, gone) != p.Digest(key, nil) {
		t.Fatal("the digest does not leave out what will be pruned")
	}
	if _, changed = p.Pruned(gone); changed || p.Reapable(1<<60) {
		t.Fatal("pruned twice, or a live value may be reaped")
	}
	tomb := p.Delete(Dot{3, 4})
	none, _ := tomb.Pruned(func(uint64) bool { return true })
	if !tomb.Reapable(0) || !none.IsZero() || none.Digest(key, nil) != 0 {
		t.Fatalf("%+v", none)
	}
}

// TestNoDotTwiceWhateverADiskForgets is the actor rule. Nodes lose what was not
// on their disk, all of it, or go back to an old copy; their clocks are set back
// by an hour; others take their place under their name. Each start makes a new
// actor, so no dot stands for two writes, and nothing that another node holds is
// ever taken for seen.
func TestNoDotTwiceWhateverADiskForgets(t *testing.T) {
	rapid.Check(t, restarts)
}

// TestReusedActorLosesWrites shows that the test above would notice: the same
// runs with an actor that outlives its node lose an acknowledged write.
func TestReusedActorLosesWrites(t *testing.T) {
	a := (&Whole{}).Put(Dot{1, 1000}, plainValue("acknowledged"))
	wiped := (&Whole{}).putBeside(Dot{1, 2000}) // actor 1 again, and it forgot 1000
	if m := Merge(&a, &wiped); len(m.Values) != 1 {
		t.Fatalf("%+v: the write was not lost", m)
	}
	fresh := (&Whole{}).putBeside(Dot{2, 2000})
	if m := Merge(&a, &fresh); len(m.Values) != 2 {
		t.Fatalf("%+v: a new actor lost a write", m)
	}
}

func restarts(t *rapid.T) {
	type node struct {
		whole, backup Whole
		actor         uint64
		clock         *Clock
		wall          int64
	}
	actors := uint64(0)
	nodes := make([]*node, 3)
	start := func(n *node) {
		actors++
		n.actor = actors
		n.clock = NewClock(func() int64 { return n.wall })
	}
	for i := range nodes {
		nodes[i] = &node{wall: 10_000_000}
		start(nodes[i])
	}
	minted, held := map[Dot]bool{}, Whole{} // held: on a node that nothing happens to
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		n := nodes[rapid.IntRange(0, 2).Draw(t, "node")]
		switch rapid.IntRange(0, 6).Draw(t, "what") {
		case 0:
			n.backup = n.whole
		case 1: // a restored copy
			n.whole = n.backup
			start(n)
		case 2: // a wiped disk, or another node under this one's name
			n.whole = Whole{}
			start(n)
		case 3:
			n.wall = max(1, n.wall-3_600_000)
			start(n)
		case 4:
			n.whole = Merge(&n.whole, &nodes[rapid.IntRange(0, 2).Draw(t, "from")].whole)
		default:
			d := Dot{n.actor, n.clock.After(n.whole.Floor(nil), n.wall)}
			if minted[d] {
				t.Fatalf("dot %v was minted twice", d)
			}
			minted[d] = true
			before := n.whole
			n.whole = n.whole.putBeside(d)
			// The write reaches the other node: it must lose nothing that the
			// writer had not seen.
			m := Merge(&held, &n.whole)
			for _, v := range held.Values {
				if kept := slices.ContainsFunc(m.Values, func(u Value) bool { return u.Dot == v.Dot }); !kept && !before.Vector.Has(v.Dot) {
					t.Fatalf("%v was lost to a write that had not seen it", v.Dot)
				}
			}
			held = m
		}
		n.wall++
	}
}

func TestClockDoesNotFollowFarTimes(t *testing.T) {
	wall := int64(1000)
	c := NewClock(func() int64 { return wall })
	at := func(ms int64) HLC { return HLC(ms << counterBits) }
	if c.Observe(at(1500), wall) || c.Milli() != 1500 {
		t.Fatalf("a time of 500 ms ahead was not followed: %d", c.Milli())
	}
	if !c.Observe(at(1501), wall) || c.Milli() != 1500 {
		t.Fatalf("a time of 501 ms ahead was followed: %d", c.Milli())
	}
	hour := at(3_600_000)
	x, y := c.After(hour, wall), c.After(hour, wall)
	if x <= hour || y <= hour || x == y || c.Milli() != 1500 {
		t.Fatalf("above %d: %d and %d, the clock shows %d", hour, x, y, c.Milli())
	}
	// An hour later the clock gives none of these times again.
	wall = 3_600_000
	for range 100 {
		if z := c.Next(); z == x || z == y {
			t.Fatalf("%d was minted twice", z)
		}
	}
}
