package replica

import (
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
)

// Options are what a Store is opened with.
type Options struct {
	Engine engine.Engine // owned by the Store from here on
	Clock  *record.Clock
	Actor  uint64 // made anew for every process start
	Log    *slog.Logger

	// Replicated: the store of a node in a cluster. It is written through Records,
	// keeps digests, and removes no entry by itself: what a tombstone or an expired
	// value says must not be forgotten. Txn is for tests then.
	Replicated bool
}

// Counters are totals since the start.
type Counters struct {
	Expired int64 // keys that nobody sees any more because they had expired
	Damaged int64 // records that were found damaged, and are not written again yet
}

// Store is this node's copy. It owns one goroutine, which removes expired keys
// and is ended by Close.
type Store struct {
	eng   engine.Engine
	clock *record.Clock
	actor atomic.Uint64
	log   *slog.Logger
	slots [engine.Slots]slot

	replicated bool
	unread     atomic.Bool // some entries could not be looked at by load
	damaged    damaged

	expiring atomic.Int64 // keys with an expiry
	dead     atomic.Int64 // entries that show nothing
	expired  atomic.Int64
	changes  atomic.Int64
	sweepOff atomic.Bool

	stop chan struct{}
	wg   sync.WaitGroup
}

// slot holds what is known of a slot without looking at its entries.
type slot struct {
	// due is no later than the time at which the sweep has to do here; never: none.
	due atomic.Int64
	// removed counts removals, and stands in for the version of absent keys. In a
	// replicated store it counts every change.
	removed atomic.Uint64
	// dead counts the entries that show nothing: see metaOf.
	dead atomic.Int64
	// digest is the XOR of the parts of the slot's entries.
	digest atomic.Uint64
	// expiring counts the keys with an expiry, expirySum is the sum of these, ms,
	// modulo 2^64.
	expiring  atomic.Int64
	expirySum atomic.Int64
}

const never = math.MaxInt64

// Open returns a Store over an engine, which may hold entries, and starts its
// sweep.
func Open(o Options) *Store {
	s := &Store{eng: o.Engine, clock: o.Clock, log: o.Log, replicated: o.Replicated, stop: make(chan struct{})}
	s.actor.Store(o.Actor)
	for i := range s.slots {
		s.slots[i].due.Store(never)
	}
	s.load()
	s.wg.Go(s.sweepLoop)
	return s
}

// Close ends the sweep and closes the engine. No call may be running.
func (s *Store) Close() error {
	close(s.stop)
	s.wg.Wait()
	if e, ok := s.eng.(engine.Noter); ok {
		e.SetNote(s.writeNote())
	}
	return s.eng.Close()
}

// Now is the time by which expiry is judged, Unix ms. wall is the wall clock.
func (s *Store) Now(wall time.Time) int64 { return s.clock.MilliAt(wall.UnixMilli()) }

// Keys is the number of keys, expired ones that the sweep has not met yet included.
func (s *Store) Keys() int64 { return max(s.eng.Stats().Keys-s.dead.Load(), 0) }

// KeysIn is Keys of some slots. It looks at no key.
func (s *Store) KeysIn(slots *SlotSet) (n int64) {
	if slots == nil {
		return s.Keys()
	}
	for slot := range uint16(engine.Slots) {
		if slots.Has(slot) {
			n += s.SlotKeys(slot)
		}
	}
	return n
}

// Prefetch says that these keys are likely to be asked for next.
func (s *Store) Prefetch(keys []engine.Key) { s.eng.Prefetch(keys) }

// SlotKeys is Keys of one slot. (Both numbers are right, but not of one moment.)
func (s *Store) SlotKeys(slot uint16) int64 {
	return max(s.eng.Len(slot)-s.slots[slot].dead.Load(), 0)
}

// Expiring is the number of keys of some slots that have an expiry, and the sum
// of these expiries in Unix ms (modulo 2^64). It looks at no key.
func (s *Store) Expiring(slots *SlotSet) (keys, sum int64) {
	if s.expiring.Load() == 0 {
		return 0, 0
	}
	for i := range s.slots {
		if slots.Has(uint16(i)) {
			keys += s.slots[i].expiring.Load()
			sum += s.slots[i].expirySum.Load()
		}
	}
	return keys, sum
}

// Changed notes that transactions have changed some keys: their callers count
// Txn.Changes, so that they can do so for many at once.
func (s *Store) Changed(keys int64) { s.changes.Add(keys) }

// Changes is how many changes of keys were noted since the start.
func (s *Store) Changes() int64 { return s.changes.Load() }

// Stats are the engine's figures.
func (s *Store) Stats() engine.Stats { return s.eng.Stats() }

// UsedBytes is the memory that the data takes, cheap enough to be asked before
// every write.
func (s *Store) UsedBytes() int64 { return s.eng.UsedBytes() }

// Counters are the store's totals.
func (s *Store) Counters() Counters {
	return Counters{Expired: s.expired.Load(), Damaged: s.damaged.n.Load()}
}

// SetActiveExpire turns the removal of expired keys that nobody asks for on or
// off (DEBUG SET-ACTIVE-EXPIRE). Expired values are never seen either way.
func (s *Store) SetActiveExpire(on bool) { s.sweepOff.Store(!on) }

// Sync makes everything durable.
func (s *Store) Sync() error { return s.eng.Sync() }

// InOrder says that Try carries out no write, and that writes take effect in the
// order in which they were started.
func (s *Store) InOrder() bool {
	o, ok := s.eng.(engine.Ordered)
	return ok && o.InOrder()
}

// Flush hands what was written to the operating system; see engine.Engine.
func (s *Store) Flush() error { return s.eng.Flush() }

// Await calls done once everything up to pos is as durable as the settings
// promise: at once, or later from another goroutine.
func (s *Store) Await(pos engine.Position, done func(error)) { s.eng.Await(pos, done) }

// Commit is Flush and Await for goroutines that may wait.
func (s *Store) Commit(pos engine.Position) error {
	if pos == 0 {
		return nil
	}
	_ = s.eng.Flush() // its error comes out below, if it concerns pos
	done := make(chan error, 1)
	s.eng.Await(pos, func(err error) { done <- err })
	return <-done
}

func (s *Store) dueBy(slot uint16, at int64) {
	due := &s.slots[slot].due
	for {
		d := due.Load()
		if d <= at || due.CompareAndSwap(d, at) {
			return
		}
	}
}
