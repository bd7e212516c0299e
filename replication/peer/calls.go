package peer

import (
	"sync"
	"time"
)

// calls is the calls of a link that have no answer yet, in the order in which they
// began, which is the order in which they run out of time.
//
// A call's frame enters the outbox under mu, and only while the call waits; fail empties
// the outbox under it. So no frame of a call that has failed is ever sent, but for those
// that were sent before.
type calls struct {
	most int
	out  *outbox

	mu     sync.Mutex // guards what follows; done functions are called without it
	slots  []pending
	free   int32 // first of the free ones, by next; none: none
	oldest int32 // of those that wait
	newest int32
	count  int
	closed error // why no call can begin
}

// pending is a place for a call. The call's number says which place it is in, and which
// of those that had the place it is.
type pending struct {
	id         uint64
	deadline   time.Time
	done       func([]byte, error) // nil: the place is free
	prev, next int32
}

const none = -1

// slotBits is how many bits of a number say which place it is.
const slotBits = 24

func newCalls(most int, out *outbox) *calls {
	return &calls{most: min(most, 1<<slotBits-1), out: out, free: none, oldest: none, newest: none}
}

// begin notes a call, or says why there can be none.
func (c *calls) begin(deadline time.Time, done func([]byte, error)) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed != nil:
		return 0, c.closed
	case c.count >= c.most:
		return 0, ErrFull
	}
	i := c.free
	if i == none {
		i = int32(len(c.slots))
		c.slots = append(c.slots, pending{id: uint64(i)})
	} else {
		c.free = c.slots[i].next
	}
	p := &c.slots[i]
	p.id += 1 << slotBits
	p.deadline, p.done, p.prev, p.next = deadline, done, c.newest, none
	if c.newest == none {
		c.oldest = i
	} else {
		c.slots[c.newest].next = i
	}
	c.newest = i
	c.count++
	return p.id, nil
}

// send puts a call's frame into the outbox, unless the call is over by now. It reports
// false if there is no room.
func (c *calls) send(id uint64, p *parcel) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(id) == none || c.out.put(p)
}

// find is the place of a call that waits.
func (c *calls) find(id uint64) int32 {
	i := id & (1<<slotBits - 1)
	if i >= uint64(len(c.slots)) || c.slots[i].id != id || c.slots[i].done == nil {
		return none
	}
	return int32(i)
}

// remove frees a place, and gives the function that waits for the call's end.
func (c *calls) remove(i int32) func([]byte, error) {
	p := &c.slots[i]
	if p.prev == none {
		c.oldest = p.next
	} else {
		c.slots[p.prev].next = p.next
	}
	if p.next == none {
		c.newest = p.prev
	} else {
		c.slots[p.next].prev = p.prev
	}
	done := p.done
	p.done, p.next = nil, c.free
	c.free = i
	c.count--
	return done
}

// end ends a call; one that has ended is left alone.
func (c *calls) end(id uint64, answer []byte, err error) {
	c.mu.Lock()
	i := c.find(id)
	if i == none {
		c.mu.Unlock()
		return
	}
	done := c.remove(i)
	c.mu.Unlock()
	done(answer, err)
}

// expire ends the calls whose time is up, and says how many.
func (c *calls) expire(now time.Time) (n int) {
	for ; ; n++ {
		c.mu.Lock()
		if c.oldest == none || now.Before(c.slots[c.oldest].deadline) {
			c.mu.Unlock()
			return n
		}
		done := c.remove(c.oldest)
		c.mu.Unlock()
		done(nil, ErrTimeout)
	}
}

// fail ends all calls that are under way, and drops what is still to be sent.
func (c *calls) fail(err error) {
	c.mu.Lock()
	var all []func([]byte, error)
	for c.oldest != none {
		all = append(all, c.remove(c.oldest))
	}
	c.out.drop()
	c.mu.Unlock()
	for _, done := range all {
		done(nil, err)
	}
}

// shut makes begin fail with err, or lets calls begin again if err is nil.
func (c *calls) shut(err error) {
	c.mu.Lock()
	c.closed = err
	c.mu.Unlock()
}

func (c *calls) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}
