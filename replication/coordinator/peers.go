package coordinator

import (
	"errors"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/quorum"
)

// WriteRequest is what one peer is asked to store: records of one slot.
type WriteRequest struct {
	// Conditional: store all of them only if each covers what is there; else none.
	Conditional bool
	Records     []Entry
	// Checks are keys, others than those of the records, of which the replica must hold
	// nothing that was not seen; else it stores none of the records. Only of a conditional one.
	Checks []Check
}

// Check is a key, and what was seen of it: nothing, if the vector is empty.
type Check struct {
	Key    engine.Key
	Vector record.Vector
}

// Entry is a record under its key.
type Entry struct {
	Key   engine.Key
	Whole record.Whole
}

// WriteAnswer is the answer to a WriteRequest that was carried out, or was refused. What
// it tells of is as durable as the settings promise. The slices are parallel to Records.
type WriteAnswer struct {
	Refused bool // a conditional one that was not covered; nothing was stored
	Held    []HeldAnswer
}

// HeldAnswer is what a replica held of a key, after merging.
type HeldAnswer struct {
	// Known: before this write came, the replica had seen all of the vector of the
	// record in it already. Only where Unseen is not empty.
	Known  bool
	Unseen []record.Dot  // dots of values that it holds and the write had not seen
	Vector record.Vector // of its record; only where Unseen is not empty or the write was refused
}

// HashAnswer are the hashes of the vectors of the keys' records, 0 for none.
type HashAnswer struct {
	Current bool // the replica calls itself current
	Hashes  []uint64
}

// Peers carries calls to other nodes' replicas. done is called once, from any goroutine or from the
// call itself; it must not wait. Every call ends within the node timeout. An error that
// is ErrNotApplied (errors.Is) says that certainly nothing was applied. What is handed over
// must stay unchanged until done was called.
type Peers interface {
	Write(to Node, w *WriteRequest, done func(WriteAnswer, error))
	Hash(to Node, keys []engine.Key, done func(HashAnswer, error))
	Fetch(to Node, keys []engine.Key, done func([]record.Whole, error))
	// State is what is known of a node at this moment; it is asked often.
	State(n Node) State
}

// ErrNotApplied says of a call of Peers that certainly nothing was applied.
var ErrNotApplied = errors.New("coordinator: certainly not applied")

// errAnswer stands for an answer that does not fit its question.
var errAnswer = errors.New("coordinator: an answer of the wrong length")

// outcome is how a Write of records ended.
func outcome(records int, a *WriteAnswer, err error) quorum.Outcome {
	switch {
	case errors.Is(err, ErrNotApplied):
		return quorum.Failed
	case err != nil:
		return quorum.Unknown
	case a.Refused:
		return quorum.Refused
	case len(a.Held) != records:
		return quorum.Unknown
	}
	return quorum.OK
}

// Error is a command that was not met.
type Error struct{ Text string } // begins with its code: CLUSTERDOWN, NOQUORUM

func (e *Error) Error() string { return e.Text }

// Errors that say the same each time.
var (
	// ErrStale is the answer to a context that has been overtaken.
	ErrStale = &Error{"STALE the context has been overtaken by other writes; read the key again"}

	errSlots    = &Error{"CROSSSLOT Keys in request don't hash to the same slot"}
	errNotOwner = &Error{"CLUSTERDOWN this node does not own the slot"}
	errWaiting  = &Error{"TRYAGAIN too many commands wait for the turn of their keys; nothing was applied"}
	errBusy     = &Error{"TRYAGAIN too many commands are under way; nothing was applied"}
	errTooLarge = &Error{"ERR the value is larger than the members of a cluster can send each other; nothing was applied"}
	errGaveUp   = &Error{"NOQUORUM other nodes wrote the key each time that this command had read it; nothing was applied"}
)
