package command

import (
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// worker executes the commands of one connection loop, one after another.
type worker struct {
	srv     *Server
	call    call
	txn     *replica.Txn
	began   time.Time     // when this batch began; zero: not yet
	spent   time.Duration // from then until its last command ended
	samples []sample      // of this batch
	frame   []byte        // memory for a message that is being encoded
	spare   []*started    // at most keepStarted
	ahead   ahead         // what is known of the commands that come next

	changed int64 // keys that its sessions have changed, and the store was not told of

	upTo    engine.Position // what its sessions' replies tell of, at most
	gate    *resp.Gate      // the last one that replies had to wait at
	gatePos engine.Position // which is for everything up to here
}

func newWorker(s *Server) *worker { return &worker{srv: s, txn: new(replica.Txn)} }

// Open implements resp.Worker.
func (w *worker) Open(s *resp.Session) {
	cl := newClient(s)
	cl.login(w.srv.Settings().RequirePass == "")
	s.State = cl
	w.srv.clients.add(cl)
}

// Close implements resp.Worker.
func (w *worker) Close(s *resp.Session) {
	cl := clientOf(s)
	w.srv.clients.remove(cl)
	w.srv.hub.leave(cl)
	w.srv.monitors.remove(cl)
	w.srv.pause.forget(s)
	w.srv.starting.forget(s)
	w.srv.waits.forget(s)
}

// Flush implements resp.Worker: it publishes the batch's figures, and says
// whether the session's replies may be sent.
func (w *worker) Flush(s *resp.Session) *resp.Gate {
	now := w.now()
	w.began = time.Time{}
	w.noteChanges()
	if len(w.samples) > 0 {
		w.srv.admin.observe(w.srv, now)
		w.srv.stats.add(w.samples)
		w.samples = w.samples[:0]
	}
	return w.gateFor(clientOf(s).told)
}

// Do implements resp.Worker.
func (w *worker) Do(s *resp.Session, args [][]byte) resp.Verdict {
	w.begin()
	c := &w.call
	*c = call{w: s.Writer(), args: args, s: s, cl: clientOf(s), wk: w, srv: w.srv, wall: w.now(), view: w.srv.topology.Load(),
		keys: c.keys[:0], pos: c.pos[:0]}
	hint := w.ahead.take(args)
	r, ok := hint.row, true
	if r == nil {
		r, ok = w.srv.table.lookup(args)
	}
	c.key = hint.key
	c.cl.last.Store(r)
	if r == nil || !ok || !r.arityOK(len(args)) {
		w.malformed(c, r, ok)
		return resp.Done
	}
	c.row = r
	if f := &c.cl.flights; len(f.keys) > 0 && f.groundsAll(w.srv.flightOf(r), w.srv.copies != nil) {
		return f.wait(0)
	}
	if c.view != nil && c.view.early {
		if w.srv.starting.holds(c) {
			return resp.Stall
		}
		c.view = w.srv.topology.Load()
	}
	if refusal := w.refuse(c); refusal != "" {
		w.reject(c, refusal)
		return resp.Done
	}
	if w.srv.pause.holds(c) {
		return resp.Stall
	}
	if c.cl.multi && !r.has(queueless) {
		c.enqueue()
		return resp.Done
	}
	return w.execute(c)
}

// malformed answers what is no command of the table.
func (w *worker) malformed(c *call, r *row, subKnown bool) {
	switch {
	case r == nil && (c.is(0, "POST") || c.is(0, "HOST:")):
		// A browser was made to talk to this port: see Redis's
		// cross-protocol scripting protection.
		w.srv.log.Warn("closing a connection that speaks HTTP: possibly a cross-protocol attack",
			"addr", c.s.Remote())
		c.s.Hangup()
		return
	case r == nil:
		w.reject(c, unknownCommand(c.args))
	case !subKnown:
		w.reject(c, "ERR unknown subcommand '"+excerpt(c.args[1], 128)+"'. Try "+upper(r.name)+" HELP.")
	default:
		c.row = r
		w.reject(c, "ERR wrong number of arguments for '"+r.full+"' command")
	}
}

// unknownCommand is the error for a name that is no command, with the start of
// its arguments, as Redis words it.
func unknownCommand(args [][]byte) string {
	var rest []byte
	for _, a := range args[1:] {
		if len(rest) >= 128 {
			break
		}
		rest = append(rest, "'"+excerpt(a, 128-len(rest))+"' "...)
	}
	return "ERR unknown command '" + excerpt(args[0], 128) + "', with args beginning with: " + string(rest)
}

// refuse is why a well-formed command must not be executed now, or "".
func (w *worker) refuse(c *call) string {
	r, cl := c.row, c.cl
	if !cl.authed {
		// Where the password was taken away, strangers are as good as others.
		open := w.srv.Settings().RequirePass == ""
		c.s.SetTrusted(open)
		if !open && !r.has(noAuth) {
			return "NOAUTH Authentication required."
		}
	}
	if cl.multi && r.has(noMulti) {
		return "ERR Command not allowed inside a transaction"
	}
	if c.view != nil {
		if where := c.route(); where != "" {
			return where
		}
	}
	if cl.wantsMemory(r) && w.srv.outOfMemory(0) {
		return errOOM
	}
	if cl.subscriptions() > 0 && c.w.Proto() == 2 && !r.has(subscribed) {
		return "ERR Can't execute '" + r.full + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
	}
	if cl.monitor && r.any(write|readonly|mayReplicate) {
		return "ERR Replica can't interact with the keyspace"
	}
	return ""
}

// reject answers a command that is not executed. In a MULTI it dooms EXEC; an
// EXEC that is rejected itself ends the transaction.
func (w *worker) reject(c *call, text string) {
	if c.row != nil && c.row.full == "exec" && !c.ended {
		text = c.abortExec(text)
	}
	c.w.Error(text)
	if c.cl.multi {
		c.cl.doomed = true
	}
	w.sample(sample{row: c.row, code: errorCode(text), rejected: true})
}

// execute runs a command and takes its time.
func (w *worker) execute(c *call) resp.Verdict {
	r := c.row
	mark := c.w.Len()
	if r.onValues() {
		if w.onKeys(c) == resp.Stall {
			return resp.Stall
		}
	} else {
		w.noteChanges() // it may ask for them
		c.now = w.srv.store.Now(c.wall)
		r.run(c)
	}
	end := time.Since(w.began)
	took := end - w.spent
	w.spent = end
	if !c.pending {
		w.executed(c, took, mark)
	}
	return resp.Done
}

// noteChanges tells the store how many keys were changed.
func (w *worker) noteChanges() {
	if w.changed > 0 {
		w.srv.store.Changed(w.changed)
		w.changed = 0
	}
}

// begin reads the clock if a batch begins.
func (w *worker) begin() {
	if w.began.IsZero() {
		w.began, w.spent = time.Now(), 0
	}
}

// now is when the last command of the batch ended, or the batch began. Only the
// first reading of a batch asks the system for the wall clock too, which costs
// as much again.
func (w *worker) now() time.Time { return w.began.Add(w.spent) }

// executed remembers a command that took some time, and whose reply begins at
// mark.
func (w *worker) executed(c *call, took time.Duration, mark int) {
	r := c.row
	x := sample{row: r, took: took, hits: c.hits, misses: c.misses}
	if c.failed {
		x.failed, x.code = true, errorCodeAt(c.w, mark)
	}
	w.sample(x)
	if w.srv.monitors.any() {
		w.srv.monitors.feed(c)
	}
	if set := w.srv.Settings(); !r.has(skipSlowlog) && (set.SlowlogThan >= 0 && took >= set.SlowlogThan ||
		set.LatencyThreshold > 0 && took >= set.LatencyThreshold) {
		w.slow(c, took, set)
	}
}

// slow remembers a slow command.
func (w *worker) slow(c *call, took time.Duration, set *Settings) {
	if set.SlowlogThan >= 0 && took >= set.SlowlogThan {
		w.srv.slowlog.add(c, took, set.SlowlogMax)
	}
	if set.LatencyThreshold > 0 && took >= set.LatencyThreshold {
		w.srv.latency.add(c, took)
	}
}

// onKeys runs a command in the turn of its keys. Where that would take long, for
// other nodes, for a disk or for a large value, it is started, and ends later.
func (w *worker) onKeys(c *call) resp.Verdict {
	w.claim(c)
	if c.txn.Len() == 0 {
		c.row.run(c) // the arguments are wrong: the handler says how
		return resp.Done
	}
	if f := &c.cl.flights; len(f.keys) > 0 {
		if hash, yes := f.inTheWay(c.txn, w.srv.flightOf(c.row), w.srv.overwrites(c.row, c.args)); yes {
			return f.wait(hash)
		}
	}
	mark := c.w.Len()
	if w.srv.copies == nil && !c.large() && w.srv.store.Try(c.txn) {
		w.ended(c, mark)
	} else {
		w.start(c)
	}
	return resp.Done
}

// claim begins a command's transaction, with its keys.
func (w *worker) claim(c *call) {
	c.now = w.srv.store.Now(c.wall)
	c.txn = w.txn
	c.txn.Reset(w.srv.store, c.row.mode(c.args), c.now, c)
	if c.key.Name != nil {
		c.keys = append(c.keys, c.txn.First(c.key))
	} else if pos, ok := c.row.keyPositions(c.args, c.pos); ok {
		c.pos = pos
		for _, p := range pos {
			c.keys = append(c.keys, c.txn.Key(c.args[p]))
		}
	}
}

// ended does, in the session's turn, what is left of a command once that of its
// keys is over. Its reply begins at mark.
func (w *worker) ended(c *call, mark int) {
	w.told(c.cl, c.txn.Pos(), c.txn.Writes())
	w.changed += int64(c.txn.Changes())
	if err := c.txn.Err(); err != nil {
		c.w.Truncate(mark)
		c.fail(storeError(err))
		return
	}
	if c.row.after != nil && !c.failed {
		c.row.after(c)
	}
}

// mode is what the row's transaction needs for these words.
func (r *row) mode(args [][]byte) replicaMode {
	switch {
	case r.blindTo(args):
		return replica.Blind
	case r.has(write), r.has(mayReplicate):
		return replica.Write
	}
	return replica.Read
}

// Decide implements replica.Step.
func (c *call) Decide(t *replica.Txn) {
	for _, k := range c.keys {
		if t.Corrupt(k) && !c.row.blindTo(c.args) {
			c.fail("ERR the value of a key is damaged: it does not match its checksum")
			return
		}
	}
	c.row.run(c)
	if c.row.has(readonly) && !c.failed {
		c.countLookups(t)
	}
}

// countLookups notes how many of the keys that a command asked for were there.
func (c *call) countLookups(t *replica.Txn) {
	for _, k := range c.keys {
		if t.Exists(k) {
			c.hits++
		} else {
			c.misses++
		}
	}
}

// Done implements replica.Step.
func (c *call) Done(*replica.Txn) {}

func (w *worker) sample(x sample) { w.samples = append(w.samples, x) }
