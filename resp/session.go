package resp

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Verdict is what a Worker made of a command.
type Verdict uint8

const (
	// Done: the command was executed; its reply is written, or promised by
	// Session.Later.
	Done Verdict = iota
	// Stall: nothing was done. The command stays first in the session's
	// input, and is offered again after Session.Resume.
	Stall
)

// Handler executes commands. It is where meaning begins.
type Handler interface {
	// NewWorker is called once for each connection loop, and once for each
	// connection that has a goroutine of its own.
	NewWorker() Worker
}

// Worker executes the commands of one carrier: its calls never overlap.
type Worker interface {
	// Open and Close bracket a session's life.
	Open(s *Session)
	Close(s *Session)
	// Ahead names the commands, one or more, that the next calls of Do will
	// offer, in this order, until there is another call of Ahead: Do may end
	// before the last of them. It is for having the memory fetched that they
	// will need, and must have no effect that can be seen. cmds is valid, and
	// its arguments are those that Do is given, until the last Do returns.
	Ahead(s *Session, cmds [][][]byte)
	// Do executes one command. args is valid until it returns; args[0] exists.
	Do(s *Session, args [][]byte) Verdict
	// Flush ends a batch: commands of one or more sessions have been executed,
	// and the replies of this one are about to be sent. A gate says that they
	// must not be yet: they wait until it is settled. It takes the place of a
	// gate that the session waits at, so it must not open before that one would.
	Flush(s *Session) *Gate
	// Refused is asked when the gate at which replies wait has failed: the
	// error that is sent in their stead before the session is closed, or "" to
	// let them go.
	Refused(s *Session, err error) string
}

// transport is the socket below a session.
type transport interface {
	// write sends what it can; n < len(p) with no error means "not now".
	write(p []byte) (n int, err error)
	// flushed says whether closing now would lose nothing that write took.
	flushed() bool
	// interest says what the session waits for.
	interest(read, write bool)
	// post has the session's turn taken, from any goroutine.
	post(t task)
	// abort makes the socket fail, from any goroutine.
	abort()
	// close closes the socket; no turn is taken after it.
	close()
	// borrow and giveBack lend a session reply buffers for a turn.
	borrow() []byte
	giveBack(b []byte)
}

// task is a reason to take a session's turn other than bytes that arrived.
type task struct {
	s     *Session
	later *Later // this reply is known now
}

// replyMode is what CLIENT REPLY set.
type replyMode uint8

const (
	replyOn replyMode = iota
	replyOff
	replySkip     // the next reply is dropped
	replySkipNext // as replySkip, once this command is over
)

// Session is one client's connection. All methods but those marked "from any
// goroutine" may be called only in the session's turn: from Worker calls.
//
// Of its fields, those above the line are set before the first turn and never
// change, those below it belong to the turn, and the last group is guarded as
// it says.
type Session struct {
	id      int64
	created time.Time
	remote  string
	local   string
	unix    bool
	tls     bool
	srv     *Server
	tr      transport
	worker  Worker
	win     *window // the carrier's
	// ----
	State any // the handler's

	w        Writer
	scan     scanner
	in       []byte   // unfinished input, the session's own memory
	mapped   bool     // in is of mapBuffer
	drained  uint64   // see Drained
	keeping  bool     // the command being executed keeps its arguments
	kept     []*Kept  // input that commands keep which are not over
	laters   []*Later // promised replies, in order
	hold     *Later   // one that stops the input
	out      outQueue // replies that the socket did not take yet
	mem      int64    // what srv.mem counts for this session
	soft     time.Time
	mode     replyMode
	mark     int   // where in w.buf the output that mode drops begins
	ran      bool  // commands were executed since the last Flush
	gate     *Gate // replies wait at it; nil: at none
	asked    *Gate // the gate that knows of it
	promised int   // bytes of promised replies that are known and wait for others
	stalled  bool
	paused   bool // execution stopped with input left that may be whole commands
	trusted  bool
	closing  bool // executes nothing more, closes once all is written
	broken   bool // the socket failed
	gone     bool

	killed  atomic.Bool
	pubsub  atomic.Bool
	active  atomic.Int64 // unix ms of the last input
	qbuf    atomic.Int64
	obuf    atomic.Int64
	held    atomic.Int64 // bytes that the handler keeps for the client
	keep    atomic.Bool  // not closed when maxmemory-clients is exceeded
	oobMu   sync.Mutex   // guards oob
	oob     []byte       // messages for this client, whole frames
	waiting atomic.Bool
}

