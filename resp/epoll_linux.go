package resp

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// loop serves many sessions: it waits for sockets with epoll, and for tasks
// from other goroutines with an eventfd.
//
// Everything in it belongs to the goroutine of the runner that has it, but for
// what mu guards, and owner. A session of the loop has its turn when the
// goroutine handles one of its events.
type loop struct {
	srv        *Server
	worker     Worker
	ep         int
	wakeFD     int
	conns      map[int32]*fdConn
	rbuf       []byte
	win        window
	spare      [][]byte // reply buffers to lend, spareBytes together
	spareBytes int
	tasks      []task    // being handled
	turns      []*fdConn // had an event, and wait for the end of their turn

	owner atomic.Pointer[runner] // who is to have it: see crew
	awake atomic.Bool            // the goroutine will look at queue before it sleeps
	mu    sync.Mutex             // guards what follows
	queue []task
	fresh []*fdConn // connections to begin serving
	stop  bool
	ended bool // wakeFD is closed
}

// fdConn is the transport of a session on a loop.
type fdConn struct {
	s      Session
	l      *loop
	fd     int
	events uint32
}

const idleEvents = unix.EPOLLRDHUP

func newLoop(srv *Server) (*loop, error) {
	ep, wake, err := newWaker()
	if err != nil {
		return nil, err
	}
	l := &loop{srv: srv, worker: srv.handler.NewWorker(), ep: ep, wakeFD: wake,
		conns: map[int32]*fdConn{}, rbuf: make([]byte, readSize)}
	l.awake.Store(true)
	return l, nil
}

