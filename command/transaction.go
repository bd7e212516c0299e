package command

import (
	"bytes"

	"github.com/rldb/rldb/replication/replica"
)

func transactionRows() []row {
	return []row{
		{name: "multi", arity: 1, flags: noscript | loading | stale | fast | allowBusy | queueless, run: cmdMulti,
			group: "transactions", since: "1.2.0", complexity: "O(1)",
			summary: "Begins a transaction: the commands that follow are queued until EXEC.", cats: "transaction"},
		{name: "exec", arity: 1, flags: noscript | loading | stale | skipSlowlog | queueless, run: cmdExec,
			group: "transactions", since: "1.2.0", complexity: "Depends on the queued commands.",
			summary: "Executes all queued commands at once.", cats: "transaction"},
		{name: "discard", arity: 1, flags: noscript | loading | stale | fast | allowBusy | queueless, run: cmdDiscard,
			group: "transactions", since: "2.0.0", complexity: "O(N) with N queued commands.",
			summary: "Forgets the queued commands and the watched keys.", cats: "transaction"},
		{name: "watch", arity: -2, flags: noscript | loading | stale | fast | allowBusy | queueless, first: 1, last: -1, step: 1,
			access: "RO", run: cmdWatch, group: "transactions", since: "2.2.0", complexity: "O(1) for every key.",
			summary: "Lets the next EXEC succeed only if none of the keys has changed by then.", syntax: "key...", cats: "transaction"},
		{name: "unwatch", arity: 1, flags: noscript | loading | stale | fast | allowBusy, run: cmdUnwatch,
			group: "transactions", since: "2.2.0", complexity: "O(1)",
			summary: "Forgets the watched keys.", cats: "transaction"},
	}
}

func cmdMulti(c *call) {
	if c.cl.multi {
		c.fail("ERR MULTI calls can not be nested")
		return
	}
	c.cl.multi = true
	c.cl.queueN.Store(0)
	c.w.OK()
}

func cmdDiscard(c *call) {
	if !c.cl.multi {
		c.fail("ERR DISCARD without MULTI")
		return
	}
	c.cl.dropQueue()
	c.cl.dropWatches()
	c.w.OK()
}

// cmdWatch runs in the turn of its keys and notes their versions.
func cmdWatch(c *call) {
	if c.cl.multi {
		c.fail("ERR WATCH inside MULTI is not allowed")
		return
	}
	for _, k := range c.keys {
		name := c.txn.Name(k)
		if !c.cl.watches(name) {
			c.cl.watched = append(c.cl.watched, watch{bytes.Clone(name), c.txn.Version(k)})
		}
	}
	c.cl.watchN.Store(int32(len(c.cl.watched)))
	c.w.OK()
}

func (cl *client) watches(name []byte) bool {
	for i := range cl.watched {
		if bytes.Equal(cl.watched[i].name, name) {
			return true
		}
	}
	return false
}

func cmdUnwatch(c *call) {
	c.cl.dropWatches()
	c.w.OK()
}

// enqueue keeps a command for EXEC. What a client may queue is bounded as its
// unfinished command is, by client-query-buffer-limit.
func (c *call) enqueue() {
	size := int64(64)
	for _, a := range c.args {
		size += int64(len(a)) + 24
	}
	if limit := c.srv.Settings().MaxQuery; limit > 0 && c.cl.queueLen+size > limit {
		c.wk.reject(c, "ERR the transaction exceeds client-query-buffer-limit")
		return
	}
	args := make([][]byte, len(c.args))
	for i, a := range c.args {
		args[i] = bytes.Clone(a)
		if args[i] == nil {
			args[i] = []byte{}
		}
	}
	c.cl.queue = append(c.cl.queue, queued{c.row, args})
	c.cl.queueLen += size
	c.cl.queueN.Store(int32(len(c.cl.queue)))
	c.w.Status("QUEUED")
}

func cmdExec(c *call) {
	cl := c.cl
	if !cl.multi {
		c.fail("ERR EXEC without MULTI")
		return
	}
	queue, watched, doomed := cl.queue, cl.watched, cl.doomed
	cl.dropQueue()
	cl.dropWatches()
	switch {
	case doomed:
		c.fail("EXECABORT Transaction discarded because of previous errors.")
		return
	case c.srv.Settings().MaxMemory > 0 && wantsMemory(queue) && c.srv.usedMemory() > c.srv.Settings().MaxMemory:
		c.fail("EXECABORT Transaction discarded because of: " + errOOM)
		return
	}
	x := exec{call: call{w: c.w, s: c.s, cl: cl, wk: c.wk, srv: c.srv, wall: c.wall,
		now: c.srv.store.Now(c.wall), inExec: true, txn: &c.wk.txn},
		queue: queue, watched: watched, mark: c.w.Len()}
	x.run()
	c.failed = x.err
}

func wantsMemory(queue []queued) bool {
	for i := range queue {
		if queue[i].row.has(denyoom) {
			return true
		}
	}
	return false
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
		pos, ok := part[i].row.keyPositions(part[i].args, nil)
		if ok {
			for _, p := range pos {
				keys = append(keys, t.Key(part[i].args[p]))
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
	if c.srv.monitors.any() && !c.row.has(skipMonitor) && !c.row.has(admin) {
		c.srv.monitors.feed(c)
	}
	mark := c.w.Len()
	if q.row.keyed() {
		c.Decide(c.txn)
	} else {
		q.row.run(c)
	}
	s := sample{row: q.row, hits: c.hits, misses: c.misses}
	if c.failed {
		s.failed, s.code = true, errorCodeAt(c.w, mark)
	}
	c.wk.sample(s)
}
