package enginetest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/engine"
)

// testRandom does random operations on an engine and on its twin.
func testRandom(t *testing.T, open Open) {
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		e := open(t, fmt.Sprintf("%s/%d", dir, runs))
		defer closeEngine(t, e)
		m := machine{engine: e, twin: twin{}}
		rt.Repeat(map[string]func(*rapid.T){
			"":     m.check,
			"one":  m.one,
			"many": m.many,
			"fill": m.fill,
			"thin": m.thin,
			"scan": m.scan,
			"drop": m.drop,
			"hint": m.hint,
		})
		if err := m.twin.compare(e); err != nil {
			rt.Fatal(err)
		}
	})
}

// hint names keys, some of which are there: which must change nothing.
func (m *machine) hint(rt *rapid.T) {
	m.engine.Prefetch(rapid.SliceOfN(drawKey, 0, 40).Draw(rt, "keys"))
}

// machine is the engine under test, its twin, and what can be done to them.
type machine struct {
	engine engine.Engine
	twin   twin
}

// Slots of a few shards of any division, and names of which many meet again.
var (
	drawSlot = rapid.SampledFrom([]uint16{0, 1, 64, 65, 8191, 8192, engine.Slots - 1})
	drawHash = rapid.SampledFrom([]uint64{
		0, 1, 1 << 26, 1 << 31, 1 << 32, 1 << 58, 1 << 63, 1<<63 + 1, math.MaxUint64 - 1, math.MaxUint64,
	})
	drawName = rapid.OneOf(
		rapid.SampledFrom([]string{"", "\x00", "\x00\x00", "a", "b", "key", "\xff\xfe", "{tag}1", "{tag}2"}),
		rapid.Custom(func(rt *rapid.T) string {
			return string(NameWithHash(drawHash.Draw(rt, "hash"), rapid.Uint64Range(0, 5).Draw(rt, "n")))
		}),
		rapid.Custom(func(rt *rapid.T) string { return fmt.Sprint("k", rapid.IntRange(0, 40).Draw(rt, "k")) }),
		rapid.Custom(func(rt *rapid.T) string {
			return string(make([]byte, rapid.SampledFrom([]int{15, 127, 128, 129, 300, 20000}).Draw(rt, "length")))
		}),
	)
	drawKey = rapid.Custom(func(rt *rapid.T) engine.Key {
		return Key(drawSlot.Draw(rt, "slot"), drawName.Draw(rt, "name"))
	})
	drawLength = rapid.OneOf(
		rapid.IntRange(0, 300),
		rapid.SampledFrom([]int{0, 1, 63, 64, 127, 128, 4095, 4096, 16383, 16384, 131072, 140000}),
	)
	drawMeta = rapid.Custom(func(rt *rapid.T) (m engine.Meta) {
		for i := range m {
			m[i] = rapid.Byte().Draw(rt, "meta")
		}
		return m
	})
)

// drawBytes gives bytes that are cheap to draw and differ from each other.
func drawBytes(rt *rapid.T, what string) []byte {
	b := make([]byte, drawLength.Draw(rt, what))
	seed := rapid.Byte().Draw(rt, "seed")
	for i := range b {
		b[i] = seed + byte(i)*7
	}
	return b
}

// plan is a change that is fixed before the old entry is known. A Body that is
// part of the old value is given by its bounds, as shares of the length.
type plan struct {
	change   engine.Change
	reuse    bool
	from, to float64
}

func drawPlan(rt *rapid.T) plan {
	p := plan{change: engine.Change{
		Action: rapid.SampledFrom([]engine.Action{engine.Keep, engine.Put, engine.Put, engine.Put, engine.Delete}).Draw(rt, "action"),
	}}
	if p.change.Action == engine.Put {
		p.change.Meta = drawMeta.Draw(rt, "meta")
		p.change.Head = drawBytes(rt, "head")
		p.change.Body = drawBytes(rt, "body")
		p.reuse = rapid.Bool().Draw(rt, "reuse")
		p.from = rapid.Float64Range(0, 1).Draw(rt, "from")
		p.to = rapid.Float64Range(p.from, 1).Draw(rt, "to")
	}
	return p
}

func (p plan) against(old []byte) engine.Change {
	if p.reuse && len(old) > 0 && len(old) < 1<<20 {
		n := float64(len(old))
		p.change.Body = old[int(p.from*n):int(p.to*n)]
	}
	return p.change
}

