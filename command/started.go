package command

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// started is a command whose keys cannot be had without waiting, for a disk or for
// a large value to be copied: the engine's pool carries its transaction out while
// the connection loop goes on.
//
// It has copies of all that its handler needs, or keeps the session's input. The handler runs on the pool's
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
	overlaps bool // the session goes on meanwhile, with what overlaps too
}

// Bounds of what is kept for reuse: commands of a worker, bytes of one's
// arguments, and how many arguments.
const (
	keepStarted = 64
	keepArgs    = 4 << 10
	keepWords   = 64
)

// start carries on a command that Store.Try refused.
func (w *worker) start(c *call) {
	x := w.newStarted(c)
	x.overlaps = c.cl.takesOff(c)
	x.later = c.s.Later(!x.overlaps)
	x.later.Then(x.finish)
	x.call.w = x.later.Writer()
	c.pending = true
	w.srv.inFlight.Add(1)
	w.srv.store.Start(x.txn, x)
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

// Decide implements replica.Step, on the pool's goroutine.
func (x *started) Decide(t *replica.Txn) {
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

// onPool runs what decides a transaction away from the connection loop. There
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

// flight is what kind of command may be under way together with others of its
// kind and client.
type flight uint8

const (
	noFlight flight = iota
	reading         // it reads its keys, and nothing else
	writing         // it reads and changes its keys, of a store that keeps writes in order
)

func (s *Server) flightOf(r *row) flight {
	switch {
	case !r.keyed() || r.after != nil:
		return noFlight
	case r.has(readonly):
		return reading
	case r.has(write) && s.inOrder:
		return writing
	}
	return noFlight
}

// flights are the commands of a client that are under way while its next ones
// are executed. They belong to the session's turn.
//
// The order in which a client's commands take effect is that in which it sent
// them, but for reads of different keys, which nobody can tell apart: so a read
// waits for a read of the same key, and otherwise a command waits until all that
// are of another kind, or of no kind that may be under way, have landed. Writes
// overlap only if the store carries them out in order, also those of one key. What
// makes a large value of small words has none behind it.
type flights struct {
	kind   flight
	keys   []uint64 // hashes of the keys of what is under way
	reply  int      // the size of the largest reply lately
	queued bool     // the session's next command waits for them
}

// Bounds of what is under way for one client: keys, bytes of one command's
// arguments, and bytes of replies if they are as large as the last ones were.
// What goes beyond them holds the session.
const (
	maxFlights  = 128
	maxLuggage  = 16 << 10
	maxExpected = 32 << 20
	firstReply  = 2 << 20 // until one is known
)

// inTheWay says whether a command of the same kind has to wait for its keys.
func (f *flights) inTheWay(t *replica.Txn) bool {
	if f.kind == writing {
		return false
	}
	for i := range t.Len() {
		if slices.Contains(f.keys, t.Hash(i)) {
			return true
		}
	}
	return false
}

// wait has the session's next command wait.
func (f *flights) wait() resp.Verdict {
	f.queued = true
	return resp.Stall
}

// takesOff says whether the session may go on while a command is under way.
func (cl *client) takesOff(c *call) bool {
	f := &cl.flights
	if f.reply == 0 {
		f.reply = firstReply
	}
	n, kind := c.txn.Len(), c.srv.flightOf(c.row)
	if kind == noFlight || len(f.keys)+n > maxFlights || wordBytes(c.args) > maxLuggage || c.row.large(c.args) ||
		(len(f.keys)+n)*f.reply > maxExpected {
		return false
	}
	f.kind = kind
	for i := range n {
		f.keys = append(f.keys, c.txn.Hash(i))
	}
	return true
}

// lands notes that a command is over.
func (cl *client) lands(x *started) {
	f := &cl.flights
	for i := range x.txn.Len() {
		if at := slices.Index(f.keys, x.txn.Hash(i)); at >= 0 {
			f.keys = slices.Delete(f.keys, at, at+1)
		}
	}
	f.reply = max(x.call.w.Len(), f.reply/2, 1)
	if f.queued && len(f.keys) == 0 {
		f.queued = false
		cl.s.Resume()
	}
}
