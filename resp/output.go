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

// Writer is where the reply goes.
func (l *Later) Writer() *Writer { return &l.w }

// Done makes the reply known.
func (l *Later) Done() { l.s.tr.post(task{s: l.s, later: l}) }

// flush hands the socket every byte that is known, in order.
func (s *Session) flush() {
	if s.broken || !s.open() {
		return
	}
	if len(s.laters) > 0 {
		s.compose()
	}
	s.drainMessages()
	switch {
	case len(s.out) > 0:
		if len(s.laters) == 0 {
			s.out = append(s.out, s.w.buf...)
			s.w.Truncate(0)
		}
		s.writeOut()
	case len(s.w.buf) > 0 && len(s.laters) == 0:
		s.writeDirect()
	}
	s.checkOutput()
}

// open says whether replies may be sent: whether what they tell of is as safe
// as the worker wants it to be.
func (s *Session) open() bool {
	if s.ran {
		s.ran = false
		s.gate = max(s.gate, s.worker.Flush())
	}
	if s.gate != 0 && s.srv.gates.pass(s) {
		s.gate = 0
	}
	return s.gate == 0
}

// writeDirect writes the turn's replies from where they were encoded. What the
// socket does not take becomes s.out without being copied.
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
	s.out, s.outPos = s.w.buf, n
	s.w.buf = s.tr.borrow()
}

// writeOut goes on writing s.out.
func (s *Session) writeOut() {
	n, err := s.tr.write(s.out[s.outPos:])
	s.srv.netOut.Add(int64(n))
	if err != nil {
		s.broken = true
		return
	}
	s.outPos += n
	switch {
	case s.outPos == len(s.out):
		if cap(s.out) <= keepBuffer {
			s.tr.giveBack(s.out[:0])
		}
		s.out, s.outPos = nil, 0
	case s.outPos > len(s.out)/2 && s.outPos > flushAt:
		s.out = append(make([]byte, 0, len(s.out)-s.outPos), s.out[s.outPos:]...)
		s.outPos = 0
	}
}

// compose moves the replies up to the first unknown one to s.out, each promised
// one put in its place.
func (s *Session) compose() {
	i, from := 0, 0
	for ; i < len(s.laters) && s.laters[i].known; i++ {
		l := s.laters[i]
		s.out = append(s.out, s.w.buf[from:l.at]...)
		if !l.silent {
			s.out = append(s.out, l.w.buf...)
		}
		if l.w.over {
			s.broken = true
		}
		from = l.at
	}
	end := len(s.w.buf)
	if i < len(s.laters) {
		end = s.laters[i].at
	}
	s.out = append(s.out, s.w.buf[from:end]...)
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
// by the PubSub limit, past which the client is closed.
func (s *Session) Push(frame []byte, from *Session) {
	if from == s && len(s.laters) == 0 && s.mode == replyOn {
		s.w.Raw(frame)
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

// drainMessages appends the waiting messages to the output, between replies.
func (s *Session) drainMessages() {
	s.oobMu.Lock()
	msgs := s.oob
	s.oob = nil
	s.oobMu.Unlock()
	if len(msgs) == 0 {
		return
	}
	if len(s.laters) > 0 || len(s.out) > 0 {
		if len(s.laters) == 0 {
			s.out = append(s.out, s.w.buf...)
			s.w.Truncate(0)
		}
		s.out = append(s.out, msgs...)
		return
	}
	s.w.buf = append(s.w.buf, msgs...)
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
	waiting := int64(len(s.out) - s.outPos)
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
