package resp

import (
	"slices"
	"sync/atomic"
)

// mapFrom is from how many bytes on an input buffer is mapped: it then grows
// without being copied, and goes back to the system at once.
const mapFrom = 1 << 20

// addInput copies fresh bytes to the end of the input.
func (s *Session) addInput(fresh []byte) {
	for len(fresh) > 0 {
		n := copy(s.growInput(), fresh)
		s.in, fresh = s.in[:len(s.in)+n], fresh[n:]
	}
}

// growInput makes room for reading behind s.in: by what is known to come, but
// never by more than was already received, so that memory follows bytes and
// not promises.
func (s *Session) growInput() []byte {
	free := cap(s.in) - len(s.in)
	need := s.scan.need()
	if left := need - len(s.in); free > 0 && (free >= left && left > 0 || free >= minRead) {
		return s.in[len(s.in):cap(s.in)]
	}
	size := max(2*cap(s.in), bufferSize)
	if need > len(s.in) && need < size {
		size = need
	}
	s.resizeInput(size)
	return s.in[len(s.in):cap(s.in)]
}

// resizeInput moves the input to a buffer of at least size bytes, which is more
// than it has.
func (s *Session) resizeInput(size int) {
	old, was := s.in, s.mapped
	if size >= mapFrom {
		if was {
			if grown, ok := remapBuffer(old, size); ok {
				s.in = grown[:len(old)]
				return
			}
		} else if grown, ok := mapBuffer(size); ok {
			s.in, s.mapped = grown[:copy(grown, old)], true
			s.srv.recycle(old, false)
			return
		}
	}
	s.in, s.mapped = append(make([]byte, 0, size), old...), false
	s.srv.recycle(old, was)
}

// dropInput gives the input buffer back.
func (s *Session) dropInput() {
	if s.in != nil {
		old, mapped := s.in, s.mapped
		s.in, s.mapped = nil, false
		s.srv.recycle(old, mapped)
	}
}

// recycle is given an input buffer that nobody uses any more.
func (s *Server) recycle(b []byte, mapped bool) {
	switch {
	case mapped && cap(b) >= largeBuffer:
		s.wg.Go(func() { unmapBuffer(b) }) // which may take tens of milliseconds
	case mapped:
		unmapBuffer(b)
	default:
		s.buffers.put(b)
		s.dropped(b)
	}
}

// Input is how many bytes a session's own buffer holds of what is being executed
// and what comes behind it; 0 for short input, which is in its carrier's.
func (s *Session) Input() int { return len(s.in) }

// Drained counts how often all input was used up: commands between which it does
// not change were sent without waiting for a reply to the first.
func (s *Session) Drained() uint64 { return s.drained }

// Kept is input of which a command makes use after Do has returned: its arguments
// are parts of it. Both the command, with Release, and its session, with Forget,
// say when they need it no more; only then its memory goes back.
type Kept struct {
	srv    *Server
	b      []byte
	mapped bool
	users  atomic.Int32
	orphan bool // its session is closed, and srv.mem counts it; set before the session is no user any more
}

// Keep has the arguments of the command being executed stay what they are after
// Do has returned, without copying them. It is nil if the session's own buffer
// does not hold them.
func (s *Session) Keep() *Kept {
	if s.in == nil {
		return nil
	}
	k := &Kept{srv: s.srv, b: s.in, mapped: s.mapped}
	k.users.Store(2)
	s.in, s.mapped = nil, false
	s.kept, s.keeping = append(s.kept, k), true
	return k
}

// Release says that nobody but the session reads the arguments any more. It is
// called once, from any goroutine.
func (k *Kept) Release() {
	if k.leave() && k.mapped { // else the collector has it
		unmapBuffer(k.b)
	}
}

// leave is called by each of the users; true for the last.
func (k *Kept) leave() bool {
	if k.users.Add(-1) > 0 {
		return false
	}
	if k.orphan {
		k.srv.mem.Add(-int64(cap(k.b)))
	}
	return true
}

// Forget says that the command is over. A session that is closed has forgotten
// all of them.
func (s *Session) Forget(k *Kept) {
	if i := slices.Index(s.kept, k); i >= 0 {
		s.kept = slices.Delete(s.kept, i, i+1)
		if k.leave() {
			s.srv.recycle(k.b, k.mapped)
		}
	}
}

// orphanKept forgets all of them, for a session that is closed. What commands go
// on using stays counted until they release it.
func (s *Session) orphanKept() {
	for len(s.kept) > 0 {
		k := s.kept[0]
		k.orphan = true
		s.srv.mem.Add(int64(cap(k.b)))
		s.Forget(k)
	}
}

// keptBytes is the memory of what commands keep. There are few of them: who
// keeps a large argument holds the session's input.
func (s *Session) keptBytes() (n int) {
	for _, k := range s.kept {
		n += cap(k.b)
	}
	return n
}
