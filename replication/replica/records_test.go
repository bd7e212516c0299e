package replica

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"pgregory.net/rapid"
)

// recordStep is a RecordStep made of a function, for tests.
type recordStep func(*Records)

func (f recordStep) Decide(r *Records) { f(r) }
func (f recordStep) Done(*Records)     {}

// picky is the memory engine, as one that stays when it is closed, refuses what was
// decided while fault is set, and does nothing at once while slow is.
type picky struct {
	noting
	fault error
	slow  bool
}

func newPicky() *picky { return &picky{noting: noting{Engine: memory.New()}} }

func (p *picky) Try(t *engine.Txn) bool { return !p.slow && p.do(t) }

func (p *picky) Start(t *engine.Txn) {
	p.do(t)
	t.Step.Done(t)
}

func (p *picky) do(t *engine.Txn) bool {
	if p.fault == nil || t.Mode == engine.Read {
		return p.noting.Try(t)
	}
	shown := engine.Txn{Keys: t.Keys, Mode: t.Mode, Step: shownTo{t}}
	p.noting.Try(&shown)
	t.Err = p.fault
	return true
}

// shownTo has another transaction decide over what there is, and keeps all.
type shownTo struct{ of *engine.Txn }

func (d shownTo) Decide(t *engine.Txn) {
	d.of.Prepare()
	copy(d.of.Old, t.Old)
	d.of.Step.Decide(d.of)
}

func (shownTo) Done(*engine.Txn) {}

// bench is a store over an engine that outlives it, with a clock that tests set.
type bench struct {
	t     rapid.TB
	ms    int64
	eng   *picky
	actor uint64
	mint  *record.Clock
	*Store
}

func newBench(t rapid.TB, replicated bool) *bench {
	b := &bench{t: t, ms: 1_700_000_000_000, eng: newPicky()}
	b.mint = record.NewClock(func() int64 { return b.ms })
	b.open(replicated)
	return b
}

func (b *bench) open(replicated bool) {
	b.actor++
	b.Store = Open(Options{Engine: b.eng, Actor: b.actor, Replicated: replicated,
		Clock: record.NewClock(func() int64 { return b.ms }), Log: slog.New(slog.DiscardHandler)})
	b.SetActiveExpire(false)
}

func (b *bench) end() {
	b.Store.Close()
	b.eng.Engine.Close()
}

func (b *bench) records(mode engine.Mode, f recordStep, keys ...string) error {
	var r Records
	r.Reset(b.Store, mode, f)
	for _, k := range keys {
		r.Key(KeyOf([]byte(k)))
	}
	b.DoRecords(&r)
	return r.Err()
}

// put stores a record; its bytes are the engine's own from then on.
func (b *bench) put(key string, w record.Whole) {
	if err := b.records(Blind, func(r *Records) { r.Put(0, &w) }, key); err != nil {
		b.t.Fatal(err)
	}
}

// whole is a copy of what is stored under a key.
func (b *bench) whole(key string) (w record.Whole, err error) {
	err = errors.Join(b.records(Read, func(r *Records) {
		var got *record.Whole
		if got, err = r.Whole(0); err == nil {
			w = copied(got)
		}
	}, key), err)
	return w, err
}

func copied(w *record.Whole) (c record.Whole) {
	c.Vector, c.Values = slices.Clone(w.Vector), slices.Clone(w.Values)
	for i := range c.Values {
		c.Values[i].Value = bytes.Clone(c.Values[i].Value)
	}
	return c
}

// sweepAll has the sweep look at all that is due.
func (b *bench) sweepAll() {
	w := sweeper{store: b.Store, page: page{store: b.Store}}
	w.round(time.Now().Add(time.Hour))
}

// dot mints one as another node would.
func (b *bench) dot(actor uint64, over *record.Whole) record.Dot {
	return record.Dot{Actor: 1000 + actor, HLC: b.mint.After(over.Vector.Max(), b.ms)}
}

// twin is what a store holds, as records in a map whose bytes are never cut.
type twin map[string]record.Whole

