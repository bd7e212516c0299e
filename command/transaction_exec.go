package command

import (
	"bytes"
	"time"

	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
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
	x := &exec{call: call{w: c.w, s: c.s, cl: cl, wk: c.wk, srv: c.srv, wall: c.wall, view: c.view,
		now: c.srv.store.Now(c.wall), inExec: true, txn: c.wk.txn},
		queue: queue, watched: watched, mark: c.w.Len(), last: c.wk.now()}
	x.call.exec = x
	x.run()
	c.failed = x.err
	if x.later != nil {
		c.pending = true
		x.outer, x.began = *c, c.wk.now()
		_, x.outer.args = copyWords(nil, nil, c.args)
	}
}

// exec executes a queue. Commands on keys, with those that may run anywhere
// between them, are one transaction of the store. A command that asks the
// store for more than its keys (KEYS, FLUSHALL, DBSIZE, …) stands between two:
// then what comes before and after it is atomic, each for itself.
//
// Where it would have to wait for a disk it stops (suspend): the session's next
// commands wait, the replies are promised, and resume goes on in a later turn.
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

	// What follows is for an EXEC that had to wait. While its transaction is
	// away, replies, ends and late are that one's, and only land may change.
	later   *resp.Later
	land    func()       // what is to be done, in the session's turn, once the wait is over
	replies *resp.Writer // where they go meanwhile
	ends    []ending     // of the segment's commands
	late    bool         // a watched key had changed
	outer   call         // EXEC itself
	began   time.Time
	order   coordinator.Call // in a cluster
}

// ending is how a command ended whose turn was had elsewhere.
type ending struct {
	reply        int // where its reply ends in exec.replies
	took         time.Duration
	failed       bool
	hits, misses int32
}

// run goes on until all is done, or something has to be waited for.
func (x *exec) run() {
	for first := !x.begun; x.land == nil && (first || len(x.queue) > 0) && !x.aborted && !x.err; first = false {
		n := 0
		for n < len(x.queue) && x.queue[n].row.inTurn() {
			n++
		}
		if n > 0 || first {
			part := x.queue[:n]
			x.queue = x.queue[n:]
			x.segment(part)
			continue
		}
		q := &x.queue[0]
		x.queue = x.queue[1:]
		x.last = time.Now()
		x.one(q, nil)
	}
}

// inTurn says whether a queued command may run within the turn of keys.
func (r *row) inTurn() bool { return r.keyed() || r.has(anywhere) }

// segment runs commands as one transaction. The first one checks the watched
// keys, too.
func (x *exec) segment(part []queued) {
	t, srv := x.call.txn, x.call.srv
	t.Reset(srv.store, x.mode(part), x.call.now, x)
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
	if srv.copies == nil && !x.large() && srv.store.Try(t) {
		x.ended()
		return
	}
	x.suspend(x.landed)
	srv.inFlight.Add(1)
	if srv.copies == nil {
		srv.store.Start(t, execAway{x})
		return
	}
	x.order = coordinator.Call{Txn: t, Step: execAway{x}, Quorum: x.call.cl.quorum}
	if t.Writes() {
		x.order.Written = x.call.cl.writes()
	}
	srv.copies.Start(&x.order)
}

// mode is what the transaction of a segment needs. In a cluster, where it makes a
// difference, one that only reads says so.
func (x *exec) mode(part []queued) replicaMode {
	if x.call.srv.copies == nil {
		return replica.Write
	}
	for i := range part {
		if r := part[i].row; r.keyed() && r.any(write|mayReplicate) {
			return replica.Write
		}
	}
	return replica.Read
}

// ended notes how the transaction of a segment ended; true for well.
func (x *exec) ended() bool {
	x.call.wk.told(x.call.cl, x.call.txn.Pos(), x.call.txn.Writes())
	x.call.wk.changed += int64(x.call.txn.Changes())
	err := x.call.txn.Err()
	if err != nil {
		x.call.w.Truncate(x.mark)
		x.call.w.Error(storeError(err))
		x.err = true
	}
	return err == nil
}

// overtaken says whether a watched key has changed.
func (x *exec) overtaken(t *replica.Txn) bool {
	for i, k := range x.checks {
		if t.Version(k) != x.watched[i].version {
			return true
		}
	}
	return false
}

