package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rldb/rldb/engine"
)

// must ends the test if something failed that should not.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantValue checks the value of a key.
func wantValue(t *testing.T, e engine.Engine, k engine.Key, want string) {
	t.Helper()
	r, found, err := get(e, k)
	must(t, err)
	if !found || r.Value != want {
		t.Fatalf("%q is %v, %d bytes %.60q, want %d bytes %.60q", k.Name, found, len(r.Value), r.Value, len(want), want)
	}
}

func testModes(t *testing.T, open Open) {
	e := opened(t, open)
	k := Key(7, "k")
	meta := engine.Meta{1, 2, 3}
	_, err := put(e, k, meta, "value")
	must(t, err)
	for _, mode := range []engine.Mode{engine.Read, engine.Write, engine.Blind} {
		_, err := Do(e, mode, []engine.Key{k}, func(x *engine.Txn) {
			old := x.Old[0]
			if !old.Found || old.Meta != meta || mode != engine.Blind && string(old.Value) != "value" {
				t.Errorf("mode %d: old entry is %+v", mode, old)
			}
			if ch := x.New[0]; ch.Action != engine.Keep || ch.Head != nil || ch.Body != nil {
				t.Errorf("mode %d: the change is not zeroed: %+v", mode, ch)
			}
			if mode == engine.Read {
				x.New[0].Action = engine.Delete // must be ignored
			}
		})
		must(t, err)
		wantValue(t, e, k, "value")
	}
}

func testEmpty(t *testing.T, open Open) {
	e := opened(t, open)
	if st := e.Stats(); st.Keys != 0 || st.LiveBytes != 0 {
		t.Fatalf("new engine: %+v", st)
	}
	empty, full := Key(3, ""), Key(3, "\x00")
	must(t, remove(e, empty))
	_, err := put(e, empty, engine.Meta{}, "")
	must(t, err)
	_, err = put(e, full, engine.Meta{9}, "x")
	must(t, err)
	wantValue(t, e, empty, "")
	_, err = Do(e, engine.Write, nil, nil) // a transaction of no keys
	must(t, err)
	must(t, twin{3: {"": {}, "\x00": {Name: "\x00", Meta: engine.Meta{9}, Value: "x"}}}.compare(e))
	must(t, remove(e, empty))
	if _, found, err := get(e, empty); found || err != nil {
		t.Fatalf("the empty key is %v after its delete, error %v", found, err)
	}
	must(t, e.Sync())
}

// testSizes overwrites one key by values of all kinds of sizes, up and down.
func testSizes(t *testing.T, open Open) {
	e := opened(t, open)
	sizes := []int{0, 1, 100, 127, 128, 129, 5000, 16383, 16384, 130_000, 1 << 20, 9 << 20, 1 << 20, 200_000, 70_000, 128, 0}
	for _, name := range []string{"", "name", strings.Repeat("long", 100), strings.Repeat("huge", 50_000)} {
		k := Key(engine.Slots-1, name)
		for i, n := range sizes {
			value := strings.Repeat(string(rune('a'+i)), n)
			_, err := put(e, k, engine.Meta{byte(i)}, value)
			must(t, err)
			wantValue(t, e, k, value)
			if st := e.Stats(); st.Keys != 1 || st.LiveBytes != int64(len(name)+16+n) {
				t.Fatalf("one key of %d bytes, value of %d: %+v", len(name), n, st)
			}
		}
		must(t, remove(e, k))
	}
}

