package lsm

import (
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// flusher makes commits reach what the fsync setting promises, many at a time.
// It owns one goroutine, which a commit or an Await wakes: what is committed
// while it syncs waits for its next round, and for that one only.
type flusher struct {
	sync func() error // makes all durable that was committed before the call

	wake chan struct{} // holds one: a round is wanted
	stop chan struct{}
	done chan struct{}

	commits atomic.Uint64 // how many positions were given out
	durable atomic.Uint64 // up to which position all is durable

	// mu guards who waits. It is not held while syncing or calling back.
	mu      sync.Mutex
	waiting []waiter
	closed  bool
}

type waiter struct {
	pos  engine.Position
	done func(error)
}

func newFlusher(sync func() error) *flusher {
	f := &flusher{
		sync: sync,
		wake: make(chan struct{}, 1),
		stop: make(chan struct{}),
		done: make(chan struct{}),
	}
	go f.loop()
	return f
}

// committed gives the position of a commit that Pebble has in its log.
func (f *flusher) committed() engine.Position {
	pos := f.commits.Add(1)
	f.kick()
	return engine.Position(pos)
}

// reached says whether all up to pos is durable.
func (f *flusher) reached(pos engine.Position) bool { return uint64(pos) <= f.durable.Load() }

// kick asks for a round that begins after this call.
func (f *flusher) kick() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// await calls done when all up to pos is durable, or is not going to be.
func (f *flusher) await(pos engine.Position, done func(error)) {
	if f.reached(pos) {
		done(nil)
		return
	}
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.waiting = append(f.waiting, waiter{pos, done})
	}
	f.mu.Unlock()
	if closed {
		done(engine.ErrClosed)
		return
	}
	f.kick()
}

func (f *flusher) loop() {
	defer close(f.done)
	for {
		select {
		case <-f.wake:
			f.round()
		case <-f.stop:
			return
		}
	}
}

// round makes durable what is committed, and tells those who wait for it. After
// a failure it tells them that; whoever asks later is told by another round.
func (f *flusher) round() {
	target := f.commits.Load()
	var err error
	if target > f.durable.Load() {
		if err = f.sync(); err == nil {
			f.durable.Store(target)
		}
	}
	for _, w := range f.take(target) {
		w.done(err)
	}
}

// take removes those who wait for no more than target.
func (f *flusher) take(target uint64) (taken []waiter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	keep := f.waiting[:0]
	for _, w := range f.waiting {
		if uint64(w.pos) <= target {
			taken = append(taken, w)
		} else {
			keep = append(keep, w)
		}
	}
	clear(f.waiting[len(keep):])
	f.waiting = keep
	return taken
}

// close ends the goroutine after a last round.
func (f *flusher) close() {
	close(f.stop)
	<-f.done
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.round()
}