// begin replies how many replies follow, or that there are none.
func (x *exec) begin(overtaken bool) {
	switch {
	case x.begun:
	case overtaken:
		x.aborted = true
		x.call.w.NullArray()
	default:
		x.begun = true
		x.call.w.Array(len(x.part) + len(x.queue))
	}
}

// Decide implements replica.Step, for a segment that need not wait.
func (x *exec) Decide(t *replica.Txn) {
	x.begin(!x.begun && x.overtaken(t))
	if x.aborted {
		return
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
	if x.land != nil {
		return // it waits, see await
	}
	now := time.Now()
	c.wk.executed(c, now.Sub(x.last), mark)
	x.last = now
}

// suspend has EXEC wait for something that calls later.Done; land is called in
// the session's turn then. What was replied so far becomes the beginning of a
// promised reply.
func (x *exec) suspend(land func()) {
	x.land = land
	if x.later == nil {
		c := &x.call
		said := bytes.Clone(c.w.Bytes()[x.mark:])
		c.w.Truncate(x.mark)
		x.mark = 0
		x.later = c.s.Later(true)
		x.later.Then(x.resume)
		c.w = x.later.Writer()
		c.w.Raw(said)
		c.wk.txn = new(replica.Txn) // this EXEC keeps the one that it has
	}
	x.replies = resp.NewWriter(x.call.w.Proto(), nil)
}

// resume goes on, in the session's turn; false if EXEC waits again.
func (x *exec) resume() bool {
	wk, land := x.call.wk, x.land
	wk.begin()
	x.land = nil
	land()
	x.replies = nil
	x.run()
	if x.land != nil {
		return false
	}
	x.outer.w, x.outer.failed = x.call.w, x.err
	wk.executed(&x.outer, time.Since(x.began), 0)
	return true
}

// execAway is the step of a segment whose turn is not had at once.
type execAway struct{ *exec }

// Decide implements replica.Step, on another goroutine: it runs the commands on keys,
// whose replies go aside. It may be called again, as started.Decide may.
func (x execAway) Decide(t *replica.Txn) {
	x.replies.Truncate(0)
	x.ends = x.ends[:0]
	if x.late = !x.begun && x.overtaken(t); x.late {
		return
	}
	c := call{w: x.replies, srv: x.call.srv, now: x.call.now, wall: x.call.wall, inExec: true, txn: t}
	for i := range x.part {
		q := &x.part[i]
		if q.row.keyed() {
			began := time.Now()
			c.row, c.args, c.keys, c.failed, c.hits, c.misses = q.row, q.args, x.indexes[i], false, 0, 0
			c.srv.onPool(&c, t, func() { c.decideLate(t) })
			x.ends = append(x.ends, ending{c.w.Len(), time.Since(began), c.failed, c.hits, c.misses})
		} else {
			x.ends = append(x.ends, ending{reply: c.w.Len()})
		}
	}
}

// Done implements replica.Step, on any goroutine.
func (x execAway) Done(t *replica.Txn) {
	srv := x.call.srv
	t.Trim()
	x.later.Done()
	srv.inFlight.Done()
}

// landed puts the replies of a segment that was away in their places, and runs
// those of its commands that are not on keys: what they do may belong to the
// session.
func (x *exec) landed() {
	if !x.ended() {
		return
	}
	x.begin(x.late)
	if x.aborted {
		return
	}
	from := 0
	for i, end := range x.ends {
		q, c := &x.part[i], &x.call
		if !q.row.keyed() {
			x.last = time.Now()
			x.one(q, nil)
			continue
		}
		mark := c.w.Len()
		c.w.Raw(x.replies.Bytes()[from:end.reply])
		from = end.reply
		c.row, c.args, c.keys, c.failed, c.hits, c.misses = q.row, q.args, nil, end.failed, end.hits, end.misses
		c.wk.executed(c, end.took, mark)
	}
}

// await has a queued command's job done in the background. What the job replies
// follows what is there.
func (x *exec) await(job job) {
	c, srv, began := &x.call, x.call.srv, time.Now()
	var err error
	x.suspend(func() {
		mark := c.w.Len()
		if err != nil {
			c.fail(storeError(err))
		} else {
			c.w.Raw(x.replies.Bytes())
		}
		c.wk.executed(c, time.Since(began), mark)
	})
	w, name := x.replies, c.row.full
	srv.background.start(func() {
		defer x.later.Done()
		err = srv.guarded(name, job, w)
	})
}