// check holds all that can be asked of the store against the twin. swept: the sweep
// has just seen everything.
func (w twin) check(b *bench, swept bool) {
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
	for slot := range uint16(engine.Slots) {
		if b.RecordsIn(slot) != counts[slot] {
			b.t.Fatalf("slot %d: %d records, want %d", slot, b.RecordsIn(slot), counts[slot])
		}
		if counts[slot] > 0 {
			w.checkPages(b, slot, counts[slot])
		}
		if b.Digest(slot) != digests[slot] {
			b.t.Fatalf("slot %d: the digest is %x, want %x", slot, b.Digest(slot), digests[slot])
		}
		shown += b.SlotKeys(slot)
	}
	if keys := b.Keys(); keys != shown || keys < int64(len(live)) || swept && keys != int64(len(live)) {
		b.t.Fatalf("%d keys, %d of all slots, %d are there (swept: %v)", keys, shown, len(live), swept)
	}
	w.checkFigures(b)
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
func (w twin) checkTxn(b *bench, key string, want *record.Whole) {
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

func (w twin) checkScan(b *bench, live map[string]bool) {
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

func (w twin) checkPages(b *bench, slot uint16, want int64) {
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

// checkFigures holds the figures against those of all metas, which a store that is opened
// anew makes.
func (w twin) checkFigures(b *bench) {
	b.t.Helper()
	again := &Store{eng: &picky{noting: noting{Engine: b.eng.Engine}}, replicated: b.replicated, log: b.log}
	for i := range again.slots {
		again.slots[i].due.Store(never)
	}
	again.load()
	for i := range again.slots {
		x, y := &b.slots[i], &again.slots[i]
		if x.expiring.Load() != y.expiring.Load() || x.expirySum.Load() != y.expirySum.Load() ||
			x.dead.Load() != y.dead.Load() || x.due.Load() > y.due.Load() {
			b.t.Fatalf("slot %d: %d expiring, sum %d, %d dead, due %d; want %d, %d, %d, %d", i,
				x.expiring.Load(), x.expirySum.Load(), x.dead.Load(), x.due.Load(),
				y.expiring.Load(), y.expirySum.Load(), y.dead.Load(), y.due.Load())
		}
	}
	if b.expiring.Load() != again.expiring.Load() || b.dead.Load() != again.dead.Load() {
		b.t.Fatalf("%d expire, %d are dead, want %d and %d", b.expiring.Load(), b.dead.Load(), again.expiring.Load(), again.dead.Load())
	}
}

var errRefused = errors.New("no room after all")

// TestRecordsAgainstTwin: random writes as replication makes them, expiries, refused
// writes, sweeps and restarts leave what a map of records holds.
func TestRecordsAgainstTwin(t *testing.T) {
	names := []string{"", "a", "{a}b", "{a}c", "{a}d", "c", "d\x00"}
	rapid.Check(t, func(t *rapid.T) {
		b, held := newBench(t, true), twin{}
		defer func() { b.end() }()
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			b.ms += rapid.SampledFrom([]int64{0, 0, 1, 30, 1000, cutAfter}).Draw(t, "ms")
			b.eng.slow = rapid.Bool().Draw(t, "slow")
			swept := false
			switch rapid.SampledFrom([]string{"write", "write", "write", "write", "refused", "sweep", "restart"}).Draw(t, "what") {
			case "write":
				drawWrite(t, b, held, names)
			case "refused":
				b.eng.fault = errRefused
				drawWrite(t, b, held, names)
				if rapid.Bool().Draw(t, "sweep") {
					b.sweepAll()
				}
				b.eng.fault = nil
			case "sweep":
				b.sweepAll()
				swept = true
			case "restart":
				b.Store.Close()
				if rapid.Bool().Draw(t, "killed") {
					b.eng.note = nil
				}
				b.open(true)
				b.eng.note = nil
			}
			held.check(b, swept)
		}
		b.ms += 10 * cutAfter
		b.sweepAll()
		held.check(b, true)
		for key := range held {
			w, _ := b.whole(key)
			if len(w.Values) > 0 && w.Winner(b.ms) == nil && slices.ContainsFunc(w.Values, func(v record.Value) bool { return !v.Cut && v.ExpireAt != 0 && v.Expired(b.ms-cutAfter) }) {
				t.Fatalf("%q has bytes of an expired value: %+v", key, w)
			}
		}
	})
}

// drawWrite changes some keys by one transaction, and the twin unless it is refused.
func drawWrite(t *rapid.T, b *bench, held twin, names []string) {
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 4, rapid.ID[string]).Draw(t, "keys")
	mode := rapid.SampledFrom([]engine.Mode{Write, Blind}).Draw(t, "mode")
	after := map[string]*record.Whole{}
	err := b.records(mode, func(r *Records) {
		for i, key := range keys {
			was := held[key]
			var old *record.Whole
			if mode == Write {
				var err error
				if old, err = r.Whole(i); err != nil || !sameRecord(old, &was, b.ms) {
					t.Fatalf("%q is %+v in its turn (error %v), want %+v", key, old, err, was)
				}
			} else {
				old = &was
			}
			switch m, what := drawRecord(t, b, old); what {
			case "drop":
				r.Drop(i)
				after[key] = &record.Whole{}
			case "put":
				r.Put(i, &m)
				c := copied(&m)
				after[key] = &c
			}
		}
	}, keys...)
	if b.eng.fault != nil {
		if !errors.Is(err, b.eng.fault) {
			t.Fatalf("refused, with %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for key, w := range after {
		if w.IsZero() {
			delete(held, key)
		} else {
			held[key] = *w
		}
	}
}

// drawRecord makes of a record what may become of it.
func drawRecord(t *rapid.T, b *bench, old *record.Whole) (m record.Whole, what string) {
	value := func() record.Value {
		at := int64(0)
		if rapid.Bool().Draw(t, "expires") {
			at = b.ms + rapid.SampledFrom([]int64{-cutAfter - 1, -5, 1, 20, 900, 70_000, math.MaxInt64 - b.ms}).Draw(t, "ttl")
		}
		return record.NewValue(rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "value"), at)
	}
	dot := b.dot(rapid.Uint64Range(0, 2).Draw(t, "actor"), old)
	switch rapid.SampledFrom([]string{"keep", "drop", "delete", "set", "set", "sibling", "sibling", "same"}).Draw(t, "becomes") {
	case "drop":
		return m, "drop"
	case "delete":
		return old.Delete(dot), "put"
	case "set":
		return old.Put(dot, value()), "put"
	case "sibling":
		other := (&record.Whole{}).Put(dot, value())
		return record.Merge(old, &other), "put"
	case "same":
		if !old.IsZero() {
			return *old, "put"
		}
	}
	return m, "keep"
}

// TestRecordsKeys: a key is given one number, however many there are.
func TestRecordsKeys(t *testing.T) {
	b := newBench(t, true)
	defer b.end()
	var r Records
	for _, n := range []int{1, 7, 8, 9, 100} {
		r.Reset(b.Store, Write, recordStep(func(*Records) {}))
		for range 2 {
			for i := range n {
				if got := r.Key(KeyOf(fmt.Append(nil, "k", i))); got != i || string(r.At(i).Name) != fmt.Sprint("k", i) {
					t.Fatalf("key %d of %d has number %d", i, n, got)
				}
			}
		}
		if b.DoRecords(&r); r.Len() != n || r.Err() != nil {
			t.Errorf("%d keys of %d, %v", r.Len(), n, r.Err())
		}
	}
}

// TestRecordsDoNotAllocate: neither a write of what is merged nor a read does, but for what
// package record needs for a vector's hash.
func TestRecordsDoNotAllocate(t *testing.T) {
	b := newBench(t, true)
	defer b.end()
	zero := record.Whole{}
	one := zero.Put(b.dot(1, &zero), record.NewValue(bytes.Repeat([]byte("v"), 64), 0))
	two := zero.Put(b.dot(2, &zero), record.NewValue(bytes.Repeat([]byte("w"), 64), b.ms+1000))
	var r Records
	var merged record.Whole
	in := &one
	merge := recordStep(func(r *Records) {
		old, _ := r.Whole(0)
		merged.SetMerged(old, in)
		r.Put(0, &merged)
	})
	var sum uint64
	read := recordStep(func(r *Records) {
		w, _ := r.Whole(0)
		sum += r.Hash(0) + uint64(len(w.Values))
	})
	key := KeyOf([]byte("key"))
	n := testing.AllocsPerRun(1000, func() {
		for _, in = range []*record.Whole{&one, &two} {
			r.Reset(b.Store, Write, merge)
			r.Key(key)
			b.DoRecords(&r)
		}
		r.Reset(b.Store, Read, read)
		r.Key(key)
		b.DoRecords(&r)
	})
	hash := testing.AllocsPerRun(1000, func() { sum += one.Vector.Hash() })
	if w, err := b.whole("key"); n > 2*hash || err != nil || len(w.Values) != 2 {
		t.Errorf("%v allocations; %+v, %v", n, w, err)
	}
}
