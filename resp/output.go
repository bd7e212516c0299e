package resp

import (
	"math"
	"time"
)

// Later is the place of a reply that is not known yet. Whoever makes it known
// writes it to Writer, then calls Done, once, from any goroutine. Replies of
// later commands wait for it.
type Later struct {
	s      *Session
	w      Writer
	at     int  // where in s.w.buf the reply belongs
	known  bool // set in the session's turn
	silent bool
	brief  bool // see UntilClosed
	then   func() bool
}

// Later promises the reply of the command being executed. With hold, the
// session executes nothing more before it is known.
func (s *Session) Later(hold bool) *Later {
	l := &Later{s: s, at: len(s.w.buf)}
	l.w = Writer{proto: s.w.proto, max: s.w.max}
	s.laters = append(s.laters, l)
	if hold {
		s.hold = l
	}
	return l
}

// UntilClosed has the session end as soon as the client closes its side,
// whether the reply is known or not: for one that may be long in coming, or
// never come. It is for replies that hold the input, and is called where they
// are promised.
func (l *Later) UntilClosed() { l.brief = true }

// Then has f called in the session's turn each time that Done was called, before
// the reply counts as known: what is left to do belongs to the session or its
// worker. False says that the reply is not known yet after all, and that Done
// will be called again. It is not called once the session is closed.
func (l *Later) Then(f func() bool) { l.then = f }

// Writer is where the reply goes.
func (l *Later) Writer() *Writer { return &l.w }

// Done makes the reply known.
func (l *Later) Done() { l.s.tr.post(task{s: l.s, later: l}) }

// learn takes note, in the session's turn, of a reply for which Done was called.
func (s *Session) learn(l *Later) {
	if l.then != nil {
		s.ran = true
		if !s.finish(l) {
			return
		}
		if s.mode == replySkipNext { // that was said by a command that ends here
			s.mode = replySkip
		}
	}
	l.known = true
	s.promised += len(l.w.buf)
	if s.hold == l {
		s.hold = nil
	}
}

// finish calls what Then was given. A panic ends the session, not the node.
func (s *Session) finish(l *Later) (known bool) {
	defer func() {
		if p := recover(); p != nil {
			s.panicked(&l.w, p)
			known = true
		}
	}()
	return l.then()
}

// flush hands the socket every byte that is known, in order.
func (s *Session) flush() {
	if s.broken || !s.open() {
		return
	}
	if len(s.laters) > 0 {
		if s.compose(); s.broken {
			return
		}
	}
	s.drainMessages()
	switch {
	case s.out.size > 0:
		s.writeOut()
	case len(s.w.buf) > 0 && len(s.laters) == 0:
		s.writeDirect()
	}
	s.checkOutput()
}

// writeDirect writes the turn's replies from where they were encoded. What the
// socket does not take joins s.out without being copied.
func (s *Session) writeDirect() {
	n, err := s.tr.write(s.w.buf)
	s.srv.netOut.Add(int64(n))
	if err != nil {
		s.broken = true
		return
	}
	if n == len(s.w.buf) {
		s.w.Truncate(0)
		return
	}
	s.out.take(s.w.buf, n)
	s.w.buf = s.tr.borrow()
}

// writeOut goes on writing s.out, with the turn's replies at its end.
func (s *Session) writeOut() {
	if len(s.laters) == 0 {
		if len(s.w.buf) < flushAt {
			s.out.add(s.w.buf)
			s.w.Truncate(0)
		} else {
			s.out.take(s.w.buf, 0)
			s.w.buf = s.tr.borrow()
		}
	}
	n, err := s.out.write(s.tr.write, s.tr.giveBack)
	s.srv.netOut.Add(int64(n))
	if err != nil {
		s.broken = true
	}
}

