package lsm

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/rldb/rldb/engine"
)

// TestNewBookWaits fills the disk when a book is to be made, as Pebble does when
// its list of tables has grown long: once the engine is open, that waits for room.
func TestNewBookWaits(t *testing.T) {
	f := &faults{err: syscall.ENOSPC, has: "MANIFEST", ops: []errorfs.OpKind{errorfs.OpCreate}}
	fs := vfs.NewMem()
	e := on(t, fs, f, Always)
	must(t, put(e, 1, "before", "v"))
	f.on.Store(true)
	made := make(chan error)
	go func() {
		file, err := e.disk.Create("dir/MANIFEST-999999", "pebble-manifest")
		if err == nil {
			err = errors.Join(file.Close(), fs.Remove("dir/MANIFEST-999999"))
		}
		made <- err
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for e.health.writable() == nil {
		select {
		case err := <-made:
			t.Fatalf("it was made, or not: %v", err)
		case <-tick.C:
		}
	}
	_, err := start(e, 1, "refused", "x")
	wantErr(t, "put", err, engine.ErrDiskFull)
	wantValue(t, e, 1, "before", "v")
	f.on.Store(false)
	must(t, <-made)
	for e.health.writable() != nil {
		e.keep()
	}
	must(t, put(e, 1, "after", "v"))
	must(t, e.Close())
}
