package main

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/membership"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/peer"
	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/remote"
	"github.com/rldb/rldb/replication/repair"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// replication is what a node of a cluster does so that every key has its copies: it
// ties the coordinator, repair and what answers other nodes to this node's store and
// to the connections between nodes.
//
// It owns no goroutine: its parts do.
type replication struct {
	log    *slog.Logger
	wall   func() int64
	clock  *record.Clock
	pool   atomic.Pointer[peer.Pool] // nil until the cluster's ports are open
	coord  *coordinator.Coordinator
	client *remote.Client
	server *remote.Server
	repair *repair.Repair

	view atomic.Pointer[inView]
	far  atomic.Int64 // when a far clock was logged last, Unix ms

	// setView's and adopt's, which have one caller:
	last    *owners
	seen    bool    // there was a view
	cluster ring.ID // of the last one
}

// inView is what a view says besides who owns what.
type inView struct {
	self     ring.ID
	draining map[ring.ID]bool // members that are about to stop
}

func newReplication(cfg *conf.Config, store *replica.Store, publish func(channel, message []byte), log *slog.Logger) *replication {
	r := &replication{log: log, clock: store.Clock(), wall: func() int64 { return time.Now().UnixMilli() }}
	r.view.Store(new(inView))
	r.client = remote.NewClient(r, func(err error) bool { return err == errNotYet || peer.NotSent(err) })
	peers := knownPeers{r.client, r}
	r.repair = repair.New(repair.Options{
		Store: store, Peers: peers, N: cfg.N, W: cfg.W, Sloppy: cfg.Sloppy,
		Lost: !cfg.Durable() || store.Stats().Keys == 0, Timeout: cfg.NodeTimeout, Log: log,
	})
	r.coord = coordinator.New(coordinator.Options{
		Store: store, Peers: peers, N: cfg.N, R: cfg.R, W: cfg.W, Sloppy: cfg.Sloppy,
		Current: r.repair.Current, Knows: r.repair.Knows,
		After:  func(d time.Duration, f func()) { time.AfterFunc(d, f) },
		Random: rand.Int64N, Wall: r.wall, Siblings: record.MaxSiblings,
	})
	r.server = remote.NewServer(remote.ServerOptions{
		Store: store, Current: r.repair.Current, Standing: r.repair.Standing, Publish: publish, Observe: r.observe, Log: log,
	})
	return r
}

// frameBounds are those of one frame between members, and of frames that wait. What a client writes is at most
// 16 MiB, but each of n owners may mint a value at the same time, and a record keeps them all beside each other;
// such a record must be read, repaired and written over.
func frameBounds(n int) (frame int, waiting int64) {
	frame = (n + 1) * 16 << 20
	return frame, int64(frame) + 16<<20
}

// setView takes the next view to those who go by the newest one: repair, and who judges whom can be asked.
func (r *replication) setView(v *membership.View) {
	in := &inView{self: v.Self, draining: map[ring.ID]bool{}}
	out := &repair.View{Self: v.Self, Joined: r.seen && (r.cluster != v.Cluster || r.view.Load().self != v.Self)}
	r.seen, r.cluster = true, v.Cluster
	for _, m := range v.Members {
		out.Members = append(out.Members, m.ID)
		if m.Draining {
			in.draining[m.ID] = true
		}
	}
	r.view.Store(in)
	r.last = ownersOf(v, r.last)
	out.Owners = r.last.Owners
	r.repair.SetView(out)
}

// adopt has the coordinator go by the view that was set last: when the commands do, which go on by an older
// one while slots are handed over. Else it would refuse slots that they still serve.
func (r *replication) adopt() { r.coord.SetMembers(r.last) }

// Start is remote's Transport.
func (r *replication) Start(to ring.ID, request []byte, done func([]byte, error)) {
	p := r.pool.Load()
	if p == nil {
		done(nil, errNotYet)
		return
	}
	p.Start(peer.ID(to), request, done)
}

var errNotYet = errors.New("this node's ports are not open yet")

// knownPeers is remote's client, with who is reachable.
type knownPeers struct {
	*remote.Client
	r *replication
}

// State is what this node knows of another: it is left out at once when it does not
// answer this node, whatever the others say of it.
func (k knownPeers) State(n quorum.Node) quorum.State {
	in := k.r.view.Load()
	if n != in.self {
		if p := k.r.pool.Load(); p == nil || !p.Up(peer.ID(n)) {
			return quorum.Down
		}
	}
	if in.draining[n] {
		return quorum.Draining
	}
	return quorum.Up
}

// farEvery is how often a clock that is ahead is logged.
const farEvery = 60_000

// observe takes the time of a dot that another node has minted.
func (r *replication) observe(t record.HLC) {
	now := r.wall()
	if !r.clock.Observe(t, now) {
		return
	}
	if last := r.far.Load(); now-last >= farEvery && r.far.CompareAndSwap(last, now) {
		r.log.Warn("another node's clock is ahead of this one's", "by", time.Duration(t.Milli()-now)*time.Millisecond)
	}
}

// close ends it, once no command comes any more.
func (r *replication) close() {
	r.coord.Close()
	r.repair.Close()
}
