package bitcask

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// mergeNow merges segments by their place in the log's order, as the keeper
// would, on a keeper's goroutine that has nothing else to do.
func mergeNow(t *testing.T, e *Engine, from, to int) {
	t.Helper()
	p := planner{all: e.segments.ordered(), limit: e.opts.SegmentBytes}
	must(t, e.keeper.merge(p.run(from, to)))
}

// TestDeletedKeyStaysDeleted: the marker of a delete is merged before the older
// value of its key is. It must not go, or the value would be back after a
// restart. Once the value is gone the marker goes, too.
func TestDeletedKeyStaysDeleted(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.SegmentBytes = 1 << 20 // so large that the keeper finds nothing to merge
	e := open(t, o)
	must(t, set(e, "key", "old"))
	must(t, set(e, "other", "stays"))
	seal(t, e)
	must(t, del(e, "key"))
	must(t, set(e, "more", "stays"))
	seal(t, e)
	must(t, set(e, "last", "stays"))
	must(t, e.Sync())

	mergeNow(t, e, 1, 2) // the marker's segment, before the value's
	if all := e.segments.ordered(); all[1].markers.Load() == 0 {
		t.Error("the marker is gone, and the value it keeps away is not")
	}
	kill(t, e)
	o.FS = fs.killed()
	e = open(t, o)
	want(t, e, "key", "")
	want(t, e, "other", "stays")

	mergeNow(t, e, 0, 1) // the value goes
	mergeNow(t, e, 1, 2) // and now the marker
	for _, s := range e.segments.ordered() {
		if s.markers.Load() != 0 {
			t.Errorf("%s still has a marker", s.name)
		}
	}
	kill(t, e)
	o.FS = o.FS.(*memFS).killed()
	e = open(t, o)
	want(t, e, "key", "")
	want(t, e, "other", "stays")
	want(t, e, "more", "stays")
	must(t, e.Close())
}

// TestDroppedSlotStaysDropped is the same for the marker of a drop.
func TestDroppedSlotStaysDropped(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.SegmentBytes = 1 << 20 // so large that the keeper finds nothing to merge
	e := open(t, o)
	must(t, set(e, "key", "old"))
	seal(t, e)
	must(t, e.Drop(slotOf("key")))
	seal(t, e)
	must(t, set(e, "last", "stays"))
	mergeNow(t, e, 1, 2)
	kill(t, e)
	o.FS = fs.killed()
	e = open(t, o)
	want(t, e, "key", "")
	want(t, e, "last", "stays")
	must(t, e.Close())
}

// index gives all that an engine's index holds.
func index(t *testing.T, e *Engine) map[string]string {
	t.Helper()
	m := map[string]string{}
	for slot := range uint16(scriptSlots) {
		in := engine.Scan{Slot: slot, Values: true, Visit: collect(func(k engine.Key, en engine.Entry) {
			m[string(k.Name)] = fmt.Sprint(k.Slot, en.Meta, parseLocation(en.Value))
		})}
		e.index.TryScan(&in)
		must(t, in.Err)
	}
	for _, s := range e.segments.ordered() {
		m[s.name] = fmt.Sprint(s.values.Load(), s.live.Load(), s.liveBytes.Load(), s.markers.Load())
	}
	return m
}

type collect func(engine.Key, engine.Entry)

func (c collect) Visit(k engine.Key, e engine.Entry) bool {
	c(k, e)
	return true
}

// TestIndexFromHints: an index that was rebuilt from hints is the same as one
// rebuilt from the segments.
func TestIndexFromHints(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	e := open(t, o)
	s := &script{after: []map[string]string{{}}, now: map[string]string{}}
	must(t, s.run(e, 40))
	for i := range 40 { // so much that it takes several segments, however they are merged
		name := fmt.Sprint("filler", i)
		s.now[name] = strings.Repeat("f", 300)
		must(t, set(e, name, s.now[name]))
	}
	must(t, e.Close())
	bare := fs.killed() // as it is, before another start changes it
	fromHints, err := load(o)
	must(t, err)
	if n, all := figure(fromHints, "hint_loads"), len(fromHints.segments.all()); n != int64(all) || n < 3 {
		t.Errorf("%d of %d segments were loaded from hints", n, all)
	}
	a := index(t, fromHints)
	must(t, fromHints.release())
	for name := range maps.Clone(bare.names) {
		if strings.HasSuffix(name, hintSuffix) {
			must(t, bare.Remove(name))
		}
	}
	o.FS = bare
	fromSegments, err := load(o)
	must(t, err)
	if n := figure(fromSegments, "hint_loads"); n != 0 {
		t.Errorf("%d hints were loaded that are not there", n)
	}
	if b := index(t, fromSegments); !maps.Equal(a, b) {
		t.Errorf("from hints:\n%v\nfrom segments:\n%v", a, b)
	}
	fromSegments.start()
	got, err := held(fromSegments)
	if err != nil || !maps.Equal(got, s.now) {
		t.Errorf("holds %v, error %v, want %v", got, err, s.now)
	}
	must(t, fromSegments.Close())
}

