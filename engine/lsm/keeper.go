package lsm

import (
	"fmt"
	"time"

	"github.com/rldb/rldb/engine"
)

// keepLoop is the keeper, one goroutine that looks after the disk every second.
// With fsync everysec it is what syncs the log; it may be late while the disk is
// slow, and nothing waits for it.
func (e *Engine) keepLoop() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
			e.keep()
		}
	}
}

// stopKeeper ends it; it may be called again.
func (e *Engine) stopKeeper() {
	e.stopOnce.Do(func() { close(e.stop) })
	e.keeper.Wait()
}

// keep is one look.
func (e *Engine) keep() {
	e.look()
	if e.disk.settle() == nil {
		if err := e.short(); err != nil {
			e.health.full(err)
		} else {
			e.health.room()
		}
	}
	e.flusher.kick()
	if e.opts.Fsync == EverySec {
		// A failure is known to health.
		_ = e.disk.fsync()
	}
}

// look notes what is dear to ask for: Pebble gives its figures only when it is
// not about to write its manifest, which may take an fsync.
func (e *Engine) look() {
	e.metrics.Store(e.db.Metrics())
}

// short says whether so little room is left on the disk that writes should be
// refused before flushes and new logs, for which Pebble needs room, fail.
func (e *Engine) short() error {
	du, err := e.opts.FS.GetDiskUsage(e.opts.Dir)
	if err != nil || du.TotalBytes == 0 {
		return nil // not known: writes fail when they fail
	}
	reserve := min(2*uint64(e.opts.MemtableBytes), du.TotalBytes/20)
	if du.AvailBytes >= reserve {
		return nil
	}
	return fmt.Errorf("%w: %d bytes are left, %d are kept free", engine.ErrDiskFull, du.AvailBytes, reserve)
}
