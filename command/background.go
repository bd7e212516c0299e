package command

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// background runs what would hold a connection loop up. At most limit
// goroutines do so at once, and what is more waits in a queue. A client that
// waits for its reply is served nothing else, so there are never more jobs than
// clients.
type background struct {
	wg    sync.WaitGroup
	ended atomic.Bool // nobody waits for replies any more

	mu      sync.Mutex // guards what follows
	running int
	queue   []func()
}

// limit is half of what Go may run on, at least one: the connection loops need
// the rest.
func (b *background) limit() int { return max(1, runtime.GOMAXPROCS(0)/2) }

func (b *background) start(job func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running >= b.limit() {
		b.queue = append(b.queue, job)
		return
	}
	b.running++
	b.wg.Go(func() {
		for job := job; job != nil; job = b.next() {
			job()
		}
	})
}

// next is the next job for a goroutine that has done one, or nil: it ends.
func (b *background) next() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 || b.ended.Load() {
		b.running--
		b.queue = nil
		return nil
	}
	job := b.queue[0]
	b.queue[0] = nil
	b.queue = b.queue[1:]
	return job
}

// Wait waits for the transactions that were started, and for the commands that
// run in the background, of which those that only read stop early. It is called
// after the last client was disconnected, and before the store is closed.
func (s *Server) Wait() {
	s.background.ended.Store(true)
	s.changes.halt()
	s.starting.end()
	s.background.wg.Wait()
	s.inFlight.Wait()
}

// manyKeys is up to how many keys a command may look at without leaving the
// connection loop.
const manyKeys = 10_000

// large says whether the store has more keys than that.
func (s *Server) large() bool { return s.store.Keys() > manyKeys }

// away does a command's job. One that is small is tried at once, and must not
// wait; if it would have to, or is not small, it is done in the background, and
// the client's next command waits for it. A job that is not to wait and has to
// fails with replica.ErrWait, and is begun again in the background: there, it
// may use neither the call nor its arguments, for the handler has returned.
//
// job replies to w, or returns an error to be replied. What it changed when it
// was allowed to wait, it has to have committed when it returns.
func (c *call) away(small bool, job job) {
	if small {
		mark := c.w.Len()
		err := job(c.w, false)
		if err == nil {
			return
		}
		c.w.Truncate(mark)
		if !errors.Is(err, replica.ErrWait) {
			c.fail(storeError(err))
			return
		}
	}
	if c.exec != nil {
		c.exec.await(job)
		return
	}
	later, srv, name := c.s.Later(true), c.srv, c.row.full
	srv.background.start(func() {
		defer later.Done()
		w := later.Writer()
		if err := srv.guarded(name, job, w); err != nil {
			w.Truncate(0)
			w.Error(storeError(err))
		}
	})
}

// job is what a command leaves to be done. wait says whether it may wait.
type job func(w *resp.Writer, wait bool) error

// guarded does a job that may wait, and turns a panic of it into an error: it
// ends one command, not the node.
func (s *Server) guarded(name string, job job, w *resp.Writer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a command panicked in the background", "command", name,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error; see the server's log")
		}
	}()
	return job(w, true)
}
