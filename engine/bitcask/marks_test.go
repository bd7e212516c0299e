package bitcask

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/engine"
)

// checkMarks compares the marks of all complete segments, and what they count,
// with what the index says.
func checkMarks(e *Engine) error {
	refers := map[string]bool{}
	for slot := range uint16(scriptSlots) {
		in := engine.Scan{Slot: slot, Values: true, Visit: collect(func(_ engine.Key, en engine.Entry) {
			loc := parseLocation(en.Value)
			refers[fmt.Sprint(loc.segment, loc.off)] = true
		})}
		e.index.TryScan(&in)
		if in.Err != nil {
			return in.Err
		}
	}
	memory := int64(0)
	for _, s := range e.segments.ordered() {
		memory += s.dead.used
		if !s.settled.Load() {
			continue
		}
		values, live := int64(0), int64(0)
		sc := scanner{file: s.file, size: s.size.Load(), seed: s.crcSeed, off: headerSize}
		for {
			it, ok, err := sc.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if it.kind != kindPut {
				continue
			}
			values++
			alive := refers[fmt.Sprint(s.number, it.off)]
			if alive {
				live++
			}
			if s.dead.has(it.off) == alive {
				return fmt.Errorf("%s, offset %d: marked %v, in the index %v", s.name, it.off, s.dead.has(it.off), alive)
			}
		}
		if values != s.values.Load() || live != s.live.Load() {
			return fmt.Errorf("%s counts %d values, %d live, and has %d and %d", s.name, s.values.Load(), s.live.Load(), values, live)
		}
	}
	if n := e.marked.Load(); n != memory {
		return fmt.Errorf("%d bytes of marks, %d are counted", memory, n)
	}
	return nil
}

// unkept opens an engine without its keeper: the merges are the test's.
func unkept(t *testing.T, o Options) *Engine {
	e, err := load(o)
	must(t, err)
	e.wal.assess, e.syncer.settled = func() {}, func() {} // nobody would look, and writes would wait for that
	e.syncing.Go(e.syncer.run)
	e.running.Go(func() { e.serve(e.reads) })
	e.running.Go(func() { e.serve(e.writes) })
	return e
}

// TestMergeProperty does random writes, deletes, drops, merges of any run, kills
// and clean stops, with and without hints: the engine always holds what its twin
// does, and a value is marked as dead if and only if the index does not refer to
// it.
func TestMergeProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := newMemFS()
		o := quiet(fs)
		o.SegmentBytes = 1 << 20
		e := unkept(t, o)
		twin := map[string]string{}
		reopen := func(killed bool) {
			if killed {
				_ = e.wal.broken(errKilled)
			}
			if err := e.Close(); err != nil && !killed {
				rt.Fatal(err)
			}
			fs = fs.killed()
			if rapid.Bool().Draw(rt, "lose a hint") {
				for name := range maps.Clone(fs.names) {
					if strings.HasSuffix(name, hintSuffix) {
						must(t, fs.Remove(name))
						break
					}
				}
			}
			o.FS = fs
			e = unkept(t, o)
		}
		name := rapid.Custom(func(rt *rapid.T) string { return fmt.Sprint("key", rapid.IntRange(0, 12).Draw(rt, "key")) })
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				if err := checkMarks(e); err != nil {
					rt.Fatal(err)
				}
			},
			"set": func(rt *rapid.T) {
				k, v := name.Draw(rt, "name"), strings.Repeat("v", rapid.IntRange(1, 300).Draw(rt, "size"))
				must(t, set(e, k, v))
				twin[k] = v
			},
			"delete": func(rt *rapid.T) {
				k := name.Draw(rt, "name")
				must(t, del(e, k))
				delete(twin, k)
			},
			"drop": func(rt *rapid.T) {
				slot := rapid.Uint16Range(0, scriptSlots-1).Draw(rt, "slot")
				must(t, e.Drop(slot))
				maps.DeleteFunc(twin, func(k, _ string) bool { return slotOf(k) == slot })
			},
			"seal": func(*rapid.T) {
				e.wal.mu.Lock()
				if e.wal.mu.active != nil && e.wal.mu.size > headerSize {
					e.wal.rotate()
				}
				e.wal.mu.Unlock()
				must(t, e.Sync())
				for _, s := range e.segments.ordered() {
					if s.settled.Load() && !s.hasHint {
						must(t, e.keeper.writeHint(s))
					}
				}
			},
			"merge": func(rt *rapid.T) {
				p := planner{all: e.segments.ordered(), limit: o.SegmentBytes}
				n := 0
				for n < len(p.all) && mayMerge(p.all[n]) {
					n++
				}
				if n == 0 {
					rt.Skip("nothing to merge")
				}
				from := rapid.IntRange(0, n-1).Draw(rt, "from")
				to := rapid.IntRange(from+1, n).Draw(rt, "to")
				must(t, e.keeper.merge(p.run(from, to)))
				e.ledger.reserve.Store(0) // the keeper would plan the next merge
			},
			"kill": func(*rapid.T) { must(t, e.Sync()); reopen(true) },
			"stop": func(*rapid.T) { reopen(false) },
			"compare": func(rt *rapid.T) {
				for i := range 13 {
					k := fmt.Sprint("key", i)
					if v, err := get(e, k); err != nil || v != twin[k] {
						rt.Fatalf("%s is %.20q of %d bytes, error %v, want %d bytes", k, v, len(v), err, len(twin[k]))
					}
				}
			},
		})
		must(t, e.Close())
	})
}

// TestOrigins: where values were copied from is read as it was noted.
func TestOrigins(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type place struct{ seg, off, size int64 }
		var o origins
		var all []place
		for seg := range rapid.IntRange(0, 4).Draw(rt, "segments") {
			o.begin()
			off := headerSize
			for range rapid.IntRange(0, 5).Draw(rt, "values") {
				off += rapid.Int64Range(0, 1<<30).Draw(rt, "skip")
				size := rapid.Int64Range(38, 1<<31).Draw(rt, "size")
				o.add(off, off+size)
				all = append(all, place{int64(seg), off, size})
				off += size
			}
		}
		o.rewind()
		for _, want := range all {
			seg, off, ok := o.next(want.size)
			if !ok || int64(seg) != want.seg || off != want.off {
				rt.Fatalf("segment %d, offset %d, %v; want %v", seg, off, ok, want)
			}
		}
		if _, _, ok := o.next(38); ok {
			rt.Fatal("there is more than was noted")
		}
	})
}

// TestMarksBesideEachOther: neighbours, however short, have marks of their own.
func TestMarksBesideEachOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var m marks
		dead := map[int64]bool{}
		memory := int64(0)
		off := headerSize
		for range rapid.IntRange(1, 200).Draw(rt, "values") {
			dead[off] = rapid.Bool().Draw(rt, "dead")
			if dead[off] {
				memory += m.set(off)
				if rapid.IntRange(0, 9).Draw(rt, "unset") == 0 {
					m.unset(off)
					dead[off] = false
				}
			}
			off += rapid.SampledFrom([]int64{38, 39, 63, 64, 1000, pageSpan}).Draw(rt, "size")
		}
		for off, want := range dead {
			if m.has(off) != want {
				rt.Fatalf("offset %d: marked %v", off, !want)
			}
		}
		if freed := m.drop(); freed != memory || m.has(headerSize) || m.set(headerSize) != 0 {
			rt.Fatalf("%d bytes were freed of %d", freed, memory)
		}
	})
}
