package command

import (
	"unsafe"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// ahead is what a worker has found out of the commands of a pipeline before
// their turn: their rows, and the keys of those that have just one. The engine
// is told of the keys together, so that it waits for memory once, not once for
// each.
type ahead struct {
	hints []hint // of the commands that come next, in order
	next  int    // the first that was not asked for
	keys  []engine.Key
}

// hint is what is known of one command.
type hint struct {
	row *row       // nil: nothing is
	key engine.Key // of row.first, if Name is not nil
}

// Ahead implements resp.Worker.
func (w *worker) Ahead(_ *resp.Session, cmds [][][]byte) {
	a := &w.ahead
	a.hints, a.keys, a.next = a.hints[:0], a.keys[:0], 0
	if len(cmds) == 1 {
		return
	}
	for _, args := range cmds {
		var h hint
		if r := w.srv.table.find(args[0]); r != nil && r.table == nil {
			h.row = r
			if r.oneKey() && len(args) > r.first {
				h.key = replica.KeyOf(args[r.first])
				a.keys = append(a.keys, h.key)
			}
		}
		a.hints = append(a.hints, h)
	}
	if len(a.keys) > 1 {
		w.srv.store.Prefetch(a.keys)
	}
}

// take returns what is known of the next command, whose words are args.
func (a *ahead) take(args [][]byte) (h hint) {
	if a.next < len(a.hints) {
		h = a.hints[a.next]
		a.next++
	}
	// Acting on another command's key would be the worst of mistakes: so the
	// key's bytes must be the very bytes of this command.
	if h.key.Name != nil && (len(args) <= h.row.first || !same(h.key.Name, args[h.row.first])) {
		panic("command: a hint is not of the command that is executed")
	}
	return h
}

// same says whether two slices are the same memory.
func same(a, b []byte) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}

// oneKey says whether the command always has exactly one key, at r.first.
func (r *row) oneKey() bool {
	return r.keyed() && r.keys == nil && r.first > 0 && r.first == r.last
}
