package command

import (
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/resp"
)

// client is what a connection means. Its fields belong to the session's turn,
// but for those that mu guards and the atomics, which CLIENT LIST reads from
// any goroutine.
type client struct {
	s        *resp.Session
	authed   bool
	multi    bool
	doomed   bool // a command of the MULTI was refused: EXEC aborts
	queue    []queued
	queueHas flag // the flags of all queued commands together
	watched  []watch
	watching map[string]struct{} // the names in watched, once they are many
	watchMem int64
	monitor  bool
	// What the client listens to, with a number that tells in which order it
	// began to. The hub has the other direction.
	topics    [topicKinds]map[string]uint64
	topicMem  int64
	nextTopic uint64
	flights   flights
	quorum    coordinator.Quorum   // zero: the cluster's
	written   *coordinator.Written // follows the copies of its last write; nil: there was none
	nudging   nudging
	// told is what the client's replies so far tell of, wrote the part of it
	// that it may have written itself.
	told, wrote engine.Position

	last     atomic.Pointer[row] // the last command, nil if it is unknown
	subs     [topicKinds]atomic.Int32
	queueN   atomic.Int32 // len(queue), or -1 outside MULTI
	queueMem atomic.Int64 // bytes in queue
	watchN   atomic.Int32
	// proto is the protocol in which messages are sent to the client. While it
	// listens to something, it changes only under the hub's lock.
	proto atomic.Int32
	marks atomic.Uint32 // clientMark bits

	mu      sync.Mutex // guards what follows
	name    string
	libName string
	libVer  string
}

// clientMark is a property of a client that CLIENT LIST shows as a letter.
type clientMark uint32

const (
	markMonitor clientMark = 1 << iota
	markNoEvict
	markNoTouch
)

func newClient(s *resp.Session) *client {
	cl := &client{s: s}
	cl.queueN.Store(-1)
	cl.proto.Store(2)
	return cl
}

// clientOf is the client of a session.
func clientOf(s *resp.Session) *client {
	cl, _ := s.State.(*client)
	return cl
}

// login lets the client in, or sends it back to the door.
func (cl *client) login(ok bool) {
	cl.authed = ok
	cl.s.SetTrusted(ok)
}

// writes is what follows the copies of the write that comes next.
func (cl *client) writes() *coordinator.Written {
	if cl.written == nil {
		cl.written = new(coordinator.Written)
	}
	return cl.written
}

// mark sets or clears one of CLIENT LIST's letters.
func (cl *client) mark(m clientMark, on bool) {
	if on {
		cl.marks.Or(uint32(m))
		return
	}
	cl.marks.And(^uint32(m))
}

func (cl *client) marked(m clientMark) bool { return cl.marks.Load()&uint32(m) != 0 }

// subscriptions is how many channels and patterns the client listens to.
func (cl *client) subscriptions() int {
	n := 0
	for _, names := range cl.topics {
		n += len(names)
	}
	return n
}

// weigh tells the front end what is kept for the client: a transaction that is
// queued counts against maxmemory-clients as an unfinished command does.
func (cl *client) weigh() {
	cl.mu.Lock()
	names := len(cl.name) + len(cl.libName) + len(cl.libVer)
	cl.mu.Unlock()
	cl.s.Hold(cl.queueMem.Load() + cl.watchMem + cl.topicMem + int64(names))
}

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
	cl.queue, cl.queueHas = nil, 0
	cl.queueN.Store(-1)
	cl.queueMem.Store(0)
	cl.weigh()
}

// dropWatches forgets the watched keys.
func (cl *client) dropWatches() {
	cl.watched, cl.watching, cl.watchMem = nil, nil, 0
	cl.watchN.Store(0)
	cl.weigh()
}
