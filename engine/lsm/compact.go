package lsm

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/engine"
)

// compactPieces is in how many pieces, of as many slots each, all is compacted. A
// stop waits for one of them at most: Pebble does not end what it has begun.
const compactPieces = 64

// compactor has Pebble compact everything, when that is asked for. It is one
// goroutine (Engine.compactLoop), so one compaction of everything is under way at
// a time; one more may be wanted meanwhile, for what is written after it began.
type compactor struct {
	wanted chan struct{} // holds one
	ctx    context.Context
	cancel context.CancelFunc

	running atomic.Bool
	done    atomic.Int64
	failed  atomic.Bool // the last one has
}

func (c *compactor) init() {
	c.wanted = make(chan struct{}, 1)
	c.ctx, c.cancel = context.WithCancel(context.Background())
}

// Compact begins to compact everything: what was overwritten or deleted gives its
// room back. It returns at once.
func (e *Engine) Compact() {
	select {
	case e.compactor.wanted <- struct{}{}:
	default: // one that is yet to begin will do
	}
}

func (e *Engine) compactLoop() {
	c := &e.compactor
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.wanted:
			c.running.Store(true)
			e.compactAll()
			c.running.Store(false)
		}
	}
}

func (e *Engine) compactAll() {
	began := time.Now()
	err := e.health.writable() // on a full disk there is no room for the outcome
	for i := 0; err == nil && i < compactPieces; i++ {
		const each = engine.Slots / compactPieces
		from, to := slotStart(uint16(i*each)), slotStart(uint16((i+1)*each))
		err = e.db.Compact(e.compactor.ctx, from, to, false)
	}
	switch {
	case err == nil:
		e.compactor.done.Add(1)
		e.opts.Log.Info("all is compacted", "took", time.Since(began))
	case errors.Is(err, context.Canceled):
		return
	default:
		e.opts.Log.Error("compacting all has failed", "err", err.Error())
	}
	e.compactor.failed.Store(err != nil)
}
