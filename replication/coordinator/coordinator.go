package coordinator

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
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
	Current  func() bool                     // whether this node's own copy counts for reads: repair says; nil: always
	Knows    func() bool                     // whether this node knows how things stand: repair says; nil: always
	After    func(d time.Duration, f func()) // time.AfterFunc, or a simulated one; nil: the former
	Random   func(n int64) int64             // of [0, n); nil: a random one
	Wall     func() int64                    // Unix ms; nil: the system's
	Siblings int                             // record.MaxSiblings or record.LastWriteWins; 0: the former
	// MaxBytes bounds the records of one write to a peer; 0: MaxBytes.
	MaxBytes int
}

// MaxBytes is what fits into a frame of peers (16 MiB) with what goes around it.
const MaxBytes = 16<<20 - 64<<10

// Coordinator carries out commands on keys by quorum.
type Coordinator struct {
	o       Options
	store   *replica.Store
	clock   *record.Clock
	members atomic.Pointer[Members]
	state   func(Node) State // of any member, this node too
	turns   turns
	locals  sync.Pool // *local
	counts  counts
	running sync.WaitGroup // operations under way
}

// New makes one. It answers CLUSTERDOWN before SetMembers.
func New(o Options) *Coordinator {
	if o.Current == nil {
		o.Current = func() bool { return true }
	}
	if o.After == nil {
		o.After = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	if o.Random == nil {
		o.Random = rand.Int64N
	}
	if o.Wall == nil {
		o.Wall = func() int64 { return time.Now().UnixMilli() }
	}
	if o.Siblings == 0 {
		o.Siblings = record.MaxSiblings
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = MaxBytes
	}
	if o.Knows == nil {
		o.Knows = func() bool { return true }
	}
	c := &Coordinator{o: o, store: o.Store, clock: o.Store.Clock()}
	c.state = c.stateOf
	return c
}

// SetMembers replaces what it goes by. Calls under way go on by what they began with.
func (c *Coordinator) SetMembers(m Members) { c.members.Store(&m) }

// Quorum is how many a command asks for; zero numbers mean the cluster's.
type Quorum struct{ R, W int }

func (c *Coordinator) quorum(q Quorum) Quorum {
	if q.R == 0 {
		q.R = c.o.R
	}
	if q.W == 0 {
		q.W = c.o.W
	}
	return q
}

// Call is one transaction of a command: its keys are in one slot (others are refused). The Call and its Txn
// must stay as they are until the step's Done.
type Call struct {
	Txn *replica.Txn
	// Step may be asked to decide more than once, if others wrote meanwhile: only the last time counts. It, and its
	// Done, are called on any goroutine, or within Start.
	Step replica.Step
	Quorum
	// Unread: the step does not look at what is there, neither at values nor at whether there are any: a
	// blind write (SET without options, MSET).
	Unread  bool
	Written *Written // follows the copies of what is written; may be nil
}

// mostUnderWay is from how many operations on no more are started. Each has one call under way to
// a peer, mostly, and peers take twice as many: a call that finds their queue full would leave
// its write on too few nodes.
const mostUnderWay = 32_768

// Start carries a call out; it returns at once, and Step.Done says that it is over; Txn.Err is nil, an
// *Error, or the engine's.
// Calls on one key take effect in the order of their Starts, but for reads.
func (c *Coordinator) Start(x *Call) {
	t := x.Txn
	t.Begin(x.Step)
	if t.Len() == 0 {
		t.RunStep()
		t.Finish(nil, 0, 0)
		return
	}
	for i := 1; i < t.Len(); i++ {
		if t.KeyAt(i).Slot != t.KeyAt(0).Slot {
			t.Finish(errSlots, 0, 0)
			return
		}
	}
	p, err := c.placeOf(t.KeyAt(0).Slot, c.quorum(x.Quorum))
	if err == nil && c.counts.underWay.Load() >= mostUnderWay {
		err = errBusy
	}
	if err != nil {
		t.Finish(err, 0, 0)
		return
	}
	switch {
	case !t.Writes():
		c.startRead(x, p)
	case x.Unread:
		c.startBlind(x, p)
	default:
		c.startConditional(x, p)
	}
}

// ownKeys are a transaction's keys in memory of their own.
func ownKeys(t *replica.Txn) []engine.Key {
	size := 0
	for i := range t.Len() {
		size += len(t.KeyAt(i).Name)
	}
	keys, names := make([]engine.Key, t.Len()), make([]byte, 0, size)
	for i := range keys {
		k := t.KeyAt(i)
		from := len(names)
		names = append(names, k.Name...)
		k.Name = names[from:len(names):len(names)]
		keys[i] = k
	}
	return keys
}

// Close waits until what is under way has ended; nothing may be started any more.
func (c *Coordinator) Close() { c.running.Wait() }

// begin and end stand around each operation.
func (c *Coordinator) begin() {
	c.running.Add(1)
	c.counts.underWay.Add(1)
}

func (c *Coordinator) end() {
	c.counts.underWay.Add(-1)
	c.running.Done()
}

// observe tells the clock what another node has minted.
func (c *Coordinator) observe(v record.Vector) {
	if t := v.Max(); t != 0 {
		c.clock.Observe(t, c.o.Wall())
	}
}
