package resp

import (
	"runtime/debug"
	"sync/atomic"
)

// largeBuffer is from how many bytes on a buffer is worth a collection of its
// own: left to the collector's pace, which is that of the whole heap, a few
// dropped buffers of hundreds of megabytes would be kept for long.
const largeBuffer = 16 << 20

// reclaimer gives the memory of dropped buffers back to the system. One
// collection runs at a time; drops meanwhile share the next one.
type reclaimer struct {
	wanted  atomic.Bool
	running atomic.Bool
}

// dropped is told of a buffer that nobody uses any more.
func (s *Server) dropped(b []byte) {
	if cap(b) < largeBuffer {
		return
	}
	s.reclaim.wanted.Store(true)
	if s.reclaim.running.Swap(true) {
		return
	}
	s.wg.Go(func() {
		for again := true; again; {
			for s.reclaim.wanted.Swap(false) {
				debug.FreeOSMemory()
			}
			s.reclaim.running.Store(false)
			// A drop between the two lines above saw it running.
			again = s.reclaim.wanted.Load() && !s.reclaim.running.Swap(true)
		}
	})
}
