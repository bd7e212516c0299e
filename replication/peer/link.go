package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link describes the connection to one peer.
type Link struct {
	Peer     ID
	Address  string
	Up       bool  // it answers
	Cause    error // why not; nil while that is not known
	Since    time.Time
	RTT      time.Duration // of the newest ping, 0 before the first
	Calls    int           // without an answer
	Queued   int64         // bytes that wait to be sent
	Sent     uint64        // frames
	Received uint64
}

// link keeps one connection to one peer up.
//
// Its goroutine, run, connects, and then looks after the connection: pings, time
// that is up, the verdict. While there is a connection there are two more, which
// write and read, and end with it. mu guards the verdict.
type link struct {
	o     *PoolOptions
	id    ID
	addr  string
	quit  chan struct{}
	wake  chan struct{}
	calls *calls
	out   *outbox

	began    time.Time
	waiting  atomic.Int64 // since when nothing was heard after a ping, by clock; 0: all is answered
	rtt      atomic.Int64
	received atomic.Uint64

	answers atomic.Bool // up, for those who ask often

	mu    sync.Mutex
	known bool // whether it answers was said at least once
	up    bool
	cause error
	since time.Time
}

func newLink(o *PoolOptions, id ID, addr string) *link {
	out := newOutbox(o.MaxQueued)
	return &link{
		o: o, id: id, addr: addr, quit: make(chan struct{}), wake: make(chan struct{}, 1),
		calls: newCalls(o.MaxQueue, out), out: out, since: time.Now(), began: time.Now(),
	}
}

func (l *link) start(request []byte, done func([]byte, error)) {
	id, err := l.calls.begin(time.Now().Add(l.o.Timeout), done)
	if err != nil {
		done(nil, err)
		return
	}
	p := wrap(frame{kindCall, id, request})
	if !l.calls.send(id, &p) {
		l.calls.end(id, nil, ErrFull)
	}
}

// run is the link's life.
func (l *link) run() {
	defer func() {
		l.answers.Store(false)
		l.calls.shut(notSent{ErrClosed})
		l.calls.fail(ErrClosed)
	}()
	for failures := 0; ; {
		c, err := l.connect()
		began := time.Now()
		if err == nil {
			l.verdict(nil)
			err = l.serve(c)
			l.calls.fail(err) // whether they have arrived is not known
		} else {
			failures++
		}
		lasted := time.Since(began) > longestPause
		if lasted {
			failures = 0
		}
		// A connection that broke says nothing yet: the peer may only have closed it.
		// It is made anew at once, and that tells. Silence, and what broke at once
		// more than once, do tell.
		if l.stopped() {
			return
		}
		if lasted && !errors.Is(err, ErrTimeout) {
			continue
		}
		failures = max(failures, 1)
		l.verdict(err)
		if !l.pause(failures) {
			return
		}
	}
}

func (l *link) stopped() bool {
	select {
	case <-l.quit:
		return true
	default:
		return false
	}
}

// pause waits before the next attempt, longer after more failures, unless the peer
// is to be checked now. It reports false at the link's end.
func (l *link) pause(failures int) bool {
	d := min(shortestPause<<min(failures-1, 10), longestPause)
	d -= rand.N(d / 4) // so that nodes do not go in step
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-l.quit:
		return false
	case <-l.wake:
	case <-timer.C:
	}
	return true
}

// verdict notes whether the peer answers, and tells the watcher. While it does not,
// calls fail at once. There is no connection when it is negative, and the calls of the
// last one have ended: those that wait now have reached nobody.
func (l *link) verdict(cause error) {
	l.mu.Lock()
	if !l.known || l.up != (cause == nil) {
		l.since = time.Now()
	}
	l.known, l.up, l.cause = true, cause == nil, cause
	l.answers.Store(l.up)
	l.mu.Unlock()
	switch {
	case cause == nil:
		l.calls.shut(nil)
		l.o.Watcher.Up(l.id)
	default:
		down := notSent{fmt.Errorf("peer: %s does not answer: %w", l.addr, cause)}
		l.calls.shut(down)
		l.calls.fail(down)
		if !l.stopped() {
			l.o.Watcher.Down(l.id, cause)
		}
	}
}

