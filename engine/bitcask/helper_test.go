package bitcask

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// must ends the test if something failed that should not.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what a background goroutine will do.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("after half a minute: not yet: %s", what)
		}
	}
}

// quiet are options for a file system in memory that leave the background
// goroutines nothing to do unless a test wants it.
func quiet(fs *memFS) Options {
	return Options{Dir: "data", FS: fs, Fsync: No, SegmentBytes: 4 << 10, ScrubBytesPerSecond: -1,
		MergeBytesPerSecond: 1 << 30, ReadPool: 2, Log: slog.New(slog.DiscardHandler)}
}

func set(e *Engine, name, value string) error {
	k := enginetest.Key(slotOf(name), name)
	pos, err := enginetest.Do(e, engine.Blind, []engine.Key{k}, func(t *engine.Txn) {
		t.New[0] = engine.Change{Action: engine.Put, Meta: engine.Meta{7}, Body: []byte(value)}
	})
	return errors.Join(err, enginetest.Await(e, pos))
}

func del(e *Engine, name string) error {
	k := enginetest.Key(slotOf(name), name)
	pos, err := enginetest.Do(e, engine.Blind, []engine.Key{k}, func(t *engine.Txn) {
		t.New[0].Action = engine.Delete
	})
	return errors.Join(err, enginetest.Await(e, pos))
}

// get gives the value of a key, "" if there is none.
func get(e *Engine, name string) (value string, err error) {
	k := enginetest.Key(slotOf(name), name)
	_, err = enginetest.Do(e, engine.Read, []engine.Key{k}, func(t *engine.Txn) { value = string(t.Old[0].Value) })
	return value, err
}

func want(t testing.TB, e *Engine, name, value string) {
	t.Helper()
	got, err := get(e, name)
	if err != nil || got != value {
		t.Fatalf("%q is %.40q, error %v, want %.40q", name, got, err, value)
	}
}

// seal completes the active segment, and waits until it is settled and has its
// hint.
func seal(t testing.TB, e *Engine) {
	t.Helper()
	e.wal.mu.Lock()
	if e.wal.mu.active != nil && e.wal.mu.size > headerSize {
		e.wal.rotate()
	}
	e.wal.mu.Unlock()
	must(t, e.Sync())
	eventually(t, "all but the last segment have hints", func() bool {
		all := e.segments.ordered()
		for _, s := range all[:max(len(all)-1, 0)] {
			if s.hint.Load() == 0 {
				return false
			}
		}
		return true
	})
}

// figure is one of Stats.
func figure(e *Engine, name string) int64 {
	for _, f := range e.Stats().Extra {
		if f.Name == "bitcask_"+name {
			return f.Value
		}
	}
	return -1
}
