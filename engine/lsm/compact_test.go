package lsm

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

// compactedSoon waits until everything was compacted n times.
func compactedSoon(t *testing.T, e *Engine, n int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for e.compactor.done.Load() < n || e.compactor.running.Load() {
		select {
		case <-ctx.Done():
			t.Fatalf("all was compacted %d times within a minute, want %d", e.compactor.done.Load(), n)
		case <-tick.C:
		}
	}
}

// TestCompact: what was overwritten and deleted gives its room back, and nothing
// else changes, also while others write.
func TestCompact(t *testing.T) {
	o := small("dir")
	o.FS = vfs.NewMem()
	e := opened(t, o)
	const keys = 1000
	slot := func(i int) uint16 { return uint16(i * 16 % engine.Slots) }
	for round := range 3 {
		for i := range keys {
			must(t, put(e, slot(i), fmt.Sprint(i), noise(i+round, 1000)))
		}
	}
	for i := 100; i < keys; i++ {
		must(t, e.Drop(slot(i)))
	}
	for i := range 100 { // which slots share with those that were dropped
		must(t, put(e, slot(i), fmt.Sprint(i), noise(i, 1000)))
	}
	must(t, e.db.Flush())
	total := e.db.Metrics().Total()
	before := total.TablesSize
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range keys {
			if err := put(e, 5, fmt.Sprint("other", i), "v"); err != nil {
				t.Error(err)
			}
		}
	})
	e.Compact()
	compactedSoon(t, e, 1)
	writer.Wait()
	must(t, e.db.Flush())
	e.Compact()
	compactedSoon(t, e, 2)
	_, live := e.counts.total()
	total = e.db.Metrics().Total()
	if total.TablesSize > 2*live {
		t.Errorf("tables have %d bytes after compacting, %d before; live are %d", total.TablesSize, before, live)
	}
	for i := range 100 {
		wantValue(t, e, slot(i), fmt.Sprint(i), noise(i, 1000))
	}
	for i := range keys {
		wantValue(t, e, 5, fmt.Sprint("other", i), "v")
	}
	must(t, e.Close())
}

// TestCloseWhileCompacting: a stop ends it between two pieces.
func TestCloseWhileCompacting(t *testing.T) {
	fs := vfs.NewMem()
	for n := range 5 {
		o := small("dir")
		o.FS = fs
		e := opened(t, o)
		for i := range 500 {
			must(t, put(e, uint16(i*32), fmt.Sprint(i), noise(i+n, 1000)))
		}
		e.Compact()
		e.Compact()
		must(t, e.Close())
	}
	o := small("dir")
	o.FS = fs
	e := opened(t, o)
	for i := range 500 {
		wantValue(t, e, uint16(i*32), fmt.Sprint(i), noise(i+4, 1000))
	}
	must(t, e.Close())
}
