package memory

import (
	"errors"
	"math"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// Engine keeps entries in memory. Calls are carried out at once by the caller's
// goroutine, but for transactions on large entries: see away.
type Engine struct {
	shards [shards]shard
	arena  *arena
	away   away
	closed atomic.Bool
	index  bool // see NewIndex
}

// ErrBusy: too many transactions wait for large ones. Nothing has happened.
var ErrBusy = errors.New("memory: too many calls wait for large values")

var _ engine.Engine = (*Engine)(nil)

// New gives an empty engine.
func New() *Engine { return newEngine(math.MaxInt64) }

// NewIndex gives an empty engine whose Try is always true: an index of another
// engine, whose entries are large only where their names are.
func NewIndex() *Engine {
	e := New()
	e.index, e.arena.hasty = true, true
	return e
}

// newEngine gives an engine that finds no memory beyond limit bytes.
func newEngine(limit int64) *Engine {
	e := &Engine{arena: newArena(limit)}
	e.away.init()
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

// Await calls done at once: nothing here becomes more durable by waiting.
func (e *Engine) Await(_ engine.Position, done func(error)) { done(nil) }

// Flush has nothing to do.
func (e *Engine) Flush() error { return e.check() }

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
	e.away.wg.Wait()
	for i := range e.shards {
		e.shards[i] = shard{}
	}
	e.arena.release()
	return nil
}
