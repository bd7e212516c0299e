package lsm

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rldb/rldb/engine"
)

// health says whether the engine may write. What makes it refuse is logged when
// it begins and when it ends.
type health struct {
	log *slog.Logger

	failures    atomic.Int64 // errors in the background and of the log
	corruptions atomic.Int64 // reads, by clients or compactions, that met damage

	// state is read without mu, which orders those who change it.
	state atomic.Pointer[refusal]
	mu    sync.Mutex
}

// refusal is why writes are refused. One for good wraps engine.ErrBroken, one
// that passes engine.ErrDiskFull.
type refusal struct {
	err  error
	good bool
}

// writable is nil, or the error that writes are refused with.
func (h *health) writable() error {
	if r := h.state.Load(); r != nil {
		return r.err
	}
	return nil
}

// broken is nil, or the error that stays.
func (h *health) broken() error {
	if r := h.state.Load(); r != nil && r.good {
		return r.err
	}
	return nil
}

// fail makes the engine refuse writes until it is opened again.
func (h *health) fail(what string, err error) {
	h.failures.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken() != nil {
		return
	}
	h.state.Store(&refusal{fmt.Errorf("%w: %s: %w", engine.ErrBroken, what, err), true})
	h.log.Error("writes are refused until a restart", "doing", what, "err", err.Error())
}

// full makes the engine refuse writes until room is called.
func (h *health) full(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Load() != nil {
		return
	}
	h.state.Store(&refusal{fmt.Errorf("%w: %w", engine.ErrDiskFull, err), false})
	h.log.Error("the disk is full, writes are refused", "err", err.Error())
}

// room ends what full began.
func (h *health) room() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Load() == nil || h.broken() != nil {
		return
	}
	h.state.Store(nil)
	h.log.Info("there is room on the disk again, writes go on")
}

// background is told of an error in a flush or a compaction. Pebble tries again;
// until then what it has in memory grows, so writes are refused, but for damage
// in one table: that is no reason to refuse what goes elsewhere.
func (h *health) background(err error) {
	switch {
	case pebble.IsCorruptionError(err):
		h.corruptions.Add(1)
		h.log.Error("a compaction met damaged data", "err", err.Error())
	case isFull(err):
		h.failures.Add(1)
		h.full(err)
	case errors.Is(err, pebble.ErrCancelledCompaction):
		// Something else took its place.
	default:
		h.fail("flushing or compacting", err)
	}
}

// readFailed turns an error of a read into the engine's words.
func (h *health) readFailed(err error) error {
	if pebble.IsCorruptionError(err) || errors.Is(err, errShort) {
		h.corruptions.Add(1)
		return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	return fmt.Errorf("lsm: reading failed: %w", err)
}
