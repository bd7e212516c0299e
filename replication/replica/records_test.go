package replica

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"pgregory.net/rapid"
)

// TestRecordsAgainstTwin: random writes as replication makes them, expiries, refused
// writes, sweeps and restarts leave what a map of records holds.
func TestRecordsAgainstTwin(t *testing.T) {
	names := []string{"", "a", "{a}b", "{a}c", "{a}d", "c", "d\x00"}
	rapid.Check(t, func(t *rapid.T) {
		b, held := newRig(t, true), twin{}
		defer func() { b.end() }()
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
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
				held.checkFigures(b)
				b.Store.Close()
				if rapid.Bool().Draw(t, "killed") {
					b.eng.note = nil
				}
				b.open(true)
				b.eng.note = nil
			}
			held.check(b, swept)
		}
		held.checkFigures(b)
		b.ms += 10 * cutAfter
		b.sweepAll()
		held.check(b, true)
		held.checkFigures(b)
		for key := range held {
			w, _ := b.whole(key)
			if len(w.Values) > 0 && w.Winner(b.ms) == nil && slices.ContainsFunc(w.Values, func(v record.Value) bool { return !v.Cut && v.ExpireAt != 0 && v.Expired(b.ms-cutAfter) }) {
				t.Fatalf("%q has bytes of an expired value: %+v", key, w)
			}
		}
	})
}

// drawWrite changes some keys by one transaction, and the twin unless it is refused.
func drawWrite(t *rapid.T, b *rig, held twin, names []string) {
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
func drawRecord(t *rapid.T, b *rig, old *record.Whole) (m record.Whole, what string) {
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
	b := newRig(t, true)
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
	b := newRig(t, true)
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

// TestRecordsAtOnce: writers, readers and the sweep, all at the same time, leave the
// figures right.
func TestRecordsAtOnce(t *testing.T) {
	b := newRig(t, true)
	defer b.end()
	wall := record.NewClock(func() int64 { return time.Now().UnixMilli() })
	b.Store.clock = wall // before anybody uses it
	b.SetActiveExpire(true)
	const keys, writers, rounds = 40, 4, 1500
	merged := make([]sync.Mutex, keys)
	held := make([]record.Whole, keys)
	var wg sync.WaitGroup
	for actor := range uint64(writers) {
		wg.Go(func() {
			for range rounds {
				i := rand.IntN(keys)
				at := int64(0)
				if rand.IntN(2) == 0 {
					at = time.Now().UnixMilli() + rand.Int64N(20)
				}
				in := (&record.Whole{}).Put(record.Dot{Actor: actor, HLC: wall.Next()}, record.NewValue([]byte("v"), at))
				if rand.IntN(5) == 0 {
					in.Values = nil
				}
				merged[i].Lock()
				held[i] = record.Merge(&held[i], &in)
				merged[i].Unlock()
				if err := b.records(Write, func(r *Records) {
					w, err := r.Whole(0)
					if err != nil {
						t.Error(err)
						return
					}
					m := record.Merge(w, &in)
					r.Put(0, &m)
				}, fmt.Sprint("k{", i%7, "}", i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.SetActiveExpire(false)
	b.Store.Close() // the sweep has ended
	b.ms = wall.Milli() + 20
	b.open(true)
	end := twin{}
	for i := range held {
		end[fmt.Sprint("k{", i%7, "}", i)] = held[i]
	}
	end.check(b, false)
	b.sweepAll()
	end.check(b, true)
	end.checkFigures(b)
}

// TestCutInTime: an expired value is marked at once, and loses its bytes after a minute,
// not before.
func TestCutInTime(t *testing.T) {
	b := newRig(t, true)
	defer b.end()
	zero := record.Whole{}
	w := zero.Put(b.dot(1, &zero), record.NewValue([]byte("value"), b.ms+100))
	b.put("a", w)
	digest := b.Digest(KeyOf([]byte("a")).Slot)
	for _, x := range []struct {
		after      int64
		keys, dead int64
		cut        bool
	}{{99, 1, 0, false}, {1, 0, 1, false}, {cutAfter - 1, 0, 1, false}, {1, 0, 1, true}, {1000, 0, 1, true}} {
		b.ms += x.after
		b.sweepAll()
		got, err := b.whole("a")
		if err != nil || len(got.Values) != 1 || got.Values[0].Cut != x.cut {
			t.Fatalf("after %d ms more: %+v, %v", x.after, got, err)
		}
		if b.Keys() != x.keys || b.dead.Load() != x.dead || b.Digest(KeyOf([]byte("a")).Slot) != digest || b.Counters().Expired != x.dead {
			t.Errorf("after %d ms more: %d keys, %d dead, %d expired, digest %x, want %x", x.after, b.Keys(), b.dead.Load(), b.Counters().Expired, b.Digest(KeyOf([]byte("a")).Slot), digest)
		}
	}
}

// TestReplicatedOverStandalone: entries that a node has written while it stood alone have
// no hash in their metas. All modes tell it; pages and digests get it once the
// record is written again.
func TestReplicatedOverStandalone(t *testing.T) {
	b := newRig(t, false)
	var x Txn
	x.Reset(b.Store, Write, b.ms, txnStep(func(x *Txn) { x.Set(0, []byte("v"), 0) }))
	x.Key([]byte("a"))
	b.Do(&x)
	b.Store.Close()
	b.open(true)
	defer b.end()
	w, err := b.whole("a")
	if err != nil || len(w.Values) != 1 {
		t.Fatalf("%+v, %v", w, err)
	}
	slot := KeyOf([]byte("a")).Slot
	for _, slow := range []bool{false, true} {
		b.eng.slow = slow
		for _, mode := range []engine.Mode{Read, Write, Blind} {
			calls := 0
			if err := b.records(mode, func(r *Records) {
				if calls++; r.Hash(0) != w.Vector.Hash() {
					t.Errorf("mode %d: the hash is %x", mode, r.Hash(0))
				}
			}, "a"); err != nil || calls != 1 {
				t.Errorf("mode %d: %d decisions, %v", mode, calls, err)
			}
		}
	}
	b.eng.slow = false
	page, _, _, err := b.Page(slot, 0, 1)
	if err != nil || len(page) != 1 || page[0].Hash != 0 || b.Digest(slot) != 0 {
		t.Errorf("%v, %v, digest %x", page, err, b.Digest(slot))
	}
	b.sweepAll()
	twin{"a": w}.check(b, true)
	twin{}.checkFigures(b)
}