func (s *Session) init(srv *Server, tr transport, w Worker, win *window, remote, local string, unix bool) {
	s.id, s.created = srv.nextID.Add(1), time.Now()
	s.srv, s.tr, s.worker, s.win = srv, tr, w, win
	s.remote, s.local, s.unix = remote, local, unix
	s.w.proto = 2
	s.scan.reset()
	s.active.Store(s.created.UnixMilli())
}

// ready says whether the next command may be executed.
func (s *Session) ready() bool {
	return !s.closing && !s.broken && !s.stalled && s.hold == nil && len(s.laters) < maxLaters &&
		(s.gate == nil || len(s.w.buf) < flushAt) &&
		(s.backlog() == 0 || s.backlog() < s.srv.outputPause())
}

// backlog is how many bytes of replies wait: for the client, or for others that
// were promised before them.
func (s *Session) backlog() int {
	n := s.out.size + s.promised
	if len(s.laters) > 0 {
		n += len(s.w.buf)
	}
	return n
}

// brief says whether the session is to end when the client closes its side.
func (s *Session) brief() bool { return s.hold != nil && s.hold.brief }

// run takes new input, executes what is whole, and keeps the rest. fresh is
// the carrier's memory; nil means that the input is in s.in.
func (s *Session) run(fresh []byte) {
	buf := s.in
	own := true
	if len(s.in) == 0 {
		buf, own = fresh, false
	} else if len(fresh) > 0 {
		s.addInput(fresh)
		buf = s.in
	}
	if s.w.buf == nil {
		s.w.buf = s.tr.borrow()
	}
	lim := s.srv.Limits()
	s.w.max = hardMax(s.limit(lim))
	n := s.execute(buf, lim)
	rest := buf[n:]
	if len(rest) == 0 {
		s.drained++
	}
	if len(rest) > lim.MaxQuery {
		s.srv.log.Warn("closing client: its unfinished command exceeds client-query-buffer-limit",
			"id", s.id, "addr", s.remote, "bytes", len(rest))
		s.closing, rest = true, nil
	}
	switch {
	case s.closing || len(rest) == 0:
		s.dropInput()
	case own && s.in != nil: // else a command keeps it
		s.in = s.in[:copy(s.in, rest)]
	default:
		s.in = append(s.srv.buffers.get(len(rest)), rest...)
	}
}

// execute runs the whole commands at the front of buf and returns how many
// bytes they were. A panic of a handler ends the session, not the node.
func (s *Session) execute(buf []byte, lim *Limits) (off int) {
	defer func() {
		if p := recover(); p != nil {
			s.win.drop()
			s.panicked(&s.w, p)
			off = len(buf)
		}
	}()
	win := s.win
	for off < len(buf) && s.ready() {
		if err := win.fill(s, buf[off:], lim); err != nil {
			s.w.Error("ERR " + err.Error())
			s.closing = true
			return len(buf)
		}
		if win.n == 0 {
			off += win.used
			break
		}
		s.worker.Ahead(s, win.cmds[:win.n])
		trusted := s.trusted
		done := s.runWindow()
		win.drop()
		if done < win.used || s.trusted != trusted {
			s.scan.reset() // it may have begun on a command behind those executed
		}
		off += done
		if done < win.used {
			break
		}
	}
	s.paused = off < len(buf) && !s.ready()
	return off
}

// runWindow executes the window's commands for as long as the session is ready,
// and returns how much of the window's input that was.
func (s *Session) runWindow() (off int) {
	win := s.win
	for i := range win.n {
		if i > 0 && !s.ready() || !s.command(win.cmds[i]) {
			return off
		}
		off = win.ends[i]
		if len(s.w.buf) >= flushAt && len(s.laters) == 0 {
			s.flush()
		}
	}
	return win.used
}

