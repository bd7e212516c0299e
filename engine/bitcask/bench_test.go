package bitcask

import (
	"encoding/binary"
	"syscall"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
)

// load16 is a transaction on keys of 16 bytes, used again and again.
type load16 struct {
	t    engine.Txn
	key  [1]engine.Key
	name [16]byte
	body [64]byte
}

func newLoad16(mode engine.Mode) *load16 {
	l := &load16{}
	copy(l.name[:], "benchkey")
	l.t = engine.Txn{Keys: l.key[:], Mode: mode, Step: l}
	return l
}

func (l *load16) Decide(t *engine.Txn) {
	if t.Mode != engine.Read {
		t.New[0] = engine.Change{Action: engine.Put, Body: l.body[:]}
	}
}

func (l *load16) Done(*engine.Txn) {}

func (l *load16) do(b testing.TB, e *Engine, i uint64) {
	binary.BigEndian.PutUint64(l.name[8:], i)
	hash := engine.Hash(l.name[:])
	l.key[0] = engine.Key{Slot: uint16(hash % engine.Slots), Hash: hash, Name: l.name[:]}
	for !e.Try(&l.t) {
		if err := e.Flush(); err != nil {
			b.Fatal(err)
		}
		e.keeper.wait()
		if e.wal.unsettled.Load() >= maxUnsettled {
			must(b, e.wal.sync())
		}
	}
	if l.t.Err != nil {
		b.Fatal(l.t.Err)
	}
}

func benchEngine(b *testing.B, keys uint64) *Engine {
	e, err := Open(Options{Dir: b.TempDir(), ScrubBytesPerSecond: -1})
	must(b, err)
	b.Cleanup(func() { must(b, e.Close()) })
	l := newLoad16(engine.Blind)
	for i := range keys {
		l.do(b, e, i)
	}
	must(b, e.Flush())
	return e
}

// flushEvery is about what a connection loop's round appends.
const flushEvery = 50

func BenchmarkSet(b *testing.B) {
	e := benchEngine(b, 0)
	l := newLoad16(engine.Blind)
	b.ReportAllocs()
	for i := range uint64(b.N) {
		l.do(b, e, i)
		if i%flushEvery == 0 {
			must(b, e.Flush())
		}
	}
}

func BenchmarkOverwrite(b *testing.B) {
	const keys = 100_000
	e := benchEngine(b, keys)
	l := newLoad16(engine.Blind)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range uint64(b.N) {
		l.do(b, e, i*7919%keys)
		if i%flushEvery == 0 {
			must(b, e.Flush())
		}
	}
}

func BenchmarkGet(b *testing.B) {
	const keys = 100_000
	e := benchEngine(b, keys)
	l := newLoad16(engine.Read)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range uint64(b.N) {
		l.do(b, e, i*7919%keys)
	}
}

// BenchmarkIndex reports the memory of a key beyond its own bytes, and how long
// a start takes.
func BenchmarkIndex(b *testing.B) {
	const keys = 1_000_000
	o := Options{Dir: b.TempDir(), ScrubBytesPerSecond: -1}
	e, err := Open(o)
	must(b, err)
	l := newLoad16(engine.Blind)
	for i := range uint64(keys) {
		l.do(b, e, i)
	}
	must(b, e.Close())
	b.ResetTimer()
	for range b.N {
		e, err = Open(o)
		must(b, err)
		b.StopTimer()
		st := e.Stats()
		b.ReportMetric(float64(st.UsedBytes)/keys-16, "index-B/key")
		b.ReportMetric(float64(st.DiskBytes)/keys, "disk-B/key")
		must(b, e.Close())
		b.StartTimer()
	}
}

// TestIndexBytes measures and bounds the memory of a key of 16 bytes beyond its
// own bytes, meta included. BenchmarkIndex does so after a start.
func TestIndexBytes(t *testing.T) {
	e := open(t, Options{Dir: t.TempDir(), FS: hasty{OS()}, Fsync: No, ScrubBytesPerSecond: -1})
	const keys = 1_000_000
	l := newLoad16(engine.Blind)
	for i := range uint64(keys) {
		l.do(t, e, i)
	}
	per := float64(e.indexBytes())/keys - 16
	t.Logf("the index takes %.1f bytes a key beyond the name", per)
	if per > 40 {
		t.Errorf("the index takes %.1f bytes a key beyond the name, more than 40", per)
	}
	kill(t, e)
}

// BenchmarkOpen reports how long a start takes for each key, after a clean stop
// and after a kill.
func BenchmarkOpen(b *testing.B) {
	const keys = 2_000_000
	o := Options{Dir: b.TempDir(), FS: hasty{OS()}, ScrubBytesPerSecond: -1}
	e, err := Open(o)
	must(b, err)
	l := newLoad16(engine.Blind)
	for i := range uint64(keys) {
		l.do(b, e, i)
	}
	must(b, e.Sync())
	for _, how := range []string{"Clean", "Killed"} {
		b.Run(how, func(b *testing.B) {
			used := time.Duration(0)
			for range b.N {
				b.StopTimer()
				if how == "Clean" {
					must(b, e.Close())
				} else {
					kill(b, e)
				}
				began := cpuTime()
				b.StartTimer()
				e, err = Open(o)
				must(b, err)
				used += cpuTime() - began
			}
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/keys, "cpu-ns/key")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/keys, "ns/key")
		})
	}
	must(b, e.Close())
}

// cpuTime is what the process has used of the processors: it tells more than the
// clock does where others use them, too.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
