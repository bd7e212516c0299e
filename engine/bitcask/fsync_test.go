package bitcask

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// append1 writes without waiting for anything, and gives the position.
func append1(t *testing.T, e *Engine, name, value string) engine.Position {
	t.Helper()
	txn := engine.Txn{Keys: []engine.Key{enginetest.Key(slotOf(name), name)}, Mode: engine.Blind, Step: putStep(value)}
	if !e.Try(&txn) {
		t.Fatal("the write has to wait")
	}
	must(t, txn.Err)
	return txn.Pos
}

// gate keeps fsyncs of the active segment from beginning. Open lets all go on.
func gate(e *Engine, fs *memFS) (g *gated, open func()) {
	g = &gated{memFS: fs, gate: make(chan struct{}), entered: make(chan struct{}, 1)}
	all := e.segments.ordered()
	s := all[len(all)-1]
	s.file = gatedFile{s.file, g}
	return g, func() { close(g.gate) }
}

// TestSetFsync: what is awaited after the setting was changed to always waits for
// the disk, what waited for a write before, too; what waits for the disk when it
// is changed back gets its fsync, and what comes then does not wait for it.
func TestSetFsync(t *testing.T) {
	fs := newMemFS()
	e := open(t, quiet(fs)) // fsync no
	must(t, set(e, "first", "value"))
	must(t, e.Sync())
	g, release := gate(e, fs)

	must(t, e.SetFsync(Always))
	if e.Fsync() != Always {
		t.Errorf("the setting is %q", e.Fsync())
	}
	pos := append1(t, e, "key", "value")
	must(t, e.Flush())
	durable := make(chan error, 1)
	e.Await(pos, func(err error) { durable <- err })
	<-g.entered // the syncer is at its fsync
	select {
	case <-durable:
		t.Fatal("answered for before the fsync")
	default:
	}

	must(t, e.SetFsync(No))
	pos = append1(t, e, "other", "value")
	must(t, e.Flush())
	written := make(chan error, 1)
	e.Await(pos, func(err error) { written <- err })
	must(t, <-written) // while the fsync hangs
	select {
	case <-durable:
		t.Fatal("what was written under always was answered for before its fsync")
	default:
	}
	release()
	must(t, <-durable)

	if err := e.SetFsync("sometimes"); err == nil || e.Fsync() != No {
		t.Errorf("a setting that is none: error %v, setting %q", err, e.Fsync())
	}
	must(t, e.Close())
	if err := e.SetFsync(Always); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("after Close: error %v", err)
	}
}

// TestSetFsyncPromotes: who waits for a write(2) when the setting becomes always
// waits for the fsync.
func TestSetFsyncPromotes(t *testing.T) {
	fs := newMemFS()
	e := open(t, quiet(fs))
	must(t, set(e, "first", "value"))
	must(t, e.Sync())
	g, release := gate(e, fs)
	fs.setFail(func(what, _ string) error { // nothing is written for now
		if what == "write" {
			return syscall.ENOSPC
		}
		return nil
	})
	pos := append1(t, e, "key", "value")
	done := make(chan error, 1)
	e.wal.mu.Lock()
	e.wal.mu.waiters = append(e.wal.mu.waiters, waiter{pos: pos, done: func(err error) { done <- err }})
	e.wal.mu.Unlock()
	must(t, e.SetFsync(Always))
	e.wal.mu.Lock()
	for _, w := range e.wal.mu.waiters {
		if !w.durable {
			t.Error("somebody waits for a write only")
		}
	}
	e.wal.mu.Unlock()
	fs.setFail(nil)
	_ = g
	release()
	if err := <-done; err != nil && !errors.Is(err, engine.ErrDiskFull) {
		t.Error(err)
	}
	eventually(t, "writes go on", func() bool { return set(e, "other", "late") == nil })
	must(t, e.Close())
}

// TestSetFsyncUnderLoad changes the setting while several write. In the end the
// power is taken away: what was acknowledged under always is there.
func TestSetFsyncUnderLoad(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.SegmentBytes = 1 << 20
	e := open(t, o)
	const writers, rounds = 4, 300
	var mu sync.Mutex // guards always, epoch and sure
	always, epoch := false, 0
	sure := map[string]string{} // written while the setting was always throughout
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				name, value := fmt.Sprintf("key %d of %d", i, w), strings.Repeat("v", i%50+1)
				mu.Lock()
				was, since := always, epoch
				mu.Unlock()
				if err := set(e, name, value); err != nil {
					t.Error(err)
					return
				}
				if was {
					mu.Lock()
					if epoch == since {
						sure[name] = value
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 60 {
			mu.Lock()
			always, epoch = false, epoch+1 // from here on nothing is certain
			mu.Unlock()
			f := []Fsync{Always, No, EverySec}[i%3]
			if err := e.SetFsync(f); err != nil {
				t.Error(err)
			}
			mu.Lock()
			always = f == Always
			mu.Unlock()
		}
		if err := e.SetFsync(Always); err != nil {
			t.Error(err)
		}
		mu.Lock()
		always = true
		mu.Unlock()
	})
	wg.Wait()
	for i := range 20 {
		name := fmt.Sprint("last", i)
		must(t, set(e, name, "v"))
		sure[name] = "v"
	}
	left := fs.powerLost(rand.New(rand.NewPCG(1, 2)))
	kill(t, e)
	o.FS = left
	e = open(t, o)
	for name, v := range sure {
		want(t, e, name, v)
	}
	t.Logf("%d writes were certain", len(sure))
	must(t, e.Close())
}