// testBodyAliasesOldValue puts parts of the old value back under a head that is
// shorter or longer than what stood before them.
func testBodyAliasesOldValue(t *testing.T, open Open) {
	e := opened(t, open)
	k := Key(1, "k")
	for _, size := range []int{10, 90, 126, 130, 1000, 20_000, 140_000} {
		value := make([]byte, size)
		for i := range value {
			value[i] = byte(i * 31)
		}
		for _, head := range []int{0, 1, 2, 40, 1, 0, 300} {
			for _, cut := range []int{0, 1, size / 2, size} {
				_, err := put(e, k, engine.Meta{}, string(value))
				must(t, err)
				h := bytes.Repeat([]byte{'h'}, head)
				for _, part := range [][2]int{{0, cut}, {cut, size}} {
					want := string(h) + string(value[part[0]:part[1]])
					_, err := put(e, k, engine.Meta{}, string(value))
					must(t, err)
					_, err = Do(e, engine.Write, []engine.Key{k}, func(x *engine.Txn) {
						x.New[0] = engine.Change{Action: engine.Put, Head: h, Body: x.Old[0].Value[part[0]:part[1]]}
					})
					must(t, err)
					wantValue(t, e, k, want)
				}
			}
		}
	}
}

// testTooLarge checks that what is refused changes nothing, not even the other
// keys of the same transaction.
func testTooLarge(t *testing.T, open Open) {
	e := opened(t, open)
	a, b := Key(1, "a"), Key(2, "b")
	_, err := put(e, a, engine.Meta{1}, "old")
	must(t, err)
	vast := make([]byte, engine.MaxKey+1) // never written to, so hardly any memory
	for _, keys := range [][]engine.Key{{a}, {a, b}} {
		_, err := Do(e, engine.Write, keys, func(x *engine.Txn) {
			for i := range x.New {
				x.New[i] = engine.Change{Action: engine.Put, Head: []byte("new")}
			}
			x.New[len(x.New)-1] = engine.Change{Action: engine.Put, Head: vast, Body: vast}
		})
		if !errors.Is(err, engine.ErrTooLarge) {
			t.Errorf("value of %d bytes with %d keys: error %v", 2*len(vast), len(keys), err)
		}
	}
	_, err = Do(e, engine.Write, []engine.Key{a, {Slot: 2, Name: vast}}, func(x *engine.Txn) {
		x.New[0].Action = engine.Delete
	})
	if !errors.Is(err, engine.ErrTooLarge) {
		t.Errorf("key of %d bytes: error %v", len(vast), err)
	}
	must(t, twin{1: {"a": {Name: "a", Meta: engine.Meta{1}, Value: "old"}}, 2: nil}.compare(e))
}

// testCollidingHashes uses keys that share all of their hash, or all but the
// last bits: the order must hold, and every key be found.
func testCollidingHashes(t *testing.T, open Open) {
	e := opened(t, open)
	w := twin{}
	const slot, each = 5, 700
	hashes := []uint64{0, 1 << 40, 1<<40 + 1, 1<<40 + 2, math.MaxUint64 - 1, math.MaxUint64}
	names := make([]string, 0, each*len(hashes))
	for n := range uint64(each) {
		for _, h := range hashes {
			names = append(names, string(NameWithHash(h, n)))
		}
	}
	for i, name := range names {
		k, value := Key(slot, name), fmt.Sprint(i)
		_, err := put(e, k, engine.Meta{}, value)
		must(t, err)
		w.apply(k, engine.Change{Action: engine.Put, Body: []byte(value)})
	}
	must(t, w.compare(e))
	for i, name := range names {
		wantValue(t, e, Key(slot, name), fmt.Sprint(i))
	}
	for _, from := range append(slices.Clone(hashes), 1, 1<<40-1, 1<<40+3) {
		got, err := ScanAll(e, slot, from, everything, true)
		must(t, err)
		if want := w.sorted(slot, from, everything, true); !slices.Equal(got, want) {
			t.Fatalf("scan from %x gave %d records, want %d", from, len(got), len(want))
		}
	}
	for i, name := range names {
		if i%len(hashes) != 2 {
			must(t, remove(e, Key(slot, name)))
			w.apply(Key(slot, name), engine.Change{Action: engine.Delete})
		}
	}
	must(t, w.compare(e))
}

