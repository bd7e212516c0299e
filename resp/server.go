package resp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what a Server is built with.
type Options struct {
	// Loops is how many epoll loops there are, at least 1; without meaning
	// where there is no epoll. With Adapt, as many goroutines serve them as
	// the load asks for; else one each.
	Loops  int
	Adapt  bool
	Limits Limits
	// Backlog is how many TCP connections the kernel queues before they are
	// accepted; 0 leaves the system's number.
	Backlog int
	Log     *slog.Logger
}

// Counters are totals since the start.
type Counters struct {
	Accepted, Rejected int64 // connections
	In, Out            int64 // bytes
}

// Server accepts connections and carries their sessions.
//
// Goroutines: one a listener, those of the crew, one or two a TLS connection, and the
// cron that looks for idle clients. Close ends and awaits them all.
type Server struct {
	handler Handler
	log     *slog.Logger
	limits  atomic.Pointer[Limits]
	crew    *crew
	next    atomic.Uint64 // the loop that gets the next connection
	nextID  atomic.Int64
	mem     atomic.Int64 // bytes of client buffers
	netIn   atomic.Int64
	netOut  atomic.Int64
	accepts atomic.Int64
	rejects atomic.Int64
	buffers bufferPool
	reclaim reclaimer
	backlog int
	stop    chan struct{}
	wg      sync.WaitGroup

	draining atomic.Bool // sessions execute nothing more: see Close
	closing  sync.Once

	mu        sync.Mutex // guards what follows
	listeners []net.Listener
	sessions  map[int64]*Session
	closed    bool
}

// New returns a Server that carries no connections yet. Close releases it.
func New(h Handler, o Options) (*Server, error) {
	s := &Server{handler: h, log: o.Log, backlog: o.Backlog, sessions: map[int64]*Session{}, stop: make(chan struct{})}
	s.SetLimits(o.Limits)
	var err error
	if s.crew, err = newCrew(s, max(1, o.Loops), o.Adapt); err != nil {
		return nil, err
	}
	s.wg.Go(s.cron)
	return s, nil
}

// Limits are the limits in force.
func (s *Server) Limits() *Limits { return s.limits.Load() }

// SetLimits replaces the limits, for connected clients too.
func (s *Server) SetLimits(l Limits) { s.limits.Store(&l) }

// Loops is how many connection loops serve.
func (s *Server) Loops() int { return len(s.crew.loops) }

// Serving is how many goroutines serve the loops now.
func (s *Server) Serving() int { return s.crew.serving() }

// ClientMemory is the memory in bytes of all clients' buffers.
func (s *Server) ClientMemory() int64 { return s.mem.Load() }

// outputPause is how many bytes may wait for a client that is served further.
func (s *Server) outputPause() int {
	if limit := s.Limits().ClientMemory; limit > 0 && s.mem.Load() > limit/2 {
		return flushAt
	}
	return pauseAt
}

// Counters are the server's totals.
func (s *Server) Counters() Counters {
	return Counters{s.accepts.Load(), s.rejects.Load(), s.netIn.Load(), s.netOut.Load()}
}

// Listen accepts connections at a "tcp" address or a "unix" path, through TLS
// if tc is not nil, until Close. It returns the address it got.
func (s *Server) Listen(network, address string, tc *tls.Config) (net.Addr, error) {
	if network == "unix" {
		// A socket file that a killed server left behind would be in the way.
		if err := os.Remove(address); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	lc := net.ListenConfig{KeepAlive: -1}
	ln, err := lc.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	if s.backlog > 0 {
		setBacklog(ln, s.backlog)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		ln.Close()
		return nil, net.ErrClosed
	}
	s.listeners = append(s.listeners, ln)
	s.wg.Go(func() { s.accept(ln, tc) })
	return ln.Addr(), nil
}

func (s *Server) accept(ln net.Listener, tc *tls.Config) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			select {
			case <-s.stop:
				return
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			s.log.Warn("accept failed; trying again in 100 ms", "addr", ln.Addr(), "err", err)
			select {
			case <-s.stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		s.admit(nc, tc)
	}
}

const (
	errMaxClients = "-ERR max number of clients reached\r\n"
	errProtected  = "-DENIED this rldb is in protected mode: it has no password and answers only clients on " +
		"its own machine. Set requirepass, or protected-mode no if every host that can reach it may use it.\r\n"
)

// admit checks a new connection against the limits and gives it a carrier.
func (s *Server) admit(nc net.Conn, tc *tls.Config) {
	s.accepts.Add(1)
	lim := s.Limits()
	refuse := func(text string) {
		s.rejects.Add(1)
		nc.SetWriteDeadline(time.Now().Add(time.Second))
		nc.Write([]byte(text))
		nc.Close()
	}
	if s.Connected() >= lim.MaxClients {
		refuse(errMaxClients)
		return
	}
	if lim.Protected && !isLocal(nc.RemoteAddr()) {
		refuse(errProtected)
		return
	}
	if t, ok := nc.(*net.TCPConn); ok {
		t.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: lim.KeepAlive > 0, Idle: lim.KeepAlive, Interval: lim.KeepAlive / 3, Count: 3})
	}
	if tc != nil {
		s.serveConn(tls.Server(nc, tc))
		return
	}
	l := s.crew.loops[s.next.Add(1)%uint64(len(s.crew.loops))]
	if !l.adopt(nc) {
		s.serveConn(nc)
	}
}

