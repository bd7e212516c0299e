package bitcask

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/engine"
)

// Fsync says when what was written is made durable, as Redis's appendfsync.
type Fsync string

// The settings of Fsync.
const (
	Always   Fsync = "always"   // before a write is acknowledged
	EverySec Fsync = "everysec" // once a second
	No       Fsync = "no"       // when the system sees fit
)

// check refuses what is no setting.
func (f Fsync) check() error {
	if f != Always && f != EverySec && f != No {
		return fmt.Errorf("bitcask: fsync is %q, not always, everysec or no", string(f))
	}
	return nil
}

// waiter waits for a position to be written, or to be durable.
type waiter struct {
	pos     engine.Position
	durable bool
	done    func(error)
}

// syncer is the goroutine that alone calls fsync, for everybody who waits: all
// who came while one fsync ran are served by the next.
type syncer struct {
	*wal
	settled func() // told when segments have become complete and durable
	keeper  func() // wakes the keeper: names have become durable, or segments settled
	quit    chan struct{}

	fsyncs atomic.Int64
	lastNs atomic.Int64 // how long the last one took
}

const (
	syncEvery  = time.Second
	retryEvery = 100 * time.Millisecond // while the disk is full
)

// run is the goroutine. It ends with everything written and durable, if that is
// possible.
func (s *syncer) run() {
	tick := time.NewTimer(syncEvery)
	defer tick.Stop()
	last := time.Now()
	for {
		quit, due := false, false
		select {
		case <-s.kick:
		case <-s.quit:
			quit, due = true, true
		case <-tick.C:
			due = s.fsyncPolicy() == EverySec && time.Since(last) >= syncEvery
		}
		if s.round(due) {
			last = time.Now()
		}
		if quit {
			return
		}
		next := syncEvery
		if s.stop.Load() != nil {
			next = retryEvery
		}
		tick.Reset(next)
	}
}

// fsyncPolicy is the setting of fsync.
func (w *wal) fsyncPolicy() Fsync {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.policy
}

// setPolicy changes the setting of fsync. Who waits for a position keeps what it
// was promised, or gets more: with always, all wait for the disk from now on.
func (w *wal) setPolicy(p Fsync) {
	w.mu.Lock()
	w.mu.policy = p
	if p == Always {
		for i := range w.mu.waiters {
			w.mu.waiters[i].durable = true
		}
	}
	w.mu.Unlock()
	w.wake()
}

// round writes what there is, syncs it if it is due or somebody waits for it,
// and serves those who wait. It reports whether it has synced.
func (s *syncer) round(due bool) (synced bool) {
	_ = s.flush() // an error is kept in stop
	if (due || s.wanted()) && !s.isBroken() {
		s.fsync()
		synced = true
	}
	for _, w := range s.served() {
		w.done(w.err)
	}
	return synced
}

func (w *wal) isBroken() bool {
	s := w.stop.Load()
	return s != nil && s.broken
}

// wanted reports whether somebody waits for an fsync, or segments do: a segment
// that is complete is synced under every setting, as hints and merges need it.
func (s *syncer) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.rotated) > 0 || slices.ContainsFunc(s.mu.waiters, func(w waiter) bool { return w.durable })
}

// fsync makes durable what is written.
func (s *syncer) fsync() {
	m := &s.mu
	m.Lock()
	upTo, dirty, named := m.written, m.dirty, m.named
	m.dirty, m.named = nil, false
	m.Unlock()
	began := time.Now()
	for _, seg := range dirty {
		if err := seg.file.Sync(); err != nil {
			_ = s.broken(fmt.Errorf("fsync of %s: %w", seg.name, err))
			return
		}
	}
	if named {
		if err := s.fs.SyncDir(s.dir); err != nil {
			_ = s.broken(fmt.Errorf("fsync of %s: %w", s.dir, err))
			return
		}
		for _, seg := range dirty {
			seg.named.Store(true)
		}
		s.keeper()
	}
	if len(dirty) > 0 {
		s.fsyncs.Add(1)
		s.lastNs.Store(int64(time.Since(began)))
	}
	m.Lock()
	m.durable = upTo
	before := len(m.rotated)
	m.rotated = slices.DeleteFunc(m.rotated, func(seg *segment) bool {
		inTail := slices.ContainsFunc(m.tail, func(c chunk) bool { return c.segment == seg })
		if inTail || slices.Contains(m.dirty, seg) {
			return false
		}
		seg.settled.Store(true)
		return true
	})
	settled := len(m.rotated) < before
	m.Unlock()
	if !settled {
		return
	}
	// The keeper is told first: writes that wait for a segment to settle must not
	// find that none is to come before there is something new to merge.
	s.settled()
	m.Lock()
	s.unsettled.Store(int64(len(m.rotated)))
	m.Unlock()
	// If the keeper has been faster, those who wait have looked before this was so.
	s.keeper()
}

// outcome is a waiter whose waiting is over.
type outcome struct {
	waiter
	err error
}

// served takes out those whose waiting is over.
func (s *syncer) served() (over []outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.waiters = slices.DeleteFunc(s.mu.waiters, func(w waiter) bool {
		reached, err := s.reached(w.pos, w.durable)
		if reached {
			over = append(over, outcome{w, err})
		}
		return reached
	})
	return over
}

// reached reports, with mu held, whether the waiting for a position is over. A
// position is never reported as reached after an fsync failed that should have
// covered it.
func (w *wal) reached(pos engine.Position, durable bool) (bool, error) {
	m := &w.mu
	switch s := w.stop.Load(); {
	case pos <= m.durable:
		return true, nil
	case s != nil && (s.broken || pos > m.written):
		return true, s.err
	default:
		return !durable && pos <= m.written, nil
	}
}

// await calls done once pos is durable, or, unless it is asked to be durable, as
// durable as the setting of fsync promises.
func (w *wal) await(pos engine.Position, durable bool, done func(error)) {
	w.mu.Lock()
	durable = durable || w.mu.policy == Always
	reached, err := w.reached(pos, durable)
	if !reached {
		w.mu.waiters = append(w.mu.waiters, waiter{pos, durable, done})
	}
	w.mu.Unlock()
	if reached {
		done(err)
		return
	}
	w.wake()
}

// wake makes the syncer look around.
func (w *wal) wake() {
	select {
	case w.kick <- struct{}{}:
	default: // it has not yet taken the last one
	}
}

// sync waits until all that was appended is durable.
func (w *wal) sync() error {
	w.mu.Lock()
	pos := w.mu.appended
	w.mu.Unlock()
	done := make(chan error, 1)
	w.await(pos, true, func(err error) { done <- err })
	return <-done
}
