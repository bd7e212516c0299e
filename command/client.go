package command

import (
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/resp"
)

// client is what a connection means. Its fields belong to the session's turn,
// but for those that mu guards and the atomics, which CLIENT LIST reads.
type client struct {
	s        *resp.Session
	authed   bool
	multi    bool
	doomed   bool // a command of the MULTI was refused: EXEC aborts
	queue    []queued
	queueLen int64 // bytes in queue
	watched  []watch
	monitor  bool
	// The client's subscriptions; only the hub's lock holder changes them
	// together with the hub's own maps.
	channels map[string]struct{}
	patterns map[string]struct{}

	last     atomic.Pointer[row] // the last command
	commands atomic.Int64
	subs     atomic.Int32 // len(channels), for CLIENT LIST
	psubs    atomic.Int32
	queueN   atomic.Int32 // len(queue), or -1 outside MULTI
	watchN   atomic.Int32
	proto    atomic.Int32
	flagsNow atomic.Uint32 // clientFlag bits for CLIENT LIST

	mu      sync.Mutex // guards what follows
	name    string
	libName string
	libVer  string
}

// clientOf is the client of a session.
func clientOf(s *resp.Session) *client {
	cl, _ := s.State.(*client)
	return cl
}

// subscriptions is how many channels and patterns the client listens to.
func (cl *client) subscriptions() int { return len(cl.channels) + len(cl.patterns) }

// queued is a command that waits for EXEC. args are the client's own copies.
type queued struct {
	row  *row
	args [][]byte
}

// watch is a key that must not change before EXEC.
type watch struct {
	name    []byte
	version uint64
}

// dropQueue leaves the MULTI state.
func (cl *client) dropQueue() {
	cl.multi, cl.doomed = false, false
	cl.queue, cl.queueLen = nil, 0
	cl.queueN.Store(-1)
}

// dropWatches forgets the watched keys.
func (cl *client) dropWatches() {
	cl.watched = nil
	cl.watchN.Store(0)
}
