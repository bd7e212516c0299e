package command

import (
	"errors"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/resp"
)

// commits is how far the engine has made good what the settings promise. A
// reply is sent only once everything up to the position that it tells of is:
// what its client wrote, and what it read. Until then it waits at a gate.
type commits struct {
	safe atomic.Uint64 // an engine.Position
}

// reached notes that everything up to pos is safe.
func (m *commits) reached(pos engine.Position) {
	for {
		safe := m.safe.Load()
		if safe >= uint64(pos) || m.safe.CompareAndSwap(safe, uint64(pos)) {
			return
		}
	}
}

func (m *commits) covers(pos engine.Position) bool { return uint64(pos) <= m.safe.Load() }

// told notes what the client's next replies tell of: what is before pos, and
// may have been written by them.
func (w *worker) told(cl *client, pos engine.Position, wrote bool) {
	cl.told = max(cl.told, pos)
	w.upTo = max(w.upTo, pos)
	if wrote {
		cl.wrote = max(cl.wrote, pos)
	}
}

// gateFor is where replies that tell of things up to pos have to wait, nil if they
// need not. All sessions of a round share one wait for the engine: it is for
// everything that the worker has executed, and the first session's asks for it.
func (w *worker) gateFor(pos engine.Position) *resp.Gate {
	m := &w.srv.commits
	if m.covers(pos) {
		return nil
	}
	if w.gate == nil || pos > w.gatePos || w.gate.Settled() {
		w.gate, w.gatePos = w.srv.await(w.upTo), w.upTo
	}
	if m.covers(pos) { // as it mostly is at once
		return nil
	}
	return w.gate
}

// await begins to wait for the engine.
func (s *Server) await(pos engine.Position) *resp.Gate {
	g := new(resp.Gate)
	_ = s.store.Flush() // where it failed, and that matters to pos, Await says so
	s.store.Await(pos, func(err error) {
		if err != nil {
			g.Fail(err)
			return
		}
		s.commits.reached(pos)
		g.Open()
	})
	return g
}

// Refused implements resp.Worker. A client that has only read is told what it
// read: it is what others were told, and reads go on while writes are refused.
func (w *worker) Refused(s *resp.Session, err error) string {
	if w.srv.commits.covers(clientOf(s).wrote) {
		return ""
	}
	return storeError(err)
}

// storeError is the reply to a command that the store could not carry out.
func storeError(err error) string {
	var unmet *coordinator.Error
	switch {
	case errors.As(err, &unmet):
		return unmet.Text
	case errors.Is(err, engine.ErrBroken):
		return "MISCONF Errors writing to the data directory: " + err.Error() +
			". Writes are refused until the node is started again; reads go on."
	case errors.Is(err, engine.ErrDiskFull):
		return "MISCONF Errors writing to the data directory: " + err.Error() +
			". Writes are refused until there is room; reads go on."
	case errors.Is(err, engine.ErrCorrupt):
		return "ERR the value of a key is damaged on disk: " + err.Error()
	}
	return "ERR " + err.Error()
}
