package lsm

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/rldb/rldb/engine"
)

// TestSetFsync changes the setting while the engine works: each write is as
// durable as the one in force says, and with always, those before are too.
func TestSetFsync(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := small("dir")
	o.FS, o.Fsync, o.boot = fs, No, "a"
	e := opened(t, o)
	must(t, put(e, 1, "no", "v"))
	wantLost := func(name string, lost bool) {
		t.Helper()
		again := o
		again.FS = crashed(fs, false)
		c := opened(t, again)
		wantValue(t, c, 1, name, map[bool]string{false: "v"}[lost])
		must(t, c.Close())
	}
	wantLost("no", true)

	must(t, e.SetFsync(Always))
	wantLost("no", false)
	must(t, put(e, 1, "always", "v"))
	wantLost("always", false)
	if last, err := readRun(fs, "dir"); err != nil || last != (run{"a", Always}) {
		t.Errorf("the directory says %v, error %v", last, err)
	}

	must(t, e.SetFsync(EverySec))
	if last, err := readRun(fs, "dir"); err != nil || last != (run{"a", EverySec}) {
		t.Errorf("the directory says %v, error %v", last, err)
	}
	e.stopKeeper() // this test is the keeper
	must(t, e.Sync())
	must(t, put(e, 1, "everysec", "v"))
	wantLost("everysec", true)
	e.keep()
	wantLost("everysec", false)

	if err := e.SetFsync("sometimes"); err == nil || e.Fsync() != EverySec {
		t.Errorf("an unknown setting: error %v, the setting is %s", err, e.Fsync())
	}
	must(t, e.Close())
	wantErr(t, "after Close", e.SetFsync(Always), engine.ErrClosed)
}

// TestSetFsyncWhileWriting changes the setting again and again under writes.
// What is reported between a change to always and the next is on the disk.
func TestSetFsyncWhileWriting(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := small("dir")
	o.FS = fs
	e := opened(t, o)
	var wrote [4]atomic.Int64
	var writers sync.WaitGroup
	over := make(chan struct{})
	for w := range wrote {
		writers.Go(func() {
			for n := int64(1); ; n++ {
				select {
				case <-over:
					return
				default:
				}
				if err := put(e, uint16(w), fmt.Sprint(w), fmt.Sprint(n)); err != nil {
					t.Error(err)
					return
				}
				wrote[w].Store(n)
			}
		})
	}
	for range 5 {
		must(t, e.SetFsync(Always))
		var reported [len(wrote)]int64
		for w := range wrote {
			reported[w] = wrote[w].Load()
		}
		c := on(t, crashed(fs, false), &faults{}, Always)
		for w, want := range reported {
			s, err := get(c, uint16(w), fmt.Sprint(w))
			must(t, err)
			var got int64
			if s != "" {
				_, err = fmt.Sscan(s, &got)
				must(t, err)
			}
			if got < want {
				t.Errorf("writer %d was told of %d, on the disk is %d", w, want, got)
			}
		}
		must(t, c.Close())
		must(t, e.SetFsync(No))
	}
	close(over)
	writers.Wait()
	must(t, e.Close())
}

// TestSetFsyncFails: the setting stays what it was.
func TestSetFsyncFails(t *testing.T) {
	f := &faults{err: syscall.EIO, has: runFile, ops: []errorfs.OpKind{errorfs.OpCreate}}
	e := on(t, vfs.NewMem(), f, EverySec)
	for _, want := range []Fsync{EverySec, Always} {
		must(t, e.SetFsync(want))
		f.on.Store(true)
		for _, other := range []Fsync{Always, EverySec, No} {
			if other != want {
				wantErr(t, "SetFsync", e.SetFsync(other), syscall.EIO)
			}
		}
		f.on.Store(false)
		if e.Fsync() != want || e.disk.always.Load() != (want == Always) {
			t.Errorf("the setting is %s, want %s", e.Fsync(), want)
		}
	}
	must(t, put(e, 1, "k", "v"))
	must(t, e.Close())
}

// TestSetFsyncFailsHalfway: the file that says what was in force was replaced, but
// whether that is on the disk is not known. It says what goes on being in force.
func TestSetFsyncFailsHalfway(t *testing.T) {
	fs := vfs.NewMem()
	var fail atomic.Bool
	o := small("dir")
	o.boot = "a"
	o.FS = errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpOpenDir && fail.CompareAndSwap(true, false) {
			return syscall.EIO
		}
		return nil
	}))
	e := opened(t, o)
	e.stopKeeper() // nobody else opens the directory
	fail.Store(true)
	wantErr(t, "SetFsync", e.SetFsync(Always), syscall.EIO)
	if last, err := readRun(fs, "dir"); err != nil || last != (run{"a", EverySec}) || e.Fsync() != EverySec {
		t.Errorf("the directory says %v, error %v; the setting is %s", last, err, e.Fsync())
	}
	must(t, e.Close())
}

// TestSyncWaitsForSync: while one fsync of the log is under way another call does
// not return, though there is nothing left to write.
func TestSyncWaitsForSync(t *testing.T) {
	var hold, synced atomic.Bool
	entered, leave := make(chan bool), make(chan bool)
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && strings.HasSuffix(op.Path, ".log") && hold.CompareAndSwap(true, false) {
			entered <- true
			<-leave
			synced.Store(true)
		}
		return nil
	}))
	e := on(t, fs, &faults{}, No)
	must(t, put(e, 1, "k", "v"))
	hold.Store(true)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- e.Sync() }()
	<-entered
	go func() {
		err := e.Sync()
		if !synced.Load() {
			err = fmt.Errorf("Sync returned before the log was synced (error %v)", err)
		}
		second <- err
	}()
	select {
	case err := <-second:
		t.Error(err)
		second <- nil
	case <-time.After(50 * time.Millisecond): // time for a wrong one to come
	}
	leave <- true
	must(t, <-first)
	must(t, <-second)
	must(t, e.Close())
}
