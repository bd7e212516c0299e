package command

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// started is a command whose keys cannot be had without waiting, for other nodes, for
// a disk or for a large value to be copied: the coordinator or the engine's pool
// carries its transaction out while the connection loop goes on.
//
// It has copies of all that its handler needs, or keeps the session's input. The handler runs on another
// goroutine and writes to a promised reply. What belongs to the session or to
// its worker, it does not touch: that is done by finish, in the session's turn.
type started struct {
	call     call
	txn      *replica.Txn
	later    *resp.Later
	buf      []byte     // what the arguments are parts of
	kept     *resp.Kept // or this
	args     [][]byte
	keys     []int
	began    time.Time
	over     time.Time
	overlaps bool             // the session goes on meanwhile, with what overlaps too
	order    coordinator.Call // in a cluster
}

// Bounds of what is kept for reuse: commands of a worker, bytes of one's
// arguments, and how many arguments.
const (
	keepStarted = maxFlights
	keepArgs    = 4 << 10
	keepWords   = 64
)

// start carries on a command that Store.Try refused, or that is for Copies.
func (w *worker) start(c *call) {
	x := w.newStarted(c)
	x.overlaps = c.cl.takesOff(c)
	x.later = c.s.Later(!x.overlaps)
	x.later.Then(x.finish)
	x.call.w = x.later.Writer()
	c.pending = true
	w.srv.inFlight.Add(1)
	if w.srv.copies == nil {
		w.srv.store.Start(x.txn, x)
		return
	}
	x.order = coordinator.Call{Txn: x.txn, Step: x, Quorum: c.cl.quorum, Unread: c.row.unreadBy(x.args)}
	if x.txn.Writes() {
		x.order.Written = c.cl.writes()
	}
	w.srv.copies.Start(&x.order)
}

// newStarted copies a call, and takes its transaction over: the worker gets
// another.
func (w *worker) newStarted(c *call) *started {
	x := new(started)
	if n := len(w.spare); n > 0 {
		x, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		x.txn = new(replica.Txn)
	}
	x.txn, w.txn = w.txn, x.txn
	x.call, x.began = *c, w.now()
	if c.s.Input() >= engine.Large && wordBytes(c.args) >= engine.Large {
		x.kept = c.s.Keep()
	}
	if x.kept != nil {
		x.args = append(x.args[:0], c.args...)
	} else {
		x.buf, x.args = copyWords(x.buf[:0], x.args[:0], c.args)
	}
	x.keys = append(x.keys[:0], c.keys...)
	if c.key.Name != nil { // its only key, of which the position was known
		x.txn.Rename(0, x.args[c.row.first])
	}
	for i, p := range c.pos {
		x.txn.Rename(x.keys[i], x.args[p])
	}
	x.call.args, x.call.keys, x.call.pos, x.call.txn, x.call.key = x.args, x.keys, nil, x.txn, engine.Key{}
	return x
}

// copyWords copies words to memory of its own.
func copyWords(buf []byte, to, words [][]byte) ([]byte, [][]byte) {
	buf = slices.Grow(buf, wordBytes(words))
	for _, word := range words {
		from := len(buf)
		buf = append(buf, word...)
		to = append(to, buf[from:len(buf):len(buf)])
	}
	return buf, to
}

func wordBytes(words [][]byte) (n int) {
	for _, word := range words {
		n += len(word)
	}
	return n
}

// Decide implements replica.Step, on another goroutine. In a cluster it may be called
// again, where nobody accepted what it decided: then nothing of that counts.
func (x *started) Decide(t *replica.Txn) {
	c := &x.call
	c.w.Truncate(0)
	c.failed, c.hits, c.misses, c.versions = false, 0, 0, c.versions[:0]
	x.call.srv.onPool(&x.call, t, func() { x.call.decideLate(t) })
}

// decideLate is Decide for a call whose turn has come late: many others may have
// taken memory since it was asked whether there is any, and so may those before it
// in its own transaction, which the store knows nothing of yet.
func (c *call) decideLate(t *replica.Txn) {
	if c.row.has(denyoom) && c.srv.outOfMemory(t.Scratched()) {
		c.fail(errOOM)
		return
	}
	c.Decide(t)
}

// Done implements replica.Step, on any goroutine. What values took goes now: the
// session may be long in coming to its turn. Once it has called the reply's Done,
// x may be in use again.
func (x *started) Done(t *replica.Txn) {
	srv := x.call.srv
	x.over = time.Now()
	t.Trim()
	if x.kept != nil {
		x.kept.Release()
	}
	x.later.Done()
	srv.inFlight.Done()
}

// finish is what is left to do in the session's turn.
func (x *started) finish() bool {
	c, w := &x.call, x.call.wk
	w.begin()
	if x.overlaps {
		c.cl.lands(x)
	}
	w.ended(c, 0)
	w.executed(c, x.over.Sub(x.began), 0)
	if x.kept != nil {
		c.s.Forget(x.kept)
	}
	w.free(x)
	return true
}

// free keeps x for a next command, but where its keys' names are parts of much.
func (w *worker) free(x *started) {
	if len(w.spare) == keepStarted || x.kept != nil || cap(x.buf) > keepArgs || cap(x.args) > keepWords {
		return
	}
	clear(x.args)
	*x = started{txn: x.txn, buf: x.buf, args: x.args, keys: x.keys}
	w.spare = append(w.spare, x)
}

// onPool runs what decides a transaction away from the session's turn. There
// is nobody above it to stop a panic: it ends the command, which changes
// nothing, and not the node.
func (s *Server) onPool(c *call, t *replica.Txn, decide func()) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a command panicked", "command", c.row.full, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			t.Abandon()
			c.w.Truncate(0)
			c.fail("ERR internal error; see the server's log")
		}
	}()
	decide()
}
