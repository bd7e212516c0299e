package lsm

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// logFaults make operations on the log fail.
func logFaults(err error, ops ...errorfs.OpKind) *faults {
	return &faults{err: err, ends: ".log", ops: ops}
}

// on opens an engine on a file system with faults.
func on(t *testing.T, fs vfs.FS, f *faults, fsync Fsync) *Engine {
	t.Helper()
	o := small("dir")
	o.FS, o.Fsync = f.wrap(fs), fsync
	return opened(t, o)
}

// wantRefused checks that an engine refuses writes and carries out reads.
func wantRefused(t *testing.T, e *Engine, want error) {
	t.Helper()
	_, err := start(e, 1, "refused", "x")
	wantErr(t, "put", err, want)
	wantErr(t, "Drop", e.Drop(1), want)
	wantErr(t, "Sync", e.Sync(), want)
	wantValue(t, e, 1, "before", "v")
	pos, err := enginetest.Do(e, engine.Read, []engine.Key{enginetest.Key(1, "failing")}, nil)
	if pos != 0 || err != nil {
		t.Errorf("a read has to wait for %d, error %v", pos, err)
	}
}

func TestBrokenLog(t *testing.T) {
	for name, ops := range map[string][]errorfs.OpKind{
		"write": {errorfs.OpFileWrite},
		"fsync": {errorfs.OpFileSync, errorfs.OpFileSyncData},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			f := logFaults(syscall.EIO, ops...)
			e := on(t, fs, f, Always)
			must(t, put(e, 1, "before", "v"))
			f.on.Store(true)
			wantErr(t, "put", put(e, 1, "failing", "x"), engine.ErrBroken)
			wantRefused(t, e, engine.ErrBroken)
			f.on.Store(false) // it is not tried again as if nothing had happened
			wantRefused(t, e, engine.ErrBroken)
			wantErr(t, "Close", e.Close(), engine.ErrBroken)

			e = on(t, crashed(fs, false), f, Always)
			wantValue(t, e, 1, "before", "v")
			if e.Clean() {
				t.Error("Clean is true after a stop in which writes were lost")
			}
			must(t, put(e, 1, "after", "v"))
			must(t, e.Close())
		})
	}
}

func TestEverySecFsyncFails(t *testing.T) {
	f := logFaults(syscall.EIO, errorfs.OpFileSync, errorfs.OpFileSyncData)
	e := on(t, vfs.NewMem(), f, EverySec)
	must(t, put(e, 1, "before", "v"))
	f.on.Store(true)
	must(t, put(e, 1, "before", "v")) // given to the system, which is all that is promised
	e.keep()
	wantRefused(t, e, engine.ErrBroken)
	wantErr(t, "Close", e.Close(), engine.ErrBroken)
}

func TestBackgroundErrorRefusesWrites(t *testing.T) {
	f := &faults{err: syscall.EIO, ends: ".sst", ops: []errorfs.OpKind{errorfs.OpCreate}}
	e := on(t, vfs.NewMem(), f, EverySec)
	must(t, put(e, 1, "before", "v"))
	f.on.Store(true)
	_, err := e.db.AsyncFlush()
	must(t, err)
	for err == nil { // until the flush has failed
		err = put(e, 1, "while", "x")
	}
	wantErr(t, "put", err, engine.ErrBroken)
	wantRefused(t, e, engine.ErrBroken)
	f.on.Store(false)
	wantErr(t, "Close", e.Close(), engine.ErrBroken)
}

// TestDiskFull fills the disk under the log, or under the tables: writes are
// refused and reads go on; with room again writes go on, and all is there.
func TestDiskFull(t *testing.T) {
	for _, ends := range []string{".log", ".sst"} {
		t.Run(ends, func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			f := &faults{err: syscall.ENOSPC, ends: ends, ops: []errorfs.OpKind{errorfs.OpFileWrite}}
			e := on(t, fs, f, EverySec)
			must(t, put(e, 1, "before", "v"))
			f.on.Store(true)
			if ends == ".sst" {
				_, err := e.db.AsyncFlush()
				must(t, err)
			}
			var err error
			for err == nil {
				err = put(e, 1, "while", "x")
			}
			wantErr(t, "put", err, engine.ErrDiskFull)
			_, err = start(e, 1, "refused", "x")
			wantErr(t, "put", err, engine.ErrDiskFull)
			wantValue(t, e, 1, "before", "v")
			f.on.Store(false)
			e.keep()
			must(t, put(e, 1, "after", "v"))
			must(t, e.Sync())

			c := on(t, crashed(fs, true), f, EverySec)
			for _, name := range []string{"before", "after"} {
				wantValue(t, c, 1, name, "v")
			}
			wantValue(t, c, 1, "refused", "")
			must(t, c.Close())
			must(t, e.Close())
		})
	}
}

