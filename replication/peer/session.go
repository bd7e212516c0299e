package peer

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// session is one peer's connection. Its goroutine, run, reads; while a batch of calls is
// being handled the outbox is held, so that their answers leave in one write.
type session struct {
	s     *Server
	c     net.Conn
	who   ID
	since time.Time
	out   *outbox

	calls   atomic.Int64 // under way
	bytes   atomic.Int64 // of their requests
	running sync.WaitGroup
}

func newSession(s *Server, c net.Conn, who ID) *session {
	return &session{s: s, c: c, who: who, since: time.Now(), out: newOutbox(s.o.MaxAnswers)}
}

func (p *session) describe() Inbound {
	return Inbound{
		Peer: p.who, Address: p.c.RemoteAddr().String(), Since: p.since,
		Calls: int(p.calls.Load()), Queued: p.out.bytes.Load(),
	}
}

func (p *session) run() {
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() {
		if p.out.write(p.c, stop) != nil {
			p.c.Close()
		}
	})
	err := p.read()
	p.c.Close()
	p.s.o.Handler.Idle()
	p.running.Wait()
	close(stop)
	writer.Wait()
	p.s.o.Log.Debug("a peer's connection ended", "peer", p.who.String(), "err", err)
}

// errSlow ends a connection whose peer does not read what it asked for.
var errSlow = errors.New("peer: too many answers wait to be read")

func (p *session) read() error {
	r := newFrameReader(p.c, p.s.o.MaxFrame)
	for held, called := false, false; ; {
		f, err := r.next()
		if err != nil {
			return err
		}
		if !held {
			p.out.hold()
			held = true
		}
		switch f.kind {
		case kindPing:
			if !p.out.add(frame{kind: kindPong, id: f.id}) {
				return errSlow
			}
		case kindCall:
			if !p.call(f) {
				return errSlow
			}
			called = true
		default:
			return errFrame
		}
		if r.buffered() {
			continue
		}
		if called {
			p.s.o.Handler.Idle()
			called = false
		}
		held = false
		if err := p.out.release(p.c); err != nil {
			return err
		}
	}
}

// call hands a call to the handler, or refuses it. It reports false if there was no
// room for a refusal.
func (p *session) call(f frame) bool {
	size := int64(len(f.payload))
	n, sum := p.calls.Add(1), p.bytes.Add(size)
	if n > int64(p.s.o.MaxCalls) || sum > p.s.o.MaxRequests && sum > size {
		p.over(size)
		return p.out.add(frame{kind: kindBusy, id: f.id})
	}
	p.running.Add(1)
	a := &asked{p: p, id: f.id, size: size}
	p.s.o.Handler.Handle(p.who, f.payload, a.answer)
	return true
}

func (p *session) over(size int64) {
	p.calls.Add(-1)
	p.bytes.Add(-size)
}

// asked is a call that the handler has to answer.
type asked struct {
	p        *session
	id       uint64
	size     int64
	answered atomic.Bool
}

// answer sends what the handler says. An answer that there is no room for ends the
// connection.
func (a *asked) answer(payload []byte, err error) {
	if a.answered.Swap(true) {
		return
	}
	p := a.p
	f := frame{kind: kindAnswer, id: a.id, payload: payload}
	switch {
	case err != nil:
		f.kind, f.payload = kindFailure, []byte(err.Error())
	case len(payload) > p.s.o.MaxFrame:
		f.kind, f.payload = kindFailure, []byte(ErrTooLarge.Error())
	}
	p.over(a.size)
	if !p.out.add(f) {
		p.c.Close()
	}
	p.running.Done()
}
