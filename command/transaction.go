package command

import (
	"bytes"
	"strings"
)

func transactionRows() []row {
	const base = noscript | loading | stale | queueless
	return []row{
		{name: "multi", arity: 1, flags: base | fast | allowBusy, run: cmdMulti,
			group: "transactions", since: "1.2.0", complexity: "O(1)",
			summary: "Begins a transaction: the commands that follow are queued until EXEC.", cats: "transaction"},
		{name: "exec", arity: 1, flags: base | skipSlowlog | endsMulti, run: cmdExec,
			group: "transactions", since: "1.2.0", complexity: "Depends on the queued commands.",
			summary: "Executes all queued commands at once.", cats: "transaction"},
		{name: "discard", arity: 1, flags: base | fast | allowBusy | endsMulti, run: cmdDiscard,
			group: "transactions", since: "2.0.0", complexity: "O(N) with N queued commands.",
			summary: "Forgets the queued commands and the watched keys.", cats: "transaction"},
		{name: "watch", arity: -2, flags: base | fast | allowBusy, first: 1, last: -1, step: 1,
			access: "RO", run: cmdWatch, after: watchFound, group: "transactions", since: "2.2.0", complexity: "O(1) for every key.",
			summary: "Lets the next EXEC succeed only if none of the keys has changed by then.", syntax: "key...", cats: "transaction"},
		{name: "unwatch", arity: 1, flags: noscript | loading | stale | fast | allowBusy | anywhere, run: cmdUnwatch,
			group: "transactions", since: "2.2.0", complexity: "O(1)",
			summary: "Forgets the watched keys.", cats: "transaction"},
	}
}

const (
	errExecAbort   = "EXECABORT Transaction discarded because of previous errors."
	errQueueTooBig = "ERR the transaction exceeds client-query-buffer-limit"
	errWatchTooBig = "ERR the watched keys exceed client-query-buffer-limit"
)

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

// watchCost is about what a watched key takes besides its name, watchScan up to
// how many are looked up by comparing them all.
const (
	watchCost = 64
	watchScan = 8
)

// cmdWatch runs in the turn of its keys and notes their versions.
func cmdWatch(c *call) {
	for _, k := range c.keys {
		c.versions = append(c.versions, watch{bytes.Clone(c.txn.Name(k)), c.txn.Version(k)})
	}
}

// watchFound has the client watch them. What one may watch is bounded as its
// queue is.
func watchFound(c *call) {
	cl := c.cl
	if cl.multi {
		c.fail("ERR WATCH inside MULTI is not allowed")
		return
	}
	size := int64(0)
	for i := range c.versions {
		size += int64(len(c.versions[i].name)) + watchCost
	}
	if limit := c.srv.Settings().MaxQuery; limit > 0 && cl.watchMem+size > limit {
		c.fail(errWatchTooBig)
		return
	}
	for _, v := range c.versions {
		if !cl.watches(v.name) {
			cl.watch(v.name, v.version)
		}
	}
	cl.watchN.Store(int32(len(cl.watched)))
	cl.weigh()
	c.w.OK()
}

func (cl *client) watch(name []byte, version uint64) {
	cl.watched = append(cl.watched, watch{name, version})
	cl.watchMem += int64(len(name)) + watchCost
	if len(cl.watched) < watchScan {
		return
	}
	if cl.watching == nil {
		cl.watching = map[string]struct{}{}
		for i := range cl.watched {
			cl.watching[string(cl.watched[i].name)] = struct{}{}
		}
	}
	cl.watching[string(name)] = struct{}{}
}

func (cl *client) watches(name []byte) bool {
	if cl.watching != nil {
		_, ok := cl.watching[string(name)]
		return ok
	}
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
// unfinished command is, by client-query-buffer-limit. A transaction that is
// doomed keeps nothing more.
func (c *call) enqueue() {
	cl := c.cl
	if cl.doomed {
		c.w.Status("QUEUED")
		return
	}
	size := int64(64 + wordBytes(c.args) + 24*len(c.args))
	if limit := c.srv.Settings().MaxQuery; limit > 0 && cl.queueMem.Load()+size > limit {
		c.wk.reject(c, errQueueTooBig)
		return
	}
	_, args := copyWords(nil, make([][]byte, 0, len(c.args)), c.args)
	cl.queue = append(cl.queue, queued{c.row, args})
	cl.queueHas |= c.row.flags
	cl.queueN.Store(int32(len(cl.queue)))
	cl.queueMem.Add(size)
	cl.weigh()
	c.w.Status("QUEUED")
}

// wantsMemory says whether a command is refused when there is no memory left.
// A client in MULTI is then refused everything but the ends of it, lest its
// queue grow.
func (cl *client) wantsMemory(r *row) bool {
	switch {
	case !cl.multi:
		return r.has(denyoom)
	case r.has(endsMulti):
		return r.full == "exec" && cl.queueHas&denyoom != 0
	}
	return true
}

// abortExec ends the transaction of an EXEC that is refused, and returns the
// error to reply. Monitors, which saw MULTI, see that it is over.
func (c *call) abortExec(why string) string {
	c.cl.dropQueue()
	c.cl.dropWatches()
	if c.srv.monitors.any() {
		c.srv.monitors.feed(c)
	}
	return "EXECABORT Transaction discarded because of: " + strings.TrimPrefix(why, "ERR ")
}