// TestDiskFullLogEnds has Pebble begin a new log while the old one waits for room.
func TestDiskFullLogEnds(t *testing.T) {
	fs := vfs.NewCrashableMem()
	f := logFaults(syscall.ENOSPC, errorfs.OpFileWrite)
	e := on(t, fs, f, EverySec)
	must(t, put(e, 1, "before", "v"))
	f.on.Store(true)
	wantErr(t, "put", put(e, 1, "held", "x"), engine.ErrDiskFull)
	must(t, e.db.Flush())
	f.on.Store(false)
	e.keep()
	must(t, put(e, 1, "after", "v"))
	if n := len(e.disk.open()); n != 1 {
		t.Errorf("%d log files are open, want 1", n)
	}
	c := on(t, crashed(fs, true), f, EverySec)
	wantValue(t, c, 1, "held", "x")
	wantValue(t, c, 1, "after", "v")
	must(t, c.Close())
	must(t, e.Close())
}

// TestDiskFullBooks fills the disk when Pebble begins a log or lists its tables,
// which it could not go on without.
func TestDiskFullBooks(t *testing.T) {
	for name, f := range map[string]*faults{
		"log":      {ends: ".log", ops: []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}},
		"manifest": {has: "MANIFEST", ops: []errorfs.OpKind{errorfs.OpFileWrite}},
	} {
		t.Run(name, func(t *testing.T) {
			f.err = syscall.ENOSPC
			fs := vfs.NewCrashableMem()
			e := on(t, fs, f, Always)
			must(t, put(e, 1, "before", "v"))
			f.on.Store(true)
			_, err := e.db.AsyncFlush() // begins a log, and adds a table to the list
			must(t, err)
			n := 0
			for ; err == nil; n++ {
				err = put(e, 1, fmt.Sprint("while", n), "v")
			}
			wantErr(t, "put", err, engine.ErrDiskFull)
			_, err = start(e, 1, "refused", "x")
			wantErr(t, "put", err, engine.ErrDiskFull)
			wantValue(t, e, 1, "before", "v")
			e.keep()
			if e.Stats().Keys == 0 {
				t.Error("no figures")
			}
			k := on(t, crashed(fs, false), &faults{}, Always) // a kill now loses nothing
			wantValue(t, k, 1, "before", "v")
			wantValue(t, k, 1, "while0", map[bool]string{true: "v"}[n > 1])
			must(t, k.Close())

			f.on.Store(false)
			for e.health.writable() != nil {
				e.keep()
			}
			must(t, put(e, 1, "after", "v"))
			must(t, e.db.Flush())
			must(t, put(e, 1, "later", "v"))
			k = on(t, crashed(fs, false), &faults{}, Always)
			for _, name := range []string{"before", "after", "later"} {
				wantValue(t, k, 1, name, "v")
			}
			must(t, k.Close())
			must(t, e.Close())
		})
	}
}

// TestCloseOfFull: a stop does not wait for room.
func TestCloseOfFull(t *testing.T) {
	fs := vfs.NewCrashableMem()
	f := &faults{err: syscall.ENOSPC, ends: ".sst", ops: []errorfs.OpKind{errorfs.OpCreate}}
	e := on(t, fs, f, Always)
	must(t, put(e, 1, "before", "v"))
	f.on.Store(true)
	wantErr(t, "Close", e.Close(), engine.ErrDiskFull)
	e = on(t, crashed(fs, false), &faults{}, Always)
	wantValue(t, e, 1, "before", "v")
	must(t, e.Close())
}

// TestFatal: where Pebble cannot go on, a line says what failed and where.
func TestFatal(t *testing.T) {
	f := &faults{err: syscall.EIO, has: "MANIFEST", ops: []errorfs.OpKind{errorfs.OpFileWrite}}
	var log lockedBuffer
	said, over := make(chan error, 1), make(chan bool)
	o := small("dir")
	o.FS, o.Log = f.wrap(vfs.NewMem()), slog.New(slog.NewTextHandler(&log, nil))
	o.Fatal = func(err error) {
		said <- err
		<-over // for good, as far as the engine is concerned
		runtime.Goexit()
	}
	e := opened(t, o)
	must(t, put(e, 1, "k", "v"))
	f.on.Store(true)
	_, err := e.db.AsyncFlush()
	must(t, err)
	err = <-said
	close(over)
	for _, want := range []string{"MANIFEST flush failed", "input/output error"} {
		if !strings.Contains(err.Error(), want) || !strings.Contains(log.String(), want) {
			t.Errorf("the error is %v, the log %s; want %q", err, log.String(), want)
		}
	}
	e.stopKeeper()
	e.readers.stop()
	e.writers.stop()
	e.flusher.close()
}

