package replica_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
	"pgregory.net/rapid"
)

// clock is a wall clock that tests set.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() int64 { return c.ms.Load() }

func open(t interface{ Cleanup(func()) }) (*replica.Store, *clock) {
	c := &clock{}
	c.ms.Store(1_700_000_000_000)
	s := replica.Open(replica.Options{Engine: memory.New(), Clock: record.NewClock(c.now), Actor: 7,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	t.Cleanup(func() { s.Close() })
	return s, c
}

// step is a Step made of a function, for tests.
type step func(*replica.Txn)

func (f step) Decide(t *replica.Txn) { f(t) }
func (f step) Done(*replica.Txn)     {}

func do(s *replica.Store, c *clock, f step, keys ...string) {
	var t replica.Txn
	t.Reset(s, replica.Write, c.now(), f)
	for _, k := range keys {
		t.Key([]byte(k))
	}
	s.Do(&t)
}

func set(s *replica.Store, c *clock, key, value string, expireAt int64) {
	do(s, c, func(t *replica.Txn) { t.Set(0, []byte(value), expireAt) }, key)
}

// TestTrim: a transaction that is kept for its next use does not keep its values.
func TestTrim(t *testing.T) {
	s, c := open(t)
	var x replica.Txn
	var value weak.Pointer[byte]
	x.Reset(s, replica.Write, c.now(), step(func(x *replica.Txn) {
		b := x.Scratch(1 << 20)
		value = weak.Make(&b[0])
		x.Set(0, b, 0)
	}))
	x.Key([]byte("k"))
	s.Do(&x)
	x.Trim()
	if x.Err() != nil || x.Changes() != 1 || x.Scratched() != 1<<20 || x.Len() != 1 || string(x.Name(0)) != "k" {
		t.Errorf("error %v, %d changes, %d keys", x.Err(), x.Changes(), x.Len())
	}
	until(t, "the value's memory is free", func() bool {
		runtime.GC()
		return value.Value() == nil
	})
	x.Reset(s, replica.Read, c.now(), step(func(x *replica.Txn) {
		if b, ok := x.Get(0); !ok || len(b) != 1<<20 || x.Scratched() != 0 {
			t.Errorf("the value has %d bytes, %d were given", len(b), x.Scratched())
		}
	}))
	x.Key([]byte("k"))
	s.Do(&x)
}

func get(s *replica.Store, c *clock, key string) (value string, ok bool) {
	var t replica.Txn
	t.Reset(s, replica.Read, c.now(), step(func(t *replica.Txn) {
		b, found := t.Get(0)
		value, ok = string(b), found
	}))
	t.Key([]byte(key))
	s.Do(&t)
	return value, ok
}

// until polls with a deadline: the sweep runs on a goroutine of its own.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("waited in vain until ", what)
		case <-tick.C:
		}
	}
}

// TestAgainstMap holds the store against a map with expiries.
func TestAgainstMap(t *testing.T) {
	type entry struct {
		value    string
		expireAt int64
	}
	rapid.Check(t, func(t *rapid.T) {
		s, c := open(t)
		s.SetActiveExpire(rapid.Bool().Draw(t, "sweep"))
		twin := map[string]entry{}
		names := rapid.SampledFrom([]string{"", "a", "b", "{a}b", "c", "d\x00", "{a}c"})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			c.ms.Add(rapid.Int64Range(0, 20).Draw(t, "ms"))
			for k, e := range twin {
				if e.expireAt != 0 && e.expireAt <= c.now() {
					delete(twin, k)
				}
			}
			keys := rapid.SliceOfNDistinct(names, 1, 4, rapid.ID[string]).Draw(t, "keys")
			do(s, c, func(x *replica.Txn) {
				for i, k := range keys {
					v, ok := x.Get(i)
					e, has := twin[k]
					if ok != has || ok && (string(v) != e.value || x.ExpireAt(i) != e.expireAt) {
						t.Fatalf("%q is %q %v until %d, want %+v %v", k, v, ok, x.ExpireAt(i), e, has)
					}
					switch rapid.IntRange(0, 3).Draw(t, "what") {
					case 0:
						x.Delete(i)
						delete(twin, k)
					case 1, 2:
						e := entry{value: rapid.StringN(0, 100, 200).Draw(t, "value")}
						if rapid.Bool().Draw(t, "expires") {
							e.expireAt = c.now() + rapid.Int64Range(-5, 50).Draw(t, "ttl")
						}
						x.Set(i, []byte(e.value), e.expireAt)
						twin[k] = e
						if e.expireAt != 0 && e.expireAt <= c.now() {
							delete(twin, k)
						}
						if got, ok := x.Get(i); ok != (twin[k] == e && len(keys) > 0 && contains(twin, k)) || ok && string(got) != e.value {
							t.Fatalf("a value that was set reads as %q %v", got, ok)
						}
					}
				}
			}, keys...)
		}
		for k, e := range twin {
			if v, ok := get(s, c, k); !ok || v != e.value {
				t.Fatalf("%q is %q %v, want %q", k, v, ok, e.value)
			}
		}
		var expiring, sum int64
		for _, e := range twin {
			if e.expireAt != 0 {
				expiring++
				sum += e.expireAt
			}
		}
		// Expired entries that nobody has removed yet still count, as in Redis.
		if n := s.Keys(); n < int64(len(twin)) {
			t.Fatalf("%d keys, want at least %d", n, len(twin))
		}
		if n, _ := s.Expiring(nil); n < expiring {
			t.Fatalf("%d keys expire, want at least %d", n, expiring)
		}
	})
}

