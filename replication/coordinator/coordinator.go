// Package coordinator carries out commands on keys by quorum: it carries the events and
// effects of the values of package quorum between this node's replica and the others'.
package coordinator

import (
	"errors"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/replica"
)

// Members is what a coordinator goes by: who owns what, at one moment. It never
// changes; Coordinator.SetMembers replaces it.
type Members interface {
	// Self is this node.
	Self() Node
	// Owners are the slot's owners in ring order, alive or not: min(N, members). The caller must not change it.
	Owners(slot uint16) []Node
	// Others appends the members that would stand in for them, in ring order.
	Others(slot uint16, into []Node) []Node
}

// Write is what one peer is asked to store: records of one slot.
type WriteRequest struct {
	// Conditional: store all of them only if each covers what is there; else none.
	Conditional bool
	Records     []Entry
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
	Unseen []record.Dot  // dots of values that it holds and the write had not seen
	Vector record.Vector // of its record; only where Unseen is not empty or the write was refused
}

// HashAnswer are the hashes of the vectors of the keys' records, 0 for none.
type HashAnswer struct {
	Current bool // the replica calls itself current
	Hashes  []uint64
}

// Peers carries calls to other nodes' replicas. done is called once, from any goroutine or from the
// call itself; it must not wait. Every call ends within the node timeout. An error for
// which Certain(err) is true says that certainly nothing was applied. What is handed over
// must stay unchanged until done was called.
type Peers interface {
	Write(to Node, w *WriteRequest, done func(WriteAnswer, error))
	Hash(to Node, keys []engine.Key, done func(HashAnswer, error))
	Fetch(to Node, keys []engine.Key, done func([]record.Whole, error))
	// State is what is known of a node at this moment; it is asked often.
	State(n Node) State
}

var ErrNotApplied = errors.New("coordinator: certainly not applied")

// Node and State are quorum's.
type (
	Node  = quorum.Node
	State = quorum.State
)

// Options are what a Coordinator is made with.
type Options struct {
	Store    *replica.Store
	Peers    Peers
	N, R, W  int
	Sloppy   bool
	Current  func() bool                     // whether this node's own copy counts for reads: repair says
	After    func(d time.Duration, f func()) // time.AfterFunc, or a simulated one
	Random   func(n int64) int64             // of [0, n)
	Wall     func() int64                    // Unix ms
	Siblings int                             // record.MaxSiblings or record.LastWriteWins
}

// Coordinator carries out commands on keys by quorum.
type Coordinator struct{}

// New makes one. It answers nothing before SetMembers.
func New(o Options) *Coordinator { panic("skeleton") }

// SetMembers replaces what it goes by. Calls under way go on by what they began with.
func (c *Coordinator) SetMembers(m Members) { panic("skeleton") }

// Quorum is how many a command asks for; zero numbers mean the cluster's.
type Quorum struct{ R, W int }

// Call is one transaction of a command: its keys are in one slot (else each slot's part is
// carried out for itself: see FLUSHALL). The Call must stay as it is until the step's Done.
type Call struct {
	Txn  *replica.Txn
	Step replica.Step
	Quorum
	// Unread: the step does not look at what is there, neither at values nor at whether there are any: a
	// blind write (SET without options, MSET).
	Unread  bool
	Written *Written // follows the copies of what is written; may be nil
}

// Start carries a call out; it returns at once, and Step.Done says that it is over; Txn.Err is nil, an
// *Error, or the engine's.
// Calls on one key take effect in the order of their Starts, but for reads.
func (c *Coordinator) Start(x *Call) { panic("skeleton") }

// Error is a command that was not met.
type Error struct{ Text string } // begins with its code: CLUSTERDOWN, NOQUORUM

func (e *Error) Error() string { return e.Text }

// Written counts the copies of the last write that it was given to: what WAIT asks. It is safe
// for concurrent use. The zero Written is of a connection that has written nothing.
type Written struct{}

// Copies is how many nodes but this one hold the last write; ended: no more will come.
func (w *Written) Copies() (others int, ended bool) { panic("skeleton") }

// Notify has f called, once and from any goroutine, when others reaches n or no more will come. cancel ends that.
func (w *Written) Notify(n int, f func()) (cancel func()) { panic("skeleton") }

// Got is what Get has read.
type Got struct {
	Record record.Whole // its values' bytes are the receiver's
	Err    error
}

// Get reads a whole record by quorum (RLDB.GET).
func (c *Coordinator) Get(k engine.Key, q Quorum, done func(Got)) { panic("skeleton") }

// ErrStale is the answer to a context that has been overtaken.
var ErrStale = &Error{"STALE the context has been overtaken by other writes; read the key again"}

// Put writes a value over what context has seen (RLDB.PUT); hasContext false: over nothing, beside what is there. done gets the new
// record's vector, from which the next context is made.
func (c *Coordinator) Put(k engine.Key, context record.Vector, hasContext bool, value []byte, expireAt int64, q Quorum, w *Written, done func(record.Vector, error)) {
	panic("skeleton")
}

// Delete deletes what context has seen (RLDB.DEL); removed says how many values went.
func (c *Coordinator) Delete(k engine.Key, context record.Vector, q Quorum, w *Written, done func(removed int, err error)) {
	panic("skeleton")
}

// Clear deletes all keys of some slots, at W, a page at a time (FLUSHALL); done gets how many. It
// waits: for a goroutine of its own.
func (c *Coordinator) Clear(slots *replica.SlotSet) (int64, error) { panic("skeleton") }

// Counters are totals since the start, and two gauges.
type Counters struct {
	Reads, Writes, Conditionals int64
	NoQuorum, ClusterDown       int64 // commands that ended so
	Repairs                     int64 // records that reads sent to replicas that lacked them
	Remints                     int64 // blind writes that were minted again
	Retries                     int64 // conditional ones that were decided again
	Fallbacks                   int64 // writes that went to a fallback
	SiblingsMade                int64 // writes that left more than one value
	SiblingsDropped             int64 // values left out by the cap, or by last-write-wins
	Waiting                     int64 // calls that wait for their key's turn now
	UnderWay                    int64
}

func (c *Coordinator) Counters() Counters { panic("skeleton") }

// Close waits until what is under way has ended; nothing may be started any more.
func (c *Coordinator) Close() { panic("skeleton") }
