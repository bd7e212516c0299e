package resp

import "sync"

// Gate holds replies back until what they tell of is as safe as the worker
// wants it to be. Any number of sessions wait at one; it is settled once, by
// Open or Fail, from any goroutine.
type Gate struct {
	mu      sync.Mutex // guards what follows
	settled bool
	err     error
	waiting []*Session // each that asked, once: at most as many as there are
}

// Open lets the replies go.
func (g *Gate) Open() { g.settle(nil) }

// Fail says that the replies tell of what may not have happened: for each
// session its worker is asked what is sent in their stead.
func (g *Gate) Fail(err error) { g.settle(err) }

// Settled says whether one of them was called.
func (g *Gate) Settled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settled
}

func (g *Gate) settle(err error) {
	g.mu.Lock()
	g.settled, g.err = true, err
	turns := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	for _, s := range turns {
		s.tr.post(task{s: s})
	}
}

// pass says whether the gate was settled, and how; if it was not, the session
// gets a turn when it is.
func (g *Gate) pass(s *Session) (settled bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.settled && s.asked != g {
		s.asked = g
		g.waiting = append(g.waiting, s)
	}
	return g.settled, g.err
}

// open says whether replies may be sent.
func (s *Session) open() bool {
	if s.ran {
		s.ran = false
		if g := s.worker.Flush(s); g != nil {
			s.gate = g
		}
	}
	if s.gate == nil {
		return true
	}
	settled, err := s.gate.pass(s)
	if !settled {
		return false
	}
	s.gate, s.asked = nil, nil
	if err != nil {
		if text := s.worker.Refused(s, err); text != "" {
			s.unsay(text)
		}
	}
	return true
}

// unsay drops all replies that were not sent, promised ones too, and closes the
// session with an error in their stead: its client cannot know which of its
// commands took effect.
func (s *Session) unsay(text string) {
	s.w.Truncate(0)
	s.laters, s.hold, s.promised = nil, nil, 0
	s.w.Error(text)
	s.closing = true
}