// lockedBuffer takes a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestLittleRoom: writes are refused before all room is used up, even between
// two looks at what there is.
func TestLittleRoom(t *testing.T) {
	fs := vfs.NewMem()
	e := on(t, fs, &faults{}, EverySec)
	e.stopKeeper() // this test looks
	must(t, put(e, 1, "before", "v"))
	room := func(free uint64) {
		fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 1 << 40})
		e.keep()
	}
	room(1 << 20)
	_, err := start(e, 1, "refused", "x")
	wantErr(t, "put", err, engine.ErrDiskFull)
	const kept = 2 * mib // of small options
	room(kept + 200_000)
	value := strings.Repeat("v", 1000)
	n := 0
	for err = nil; err == nil; n++ {
		err = put(e, 1, fmt.Sprint("key", n), value)
	}
	wantErr(t, "put", err, engine.ErrDiskFull)
	if n < 100 || n > 200 {
		t.Errorf("%d writes of 1000 bytes were let in for 200,000 bytes of room", n)
	}
	room(1 << 39)
	must(t, put(e, 1, "after", "v"))
	must(t, e.Close())
}

// TestFsyncSettings counts the fsyncs of the log.
func TestFsyncSettings(t *testing.T) {
	for fsync, want := range map[Fsync][3]int64{Always: {10, 10, 10}, EverySec: {0, 1, 2}, No: {0, 0, 1}} {
		f := logFaults(nil, errorfs.OpFileSync, errorfs.OpFileSyncData)
		o := small("dir")
		o.FS, o.Fsync = f.wrap(vfs.NewMem()), fsync
		e := opened(t, o)
		must(t, e.Sync())
		// The keeper's own second must not fall in between.
		e.stopKeeper()
		f.seen.Store(0)
		for i := range 10 {
			must(t, put(e, 1, fmt.Sprint(i), "v"))
		}
		var got [3]int64
		got[0] = f.seen.Load()
		e.keep()
		got[1] = f.seen.Load()
		must(t, e.Sync())
		got[2] = f.seen.Load()
		// A round of the flusher that has nothing to do may come with always.
		if got[0] < want[0] || fsync != Always && got != want {
			t.Errorf("%s: %v fsyncs after writes, a second, Sync; want %v", fsync, got, want)
		}
		must(t, e.Close())
	}
}

// TestReadsWait checks that who reads what is not yet durable waits for it.
func TestReadsWait(t *testing.T) {
	e := on(t, vfs.NewMem(), &faults{}, EverySec)
	gate := make(chan error)
	sync := e.flusher.sync
	e.flusher.sync = func() error { <-gate; return sync() }
	written, err := start(e, 1, "k", "v")
	must(t, err)
	read := func(slot uint16) engine.Position {
		pos, err := enginetest.Do(e, engine.Read, []engine.Key{enginetest.Key(slot, "k")}, nil)
		must(t, err)
		return pos
	}
	pos := read(1)
	if pos < written || written == 0 {
		t.Errorf("a read of what was written at %d has to wait for %d", written, pos)
	}
	if pos := read(2); pos != 0 {
		t.Errorf("a read of another slot has to wait for %d", pos)
	}
	close(gate)
	must(t, enginetest.Await(e, pos))
	if pos := read(1); pos != 0 {
		t.Errorf("a read of what is durable has to wait for %d", pos)
	}
	must(t, e.Close())
}

// TestQueueFull fills the only writer and its queue.
func TestQueueFull(t *testing.T) {
	o := small("dir")
	o.FS, o.Workers, o.Queue = vfs.NewMem(), 1, 1
	e := opened(t, o)
	entered, leave := make(chan bool), make(chan bool)
	s := &blocking{entered: entered, leave: leave, done: make(chan error, 3)}
	txn := func(name string) *engine.Txn {
		return &engine.Txn{Keys: []engine.Key{enginetest.Key(1, name)}, Mode: engine.Write, Step: s}
	}
	e.Start(txn("runs"))
	<-entered
	e.Start(txn("waits"))
	e.Start(txn("is refused"))
	wantErr(t, "third put", <-s.done, ErrBusy)
	leave <- true
	<-entered
	leave <- true
	for range 2 {
		must(t, <-s.done)
	}
	must(t, e.Close())
}

// blocking is a step that stays in Decide, as none but a test's may.
type blocking struct {
	entered, leave chan bool
	done           chan error
}

func (b *blocking) Decide(*engine.Txn) {
	b.entered <- true
	<-b.leave
}

func (b *blocking) Done(t *engine.Txn) { b.done <- t.Err }

func TestOptions(t *testing.T) {
	_, err := Open(Options{Fsync: "sometimes", CacheBytes: 1, Workers: -1})
	for _, word := range []string{"directory", "sometimes", "cache", "workers"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not mention %q", err, word)
		}
	}
}
