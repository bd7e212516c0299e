package peer

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// Handler answers the calls of the other nodes. It is called on the goroutines that
// read from them, one a connection: none of its methods may wait.
type Handler interface {
	// Handle answers a call: answer is to be called once, with the answer or an error,
	// which reaches the caller as a [RemoteError]; from any goroutine, during Handle or
	// later. A second time changes nothing. The request is the handler's until then.
	// The answer's bytes are copied before answer returns.
	//
	// Every call must be answered: Server.Close waits for it, and so does the end of the
	// connection.
	Handle(from ID, request []byte, answer func(answer []byte, err error))
	// Idle says that the connection's calls that have arrived were all handed to
	// Handle: before its goroutine waits for more, and when the connection has ended. Answers
	// that were given on that goroutine since it last waited leave together, after Idle.
	Idle()
}

// ServerOptions is what a server needs. Zero numbers mean their defaults.
type ServerOptions struct {
	Self    func() Identity // asked at each handshake
	Admit   func(ID) error  // whether that node may call; nil: whoever knows the secret
	Handler Handler
	TLS     *tls.Config // nil: plain TCP
	Log     *slog.Logger

	Handshake   time.Duration // for a whole handshake: 2 s
	MaxGreeting int           // handshakes at once; more connections are closed: 256
	MaxConns    int           // connections of peers at once: 1024
	MaxFrame    int           // bytes of a payload: 16 MiB
	MaxCalls    int           // calls of one connection under way; more are answered busy: 65,536
	MaxRequests int64         // bytes of their requests; more are answered busy, but one: 64 MiB
	MaxAnswers  int64         // bytes of frames with answers that wait to be read by one peer: 64 MiB
}

const (
	defaultHandshake   = 2 * time.Second
	defaultMaxGreeting = 256
	defaultMaxConns    = 1024
	defaultMaxCalls    = 65_536
)

// Server answers peers.
//
// Each listener has a goroutine that accepts, and each connection one that greets and
// then reads, hands calls to the handler and writes what was answered at once, and one that
// writes what is answered later. mu guards the table of connections.
type Server struct {
	o       ServerOptions
	running sync.WaitGroup

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[net.Conn]*session // nil: has not been greeted
	greeting  int
	refused   rate
	closed    bool
}

// NewServer makes a server that listens to nothing yet.
func NewServer(o ServerOptions) *Server {
	orDefault(&o.Handshake, defaultHandshake)
	orDefault(&o.MaxGreeting, defaultMaxGreeting)
	orDefault(&o.MaxConns, defaultMaxConns)
	orDefault(&o.MaxFrame, defaultMaxFrame)
	orDefault(&o.MaxCalls, defaultMaxCalls)
	orDefault(&o.MaxRequests, int64(defaultMaxQueued))
	orDefault(&o.MaxAnswers, int64(defaultMaxQueued))
	if o.Admit == nil {
		o.Admit = func(ID) error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{o: o, conns: map[net.Conn]*session{}}
}

// Serve accepts connections of ln until Close, and returns at once.
func (s *Server) Serve(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		ln.Close()
		return
	}
	s.listeners = append(s.listeners, ln)
	s.running.Go(func() { s.accept(ln) })
}

// acceptPause is how long accepting rests after an error, such as too many open
// files.
const acceptPause = 50 * time.Millisecond

func (s *Server) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.note("accepting a peer failed", "", err)
			time.Sleep(acceptPause)
			continue
		}
		if !s.enter(c) {
			c.Close()
		}
	}
}

// enter gives a connection its goroutine, if there is room for one more.
func (s *Server) enter(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.greeting >= s.o.MaxGreeting || len(s.conns) >= s.o.MaxConns+s.o.MaxGreeting {
		return false
	}
	s.greeting++
	s.conns[c] = nil
	s.running.Go(func() { s.serve(c) })
	return true
}

// greeted notes the end of a handshake and says whether the connection may go on.
func (s *Server) greeted(c net.Conn, p *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.greeting--
	if s.closed || len(s.conns)-s.greeting > s.o.MaxConns {
		return false
	}
	s.conns[c] = p
	return true
}

// serve is a connection's life.
func (s *Server) serve(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	rw := c
	if s.o.TLS != nil {
		rw = tls.Server(c, s.o.TLS)
	}
	c.SetDeadline(time.Now().Add(s.o.Handshake))
	self := s.o.Self()
	who, err := answer(rw, self, s.o.Admit)
	c.SetDeadline(time.Time{})
	var p *session
	if err == nil {
		p = newSession(s, rw, who)
	}
	ok := s.greeted(c, p)
	if err == nil && ok {
		// Drop could not know of it before: what it goes by may have changed.
		if err = s.o.Admit(who); s.o.Self() != self {
			err = errChanged
		}
	}
	if !ok || err != nil {
		if err != nil {
			s.note("a connection to the peer port was refused", c.RemoteAddr().String(), err)
		}
		return
	}
	p.run()
}

// errChanged: the node has become another, or joined another cluster, meanwhile.
var errChanged = errors.New("peer: this node has changed since the handshake began")

// note logs what strangers cause, at most once a second.
func (s *Server) note(text, addr string, err error) {
	s.mu.Lock()
	left, ok := s.refused.take(time.Now())
	s.mu.Unlock()
	if ok {
		s.o.Log.Warn(text, "addr", addr, "err", err, "unlogged", left)
	}
}

// rate lets one event a second through.
type rate struct {
	last time.Time
	left int // that did not come through since
}

func (r *rate) take(now time.Time) (left int, ok bool) {
	if now.Sub(r.last) < time.Second {
		r.left++
		return 0, false
	}
	left, r.left, r.last = r.left, 0, now
	return left, true
}

// Drop closes the connections of the peers that gone names, such as those that are
// members no more. Their pools may come again and are then asked who they are.
func (s *Server) Drop(gone func(ID) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, p := range s.conns {
		if p != nil && gone(p.who) {
			c.Close()
		}
	}
}

// Peers counts the connections of greeted peers.
func (s *Server) Peers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns) - s.greeting
}

// Inbound describes a connection that a peer has opened.
type Inbound struct {
	Peer    ID
	Address string // from which it came
	Since   time.Time
	Calls   int   // under way
	Queued  int64 // bytes of answers that wait to be read
}

// Links describes the connections of greeted peers, in the order of their IDs, the oldest
// first.
func (s *Server) Links() []Inbound {
	s.mu.Lock()
	out := make([]Inbound, 0, len(s.conns))
	for _, p := range s.conns {
		if p != nil {
			out = append(out, p.describe())
		}
	}
	s.mu.Unlock()
	slices.SortFunc(out, func(a, b Inbound) int {
		return cmp.Or(bytes.Compare(a.Peer[:], b.Peer[:]), a.Since.Compare(b.Since))
	})
	return out
}

// Close stops accepting, closes all connections and waits for what the handler has
// under way.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, ln := range s.listeners {
		ln.Close()
	}
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}
