package coordinator

import "sync"

// events has what happens to one operation run one at a time, in the order in
// which it was posted, on the goroutine that found it idle. No lock is held
// meanwhile: what an event calls may post the next one. The list is as long as the
// operation has calls under way at most.
type events struct {
	mu struct {
		sync.Mutex
		busy bool
		list []func()
	}
}

func (e *events) post(f func()) {
	e.mu.Lock()
	if e.mu.busy {
		e.mu.list = append(e.mu.list, f)
		e.mu.Unlock()
		return
	}
	e.mu.busy = true
	e.mu.Unlock()
	for f != nil {
		f()
		f = e.next()
	}
}

func (e *events) next() (f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.mu.list) == 0 {
		e.mu.busy, e.mu.list = false, nil
		return nil
	}
	f = e.mu.list[0]
	e.mu.list[0] = nil
	e.mu.list = e.mu.list[1:]
	return f
}

// operation is what all operations have: their events, and when they end: once
// they have answered and no call of theirs is under way.
type operation struct {
	events
	c        *Coordinator
	calls    int
	answered bool
	ended    bool
}

// called wraps the end of a call to a peer, or of a local transaction: f runs as
// an event.
func (o *operation) called(f func()) {
	o.post(func() {
		o.calls--
		f()
		o.over()
	})
}

func (o *operation) over() {
	if o.answered && o.calls == 0 && !o.ended {
		o.ended = true
		o.c.end()
	}
}