// connect makes a connection and has it greeted.
func (l *link) connect() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.o.Timeout)
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	go func() { // ends with this function
		select {
		case <-l.quit:
			cancel()
		case <-ended:
		}
	}()
	c, err := l.o.Dial(ctx, "tcp", l.addr)
	if err != nil {
		return nil, timedOut(err)
	}
	if l.o.TLS != nil {
		c = tls.Client(c, l.tls())
	}
	deadline, _ := ctx.Deadline()
	c.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	err = call(c, l.o.Self(), l.id)
	if !stop() && err == nil {
		err = ErrTimeout
	}
	if err != nil {
		c.Close()
		return nil, timedOut(err)
	}
	c.SetDeadline(time.Time{})
	return c, nil
}

// tls is the configuration with the name that the peer's certificate must have.
func (l *link) tls() *tls.Config {
	tc := l.o.TLS.Clone()
	if tc.ServerName == "" {
		tc.ServerName, _, _ = net.SplitHostPort(l.addr)
	}
	return tc
}

// timedOut makes any way of running out of time an [ErrTimeout].
func timedOut(err error) error {
	var n net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout() {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// serve looks after a connection until it ends, and says why it did.
func (l *link) serve(c net.Conn) error {
	broken := make(chan error, 2)
	stop := make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() { broken <- l.out.write(c, stop) })
	both.Go(func() { broken <- l.read(c) })
	err := l.attend(broken)
	close(stop)
	c.Close()
	both.Wait()
	return err
}

// attend pings and watches the time.
func (l *link) attend(broken <-chan error) error {
	l.waiting.Store(0)
	last := time.Now()
	pinged := last
	l.ping()
	ticker := time.NewTicker(max(l.o.Timeout/20, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-l.quit:
			return ErrClosed
		case err := <-broken:
			return fmt.Errorf("the connection broke: %w", err)
		case <-l.wake:
			l.ping()
		case <-ticker.C:
			now := time.Now()
			// A process that was itself stopped learns nothing from its clock.
			if since := l.waiting.Load(); since != 0 && now.Sub(last) > l.o.Timeout/2 {
				l.waiting.CompareAndSwap(since, l.clock()) // unless the answer came just now
			}
			last = now
			if l.calls.expire(now) > 0 {
				l.ping()
			}
			if since := l.waiting.Load(); since != 0 && l.clock()-since > int64(l.o.Timeout) {
				return ErrTimeout
			}
			if now.Sub(pinged) >= l.o.Beat {
				pinged = now
				l.ping()
			}
		}
	}
}

// ping asks for a sign of life. Only one ping is under way: while it is not
// answered, another would say nothing new.
func (l *link) ping() {
	if now := l.clock(); l.waiting.CompareAndSwap(0, now) {
		l.out.add(frame{kind: kindPing, id: uint64(now)}) // no room: the answers that are due will tell
	}
}

// clock is the time since the link was made, never 0.
func (l *link) clock() int64 { return int64(time.Since(l.began)) + 1 }

// read takes what the peer sends. Anything at all is a sign of life.
func (l *link) read(c net.Conn) error {
	r := newFrameReader(c, l.o.MaxFrame)
	for {
		f, err := r.next()
		if err != nil {
			return err
		}
		l.received.Add(1)
		switch f.kind {
		case kindAnswer:
			l.calls.end(f.id, f.payload, nil)
		case kindFailure:
			l.calls.end(f.id, nil, RemoteError(f.payload))
		case kindBusy:
			l.calls.end(f.id, nil, ErrBusy)
		case kindPong:
			l.rtt.Store(max(l.clock()-int64(f.id), 1))
			l.o.Watcher.Up(l.id)
		default:
			return fmt.Errorf("%w: kind %d is not an answer", errFrame, f.kind)
		}
		l.waiting.Store(0)
	}
}

func (l *link) describe() Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Link{
		Peer: l.id, Address: l.addr, Up: l.up, Cause: l.cause, Since: l.since,
		RTT: time.Duration(l.rtt.Load()), Calls: l.calls.waiting(), Queued: l.out.bytes.Load(),
		Sent: l.out.sent.Load(), Received: l.received.Load(),
	}
}
