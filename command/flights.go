package command

import (
	"slices"

	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// flight is what kind of command may be under way together with others of its
// kind and client.
type flight uint8

const (
	noFlight flight = iota
	reading         // it reads its keys, and nothing else
	writing         // it reads and changes its keys, of a store that keeps writes in order
)

func (s *Server) flightOf(r *row) flight {
	switch {
	case !r.onValues() || r.after != nil:
		return noFlight
	case r.has(readonly):
		return reading
	case r.has(write) && (s.inOrder || s.copies != nil):
		return writing
	}
	return noFlight
}

// flights are the commands of a client that are under way while its next ones
// are executed. They belong to the session's turn.
//
// On a node that stands alone, the order in which a client's commands take effect is
// that in which it sent them, but for reads of different keys, which nobody can tell
// apart: so a read waits for a read of the same key, and otherwise a command waits until
// all that are of another kind, or of no kind that may be under way, have landed. Writes
// overlap only if the store carries them out in order, also those of one key. What
// makes a large value of small words has none behind it.
//
// In a cluster the order is kept key by key, as it is between the nodes. Reads and
// writes of different keys are under way together, and so are writes of one key, which
// the coordinator carries out in their order, but for one that looks at the key and comes
// after one that does not.
type flights struct {
	kind   flight // of all of them, on a node that stands alone
	keys   []aloft
	reply  int    // the size of the largest reply lately
	queued bool   // the session's next command waits for them: for all,
	behind uint64 // or for those on the key of this hash, if it is not 0
}

// aloft is one key of what is under way.
type aloft struct {
	hash uint64
	kind flight
	// unread: a write that does not look at what is there. Until it has landed it may yet
	// be made anew above what it has met elsewhere, so what looks at the key waits for it.
	unread bool
}

// Bounds of what is under way for one client: keys, bytes of one command's
// arguments, and bytes of replies if they are as large as the last ones were.
// What goes beyond them holds the session.
const (
	maxFlights  = 128
	maxLuggage  = 16 << 10
	maxExpected = 32 << 20
	firstReply  = 2 << 20 // until one is known
)

// overwrites says whether a command writes on copies without looking at what is there.
func (s *Server) overwrites(r *row, args [][]byte) bool { return s.copies != nil && r.unreadBy(args) }

// groundsAll says whether a command of a kind has to wait for all that is under way,
// whatever its keys are.
func (f *flights) groundsAll(kind flight, mixed bool) bool {
	return len(f.keys) > 0 && kind != f.kind && (!mixed || kind == noFlight)
}

// inTheWay says whether a command has to wait for its keys, and for which.
func (f *flights) inTheWay(t *replica.Txn, kind flight, unread bool) (hash uint64, yes bool) {
	if len(f.keys) == 0 {
		return 0, false
	}
	for i := range t.Len() {
		if hash := t.Hash(i); f.over(hash, kind, unread) {
			return hash, true
		}
	}
	return 0, false
}

// over says whether something is under way on a key that a command of a kind must
// not overtake.
func (f *flights) over(hash uint64, kind flight, unread bool) bool {
	for _, a := range f.keys {
		if a.hash == hash && (kind != writing || a.kind != writing || a.unread && !unread) {
			return true
		}
	}
	return false
}

// wait has the session's next command wait, for one key (0: for all of them).
func (f *flights) wait(hash uint64) resp.Verdict {
	f.queued, f.behind = true, hash
	return resp.Stall
}

// takesOff says whether the session may go on while a command is under way.
func (cl *client) takesOff(c *call) bool {
	f := &cl.flights
	if f.reply == 0 {
		f.reply = firstReply
	}
	n, kind := c.txn.Len(), c.srv.flightOf(c.row)
	if kind == noFlight || len(f.keys)+n > maxFlights || wordBytes(c.args) > maxLuggage || c.row.large(c.args) ||
		(len(f.keys)+n)*f.reply > maxExpected && !c.row.unreadBy(c.args) {
		return false
	}
	f.kind = kind
	for i := range n {
		f.keys = append(f.keys, aloft{c.txn.Hash(i), kind, c.srv.overwrites(c.row, c.args)})
	}
	return true
}

// lands notes that a command is over.
func (cl *client) lands(x *started) {
	f, kind := &cl.flights, x.call.srv.flightOf(x.call.row)
	unread := x.call.srv.overwrites(x.call.row, x.call.args)
	for i := range x.txn.Len() {
		if at := slices.Index(f.keys, aloft{x.txn.Hash(i), kind, unread}); at >= 0 {
			f.keys = slices.Delete(f.keys, at, at+1)
		}
	}
	f.reply = max(x.call.w.Len(), f.reply/2, 1)
	if f.queued && (len(f.keys) == 0 || f.behind != 0 && !f.over(f.behind, noFlight, false)) {
		f.queued = false
		cl.s.Resume()
	}
}
