package memory

import (
	"math"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// Engine keeps entries in memory. Every call is carried out at once by the
// caller's goroutine, so Try and TryScan are always true.
type Engine struct {
	shards [shards]shard
	arena  *arena
	closed atomic.Bool
}

var _ engine.Engine = (*Engine)(nil)

// New gives an empty engine.
func New() *Engine { return newEngine(math.MaxInt64) }

// newEngine gives an engine that finds no memory beyond limit bytes.
func newEngine(limit int64) *Engine {
	e := &Engine{arena: newArena(limit)}
	for i := range e.shards {
		e.shards[i].heap = newHeap(e.arena)
	}
	return e
}

func (e *Engine) check() error {
	if e.closed.Load() {
		return engine.ErrClosed
	}
	return nil
}

// Start carries t out and calls its Done before it returns.
func (e *Engine) Start(t *engine.Txn) {
	e.Try(t)
	t.Step.Done(t)
}

// TryScan carries sc out. The slot's shard is locked throughout: it is for the
// visitor to end a long scan, and to go on later from the last hash.
func (e *Engine) TryScan(sc *engine.Scan) bool {
	if sc.Err = e.check(); sc.Err != nil {
		return true
	}
	s := &e.shards[shardOf(sc.Slot)]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scan(&s.roots[localSlot(sc.Slot)], 0, sc.From, sc)
	return true
}

// StartScan carries sc out and calls its Done before it returns.
func (e *Engine) StartScan(sc *engine.Scan) {
	e.TryScan(sc)
	sc.Done(sc)
}

// Flush has nothing to do.
func (e *Engine) Flush() error { return e.check() }

// Await calls done at once: nothing here becomes more durable by waiting.
func (e *Engine) Await(_ engine.Position, done func(error)) { done(nil) }

// Len is the number of entries of a slot.
func (e *Engine) Len(slot uint16) int64 {
	return e.shards[shardOf(slot)].lens[localSlot(slot)].Load()
}

// Stats adds up the shards, one after the other.
func (e *Engine) Stats() engine.Stats {
	st := engine.Stats{UsedBytes: e.UsedBytes()}
	for i := range e.shards {
		s := &e.shards[i]
		s.mu.Lock()
		st.Keys += s.keys
		st.LiveBytes += s.live
		s.mu.Unlock()
	}
	return st
}

// UsedBytes is Stats().UsedBytes, cheap enough to be asked for on every write.
func (e *Engine) UsedBytes() int64 { return e.arena.used.Load() }

// Sync has nothing to do.
func (e *Engine) Sync() error { return e.check() }

// Close gives all memory back.
func (e *Engine) Close() error {
	if e.closed.Swap(true) {
		return engine.ErrClosed
	}
	for i := range e.shards {
		e.shards[i] = shard{}
	}
	e.arena.release()
	return nil
}
