package command

import (
	"math"
	"sync"
	"time"

	"github.com/rldb/rldb/resp"
)

// waitRow is WAIT. In a cluster it counts the other nodes that hold the connection's last
// write, and waits no longer than more can come. A node that is alone has no replica that
// could acknowledge anything, so that whoever asks for one waits for nothing but the timeout.
func waitRow() row {
	return row{name: "wait", arity: 3, flags: noscript | anywhere, run: cmdWait, group: "generic", cats: "connection",
		since: "3.0.0", complexity: "O(1)", syntax: "numreplicas:integer timeout:integer",
		summary: "Waits until so many other nodes hold the connection's last write, or for some milliseconds, and answers how many do."}
}

func cmdWait(c *call) {
	n, ok := c.intArg(1)
	if !ok {
		return
	}
	ms, ok := parseInt(c.args[2])
	if !ok {
		c.fail("ERR timeout is not an integer or out of range")
		return
	}
	if ms < 0 {
		c.fail("ERR timeout is negative")
		return
	}
	of := c.srv.following(c.cl)
	have, ended := 0, false
	if of != nil {
		have, ended = of.Copies()
	} else {
		ended = c.srv.copies != nil // nothing was written
	}
	if n <= int64(have) || ended || c.inExec {
		c.w.Int(int64(have))
		return
	}
	c.srv.waits.begin(c.s, of, int(min(n, math.MaxInt32)), time.Duration(min(ms, longestWait))*time.Millisecond)
}

// followed is what WAIT asks about a write: a coordinator.Written.
type followed interface {
	Copies() (others int, ended bool)
	Notify(n int, f func()) (cancel func())
}

// lastWrite is the client's last one, nil if it has written nothing to a cluster.
func (cl *client) lastWrite() followed {
	if cl.written == nil {
		return nil
	}
	return cl.written
}

// longestWait is the greatest number of milliseconds that a time.Duration can
// hold: 292 years.
const longestWait = int64(1<<63-1) / int64(time.Millisecond)

// waits are the clients that WAIT holds up.
type waits struct {
	mu sync.Mutex // guards what follows
	of map[int64]*waiting
}

// waiting is one client's wait.
type waiting struct {
	id    int64
	later *resp.Later
	of    followed // nil: nothing is to come
	// What takes its end away from others; nil: for ever, or nothing to cancel.
	timer  *time.Timer
	cancel func()
}

// begin holds the client of s up for a time, or for ever if that is 0; or until n other
// nodes hold the write, if there is one to follow.
func (w *waits) begin(s *resp.Session, of followed, n int, timeout time.Duration) {
	x := &waiting{id: s.ID(), later: s.Later(true), of: of}
	x.later.UntilClosed()
	w.add(x, timeout)
	if of == nil {
		return
	}
	cancel := of.Notify(n, func() { w.end(x, false) })
	w.mu.Lock()
	over := w.of[x.id] != x
	if !over {
		x.cancel = cancel
	}
	w.mu.Unlock()
	if over {
		cancel()
	}
}

func (w *waits) add(x *waiting, timeout time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if timeout > 0 {
		x.timer = time.AfterFunc(timeout, func() { w.end(x, false) })
	}
	if w.of == nil {
		w.of = map[int64]*waiting{}
	}
	w.of[x.id] = x
}

// unblock ends the wait of a client, with an error or as if its time had run
// out, and says whether there was one.
func (w *waits) unblock(id int64, failed bool) bool {
	w.mu.Lock()
	x := w.of[id]
	w.mu.Unlock()
	return x != nil && w.end(x, failed)
}

// end replies to a wait; false if that was done, or its client is gone.
func (w *waits) end(x *waiting, failed bool) bool {
	if !w.take(x) {
		return false
	}
	if failed {
		x.later.Writer().Error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
	} else {
		have := 0
		if x.of != nil {
			have, _ = x.of.Copies()
		}
		x.later.Writer().Int(int64(have))
	}
	x.later.Done()
	return true
}

// take removes a wait: only the one who does may reply.
func (w *waits) take(x *waiting) bool {
	w.mu.Lock()
	there := w.of[x.id] == x
	if there {
		delete(w.of, x.id)
	}
	cancel := x.cancel
	w.mu.Unlock()
	if !there {
		return false
	}
	if x.timer != nil {
		x.timer.Stop()
	}
	if cancel != nil {
		cancel()
	}
	return true
}

// forget drops the wait of a client that is gone.
func (w *waits) forget(s *resp.Session) {
	w.mu.Lock()
	x := w.of[s.ID()]
	w.mu.Unlock()
	if x != nil {
		w.take(x)
	}
}

// holding says whether a client waits.
func (w *waits) holding(id int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.of[id] != nil
}

// count is how many clients wait: INFO's blocked_clients.
func (w *waits) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.of)
}
