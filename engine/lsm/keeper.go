package lsm

import (
	"fmt"
	"math"
	"time"
)

// keepLoop is the keeper, one goroutine that looks after the disk every second.
// With fsync everysec it is what syncs the log; it may be late while the disk is
// slow, and nothing waits for it.
func (e *Engine) keepLoop() { e.everySecond(e.keep) }

// everySecond calls do until the engine is closed.
func (e *Engine) everySecond(do func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
			do()
		}
	}
}

// stopKeeper ends the keeper, the looker and the compactor; it may be called again.
func (e *Engine) stopKeeper() {
	e.stopOnce.Do(func() { close(e.stop) })
	e.compactor.cancel()
	e.keeper.Wait()
}

// keep is one round.
func (e *Engine) keep() {
	if e.disk.settle() == nil && e.disk.waiting.Load() == 0 {
		if err := e.short(); err != nil {
			e.health.full(err)
		} else {
			e.health.room()
		}
	}
	e.flusher.kick()
	if e.Fsync() == EverySec {
		// A failure is known to health.
		_ = e.disk.fsync()
	}
}

// lookLoop is the looker, one goroutine that asks for Pebble's metrics every
// second. Nothing else does: to ask waits for a write to the MANIFEST, which on
// a full disk waits for room.
func (e *Engine) lookLoop() { e.everySecond(e.look) }

func (e *Engine) look() { e.metrics.Store(e.db.Metrics()) }

// short says whether so little room is left on the disk that writes should be
// refused before flushes and new logs, for which Pebble needs room, fail. It
// sets what may be written until somebody looks again.
func (e *Engine) short() error {
	du, err := e.opts.FS.GetDiskUsage(e.opts.Dir)
	if err != nil || du.TotalBytes == 0 {
		e.disk.budget.Store(math.MaxInt64)
		return nil // not known: writes fail when they fail
	}
	reserve := min(2*uint64(e.opts.MemtableBytes), du.TotalBytes/20)
	if du.AvailBytes >= reserve {
		e.disk.budget.Store(int64(min(du.AvailBytes-reserve, math.MaxInt64)))
		return nil
	}
	return fmt.Errorf("%d bytes are left, %d are kept free", du.AvailBytes, reserve)
}
