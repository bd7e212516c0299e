package record

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// twin is the naive form of a record: every dot it has seen, one by one, and
// the values that it holds.
type twin struct {
	seen   map[Dot]bool
	values map[Dot]string
}

func newTwin() twin { return twin{map[Dot]bool{}, map[Dot]string{}} }

func (a twin) merge(b twin) twin {
	m := newTwin()
	maps.Copy(m.seen, a.seen)
	maps.Copy(m.seen, b.seen)
	for d, v := range a.values {
		if _, both := b.values[d]; both || !b.seen[d] {
			m.values[d] = v
		}
	}
	for d, v := range b.values {
		if !a.seen[d] {
			m.values[d] = v
		}
	}
	return m
}

// write is a with context overwritten, and value beside what is left.
func (a twin) write(context map[Dot]bool, dot Dot, value *string) twin {
	m := newTwin()
	maps.Copy(m.seen, a.seen)
	maps.Copy(m.seen, context)
	m.seen[dot] = true
	for d, v := range a.values {
		if !context[d] {
			m.values[d] = v
		}
	}
	if value != nil {
		m.values[dot] = *value
	}
	return m
}

// pair is a record and its twin, as one replica holds them.
type pair struct {
	whole Whole
	twin  twin
}

func (p pair) check(t *rapid.T) {
	t.Helper()
	got := map[Dot]string{}
	for i, v := range p.whole.Values {
		got[v.Dot] = string(v.Value)
		if !p.whole.Vector.Has(v.Dot) {
			t.Fatalf("%+v holds a dot beyond its vector", p.whole)
		}
		if i > 0 && v.Dot.Compare(p.whole.Values[i-1].Dot) >= 0 {
			t.Fatalf("%+v is not sorted", p.whole)
		}
	}
	if !maps.Equal(got, p.twin.values) {
		t.Fatalf("values %v, the twin's are %v", got, p.twin.values)
	}
	greatest := map[uint64]HLC{}
	for d := range p.twin.seen {
		greatest[d.Actor] = max(greatest[d.Actor], d.HLC)
	}
	for _, d := range p.whole.Vector {
		if greatest[d.Actor] != d.HLC {
			t.Fatalf("vector %v, the twin has seen %v", p.whole.Vector, p.twin.seen)
		}
	}
	if len(greatest) != len(p.whole.Vector) {
		t.Fatalf("vector %v, the twin has seen %v", p.whole.Vector, p.twin.seen)
	}
}

// world is some replicas of one key. Each is its own actor.
type world struct {
	t        *rapid.T
	replicas []pair
	contexts []pair // what clients have read
	clocks   []*Clock
	wall     []int64
	minted   map[Dot]bool
	limit    int // above what twins know of
}

func newWorld(t *rapid.T, n int) *world {
	w := &world{t: t, minted: map[Dot]bool{}, limit: 1 << 20}
	w.wall = make([]int64, n)
	for i := range n {
		w.replicas = append(w.replicas, pair{twin: newTwin()})
		w.wall[i] = 1_000_000
		w.clocks = append(w.clocks, NewClock(func() int64 { return w.wall[i] }))
	}
	return w
}

func (w *world) mint(i int, context Vector) Dot {
	floor := w.replicas[i].whole.Floor(context)
	d := Dot{uint64(i + 1), w.clocks[i].After(floor, w.wall[i])}
	if w.minted[d] {
		w.t.Fatalf("dot %v was minted twice", d)
	}
	if d.HLC <= floor {
		w.t.Fatalf("dot %v is not above %v", d, floor)
	}
	w.minted[d] = true
	return d
}

// step does one random thing.
func (w *world) step() {
	i := rapid.IntRange(0, len(w.replicas)-1).Draw(w.t, "replica")
	p := &w.replicas[i]
	read := pair{twin: newTwin()} // a client that has read nothing
	if len(w.contexts) > 0 {
		read = rapid.SampledFrom(w.contexts).Draw(w.t, "context")
	}
	value := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(w.t, "value")
	switch rapid.IntRange(0, 7).Draw(w.t, "what") {
	case 0:
		d := w.mint(i, nil)
		*p = pair{p.whole.Put(d, NewValue([]byte(value), 0)), p.twin.write(p.twin.seen, d, &value)}
	case 1:
		d := w.mint(i, nil)
		*p = pair{p.whole.Delete(d), p.twin.write(p.twin.seen, d, nil)}
	case 2:
		d := w.mint(i, read.whole.Vector)
		m, _ := p.whole.PutContext(read.whole.Vector, d, NewValue([]byte(value), 0), w.limit)
		*p = pair{m, p.twin.write(read.twin.seen, d, &value)}
	case 3:
		d := w.mint(i, read.whole.Vector)
		m, _ := p.whole.DeleteContext(read.whole.Vector, d, w.limit)
		*p = pair{m, p.twin.write(read.twin.seen, d, nil)}
	case 4:
		if len(p.whole.Values) > 0 {
			d, old := w.mint(i, nil), p.whole.Values[0]
			m, _ := p.whole.Keep(d, 1<<60, 0)
			kept := string(old.Value)
			*p = pair{m, p.twin.write(map[Dot]bool{old.Dot: true}, d, &kept)}
		}
	case 5:
		w.contexts = append(w.contexts, *p)
	case 6:
		w.wall[i] += rapid.Int64Range(-3_600_000, 3_600_000).Draw(w.t, "clock")
		w.wall[i] = max(w.wall[i], 1)
	default:
		j := rapid.IntRange(0, len(w.replicas)-1).Draw(w.t, "other")
		q := w.replicas[j]
		*p = pair{Merge(&p.whole, &q.whole), p.twin.merge(q.twin)}
	}
	p.check(w.t)
}