// TestMergeRacesWithWrites merges all the time while others overwrite, delete
// and read the same few keys: each reader sees its key's values in order.
func TestMergeRacesWithWrites(t *testing.T) {
	o := quiet(newMemFS())
	e := open(t, o)
	const writers, rounds = 4, 1500
	var wg sync.WaitGroup
	last := make([]string, writers*8)
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 7))
			for i := range rounds {
				n := w*8 + rng.IntN(8)
				name := fmt.Sprint("key", n)
				if got, err := get(e, name); err != nil || got != last[n] {
					t.Errorf("%s is %.30q, error %v, want %.30q", name, got, err, last[n])
					return
				}
				last[n] = fmt.Sprint(i, strings.Repeat("v", rng.IntN(200)))
				err := set(e, name, last[n])
				if rng.IntN(4) == 0 {
					last[n], err = "", del(e, name)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if i%100 == 0 {
					e.Merge()
				}
			}
		})
	}
	wg.Wait()
	if n := figure(e, "merges"); n < 10 {
		t.Errorf("only %d merges", n)
	}
	must(t, e.Close())
	e = open(t, o)
	for n, v := range last {
		want(t, e, fmt.Sprint("key", n), v)
	}
	must(t, e.Close())
}

// TestDiskBound: after five times the live data has been overwritten, or
// deleted, the disk holds less than twice the live data and two segments.
func TestDiskBound(t *testing.T) {
	for name, value := range map[string]int{"small values": 64, "large values": 1000} {
		t.Run(name, func(t *testing.T) {
			o := quiet(newMemFS())
			o.SegmentBytes = 32 << 10
			e := open(t, o)
			const keys = 1500
			most := int64(0)
			for i := range 6 * keys {
				must(t, set(e, fmt.Sprintf("the key %08d", i*7919%keys), strings.Repeat("v", value)))
				if i > keys {
					st := e.Stats()
					most = max(most, st.DiskBytes-2*st.LiveBytes)
				}
			}
			checkBound(t, e)
			t.Logf("at the most %.1f segments above twice the live data", float64(most)/float64(o.SegmentBytes))
			for i := range keys {
				must(t, del(e, fmt.Sprintf("the key %08d", i)))
				if i%3 > 0 {
					must(t, set(e, fmt.Sprintf("the key %08d", i), "v"))
					must(t, del(e, fmt.Sprintf("the key %08d", i)))
				}
			}
			checkBound(t, e)
			must(t, e.Close())
		})
	}
}

func checkBound(t *testing.T, e *Engine) {
	t.Helper()
	var st engine.Stats
	eventually(t, "the disk holds less than twice the live data and two segments", func() bool {
		st = e.Stats()
		return st.DiskBytes < 2*st.LiveBytes+2*e.opts.SegmentBytes
	})
	t.Logf("%d live bytes in %d on disk, segments of %d", st.LiveBytes, st.DiskBytes, e.opts.SegmentBytes)
}

// TestMergeOfDamage: a damaged value is still damaged, and its key known, after
// its segment was merged and the engine opened again.
func TestMergeOfDamage(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.SegmentBytes = 1 << 20 // so large that the keeper finds nothing to merge
	e := open(t, o)
	must(t, set(e, "bad", strings.Repeat("v", 100)))
	must(t, set(e, "good", "stays"))
	seal(t, e)
	s := e.segments.ordered()[0]
	fs.flip(s.name, headerSize+headSize+int64(metaSize)+3+50)
	mergeNow(t, e, 0, 1)
	for range 2 {
		if v, err := get(e, "bad"); err == nil {
			t.Fatalf("a damaged value was served: %q", v)
		}
		want(t, e, "good", "stays")
		must(t, e.Close())
		e = open(t, o)
	}
	k := enginetest.Key(slotOf("bad"), "bad")
	if n := e.Len(k.Slot); n < 1 {
		t.Error("the damaged key is gone")
	}
	must(t, e.Close())
}