func contains[V any](m map[string]V, k string) bool { _, ok := m[k]; return ok }

func TestVersions(t *testing.T) {
	s, c := open(t)
	version := func(k string) (v uint64) {
		do(s, c, func(t *replica.Txn) { v = t.Version(0) }, k)
		return v
	}
	seen := map[uint64]string{}
	note := func(what string) {
		t.Helper()
		v := version("k")
		if before, dup := seen[v]; dup {
			t.Errorf("%s: the version is that of %q", what, before)
		}
		seen[v] = what
	}
	note("absent")
	set(s, c, "k", "v", 0)
	note("set")
	set(s, c, "k", "v", 0)
	note("set to the same")
	do(s, c, func(t *replica.Txn) { t.Delete(0) }, "k")
	note("deleted")
	set(s, c, "k", "v", c.now()+10)
	note("set with an expiry")
	c.ms.Add(5)
	v := version("k")
	if seen[v] != "set with an expiry" {
		t.Error("the version changed although nothing happened")
	}
	c.ms.Add(5)
	if v := version("k"); seen[v] == "set with an expiry" {
		t.Error("the version did not change when the key expired")
	}
}

func TestExpiredIsNeverSeenAgain(t *testing.T) {
	s, c := open(t)
	s.SetActiveExpire(false)
	set(s, c, "k", "v", c.now()+100)
	c.ms.Add(99)
	if _, ok := get(s, c, "k"); !ok {
		t.Fatal("expired too early")
	}
	c.ms.Add(1)
	set(s, c, "other", "v", 0) // the hybrid clock is at this time now
	if _, ok := get(s, c, "k"); ok {
		t.Fatal("read although expired")
	}
	if n := s.Keys(); n != 1 {
		t.Errorf("a read leaves %d keys, want 1: it removes what has expired", n)
	}
	if n := s.Counters().Expired; n != 1 {
		t.Errorf("%d keys expired, want 1", n)
	}
}

// TestClockSetBack: an expiry is judged by a clock that does not step back.
func TestClockSetBack(t *testing.T) {
	s, c := open(t)
	s.SetActiveExpire(false)
	set(s, c, "k", "v", c.now()+100)
	c.ms.Add(200)
	set(s, c, "other", "v", 0)
	c.ms.Add(-3_600_000)
	now := s.Now(time.UnixMilli(c.now()))
	var x replica.Txn
	found := true
	x.Reset(s, replica.Read, now, step(func(t *replica.Txn) { _, found = t.Get(0) }))
	x.Key([]byte("k"))
	s.Do(&x)
	if found {
		t.Error("an expired value is back after the clock was set back")
	}
}

func TestSweep(t *testing.T) {
	s, c := open(t)
	const n = 5000
	for i := range n {
		at := c.now() + 50
		if i%5 == 0 {
			at += 1000
		}
		if i%5 == 1 {
			at = 0
		}
		set(s, c, fmt.Sprint("key", i), "v", at)
	}
	for i := range 300 { // many in one slot, more than a page
		set(s, c, fmt.Sprint("{slot}", i), "v", c.now()+50)
	}
	c.ms.Add(60)
	until(t, "the expired keys are gone", func() bool { return s.Keys() == 2*n/5 })
	if got, _ := s.Expiring(nil); got != n/5 {
		t.Errorf("%d keys expire, want %d", got, n/5)
	}
	c.ms.Add(1000)
	until(t, "the rest is gone, too", func() bool { return s.Keys() == n/5 })
	if got, sum := s.Expiring(nil); got != 0 || sum != 0 {
		t.Errorf("%d keys expire, at %d in all", got, sum)
	}
	if got := s.Counters().Expired; got != 4*n/5+300 {
		t.Errorf("%d keys expired, want %d", got, 4*n/5+300)
	}
}

// TestSweepKeepsUp: 100,000 keys that expire within one second are gone soon,
// among 200,000 that stay.
func TestSweepKeepsUp(t *testing.T) {
	s, c := open(t)
	const n = 100_000
	for i := range n {
		set(s, c, fmt.Sprint("stays", i), "v", 0)
		set(s, c, fmt.Sprint("later", i), "v", c.now()+1_000_000)
		set(s, c, fmt.Sprint("now", i), "v", c.now()+int64(i)%1000)
	}
	start := time.Now()
	c.ms.Add(1000)
	until(t, "they are gone", func() bool { return s.Keys() == 2*n })
	t.Logf("%d keys were removed in %v", n, time.Since(start))
}

func TestScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, c := open(t)
		want := map[string]bool{}
		for i := range rapid.IntRange(0, 300).Draw(t, "keys") {
			k := fmt.Sprint(i)
			if rapid.Bool().Draw(t, "one slot") {
				k = "{t}" + k
			}
			set(s, c, k, "v", 0)
			want[k] = true
		}
		seen := map[string]int{}
		cursor := replica.Cursor(0)
		for calls := 0; calls == 0 || cursor != 0; calls++ {
			count := rapid.IntRange(1, 20).Draw(t, "count")
			n := 0
			next, err := s.Scan(nil, cursor, count, c.now(), true, func(name []byte, _ int64) {
				n++
				seen[string(name)]++
			})
			if err != nil {
				t.Fatal(err)
			}
			if next != 0 && (n < count || next <= cursor || next >= 1<<53) {
				t.Fatalf("from %d: %d keys of %d, then %d", cursor, n, count, next)
			}
			cursor = next
			if rapid.Bool().Draw(t, "noise") { // others come and go
				k := fmt.Sprint("noise", rapid.IntRange(0, 50).Draw(t, "which"))
				do(s, c, func(x *replica.Txn) {
					if x.Exists(0) {
						x.Delete(0)
					} else {
						x.Set(0, nil, 0)
					}
				}, k)
			}
		}
		for k := range want {
			if seen[k] != 1 {
				t.Fatalf("%q was visited %d times", k, seen[k])
			}
		}
	})
}

func TestScanSlotAndClear(t *testing.T) {
	s, c := open(t)
	for i := range 1000 {
		set(s, c, fmt.Sprint("{t}", i), "v", c.now()+1_000_000)
		set(s, c, fmt.Sprint(i), "v", 0)
	}
	slot := ring.Slot([]byte("{t}"))
	if n := s.SlotKeys(slot); n < 1000 {
		t.Fatalf("%d keys in the slot", n)
	}
	n := 0
	if err := s.ScanSlot(slot, 10, c.now(), true, func([]byte, int64) { n++ }); err != nil || n != 10 {
		t.Fatalf("%d keys, %v", n, err)
	}
	if _, err := s.Clear(nil, true); err != nil {
		t.Fatal(err)
	}
	expiring, _ := s.Expiring(nil)
	if s.Keys() != 0 || expiring != 0 {
		t.Errorf("%d keys, %d of them expiring, after Clear", s.Keys(), expiring)
	}
}

func TestTxnKeepsOneNumberAKey(t *testing.T) {
	s, c := open(t)
	var x replica.Txn
	for _, n := range []int{3, 8, 9, 100} {
		x.Reset(s, replica.Write, c.now(), step(func(t *replica.Txn) {
			for i := range t.Len() {
				t.Set(i, t.Name(i), 0)
			}
		}))
		for round := range 2 {
			for i := range n {
				if got := x.Key([]byte(fmt.Sprint("k", i))); got != i {
					t.Fatalf("round %d: key %d of %d has number %d", round, i, n, got)
				}
			}
		}
		s.Do(&x)
		if v, ok := get(s, c, fmt.Sprint("k", n-1)); !ok || v != fmt.Sprint("k", n-1) {
			t.Fatalf("%d keys: the last one is %q %v", n, v, ok)
		}
	}
}

func TestScratchIsStable(t *testing.T) {
	s, c := open(t)
	do(s, c, func(t *replica.Txn) {
		for i := range 3 {
			b := t.Scratch(1000 * (i + 1))
			for j := range b {
				b[j] = byte('a' + i)
			}
			t.Set(i, b, 0)
		}
	}, "a", "b", "c")
	for i, k := range []string{"a", "b", "c"} {
		want := bytes.Repeat([]byte{byte('a' + i)}, 1000*(i+1))
		if v, _ := get(s, c, k); v != string(want) {
			t.Errorf("%s is not what was set", k)
		}
	}
}

func TestPointOperationsDoNotAllocate(t *testing.T) {
	s, c := open(t)
	var x replica.Txn
	key, value := []byte("key"), bytes.Repeat([]byte("v"), 64)
	write, read := step(func(t *replica.Txn) { t.Set(0, value, 0) }), step(func(t *replica.Txn) { t.Get(0) })
	n := testing.AllocsPerRun(1000, func() {
		x.Reset(s, replica.Write, c.now(), write)
		x.Key(key)
		s.Do(&x)
		x.Reset(s, replica.Read, c.now(), read)
		x.Key(key)
		s.Do(&x)
	})
	if n != 0 {
		t.Errorf("%v allocations for a write and a read", n)
	}
}
