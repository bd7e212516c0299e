package lsm

import (
	"errors"
	"sync"

	"github.com/rldb/rldb/engine"
)

// ErrBusy: as many calls as Options.Queue already wait for the disk; nothing
// was done.
var ErrBusy = errors.New("lsm: too many calls are waiting for the disk")

// call is a transaction or a scan.
type call struct {
	txn  *engine.Txn
	scan *engine.Scan
}

// fail ends a call that is not carried out.
func (c call) fail(err error) {
	if c.txn != nil {
		c.txn.Err, c.txn.Pos = err, 0
		c.txn.Step.Done(c.txn)
		return
	}
	c.scan.Err = err
	c.scan.Done(c.scan)
}

// pool is a fixed number of goroutines that carry calls out, and a bounded queue
// of those that wait. It owns the goroutines; they end with stop.
type pool struct {
	workers sync.WaitGroup

	// mu guards closed, and is held (shared) while queueing, so that nothing
	// is queued after stop.
	mu     sync.RWMutex
	closed bool
	queue  chan call
}

// newPool starts a goroutine for each of serve, which are given the queue and
// end when it is closed and empty.
func newPool(queue int, serve ...func(<-chan call)) *pool {
	p := &pool{queue: make(chan call, queue)}
	for _, f := range serve {
		p.workers.Go(func() { f(p.queue) })
	}
	return p
}

// start queues a call; it does not wait.
func (p *pool) start(c call) {
	if err := p.enqueue(c); err != nil {
		c.fail(err)
	}
}

func (p *pool) enqueue(c call) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return engine.ErrClosed
	}
	select {
	case p.queue <- c:
		return nil
	default:
		return ErrBusy
	}
}

// stop carries out what is queued, and ends the workers.
func (p *pool) stop() {
	p.mu.Lock()
	p.closed = true
	close(p.queue)
	p.mu.Unlock()
	p.workers.Wait()
}
