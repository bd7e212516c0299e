package repair

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/remote"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// Peers is what repair asks of others: remote.Client, and who is reachable.
type Peers interface {
	Write(to coordinator.Node, w *coordinator.WriteRequest, done func(coordinator.WriteAnswer, error))
	Fetch(to coordinator.Node, keys []engine.Key, done func([]record.Whole, error))
	Standing(to ring.ID, done func(remote.Standing, error))
	Digests(to ring.ID, slots []uint16, done func([]uint64, error))
	Page(to ring.ID, slot uint16, from uint64, most int, done func(page []replica.Listed, next uint64, more bool, err error))
	State(n coordinator.Node) coordinator.State
}

// View is who owns what, at one moment. It must not change any more, nor may what Owners gives.
type View struct {
	Self    ring.ID
	Members []ring.ID                   // all, ascending
	Owners  func(slot uint16) []ring.ID // in ring order
	// Joined: since the view before, this node has come into this cluster, or has got another ID in it: what it held says
	// nothing of what it owns now. (The first view's does not count: Options.Lost says it.)
	Joined bool
}

// Options are what a Repair is made with.
type Options struct {
	Store   *replica.Store
	Peers   Peers
	N, W    int
	Sloppy  bool
	Lost    bool          // this node began without data: its engine keeps none, or its directory was empty
	Timeout time.Duration // of a call: cluster-node-timeout
	Rate    int64         // bytes a second that anti-entropy may move; 0: 32 MiB
	Log     *slog.Logger
}

// defaultTimeout is that of a call, if Options do not say.
const defaultTimeout = 500 * time.Millisecond

// Repair owns a goroutine for each of its loops: see the package.
type Repair struct {
	o     Options
	base  time.Time // what now counts from: by the monotonic clock
	start uint64    // names this process
	tick  time.Duration
	limit *limiter

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	again  chan struct{} // ask now
	meet   chan struct{} // a co-owner is missing
	bring  chan struct{} // look for foreign data now

	until atomic.Int64 // this node is current as long as now is before it
	knows atomic.Int64 // and knows how things stand
	lost  atomic.Bool  // standing's
	area  atomic.Pointer[area]

	mu           sync.Mutex // guards what follows
	standing     *standing
	suspicions   map[ring.ID]uint64
	batches      map[ring.ID]int // how many records to fetch in one call
	behind       bool            // as was last told to the log
	behindSince  time.Duration
	pulledBefore int64

	home    sync.Mutex // guards foreign
	foreign *foreign

	delivered, dropped, pulled, pushed, rounds, lastRound, differences, stuck, stuckTold atomic.Int64
}

// New makes a Repair, which does nothing before Start.
func New(o Options) *Repair {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Rate <= 0 {
		o.Rate = defaultRate
	}
	r := &Repair{
		o: o, base: time.Now(), start: rand.Uint64(), tick: o.Timeout / 5, limit: &limiter{rate: o.Rate},
		again: make(chan struct{}, 1), meet: make(chan struct{}, 1), bring: make(chan struct{}, 1),
		standing:   newStanding(o.W, o.Sloppy, o.Lost, o.Timeout),
		suspicions: map[ring.ID]uint64{}, batches: map[ring.ID]int{}, foreign: newForeign(),
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.until.Store(int64(never))
	r.knows.Store(int64(never))
	r.lost.Store(o.Lost)
	return r
}

// now is the time since this Repair was made.
func (r *Repair) now() time.Duration { return time.Since(r.base) }

// wake has a loop go round, if it is not about to anyway.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Start starts the goroutines, once.
func (r *Repair) Start() {
	r.wg.Go(r.askLoop)
	r.wg.Go(r.catchUpLoop)
	r.wg.Go(r.entropyLoop)
	r.wg.Go(r.deliverLoop)
}

// Close ends the goroutines, and waits for them. Calls under way are not waited for.
func (r *Repair) Close() {
	r.cancel()
	r.wg.Wait()
}

// SetView replaces the view. It must be called before this node mints dots for slots that it owns by it.
func (r *Repair) SetView(v *View) {
	a := newArea(v)
	r.mu.Lock()
	// Before standing knows: what is dropped by the old view is dropped before this node
	// begins to catch up with the new one.
	r.area.Store(a)
	gained := r.standing.setArea(a)
	r.lost.Store(r.standing.lost)
	r.mu.Unlock()
	if gained {
		// Others may have dots of these slots that this process minted and does not hold any more.
		r.o.Store.NewActor()
	}
	isForeign := make(map[uint16]bool, len(a.foreign))
	for _, slot := range a.foreign {
		isForeign[slot] = true
	}
	r.home.Lock()
	r.foreign.keep(func(slot uint16) bool { return isForeign[slot] })
	r.home.Unlock()
	r.settle()
	wake(r.again)
	wake(r.bring)
}

// Suspects counts that this node takes another one for down. It must be called no later than Peers.State
// says so.
func (r *Repair) Suspects(id ring.ID) {
	r.mu.Lock()
	r.suspicions[id]++
	r.standing.reach(id, false)
	r.mu.Unlock()
	r.settle()
}

// Answers notes that a member answers; it may be called with each answer. If it is back, what is its own goes home
// at once, or as soon as Peers.State agrees.
func (r *Repair) Answers(id ring.ID) {
	if !r.reachable(id) {
		return
	}
	r.mu.Lock()
	returned := r.standing.reach(id, true)
	r.mu.Unlock()
	if returned {
		r.sendHome(id)
		r.settle()
		wake(r.again)
	}
}

// Current says whether this node's copy counts for reads. It is asked for each read: two atomics or so.
func (r *Repair) Current() bool { return r.before(r.until.Load()) }

// Knows says whether this node knows how things stand: each member has answered lately, or
// is known not to. One that was stopped, and is not aware of it, does not know.
func (r *Repair) Knows() bool { return r.before(r.knows.Load()) }

// Lost says whether this node began without data, or has gained slots, and is not rebuilt
// yet: what it holds of a key says nothing of what it, or the owner before it, has acknowledged.
// It is asked for each conditional write: one atomic.
func (r *Repair) Lost() bool { return r.lost.Load() }

func (r *Repair) before(t int64) bool {
	switch t := time.Duration(t); t {
	case never:
		return false
	case forever:
		return true
	default:
		return r.now() < t
	}
}

// Counters are totals since the start, and gauges.
type Counters struct {
	Foreign     int64 // records that wait to go home now (hints)
	Delivered   int64 // records that were sent to owners
	Dropped     int64 // that went home whole
	Pulled      int64 // records fetched by making slots equal
	Pushed      int64
	Rounds      int64 // of anti-entropy
	LastRound   time.Duration
	Differences int64 // slots that were found apart
	Stuck       int64 // attempts to move a record that could not be moved
	CatchingUp  bool
	Reason      string // why this node is catching up; "" if it is not
}

// Counters are the figures of now.
func (r *Repair) Counters() Counters {
	c := Counters{
		Delivered: r.delivered.Load(), Dropped: r.dropped.Load(), Pulled: r.pulled.Load(), Pushed: r.pushed.Load(),
		Rounds: r.rounds.Load(), LastRound: time.Duration(r.lastRound.Load()), Differences: r.differences.Load(),
		Stuck: r.stuck.Load(),
	}
	if a := r.area.Load(); a != nil {
		for _, slot := range a.foreign {
			c.Foreign += r.o.Store.RecordsIn(slot)
		}
	}
	r.mu.Lock()
	c.CatchingUp, c.Reason = r.standing.behind, r.standing.why()
	r.mu.Unlock()
	return c
}