// panicked ends a session whose command has panicked.
func (s *Session) panicked(w *Writer, p any) {
	s.srv.log.Error("a command panicked; its client is closed", "id", s.id,
		"addr", s.remote, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	w.Error("ERR internal error; see the server's log")
	s.closing = true
}

// command executes one whole command. It reports whether it was consumed.
func (s *Session) command(args [][]byte) bool {
	promised := len(s.laters)
	s.mark = len(s.w.buf)
	s.ran, s.keeping = true, false
	if s.do(args) == Stall {
		s.stalled = true
		return false
	}
	if s.mode != replyOn {
		s.silence(promised)
	}
	if s.w.over {
		s.tooLong()
	}
	return true
}

// tooLong closes a session for which a reply became too long: nothing of it is
// sent, since it is not whole.
func (s *Session) tooLong() {
	s.srv.log.Warn("closing client: its reply exceeds client-output-buffer-limit", "id", s.id, "addr", s.remote)
	s.closing, s.broken = true, true
}

func (s *Session) do(args [][]byte) Verdict {
	v := s.worker.Do(s, args)
	if scribble && v != Stall && !s.keeping {
		for _, a := range args {
			for i := range a {
				a[i] = '!'
			}
		}
	}
	return v
}

// silence drops the reply of the command just executed, as CLIENT REPLY asked.
func (s *Session) silence(promised int) {
	s.hush()
	switch s.mode {
	case replySkipNext:
		s.mode = replySkip
		return
	case replySkip:
		s.mode = replyOn
	}
	if len(s.laters) > promised {
		s.laters[len(s.laters)-1].silent = true
	}
}

// hush drops what the command has written so far and is not to be sent.
func (s *Session) hush() {
	if (s.mode == replyOff || s.mode == replySkip) && s.mark <= len(s.w.buf) {
		s.w.Truncate(s.mark)
	}
}

// settle ends a turn: writes what is known, goes on with input that had to wait
// for that, then says what to wait for, or closes the session.
func (s *Session) settle() {
	if s.killed.Load() {
		s.broken = true
	}
	if s.srv.draining.Load() {
		s.closing = true
	}
	s.flush()
	for s.paused && s.ready() {
		s.run(nil)
		s.flush()
	}
	if s.broken || s.closing && s.out.size == 0 && len(s.laters) == 0 && len(s.w.buf) == 0 && s.tr.flushed() {
		s.teardown()
		return
	}
	if s.w.buf != nil && len(s.w.buf) == 0 && len(s.laters) == 0 {
		s.tr.giveBack(s.w.buf)
		s.w.buf = nil
	}
	s.account()
	s.tr.interest(s.ready(), s.out.size > 0)
}

// account publishes the session's memory and holds it against the limits.
func (s *Session) account() {
	q, o := int64(cap(s.in)+s.keptBytes()), int64(s.out.held+cap(s.w.buf)+s.promised)
	s.qbuf.Store(q)
	s.obuf.Store(o)
	size := q + o + s.held.Load()
	if delta := size - s.mem; delta != 0 {
		s.mem = size
		total := s.srv.mem.Add(delta)
		if limit := s.srv.Limits().ClientMemory; limit > 0 && delta > 0 && total > limit {
			s.srv.evictLargest()
		}
	}
}

func (s *Session) teardown() {
	if s.gone {
		return
	}
	s.gone = true
	s.worker.Close(s)
	s.worker.Flush(s)
	s.dropInput()
	s.orphanKept()
	s.srv.mem.Add(-s.mem)
	s.srv.forget(s)
	s.tr.close()
	s.out, s.w.buf, s.laters = outQueue{}, nil, nil
}

// take handles a task in the session's turn, before run and settle.
func (s *Session) take(t task) {
	if l := t.later; l != nil {
		s.learn(l)
	}
	if s.waiting.Swap(false) {
		s.stalled = false
	}
}
