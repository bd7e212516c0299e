// Package repair moves data to where it belongs: it delivers what this node holds for
// others, makes this node's slots equal with its co-owners', and says whether this node
// is current.
package repair

import (
	"context"
	"log/slog"
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

// View is who owns what, at one moment.
type View struct {
	Self    ring.ID
	Members []ring.ID                   // all, ascending
	Owners  func(slot uint16) []ring.ID // in ring order
}

// Options are what a Repair is made with.
type Options struct {
	Store   *replica.Store
	Peers   Peers
	N, W    int
	Sloppy  bool
	Lost    bool          // this node began without data: its engine keeps none, or its directory was empty
	Timeout time.Duration // of a call: cluster-node-timeout
	Rate    int64         // bytes a second that anti-entropy may move
	Log     *slog.Logger
}

// Repair owns one goroutine for standing, one for handoff, one for making slots equal.
type Repair struct{}

func New(o Options) *Repair { panic("skeleton") }

// SetView replaces the view; Start starts the goroutines (once).
func (r *Repair) SetView(v *View) { panic("skeleton") }
func (r *Repair) Start()          { panic("skeleton") }
func (r *Repair) Close()          { panic("skeleton") }

// Suspects counts that this node takes another for down (main calls it from the pool's watcher), Answers that it answers (again): handoff
// begins at once.
func (r *Repair) Suspects(id ring.ID) { panic("skeleton") }
func (r *Repair) Answers(id ring.ID)  { panic("skeleton") }

// Current says whether this node's copy counts for reads. It is asked for each read: an atomic or two.
func (r *Repair) Current() bool { panic("skeleton") }

// Standing answers another node's question.
func (r *Repair) Standing(asker ring.ID) remote.Standing { panic("skeleton") }

// Now has a round of anti-entropy done, and waits for it (CLUSTER REPAIR).
func (r *Repair) Now(ctx context.Context) error { panic("skeleton") }

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
	CatchingUp  bool
	Reason      string // why this node is catching up; "" if it is not
}

func (r *Repair) Counters() Counters { panic("skeleton") }
