package memory

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/rldb/rldb/engine"
)

// What a replica puts before a client's value, and the value.
const (
	benchHead  = 23
	benchValue = 64
	benchName  = 16
)

// load makes the keys of a benchmark: name i is 16 bytes, its slot spread like
// CRC16 spreads it.
type load struct {
	txn  engine.Txn
	key  [1]engine.Key
	name [benchName]byte
	head [benchHead]byte
	body [benchValue]byte
	do   func(*engine.Txn, *load)
}

func newLoad(mode engine.Mode, do func(*engine.Txn, *load)) *load {
	l := &load{do: do}
	l.key[0].Name = l.name[:]
	l.txn = engine.Txn{Keys: l.key[:], Mode: mode, Step: l}
	return l
}

func (l *load) Decide(t *engine.Txn) { l.do(t, l) }
func (l *load) Done(*engine.Txn)     {}

func (l *load) run(e *Engine, i uint64) {
	binary.LittleEndian.PutUint64(l.name[:], i)
	l.key[0].Hash = engine.Hash(l.name[:])
	l.key[0].Slot = uint16(l.key[0].Hash*0x9e3779b97f4a7c15>>32) % engine.Slots
	e.Try(&l.txn)
}

func get(*engine.Txn, *load) {}
func set(t *engine.Txn, l *load) {
	t.New[0] = engine.Change{Action: engine.Put, Head: l.head[:], Body: l.body[:]}
}
func del(t *engine.Txn, _ *load) { t.New[0].Action = engine.Delete }
func rmw(t *engine.Txn, l *load) {
	old := t.Old[0].Value[benchHead:]
	old0 := binary.LittleEndian.Uint64(old)
	binary.LittleEndian.PutUint64(l.body[:], old0+1)
	t.New[0] = engine.Change{Action: engine.Put, Head: l.head[:], Body: l.body[:]}
}

// scatter visits 0 … n-1 (n a power of ten) in an order that no cache foresees.
func scatter(i, n int) uint64 { return uint64(i) * 7368787 % uint64(n) }

func filled(b *testing.B, n int) *Engine {
	e := New()
	b.Cleanup(func() { e.Close() })
	l := newLoad(engine.Write, set)
	for i := range n {
		l.run(e, uint64(i))
	}
	return e
}

func BenchmarkTxn(b *testing.B) {
	cases := []struct {
		name string
		mode engine.Mode
		do   func(*engine.Txn, *load)
	}{
		{"get", engine.Read, get},
		{"overwrite", engine.Write, set},
		{"blind", engine.Blind, set},
		{"rmw", engine.Write, rmw},
	}
	for _, n := range []int{1e3, 1e6} {
		e := filled(b, n)
		for _, c := range cases {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				l := newLoad(c.mode, c.do)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					l.run(e, scatter(i, n))
				}
			})
		}
	}
}

// BenchmarkTurnover deletes a key and sets another one, the number of keys
// staying the same.
func BenchmarkTurnover(b *testing.B) {
	for _, n := range []int{1e3, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := filled(b, n)
			sets, dels := newLoad(engine.Write, set), newLoad(engine.Write, del)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				dels.run(e, uint64(i))
				sets.run(e, uint64(i+n))
			}
		})
	}
}

// BenchmarkSet sets new keys into an engine that grows to n keys.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{1e3, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			l := newLoad(engine.Write, set)
			var e *Engine
			for i := 0; b.Loop(); i++ {
				if i%n == 0 {
					b.StopTimer()
					if e != nil {
						e.Close()
					}
					e = New()
					b.StartTimer()
				}
				l.run(e, uint64(i%n))
			}
			e.Close()
		})
	}
}

// BenchmarkDelete deletes the keys of an engine of n keys, all of them.
func BenchmarkDelete(b *testing.B) {
	for _, n := range []int{1e3, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			sets, dels := newLoad(engine.Write, set), newLoad(engine.Write, del)
			e := New()
			defer func() { e.Close() }()
			for i := 0; b.Loop(); i++ {
				if i%n == 0 {
					b.StopTimer()
					for j := range n {
						sets.run(e, uint64(j))
					}
					b.StartTimer()
				}
				dels.run(e, scatter(i, n))
			}
		})
	}
}

type counter int

func (c *counter) Visit(engine.Key, engine.Entry) bool { *c++; return true }

// BenchmarkScan reads whole slots, most of which are empty if there are few keys.
func BenchmarkScan(b *testing.B) {
	for _, n := range []int{1e3, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := filled(b, n)
			b.ReportAllocs()
			var seen counter
			sc := engine.Scan{Values: true, Visit: &seen}
			for b.Loop() {
				e.TryScan(&sc)
				sc.Slot = (sc.Slot + 1) % engine.Slots
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(seen), "ns/entry")
		})
	}
}

// BenchmarkBytesPerKey reports what a key takes beyond its 16 bytes and the 64
// of the client's value. The target is 56.
func BenchmarkBytesPerKey(b *testing.B) {
	for _, n := range []int{1e4, 1e5, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				e := filled(b, n)
				over := float64(e.UsedBytes())/float64(n) - benchName - benchValue
				b.ReportMetric(over, "overhead-bytes/key")
				e.Close()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkMixedSizes is BenchmarkBytesPerKey for values of up to 1000 bytes.
func BenchmarkMixedSizes(b *testing.B) {
	for _, n := range []int{1e4, 1e5, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				e := New()
				body := make([]byte, 1000)
				l := newLoad(engine.Write, func(t *engine.Txn, l *load) {
					size := int(l.key[0].Hash % uint64(len(body)))
					t.New[0] = engine.Change{Action: engine.Put, Body: body[:size]}
				})
				for i := range n {
					l.run(e, uint64(i))
				}
				st := e.Stats()
				b.ReportMetric(float64(st.UsedBytes-st.LiveBytes)/float64(n)+16, "overhead-bytes/key")
				e.Close()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkParallel reads and overwrites from as many goroutines as there are
// processors.
func BenchmarkParallel(b *testing.B) {
	const n = 1e5
	e := filled(b, n)
	b.RunParallel(func(p *testing.PB) {
		gets, sets := newLoad(engine.Read, get), newLoad(engine.Write, set)
		for i := 0; p.Next(); i++ {
			gets.run(e, scatter(i, n))
			sets.run(e, scatter(i+n/2, n))
		}
	})
}

// BenchmarkLookAhead is 16 GETs of keys that were named together before.
func BenchmarkLookAhead(b *testing.B) {
	const n = 2_000_000
	e := filled(b, n)
	var names [fetchKeys][benchName]byte
	var keys [fetchKeys]engine.Key
	l := newLoad(engine.Read, get)
	i := 0
	for b.Loop() {
		for j := range keys {
			i++
			binary.LittleEndian.PutUint64(names[j][:], scatter(i, n))
			hash := engine.Hash(names[j][:])
			keys[j] = engine.Key{Slot: uint16(hash*0x9e3779b97f4a7c15>>32) % engine.Slots, Hash: hash, Name: names[j][:]}
		}
		e.Prefetch(keys[:])
		for j := range keys {
			l.txn.Keys = keys[j : j+1]
			e.Try(&l.txn)
		}
	}
}