func same(a, b Whole) bool {
	return slices.Equal(a.Vector, b.Vector) && slices.EqualFunc(a.Values, b.Values, func(v, u Value) bool {
		return v.Dot == u.Dot && v.Cut == u.Cut && v.ExpireAt == u.ExpireAt && v.CRC == u.CRC &&
			v.Type == u.Type && string(v.Value) == string(u.Value)
	})
}

// TestMergeAgainstHistories drives replicas of a key and their twins, which keep
// every dot they have seen, and compares them after each step. So what a write
// has seen is gone, and what it has not seen stays.
func TestMergeAgainstHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, 4)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.step()
		}
		a, b, c := &w.replicas[0].whole, &w.replicas[1].whole, &w.replicas[2].whole
		ab, ba, bc := Merge(a, b), Merge(b, a), Merge(b, c)
		if !same(ab, ba) {
			t.Fatalf("not commutative: %+v and %+v", ab, ba)
		}
		if l, r := Merge(&ab, c), Merge(a, &bc); !same(l, r) {
			t.Fatalf("not associative: %+v and %+v", l, r)
		}
		if again := Merge(&ab, a); !same(again, ab) {
			t.Fatalf("not idempotent: %+v and %+v", again, ab)
		}
		// A version is its vector: equal vectors, equal records.
		for i := range w.replicas {
			for j := range w.replicas {
				x, y := w.replicas[i].whole, w.replicas[j].whole
				if (x.Vector.Compare(y.Vector) == Equal) != same(x, y) || (x.Vector.Hash() == y.Vector.Hash()) != same(x, y) {
					t.Fatalf("%+v and %+v: vectors and records differ in being equal", x, y)
				}
			}
		}
	})
}

// TestMergeLawsWithCutValues has copies of which some have lost the bytes of
// expired values.
func TestMergeLawsWithCutValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, 3)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			w.step()
		}
		var r [3]Whole
		for i := range r {
			r[i] = w.replicas[i].whole
			if rapid.Bool().Draw(t, "cut") {
				r[i], _ = r[i].CutExpired(1 << 61)
			}
		}
		ab, ba, bc := Merge(&r[0], &r[1]), Merge(&r[1], &r[0]), Merge(&r[1], &r[2])
		l, right, again := Merge(&ab, &r[2]), Merge(&r[0], &bc), Merge(&ab, &r[1])
		if !same(ab, ba) || !same(l, right) || !same(again, ab) {
			t.Fatal("merging cut values breaks a law")
		}
	})
}

func TestVectorOrderAgainstMaps(t *testing.T) {
	draw := func(t *rapid.T, name string) (v Vector, m map[uint64]HLC) {
		m = rapid.MapOf(rapid.Uint64Range(0, 4), rapid.Custom(func(t *rapid.T) HLC {
			return HLC(rapid.Uint64Range(1, 3).Draw(t, "t"))
		})).Draw(t, name)
		for _, a := range slices.Sorted(maps.Keys(m)) {
			v = append(v, Dot{a, m[a]})
		}
		return v, m
	}
	rapid.Check(t, func(t *rapid.T) {
		v, vm := draw(t, "v")
		w, wm := draw(t, "w")
		vw, wv := true, true
		for a := range uint64(5) {
			vw, wv = vw && vm[a] >= wm[a], wv && wm[a] >= vm[a]
			if u := v.Union(w).At(a); u != max(vm[a], wm[a]) {
				t.Fatalf("union of %v and %v has %v of %d", v, w, u, a)
			}
		}
		if v.Covers(w) != vw || w.Covers(v) != wv {
			t.Fatalf("%v and %v: Covers is %v and %v", v, w, v.Covers(w), w.Covers(v))
		}
		want := map[[2]bool]Order{{true, true}: Equal, {true, false}: After, {false, true}: Before, {false, false}: Concurrent}
		if got := v.Compare(w); got != want[[2]bool{vw, wv}] {
			t.Fatalf("%v.Compare(%v) = %v", v, w, got)
		}
	})
}
