package coordinator

import "sync"

// Written counts the copies of the last write that it was given to: what WAIT asks. It is safe
// for concurrent use. The zero Written is of a connection that has written nothing.
type Written struct {
	mu struct {
		sync.Mutex
		started uint64 // writes that were started
		last    uint64 // the number of the one that the figures are of
		open    int    // started, and not answered
		others  int    // nodes but this one that hold the last one
		pending int    // that may come to
		notices []*notice
	}
}

type notice struct {
	n int
	f func()
}

// Copies is how many nodes but this one hold the last write; ended: no more will come.
func (w *Written) Copies() (others int, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.others, w.mu.open == 0 && w.mu.pending == 0
}

// Notify has f called, once and from any goroutine, when others reaches n or no more will come. cancel ends that.
func (w *Written) Notify(n int, f func()) (cancel func()) {
	x := &notice{n, f}
	w.change(func() { w.mu.notices = append(w.mu.notices, x) })
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.remove(x)
	}
}

func (w *Written) remove(x *notice) {
	for i, y := range w.mu.notices {
		if x == y {
			w.mu.notices = append(w.mu.notices[:i], w.mu.notices[i+1:]...)
			return
		}
	}
}

// change changes the figures and calls whose time has come.
func (w *Written) change(f func()) {
	w.mu.Lock()
	f()
	var due []*notice
	for _, x := range w.mu.notices {
		if w.mu.open == 0 && (w.mu.others >= x.n || w.mu.pending == 0) {
			due = append(due, x)
		}
	}
	for _, x := range due {
		w.remove(x)
	}
	w.mu.Unlock()
	for _, x := range due {
		x.f()
	}
}

// enter tells that a write was started, and numbers it. Like all that an operation
// calls, it may be called on nil.
func (w *Written) enter() (number uint64) {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.started++
	w.mu.open++
	return w.mu.started
}

// wrote tells that the write was answered OK with so many copies on others, and
// pending that may come; leave, that a started write is answered, however.
func (w *Written) wrote(number uint64, others, pending int) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if number > w.mu.last {
		w.mu.last, w.mu.others, w.mu.pending = number, others, pending
	}
}

func (w *Written) leave() {
	if w != nil {
		w.change(func() { w.mu.open-- })
	}
}

// late tells that a pending copy is there, or will not be.
func (w *Written) late(number uint64, ok bool) {
	if w == nil {
		return
	}
	w.change(func() {
		if number != w.mu.last {
			return
		}
		w.mu.pending--
		if ok {
			w.mu.others++
		}
	})
}

// copies follows the copies of one write on other nodes for a Written.
type copies struct {
	written         *Written
	number          uint64
	others, pending int
	told            bool
}

func (c *copies) enter(w *Written) { c.written, c.number = w, w.enter() }

// sent notes that the write went to another node, ended how that ended.
func (c *copies) sent() { c.pending++ }

func (c *copies) ended(ok bool) {
	if c.told {
		c.written.late(c.number, ok)
		return
	}
	c.pending--
	if ok {
		c.others++
	}
}

// again begins anew: what was sent before is not the write any more.
func (c *copies) again() { c.others, c.pending = 0, 0 }

// answer ends the write as Written sees it; ok: it was met.
func (c *copies) answer(ok bool) {
	if ok {
		c.told = true
		c.written.wrote(c.number, c.others, c.pending)
	}
	c.written.leave()
}