// compose moves the replies up to the first unknown one to s.out, each promised
// one put in its place.
func (s *Session) compose() {
	i, from := 0, 0
	for ; i < len(s.laters) && s.laters[i].known; i++ {
		l := s.laters[i]
		s.out.add(s.w.buf[from:l.at])
		s.promised -= len(l.w.buf)
		if l.w.over {
			s.tooLong()
			return
		}
		switch {
		case l.silent:
		case len(l.w.buf) < flushAt:
			s.out.add(l.w.buf)
		default:
			s.out.take(l.w.buf, 0)
		}
		from = l.at
	}
	end := len(s.w.buf)
	if i < len(s.laters) {
		end = s.laters[i].at
	}
	s.out.add(s.w.buf[from:end])
	s.w.buf = s.w.buf[:copy(s.w.buf, s.w.buf[end:])]
	n := copy(s.laters, s.laters[i:])
	clear(s.laters[n:])
	s.laters = s.laters[:n]
	for _, l := range s.laters {
		l.at -= end
	}
}

// Push sends the client a message that is no reply: frame is one whole encoded
// value. It may be called from any goroutine; from is the session in whose
// turn it is called, or nil. The messages that wait for a client are bounded
// by the PubSub limit, past which the client is closed. CLIENT REPLY does not
// drop messages.
func (s *Session) Push(frame []byte, from *Session) {
	if from == s {
		s.insert(frame)
		return
	}
	if s.killed.Load() {
		return
	}
	s.oobMu.Lock()
	first := len(s.oob) == 0
	s.oob = append(s.oob, frame...)
	waiting := int64(len(s.oob)) + s.obuf.Load()
	s.oobMu.Unlock()
	if hard := s.srv.Limits().PubSub.Hard; hard > 0 && waiting > hard {
		s.srv.log.Warn("closing client: it does not read its messages", "id", s.id,
			"addr", s.remote, "bytes", waiting)
		s.Kill()
		return
	}
	if first {
		s.tr.post(task{s: s})
	}
}

// TakeMessages writes the messages that wait for the client, before what the
// command will write. A command after which the client expects no more of them
// calls it once nobody pushes any: a client that speaks RESP2 would take a late
// one for a reply.
func (s *Session) TakeMessages() {
	if msgs := s.messages(); len(msgs) > 0 {
		s.insert(msgs)
	}
}

// insert writes frames in the session's turn, whatever the reply mode.
func (s *Session) insert(frames []byte) {
	s.hush()
	s.w.Raw(frames)
	if s.mode != replyOn {
		s.mark = len(s.w.buf)
	}
}

// drainMessages appends the waiting messages to the output, between commands.
// They stand behind replies that were promised before: in RESP2 nothing tells
// a message from a reply but its place. In RESP3 they may pass a promised reply,
// which may be long in coming, but nothing that stands behind it: that might be
// the confirmation that the client will be sent such messages.
func (s *Session) drainMessages() {
	msgs := s.messages()
	if len(s.laters) > 0 && len(s.w.buf) == 0 && s.w.proto == 3 {
		s.out.add(msgs)
		return
	}
	s.w.buf = append(s.w.buf, msgs...)
}

// messages takes those that wait.
func (s *Session) messages() []byte {
	s.oobMu.Lock()
	defer s.oobMu.Unlock()
	msgs := s.oob
	s.oob = nil
	return msgs
}

func (s *Session) limit(lim *Limits) OutputLimit {
	if s.pubsub.Load() {
		return lim.PubSub
	}
	return lim.Normal
}

func hardMax(l OutputLimit) int {
	if l.Hard <= 0 {
		return math.MaxInt
	}
	return int(l.Hard)
}

// checkOutput closes a client whose waiting output is above its limit.
func (s *Session) checkOutput() {
	waiting := int64(s.out.size)
	if waiting == 0 {
		s.soft = time.Time{}
		return
	}
	lim := s.limit(s.srv.Limits())
	if lim.Hard > 0 && waiting > lim.Hard {
		s.broken = true
	}
	if lim.Soft <= 0 || waiting <= lim.Soft {
		s.soft = time.Time{}
		return
	}
	if now := time.Now(); s.soft.IsZero() {
		s.soft = now
	} else if now.Sub(s.soft) > lim.SoftTime {
		s.broken = true
	}
	if s.broken {
		s.srv.log.Warn("closing client: its output exceeds client-output-buffer-limit",
			"id", s.id, "addr", s.remote, "bytes", waiting)
	}
}