// testScanResumes reads slots in pages, each from the hash after the last one.
func testScanResumes(t *testing.T, open Open) {
	e := opened(t, open)
	w := twin{}
	for i := range 3000 {
		k := Key(uint16(i%2), fmt.Sprint(i))
		ch := engine.Change{Action: engine.Put, Meta: engine.Meta{byte(i)}, Head: []byte("v"), Body: k.Name}
		_, err := Do(e, engine.Blind, []engine.Key{k}, func(x *engine.Txn) { x.New[0] = ch })
		must(t, err)
		w.apply(k, ch)
	}
	for slot := range uint16(3) {
		for _, limit := range []int{7, 64, 1000} {
			var got []Record
			for from, more := uint64(0), true; more; {
				v, err := scan(e, slot, from, limit, true)
				must(t, err)
				got = append(got, v.records...)
				if more = len(v.records) == limit; more {
					from = v.hashes[limit-1] + 1
				}
			}
			if want := w.sorted(slot, 0, everything, true); !slices.Equal(got, want) {
				t.Fatalf("slot %d by %d: got %d records, want %d", slot, limit, len(got), len(want))
			}
		}
	}
}

func testDrop(t *testing.T, open Open) {
	e := opened(t, open)
	w := twin{}
	slots := []uint16{0, 64, 65, 128}
	for i := range 4000 {
		k := Key(slots[i%len(slots)], fmt.Sprint(i))
		_, err := put(e, k, engine.Meta{}, "value")
		must(t, err)
		w.apply(k, engine.Change{Action: engine.Put, Body: []byte("value")})
	}
	for _, slot := range []uint16{64, 64, 1, 0} { // twice, and one that is empty
		must(t, e.Drop(slot))
		w[slot] = nil
		must(t, w.compare(e))
	}
	_, err := put(e, Key(64, "again"), engine.Meta{}, "value")
	must(t, err)
	w.apply(Key(64, "again"), engine.Change{Action: engine.Put, Body: []byte("value")})
	must(t, w.compare(e))
}

// testStarted uses Start and StartScan, as a caller may without a Try.
func testStarted(t *testing.T, open Open) {
	e := opened(t, open)
	k := Key(9, "k")
	s := &step{done: make(chan struct{}, 2), decide: func(x *engine.Txn) {
		x.New[0] = engine.Change{Action: engine.Put, Body: []byte("started")}
	}}
	x := &engine.Txn{Keys: []engine.Key{k}, Mode: engine.Write, Step: s}
	for range 3 { // a Txn is reused
		e.Start(x)
		<-s.done
		must(t, x.Err)
	}
	if s.decided != 3 || len(s.done) != 0 {
		t.Errorf("Decide was called %d times, want 3; Done %d times too often", s.decided, len(s.done))
	}
	wantValue(t, e, k, "started")
	v, done := &visitor{limit: 1}, make(chan struct{}, 1)
	sc := &engine.Scan{Slot: 9, Visit: v, Done: func(*engine.Scan) { done <- struct{}{} }}
	e.StartScan(sc)
	<-done
	if sc.Err != nil || len(v.records) != 1 {
		t.Errorf("started scan gave %v, error %v", v.records, sc.Err)
	}
}

func testClosed(t *testing.T, open Open) {
	e := open(t, t.TempDir())
	k := Key(1, "k")
	_, err := put(e, k, engine.Meta{}, "value")
	must(t, err)
	closeEngine(t, e)
	_, _, getErr := get(e, k)
	_, putErr := put(e, k, engine.Meta{}, "value")
	_, scanErr := ScanAll(e, 1, 0, 1, false)
	for name, err := range map[string]error{
		"get": getErr, "put": putErr, "scan": scanErr,
		"Drop": e.Drop(1), "Sync": e.Sync(), "Close": e.Close(),
	} {
		if !errors.Is(err, engine.ErrClosed) {
			t.Errorf("%s after Close: error %v, want ErrClosed", name, err)
		}
	}
}
