package coordinator

import "sync"

// operation is what all operations have. What happens to one are its events: they
// run one at a time, in the order in which they were posted, on the goroutine that
// found it idle. No lock is held meanwhile: what an event calls may post the next
// one. The list is as long as the operation has calls under way at most.
//
// It is over once it has answered and no call of its own is under way. But for mu,
// the fields are for its events.
type operation struct {
	c        *Coordinator
	calls    int
	answered bool
	ended    bool

	mu struct {
		sync.Mutex
		busy bool
		list []event
		room [2]event
	}
}

type event struct {
	f    func()
	call bool // it ends a call
}

// post has f run as an event.
func (o *operation) post(f func()) { o.happens(event{f: f}) }

// called has f run as an event that ends a call: to a peer, or of a local
// transaction.
func (o *operation) called(f func()) { o.happens(event{f, true}) }

func (o *operation) happens(e event) {
	o.mu.Lock()
	if o.mu.busy {
		if o.mu.list == nil {
			o.mu.list = o.mu.room[:0]
		}
		o.mu.list = append(o.mu.list, e)
		o.mu.Unlock()
		return
	}
	o.mu.busy = true
	o.mu.Unlock()
	for more := true; more; e, more = o.next() {
		if e.call {
			o.calls--
		}
		if e.f(); e.call {
			o.over()
		}
	}
}

func (o *operation) next() (e event, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.mu.list) == 0 {
		o.mu.busy, o.mu.list = false, nil
		return e, false
	}
	e = o.mu.list[0]
	o.mu.list[0] = event{}
	o.mu.list = o.mu.list[1:]
	return e, true
}

func (o *operation) over() {
	if o.answered && o.calls == 0 && !o.ended {
		o.ended = true
		o.c.end()
	}
}
