package lsm

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// Benchmarks of calls that are in flight 64 at a time, as those of as many
// connections are, on the file system of the test's directory.
const (
	benchInFlight = 64
	benchKeys     = 100_000
)

func BenchmarkSet(b *testing.B) {
	for _, fsync := range []Fsync{Always, EverySec, No} {
		b.Run(string(fsync), func(b *testing.B) {
			e := benchEngine(b, fsync)
			inFlight(b, func(key int) error {
				return put(e, uint16(key%engine.Slots), fmt.Sprintf("key:%012d", key), benchValue)
			})
		})
	}
}

func BenchmarkGet(b *testing.B) {
	e := benchEngine(b, EverySec)
	for key := range benchKeys {
		if _, err := start(e, uint16(key%engine.Slots), fmt.Sprintf("key:%012d", key), benchValue); err != nil {
			b.Fatal(err)
		}
	}
	inFlight(b, func(key int) error {
		_, err := enginetest.Do(e, engine.Read, []engine.Key{
			enginetest.Key(uint16(key%engine.Slots), fmt.Sprintf("key:%012d", key)),
		}, nil)
		return err
	})
}

const benchValue = "a value of sixty-four bytes, which is what many caches hold, or so"

func benchEngine(b *testing.B, fsync Fsync) *Engine {
	e, err := Open(Options{Dir: b.TempDir(), Fsync: fsync})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	return e
}

// inFlight calls do b.N times, of which benchInFlight at once.
func inFlight(b *testing.B, do func(key int) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range benchInFlight {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				if err := do(int(uint64(n) * 2654435761 % benchKeys)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
