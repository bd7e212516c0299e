package resp

import (
	"cmp"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// netConn is the transport of a session with goroutines of its own: one that
// reads, one more while tasks wait, and one while something is written. It
// serves TLS, and systems without epoll.
//
// turn is held by whichever of the first two has the session's turn; no lock is
// held while reading or writing. abort makes both fail.
type netConn struct {
	s    Session
	nc   net.Conn
	turn sync.Mutex
	wake chan struct{} // a paused reader looks again; capacity 1

	mu    sync.Mutex // guards what follows
	queue []task
	pump  bool // a goroutine is at the queue
	// The writer has wbuf while writing is set; failed is how it ended.
	writing bool
	wbuf    []byte
	failed  error
	over    bool // the session is closed: tasks are dropped
}

// handshakeTime bounds how long a TLS client may take to introduce itself.
const handshakeTime = 10 * time.Second

// serveConn serves a connection with a goroutine of its own.
func (s *Server) serveConn(nc net.Conn) {
	c := &netConn{nc: nc, wake: make(chan struct{}, 1)}
	remote, local, isUnix := endpoints(nc)
	c.s.init(s, c, s.handler.NewWorker(), new(window), remote, local, isUnix)
	_, c.s.tls = nc.(*tls.Conn)
	if !s.remember(&c.s) {
		nc.Close()
		return
	}
	s.wg.Go(c.read)
}

func (c *netConn) read() {
	s := &c.s
	c.turn.Lock()
	s.worker.Open(s)
	c.turn.Unlock()
	if t, ok := c.nc.(*tls.Conn); ok {
		t.SetDeadline(time.Now().Add(handshakeTime))
		if err := t.Handshake(); err != nil {
			s.srv.log.Debug("TLS handshake failed", "addr", s.remote, "err", err)
			c.received(nil, err)
			return
		}
		t.SetDeadline(time.Time{})
	}
	buf := make([]byte, bufferSize)
	for {
		n, err := c.nc.Read(buf)
		if !c.received(buf[:n], err) {
			return
		}
	}
}

// received takes the turn with new input; false when the session is over.
func (c *netConn) received(b []byte, err error) bool {
	s := &c.s
	c.turn.Lock()
	defer c.turn.Unlock()
	if s.gone {
		return false
	}
	if len(b) > 0 {
		s.srv.netIn.Add(int64(len(b)))
		s.active.Store(nowMilli())
		s.run(b)
	}
	if err != nil {
		s.closing = true
		s.broken = s.broken || s.brief()
		s.dropInput()
	}
	s.settle()
	for !s.gone && !s.ready() && !s.brief() {
		c.turn.Unlock()
		<-c.wake
		c.turn.Lock()
	}
	return !s.gone
}

// pumpTasks takes the turn for queued tasks until there are none.
func (c *netConn) pumpTasks() {
	s := &c.s
	for {
		c.mu.Lock()
		tasks := c.queue
		c.queue = nil
		c.pump = len(tasks) > 0
		c.mu.Unlock()
		if len(tasks) == 0 {
			return
		}
		c.turn.Lock()
		if !s.gone {
			for _, t := range tasks {
				s.take(t)
			}
			s.settle()
		}
		c.turn.Unlock()
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// post starts a pump only while the session is open, so its reader still
// counts in the server's WaitGroup.
func (c *netConn) post(t task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.queue = append(c.queue, t)
	if !c.pump {
		c.pump = true
		c.s.srv.wg.Go(c.pumpTasks)
	}
}

// write hands bytes to the writer, or none while it is busy: a session must go
// on reading from a client that writes its whole pipeline before it reads.
func (c *netConn) write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil || c.over {
		return 0, cmp.Or(c.failed, net.ErrClosed)
	}
	if c.writing {
		return 0, nil
	}
	n := min(len(p), keepBuffer)
	c.wbuf = append(c.wbuf[:0], p[:n]...)
	c.writing = true
	c.s.srv.wg.Go(c.writeOut)
	return n, nil
}

// writeOut writes what write was given, then gives the session a turn if more
// is to be written, or if it waits to close.
func (c *netConn) writeOut() {
	_, err := c.nc.Write(c.wbuf)
	c.mu.Lock()
	c.writing, c.failed = false, err
	c.mu.Unlock()
	c.post(task{s: &c.s})
}

// flushed says whether the writer has nothing left to write.
func (c *netConn) flushed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.writing
}

func (c *netConn) interest(bool, bool) {}

// abort closes the socket itself: a TLS connection would first say goodbye, and
// wait for a client that does not read.
func (c *netConn) abort() {
	if t, ok := c.nc.(*tls.Conn); ok {
		t.NetConn().Close()
		return
	}
	c.nc.Close()
}

func (c *netConn) close() {
	c.nc.Close()
	c.mu.Lock()
	c.over, c.queue = true, nil
	c.mu.Unlock()
}

func (c *netConn) borrow() []byte    { return make([]byte, 0, minRead) }
func (c *netConn) giveBack(b []byte) { c.s.srv.dropped(b) }

func nowMilli() int64 { return time.Now().UnixMilli() }
