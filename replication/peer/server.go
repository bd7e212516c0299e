package peer

import (
	"bufio"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Handler answers the calls of the other nodes. It is called on many goroutines at
// once. Its error reaches the caller as a [RemoteError].
type Handler interface {
	Handle(from ID, request []byte) (answer []byte, err error)
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
	MaxCalls    int           // calls of one connection under way; more are answered busy: 1024
	MaxAnswers  int64         // bytes of answers that wait to be read by one peer: 64 MiB
}

const (
	defaultHandshake   = 2 * time.Second
	defaultMaxGreeting = 256
	defaultMaxConns    = 1024
	defaultMaxCalls    = 1024
)

// Server answers peers.
//
// Each listener has a goroutine that accepts, each connection one that greets and
// then reads and one that writes, and each call one that runs the handler. mu
// guards the table of connections.
type Server struct {
	o       ServerOptions
	running sync.WaitGroup

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[net.Conn]ID // zero: has not been greeted
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
	orDefault(&o.MaxAnswers, int64(defaultMaxQueued))
	if o.Admit == nil {
		o.Admit = func(ID) error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{o: o, conns: map[net.Conn]ID{}}
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
	s.conns[c] = ID{}
	s.running.Go(func() { s.serve(c) })
	return true
}

// greeted notes the end of a handshake and says whether the connection may go on.
func (s *Server) greeted(c net.Conn, who ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.greeting--
	if s.closed || len(s.conns)-s.greeting > s.o.MaxConns {
		return false
	}
	s.conns[c] = who
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
	ok := s.greeted(c, who)
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
	newSession(s, rw, who).run()
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
	for c, who := range s.conns {
		if who != (ID{}) && gone(who) {
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

// session is one peer's connection.
type session struct {
	s     *Server
	c     net.Conn
	who   ID
	out   *outbox
	slots chan struct{} // one for each call under way
}

func newSession(s *Server, c net.Conn, who ID) *session {
	// Room for the answer of every call, for as many refusals and for pongs.
	return &session{s: s, c: c, who: who, out: newOutbox(2*s.o.MaxCalls+16, s.o.MaxAnswers), slots: make(chan struct{}, s.o.MaxCalls)}
}

func (p *session) run() {
	var own sync.WaitGroup
	stop := make(chan struct{})
	own.Go(func() {
		if p.out.write(p.c, stop) != nil {
			p.c.Close()
		}
	})
	err := p.read(&own)
	close(stop)
	p.c.Close()
	own.Wait()
	p.s.o.Log.Debug("a peer's connection ended", "peer", p.who.String(), "err", err)
}

// errSlow ends a connection whose peer does not read what it asked for.
var errSlow = errors.New("peer: too many answers wait to be read")

func (p *session) read(own *sync.WaitGroup) error {
	r := bufio.NewReaderSize(p.c, 64<<10)
	for {
		f, err := readFrame(r, p.s.o.MaxFrame)
		if err != nil {
			return err
		}
		switch f.kind {
		case kindPing:
			if !p.out.add(frame{kind: kindPong, id: f.id}) {
				return errSlow
			}
		case kindCall:
			select {
			case p.slots <- struct{}{}:
				own.Go(func() { p.handle(f) })
			default:
				if !p.out.add(frame{kind: kindBusy, id: f.id}) {
					return errSlow
				}
			}
		default:
			return errFrame
		}
	}
}

// handle runs the handler. An answer that there is no room for ends the connection.
func (p *session) handle(f frame) {
	out := frame{kind: kindAnswer, id: f.id}
	payload, err := p.s.o.Handler.Handle(p.who, f.payload)
	switch {
	case err != nil:
		out.kind, out.payload = kindFailure, []byte(err.Error())
	case len(payload) > p.s.o.MaxFrame:
		out.kind, out.payload = kindFailure, []byte(ErrTooLarge.Error())
	default:
		out.payload = payload
	}
	<-p.slots
	if !p.out.add(out) {
		p.c.Close()
	}
}