// txn runs one transaction on both, and compares what they saw.
func (m *machine) txn(rt *rapid.T, mode engine.Mode, keys []engine.Key, plans []plan) {
	want := make([]Record, len(keys))
	found := make([]bool, len(keys))
	for i, k := range keys {
		want[i], found[i] = m.twin.get(k)
	}
	var fault string
	pos, err := Do(m.engine, mode, keys, func(t *engine.Txn) {
		for i, old := range t.Old {
			value := string(old.Value)
			if mode == engine.Blind && old.Value == nil {
				value = want[i].Value
			}
			if old.Found != found[i] || old.Meta != want[i].Meta || value != want[i].Value {
				fault = fmt.Sprintf("%q is %v %.200q, want %v %.200q", keys[i].Name, old.Found, value, found[i], want[i].Value)
			}
			if mode != engine.Read {
				t.New[i] = plans[i].against(old.Value)
				if mode == engine.Blind {
					t.New[i] = plans[i].change
				}
			}
		}
	})
	if err != nil {
		rt.Fatalf("transaction: %v", err)
	}
	if fault != "" {
		rt.Fatal(fault)
	}
	if err := Await(m.engine, pos); err != nil {
		rt.Fatalf("Await: %v", err)
	}
	for i, k := range keys {
		switch mode {
		case engine.Write:
			m.twin.apply(k, plans[i].against([]byte(want[i].Value)))
		case engine.Blind:
			m.twin.apply(k, plans[i].change)
		}
	}
}

var drawMode = rapid.SampledFrom([]engine.Mode{engine.Read, engine.Write, engine.Write, engine.Blind})

func (m *machine) one(rt *rapid.T) {
	m.txn(rt, drawMode.Draw(rt, "mode"), []engine.Key{drawKey.Draw(rt, "key")}, []plan{drawPlan(rt)})
}

func (m *machine) many(rt *rapid.T) {
	keys := rapid.SliceOfNDistinct(drawKey, 0, 20, func(k engine.Key) string {
		return fmt.Sprint(k.Slot, " ", string(k.Name))
	}).Draw(rt, "keys")
	plans := make([]plan, len(keys))
	for i := range plans {
		plans[i] = drawPlan(rt)
	}
	m.txn(rt, drawMode.Draw(rt, "mode"), keys, plans)
}

// fill puts many small keys into a slot.
func (m *machine) fill(rt *rapid.T) {
	slot := drawSlot.Draw(rt, "slot")
	first, n := rapid.IntRange(0, 500).Draw(rt, "first"), rapid.IntRange(1, 300).Draw(rt, "n")
	for i := first; i < first+n; i++ {
		m.txn(rt, engine.Write, []engine.Key{Key(slot, fmt.Sprint("fill", i))},
			[]plan{{change: engine.Change{Action: engine.Put, Head: fmt.Append(nil, i)}}})
	}
}

// thin deletes keys of a slot, every second or all.
func (m *machine) thin(rt *rapid.T) {
	slot, every := drawSlot.Draw(rt, "slot"), rapid.IntRange(1, 2).Draw(rt, "every")
	for i, r := range m.twin.sorted(slot, 0, everything, false) {
		if i%every == 0 {
			m.txn(rt, engine.Write, []engine.Key{Key(slot, r.Name)},
				[]plan{{change: engine.Change{Action: engine.Delete}}})
		}
	}
}

func (m *machine) scan(rt *rapid.T) {
	slot := drawSlot.Draw(rt, "slot")
	from := rapid.OneOf(drawHash, rapid.Uint64()).Draw(rt, "from")
	if rs := m.twin.sorted(slot, 0, everything, false); len(rs) > 0 && rapid.Bool().Draw(rt, "at a key") {
		from = engine.Hash([]byte(rapid.SampledFrom(rs).Draw(rt, "key").Name)) + rapid.Uint64Range(0, 1).Draw(rt, "after")
	}
	limit := rapid.SampledFrom([]int{1, 2, 10, everything}).Draw(rt, "limit")
	values := rapid.Bool().Draw(rt, "values")
	got, err := ScanAll(m.engine, slot, from, limit, values)
	if err != nil {
		rt.Fatalf("scan: %v", err)
	}
	if want := m.twin.sorted(slot, from, limit, values); !slices.Equal(got, want) {
		rt.Fatalf("scan of %d from %x gave\n%.2000q\nwant\n%.2000q", slot, from, got, want)
	}
}

func (m *machine) drop(rt *rapid.T) {
	slot := drawSlot.Draw(rt, "slot")
	if err := m.engine.Drop(slot); err != nil {
		rt.Fatalf("Drop: %v", err)
	}
	delete(m.twin, slot)
	if err := m.twin.compareSlot(m.engine, slot); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) check(rt *rapid.T) {
	if got, want := m.engine.Stats().Keys, m.twin.keys(); got != want {
		rt.Fatalf("Stats has %d keys, want %d", got, want)
	}
}