// adopt takes a connection over from the net package. It reports false if the
// connection has no file descriptor to take.
func (l *loop) adopt(nc net.Conn) bool {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	fd := -1
	raw.Control(func(orig uintptr) {
		fd, err = unix.FcntlInt(orig, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err != nil || fd < 0 {
		return false
	}
	remote, local, isUnix := endpoints(nc)
	nc.Close()
	c := &fdConn{l: l, fd: fd}
	c.s.init(l.srv, c, l.worker, &l.win, remote, local, isUnix)
	l.mu.Lock()
	l.fresh = append(l.fresh, c)
	l.mu.Unlock()
	l.wake()
	return true
}

// begin starts serving a connection, on the loop's goroutine.
func (l *loop) begin(c *fdConn) {
	c.events = unix.EPOLLIN | idleEvents
	ev := unix.EpollEvent{Events: c.events, Fd: int32(c.fd)}
	if !l.srv.remember(&c.s) {
		unix.Close(c.fd)
		return
	}
	if err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, c.fd, &ev); err != nil {
		l.srv.log.Error("epoll refused a connection", "err", err)
		l.srv.forget(&c.s)
		unix.Close(c.fd)
		return
	}
	l.conns[int32(c.fd)] = c
	l.worker.Open(&c.s)
}

// handle serves the sockets that are ready: one round of the loop. wakeFD is
// that of the runner.
func (l *loop) handle(events []unix.EpollEvent, wakeFD int) {
	for i := range events {
		ev := &events[i]
		if c := l.conns[ev.Fd]; c != nil {
			c.event(ev.Events)
			l.turns = append(l.turns, c)
		} else if fd := int(ev.Fd); fd == l.wakeFD || fd == wakeFD {
			drain(fd)
		}
	}
	// Replies are sent when all the commands at hand were executed, so that
	// one Flush of the worker serves them all.
	for i, c := range l.turns {
		c.s.settle()
		l.turns[i] = nil
	}
	l.turns = l.turns[:0]
}

// end closes the loop and its connections.
func (l *loop) end() {
	for _, c := range l.conns {
		c.s.broken = true
		c.s.settle()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.release()
}

func (l *loop) release() {
	unix.Close(l.ep)
	unix.Close(l.wakeFD)
}

// pending says whether collect would have something to do.
func (l *loop) pending() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0 || len(l.fresh) > 0 || l.stop
}

// try reports an error that leaves the loop deaf: it cannot happen unless
// memory or file numbers have run out.
func (l *loop) try(err error) {
	if err != nil {
		l.srv.log.Error("epoll refused to watch", "err", err)
	}
}

// collect handles what other goroutines posted; false when the loop is to end.
func (l *loop) collect() bool {
	l.mu.Lock()
	l.tasks, l.queue = l.queue, l.tasks[:0]
	fresh, stop := l.fresh, l.stop
	l.fresh = nil
	l.mu.Unlock()
	for _, c := range fresh {
		if stop {
			unix.Close(c.fd)
			continue
		}
		l.begin(c)
	}
	for _, t := range l.tasks {
		if s := t.s; !s.gone {
			s.take(t)
		}
	}
	for i, t := range l.tasks {
		if s := t.s; !s.gone {
			s.settle()
		}
		l.tasks[i] = task{}
	}
	return !stop
}

func (c *fdConn) event(ev uint32) {
	s := &c.s
	if ev&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) != 0 && !s.broken {
		c.receive(ev)
	}
}

// receive reads once; epoll tells again when there is more.
func (c *fdConn) receive(ev uint32) {
	s := &c.s
	if !s.ready() && ev&(unix.EPOLLHUP|unix.EPOLLERR) == 0 {
		// A client that only closed its side still gets its replies.
		s.broken = s.broken || s.brief() && ev&unix.EPOLLRDHUP != 0
		return
	}
	own := len(s.in) > 0
	buf := c.l.rbuf
	if own {
		buf = s.growInput()
		buf = buf[:min(len(buf), turnBytes)]
	}
	n, errno := rawRead(c.fd, buf)
	if n < 0 {
		if errno != unix.EAGAIN && errno != unix.EINTR {
			s.broken = true
		}
		return
	}
	if n == 0 {
		s.closing = true
		s.dropInput()
		if ev&unix.EPOLLHUP != 0 {
			s.broken = true // closed on both sides: nobody will read replies
		}
		return
	}
	s.srv.netIn.Add(int64(n))
	s.active.Store(nowMilli())
	if own {
		s.in = s.in[:len(s.in)+n]
		s.run(nil)
		return
	}
	s.run(buf[:n])
}

// write sends no more than turnBytes: epoll tells when the socket takes more, and
// others are served before.
func (c *fdConn) write(p []byte) (int, error) {
	sent := 0
	p = p[:min(len(p), turnBytes)]
	for sent < len(p) {
		n, errno := rawWrite(c.fd, p[sent:])
		switch {
		case n > 0:
			sent += n
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return sent, nil
		default:
			return sent, errno
		}
	}
	return sent, nil
}

func (c *fdConn) interest(read, write bool) {
	want := uint32(0)
	if read {
		want |= unix.EPOLLIN | idleEvents
	} else if c.s.brief() {
		want |= unix.EPOLLRDHUP
	}
	if write {
		want |= unix.EPOLLOUT
	}
	if want == c.events {
		return
	}
	c.events = want
	ev := unix.EpollEvent{Events: want, Fd: int32(c.fd)}
	if err := unix.EpollCtl(c.l.ep, unix.EPOLL_CTL_MOD, c.fd, &ev); err != nil {
		c.s.broken = true
	}
}

func (c *fdConn) post(t task) {
	c.l.mu.Lock()
	c.l.queue = append(c.l.queue, t)
	c.l.mu.Unlock()
	c.l.wake()
}

// flushed is true: what write took is the kernel's.
func (c *fdConn) flushed() bool { return true }

// abort does nothing: the turn that Kill posts closes the socket.
func (c *fdConn) abort() {}

func (c *fdConn) close() {
	delete(c.l.conns, int32(c.fd))
	unix.Close(c.fd)
}

func (c *fdConn) borrow() []byte {
	l := c.l
	if n := len(l.spare); n > 0 {
		b := l.spare[n-1]
		l.spare = l.spare[:n-1]
		l.spareBytes -= cap(b)
		return b
	}
	return make([]byte, 0, bufferSize)
}

func (c *fdConn) giveBack(b []byte) {
	l := c.l
	if cap(b) <= keepBuffer && l.spareBytes+cap(b) <= keepSpare {
		l.spare = append(l.spare, b[:0])
		l.spareBytes += cap(b)
		return
	}
	l.srv.dropped(b)
}

// wake has the loop look at its queue soon. Replies may become known after the
// loop has ended: by then its file descriptor may be somebody else's file.
func (l *loop) wake() {
	if l.awake.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	signal(l.wakeFD)
}

func (l *loop) halt() {
	l.mu.Lock()
	l.stop = true
	l.mu.Unlock()
	l.wake()
}
