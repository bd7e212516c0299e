package resp

import "sync"

// gates are the sessions whose replies wait for a ticket.
type gates struct {
	mu       sync.Mutex // guards what follows
	released uint64
	waiting  map[*Session]struct{}
}

// pass says whether a session's ticket was released; if not, the session gets a
// turn when it is.
func (g *gates) pass(s *Session) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.gate <= g.released {
		delete(g.waiting, s)
		return true
	}
	if g.waiting == nil {
		g.waiting = map[*Session]struct{}{}
	}
	g.waiting[s] = struct{}{}
	return false
}

func (g *gates) remove(s *Session) {
	g.mu.Lock()
	delete(g.waiting, s)
	g.mu.Unlock()
}

// Release sends the replies that wait for a ticket up to this one. Any
// goroutine.
func (s *Server) Release(ticket uint64) {
	g := &s.gates
	g.mu.Lock()
	g.released = max(g.released, ticket)
	var turns []*Session
	for x := range g.waiting {
		turns = append(turns, x)
	}
	clear(g.waiting)
	g.mu.Unlock()
	for _, x := range turns {
		x.tr.post(task{s: x})
	}
}
