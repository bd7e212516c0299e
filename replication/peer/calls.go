package peer

import (
	"sync"
	"time"
)

// calls is the calls of a link that have no answer yet, in the order in which they
// began, which is the order in which they run out of time.
type calls struct {
	most int

	mu     sync.Mutex // guards what follows; done functions are called without it
	next   uint64
	byID   map[uint64]*pending
	order  []*pending // ended ones stay until they reach the front
	closed error      // why no call can begin
}

type pending struct {
	id       uint64
	deadline time.Time
	done     func([]byte, error) // nil: ended
}

func newCalls(most int) *calls { return &calls{most: most, byID: map[uint64]*pending{}} }

// begin notes a call, or says why there can be none.
func (c *calls) begin(deadline time.Time, done func([]byte, error)) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed != nil:
		return 0, c.closed
	case len(c.byID) >= c.most:
		return 0, ErrFull
	}
	c.next++
	p := &pending{c.next, deadline, done}
	c.byID[p.id] = p
	c.order = append(c.order, p)
	return p.id, nil
}

// end ends a call; one that has ended is left alone.
func (c *calls) end(id uint64, answer []byte, err error) {
	c.mu.Lock()
	p := c.byID[id]
	if p == nil {
		c.mu.Unlock()
		return
	}
	delete(c.byID, id)
	done := p.done
	p.done = nil
	c.trim()
	c.mu.Unlock()
	done(answer, err)
}

// trim forgets ended calls at the front, and all ended ones where they are most.
func (c *calls) trim() {
	at := 0
	for at < len(c.order) && c.order[at].done == nil {
		at++
	}
	c.order = c.order[at:]
	if len(c.order) > 64 && len(c.order) > 2*len(c.byID) {
		live := make([]*pending, 0, len(c.byID))
		for _, p := range c.order {
			if p.done != nil {
				live = append(live, p)
			}
		}
		c.order = live
	}
}

// expire ends the calls whose time is up.
func (c *calls) expire(now time.Time) {
	for {
		c.mu.Lock()
		c.trim()
		if len(c.order) == 0 || now.Before(c.order[0].deadline) {
			c.mu.Unlock()
			return
		}
		id := c.order[0].id
		c.mu.Unlock()
		c.end(id, nil, ErrTimeout)
	}
}

// fail ends all calls that are under way.
func (c *calls) fail(err error) {
	c.mu.Lock()
	all := c.order
	var done []func([]byte, error)
	for _, p := range all {
		if p.done != nil {
			done = append(done, p.done)
			p.done = nil
		}
	}
	c.order = nil
	clear(c.byID)
	c.mu.Unlock()
	for _, d := range done {
		d(nil, err)
	}
}

// shut makes begin fail with err, or lets calls begin again if err is nil.
func (c *calls) shut(err error) {
	c.mu.Lock()
	c.closed = err
	c.mu.Unlock()
}

func (c *calls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byID)
}
