package coordinator

import (
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// maxWaiting is how many calls may wait for their turn in all.
const maxWaiting = 65_536

// turns are queues of calls per key. A call is queued for all of its keys, which
// are of one slot, at once, so there is no order in which two calls could wait for
// each other. Keys go by their hash: two that share one are only queued together.
type turns struct {
	waiting atomic.Int64
	shards  [64]shard
}

type shard struct {
	mu struct {
		sync.Mutex
		keys     map[uint64]queue
		ready    []*ticket // whose turn has come
		draining bool      // somebody runs those
	}
}

// queue is a list of spots; the head has the turn.
type queue struct{ head, tail *spot }

type spot struct {
	t    *ticket
	next *spot
}

// ticket is a call's spot in the queues of its keys.
type ticket struct {
	keys    []engine.Key
	first   [1]spot
	spots   []spot
	missing int // queues that it does not head yet
	run     func()
}

func (s *turns) shard(keys []engine.Key) *shard { return &s.shards[int(keys[0].Slot)%len(s.shards)] }

// take calls run in the turn of the keys: at once, or later from another
// goroutine. False: too many wait, and run is never called.
func (s *turns) take(t *ticket, keys []engine.Key, run func()) bool {
	return s.enter(t, keys, false, run)
}

// behind calls run once what is queued for the keys now has had its turn.
func (s *turns) behind(t *ticket, keys []engine.Key, run func()) bool {
	return s.enter(t, keys, true, func() {
		if t.spots != nil {
			s.give(t)
		}
		run()
	})
}

func (s *turns) enter(t *ticket, keys []engine.Key, onlyBehind bool, run func()) bool {
	x := s.shard(keys)
	x.mu.Lock()
	busy := x.busy(keys)
	if busy && s.waiting.Add(1) > maxWaiting {
		s.waiting.Add(-1)
		x.mu.Unlock()
		return false
	}
	if busy || !onlyBehind {
		t.keys, t.run = keys, run
		x.add(t)
	}
	x.mu.Unlock()
	if !busy {
		run()
	}
	return true
}

// busy says whether there is a queue for one of the keys.
func (x *shard) busy(keys []engine.Key) bool {
	for i := range keys {
		if _, ok := x.mu.keys[keys[i].Hash]; ok {
			return true
		}
	}
	return false
}

func (x *shard) add(t *ticket) {
	if x.mu.keys == nil {
		x.mu.keys = make(map[uint64]queue)
	}
	t.spots, t.missing = t.first[:], 0
	if len(t.keys) > 1 {
		t.spots = make([]spot, len(t.keys))
	}
	for i := range t.keys {
		h := t.keys[i].Hash
		q := x.mu.keys[h]
		if q.tail != nil && q.tail.t == t {
			continue // two of its keys have one hash
		}
		p := &t.spots[i]
		*p = spot{t: t}
		if q.tail == nil {
			q.head = p
		} else {
			q.tail.next = p
			t.missing++
		}
		q.tail = p
		x.mu.keys[h] = q
	}
}

// give ends a turn, and runs whose turn has come: unless another goroutine, or
// this one further up, is about to.
func (s *turns) give(t *ticket) {
	x := s.shard(t.keys)
	x.mu.Lock()
	for i := range t.keys {
		if t.spots[i].t == nil {
			continue
		}
		h := t.keys[i].Hash
		next := t.spots[i].next
		if next == nil {
			delete(x.mu.keys, h)
			continue
		}
		x.mu.keys[h] = queue{head: next, tail: x.mu.keys[h].tail}
		if next.t.missing--; next.t.missing == 0 {
			x.mu.ready = append(x.mu.ready, next.t)
		}
	}
	t.spots = nil
	if x.mu.draining {
		x.mu.Unlock()
		return
	}
	x.mu.draining = true
	for len(x.mu.ready) > 0 {
		t := x.mu.ready[0]
		x.mu.ready[0] = nil
		x.mu.ready = x.mu.ready[1:]
		s.waiting.Add(-1)
		x.mu.Unlock()
		t.run()
		x.mu.Lock()
	}
	x.mu.ready, x.mu.draining = nil, false
	x.mu.Unlock()
}