func isLocal(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return !ok || t.IP.IsLoopback()
}

// endpoints names a connection's two ends as CLIENT LIST shows them.
func endpoints(nc net.Conn) (remote, local string, unix bool) {
	if u, ok := nc.LocalAddr().(*net.UnixAddr); ok {
		path := strings.TrimPrefix(u.Name, "@")
		return path + ":0", path + ":0", true
	}
	return nc.RemoteAddr().String(), nc.LocalAddr().String(), false
}

// remember registers an open session; false if the server is closing.
func (s *Server) remember(x *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.sessions[x.id] = x
	}
	return !s.closed
}

func (s *Server) forget(x *Session) {
	s.mu.Lock()
	delete(s.sessions, x.id)
	s.mu.Unlock()
}

// Connected is the number of sessions.
func (s *Server) Connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Each calls f for every session, in no order, until it returns false. f may
// use only what any goroutine may.
func (s *Server) Each(f func(*Session) bool) {
	s.mu.Lock()
	all := make([]*Session, 0, len(s.sessions))
	for _, x := range s.sessions {
		all = append(all, x)
	}
	s.mu.Unlock()
	for _, x := range all {
		if !f(x) {
			return
		}
	}
}

// evictLargest closes the client with the largest buffers, as Redis does when
// maxmemory-clients is exceeded.
func (s *Server) evictLargest() {
	var largest *Session
	var size int64
	s.Each(func(x *Session) bool {
		in, out := x.Buffers()
		if n := in + out + x.Held(); n > size && !x.killed.Load() && !x.keep.Load() {
			largest, size = x, n
		}
		return true
	})
	if largest != nil {
		s.log.Warn("closing the client with the largest buffers: maxmemory-clients is exceeded",
			"id", largest.id, "addr", largest.remote, "bytes", size)
		largest.Kill()
	}
}

// cron closes idle clients, and gives those whose output waits a turn so that
// its soft limit is looked at.
func (s *Server) cron() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case now := <-tick.C:
			lim := s.Limits()
			if lim.IdleTimeout <= 0 && lim.Normal.Soft <= 0 && lim.PubSub.Soft <= 0 {
				continue
			}
			s.Each(func(x *Session) bool {
				switch {
				case lim.IdleTimeout > 0 && !x.pubsub.Load() && now.Sub(x.Active()) > lim.IdleTimeout:
					s.log.Debug("closing idle client", "id", x.id, "addr", x.remote)
					x.Kill()
				case x.obuf.Load() > 0:
					x.tr.post(task{s: x})
				}
				return true
			})
		}
	}
}

// drain ends the sessions that have nothing more to send, as they come to that.
func (s *Server) drain() {
	s.draining.Store(true)
	s.Each(func(x *Session) bool { x.tr.post(task{s: x}); return true })
	deadline := time.After(drainTime)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.Connected() > 0 {
		select {
		case <-deadline:
			return
		case <-tick.C:
		}
	}
}

// StopAccepting closes the listeners; clients that are connected stay.
func (s *Server) StopAccepting() {
	s.mu.Lock()
	lns := s.listeners
	s.listeners = nil
	s.closed = true
	s.mu.Unlock()
	for _, ln := range lns {
		ln.Close()
	}
}

// drainTime is how long Close waits for replies that are under way.
const drainTime = 3 * time.Second

// Close stops accepting and executing, closes every session once the replies to
// what it has executed are sent, or after drainTime, and waits until all
// goroutines have ended. Further calls do nothing.
func (s *Server) Close() { s.closing.Do(s.close) }

func (s *Server) close() {
	s.StopAccepting()
	s.drain()
	close(s.stop)
	s.Each(func(x *Session) bool { x.Kill(); return true })
	s.crew.halt()
	s.wg.Wait()
}
