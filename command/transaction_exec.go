package command

import (
	"time"

	"github.com/rldb/rldb/replication/replica"
)

func cmdExec(c *call) {
	cl := c.cl
	if !cl.multi {
		c.fail("ERR EXEC without MULTI")
		return
	}
	queue, watched, doomed := cl.queue, cl.watched, cl.doomed
	cl.dropQueue()
	cl.dropWatches()
	if doomed {
		c.fail(errExecAbort)
		return
	}
	x := exec{call: call{w: c.w, s: c.s, cl: cl, wk: c.wk, srv: c.srv, wall: c.wall,
		now: c.srv.store.Now(c.wall), inExec: true, txn: &c.wk.txn},
		queue: queue, watched: watched, mark: c.w.Len()}
	x.run()
	c.failed = x.err
}

// exec executes a queue. Commands on keys, with those that may run anywhere
// between them, are one transaction of the store. A command that asks the
// store for more than its keys (KEYS, FLUSHALL, DBSIZE, …) stands between two:
// then what comes before and after it is atomic, each for itself.
type exec struct {
	call    call
	queue   []queued
	watched []watch
	mark    int
	begun   bool // the array of replies was announced
	aborted bool // a watched key had changed
	err     bool

	part    []queued // the segment being executed
	indexes [][]int  // numbers in the transaction of the keys of each of part
	checks  []int    // and of the watched keys
	last    time.Time
}

func (x *exec) run() {
	for first := true; first || len(x.queue) > 0; first = false {
		n := 0
		for n < len(x.queue) && x.queue[n].row.inTurn() {
			n++
		}
		if n > 0 || first {
			x.segment(x.queue[:n])
			x.queue = x.queue[n:]
		}
		if x.aborted || x.err {
			return
		}
		if len(x.queue) > 0 && !x.queue[0].row.inTurn() {
			x.last = time.Now()
			x.one(&x.queue[0], nil)
			x.queue = x.queue[1:]
		}
	}
}

// inTurn says whether a queued command may run within the turn of keys.
func (r *row) inTurn() bool { return r.keyed() || r.has(anywhere) }

// segment runs commands as one transaction. The first one checks the watched
// keys, too.
func (x *exec) segment(part []queued) {
	t := x.call.txn
	t.Reset(x.call.srv.store, replica.Write, x.call.now, x)
	x.part, x.indexes, x.checks = part, x.indexes[:0], x.checks[:0]
	if !x.begun {
		for i := range x.watched {
			x.checks = append(x.checks, t.Key(x.watched[i].name))
		}
	}
	for i := range part {
		var keys []int
		if part[i].row.keyed() {
			pos, ok := part[i].row.keyPositions(part[i].args, x.call.pos[:0])
			x.call.pos = pos
			for k := 0; ok && k < len(pos); k++ {
				keys = append(keys, t.Key(part[i].args[pos[k]]))
			}
		}
		x.indexes = append(x.indexes, keys)
	}
	if t.Len() == 0 {
		x.Decide(t)
		return
	}
	x.call.srv.store.Do(t)
	if err := t.Err(); err != nil {
		x.call.w.Truncate(x.mark)
		x.call.w.Error("ERR " + err.Error())
		x.err = true
	}
}

// Decide implements replica.Step.
func (x *exec) Decide(t *replica.Txn) {
	if !x.begun {
		for i, k := range x.checks {
			if t.Version(k) != x.watched[i].version {
				x.aborted = true
				x.call.w.NullArray()
				return
			}
		}
		x.begun = true
		x.call.w.Array(len(x.queue))
	}
	x.last = time.Now()
	for i := range x.part {
		x.one(&x.part[i], x.indexes[i])
	}
}

// Done implements replica.Step.
func (x *exec) Done(*replica.Txn) {}

// one runs one command, within a transaction that has its keys, or alone.
func (x *exec) one(q *queued, keys []int) {
	c := &x.call
	c.row, c.args, c.keys, c.failed, c.hits, c.misses = q.row, q.args, keys, false, 0, 0
	mark := c.w.Len()
	if q.row.keyed() {
		c.Decide(c.txn)
	} else {
		q.row.run(c)
	}
	now := time.Now()
	c.wk.executed(c, now.Sub(x.last), mark)
	x.last = now
}
