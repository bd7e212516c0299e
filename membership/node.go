package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/ring"
)

// Errors that Join, Leave and Forget give, wrapped in what they are about. Each
// leaves everything as it was.
var (
	ErrUnreachable   = errors.New("cannot be reached")
	ErrNotRldb       = errors.New("is not an rldb node with a cluster")
	ErrItself        = errors.New("is this node itself")
	ErrOtherName     = errors.New("has another cluster name")
	ErrOtherSecret   = errors.New("has another cluster secret")
	ErrOtherQuorum   = errors.New("has other values of n, r, w")
	ErrNoCluster     = errors.New("is in no cluster itself yet")
	ErrInCluster     = errors.New("this node is already in a cluster with other members")
	ErrNotEmpty      = errors.New("this node holds keys")
	ErrHidesKeys     = errors.New("that cluster holds keys, and data does not move yet: JOIN with FORCE takes slots away from them")
	ErrRefused       = errors.New("does not take this node on")
	ErrOnlyMember    = errors.New("this node is the only member")
	ErrUnknownMember = errors.New("there is no such member")
	ErrMemberAlive   = errors.New("the member is alive")
	ErrForgetsItself = errors.New("a node cannot forget itself")
	ErrNobodyAnswers = errors.New("no other member answers")
	ErrBusy          = errors.New("this node is already joining or leaving")
	ErrClosed        = errors.New("the node is closing")
)

// Node is this process's part in the cluster: the shell around core and gossip.
//
// Its goroutines: loop owns the core, and alone calls its steps; keeper writes
// the member map; notifier calls the watchers; addresser looks this node's own
// address up. Sends, tries to connect, greetings and joins from the list run in
// goroutines of their own, whose number is bounded (see errand). Close ends them
// all and waits.
type Node struct {
	o      Options
	core   *core // loop's
	gossip *gossip
	inputs chan func(now time.Time) // of gossip and heartbeats: dropped when full
	calls  chan call                // of those who wait until they are carried out

	view    atomic.Pointer[View]
	encoded atomic.Pointer[[]byte] // the state as a message, for gossip
	rev     uint64                 // loop's: of what is encoded

	keep     keeper
	watchers watchers
	errands  errands

	ctx    context.Context // ends with the node
	cancel context.CancelFunc
	wg     sync.WaitGroup
	close  sync.Once
}

// maxInputs is how many inputs wait for the loop. Beyond it they are dropped:
// heartbeats come again, and beacons make gossip good.
const maxInputs = 4096

// Open starts a node: it reads the member map from Dir, or begins a new one,
// starts gossip, and goes on joining in the background.
func Open(o Options) (*Node, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	var kept snapshot
	var found bool
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return nil, err
		}
		var err error
		if kept, found, err = load(o.Dir); err != nil {
			return nil, err
		}
		if found && kept.name != o.Name {
			return nil, fmt.Errorf("the directory %s is of a node of the cluster named %q, not %q", o.Dir, kept.name, o.Name)
		}
	}
	n := &Node{
		inputs: make(chan func(time.Time), maxInputs),
		calls:  make(chan call),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.errands.init()
	n.keep.init(o)
	n.watchers.init()
	g, err := newGossip(o, n, func() []byte { return *n.encoded.Load() })
	if err != nil {
		n.cancel()
		return nil, err
	}
	n.gossip = g
	o.Self.Gossip = g.advertise(n.ctx, o.Self.Gossip, o.Self.Peer)
	n.o, g.o = o, o
	n.core = newCore(o, kept, found, time.Now())
	n.carryOut(time.Now())
	n.wg.Go(n.loop)
	n.wg.Go(func() { n.keep.work(n.ctx) })
	n.wg.Go(func() { n.watchers.work(n.ctx, n.View) })
	n.wg.Go(n.addresser)
	return n, nil
}

// complete fills in the defaults, and finds what cannot be.
func (o *Options) complete() error {
	o.Timing = o.Timing.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Empty == nil {
		o.Empty = func() bool { return true }
	}
	if o.Check == nil {
		o.Check = func(ring.ID) {}
	}
	o.N = max(o.N, 1)
	o.Self.Weight = min(max(o.Self.Weight, 1), 1<<15)
	const maxName = 100
	if len(o.Name) > maxName {
		return fmt.Errorf("a cluster's name has at most %d bytes", maxName)
	}
	for _, text := range []string{o.Self.Version, o.Self.Host, o.Self.Hostname, o.Self.Peer, o.Self.Gossip, o.Self.Zone} {
		if len(text) > maxText {
			return fmt.Errorf("%q has more than %d bytes", text, maxText)
		}
	}
	if len(o.Join) > 0 && o.Call == nil {
		return errors.New("membership: a join list needs Call")
	}
	return nil
}

// View is the current view, never nil.
func (n *Node) View() *View { return n.view.Load() }

// OnChange has fn called with the current view, and then with each new one, in
// order. Views that follow each other fast may be left out, the newest never.
// All calls come from one goroutine, so fn must not call Close.
func (n *Node) OnChange(fn func(*View)) { n.watchers.add(fn) }

// GossipAddr is the address at which members find this node's gossip.
func (n *Node) GossipAddr() string { return n.o.Self.Gossip }

// loop owns the core.
func (n *Node) loop() {
	ticker := time.NewTicker(n.o.Timing.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case fn := <-n.inputs:
			fn(time.Now())
		case c := <-n.calls:
			c.fn(time.Now())
			n.carryOut(time.Now())
			close(c.done)
		case now := <-ticker.C:
			n.core.tick(now)
		}
		n.carryOut(time.Now())
	}
}

// carryOut does what the core wants done, and never waits.
func (n *Node) carryOut(now time.Time) {
	if n.core.rev != n.rev || n.encoded.Load() == nil {
		n.rev = n.core.rev
		b := n.core.whole().encode()
		n.encoded.Store(&b)
	}
	for _, e := range n.core.take() {
		switch e := e.(type) {
		case tell:
			n.tell(e)
		case sendState:
			n.send(e.to, *n.encoded.Load(), true)
		case connect:
			n.connect(e.to)
		case keep:
			n.keep.put(e.snap)
		case publish:
			n.view.Store(e.view)
			n.watchers.wake()
		case check:
			n.o.Check(e.id)
		case greet:
			n.greetOne(e.addr)
		case autoJoin:
			n.joinListed(e.addr)
		case regossip:
			if err := n.gossip.begin(n.core.snap.self, e.cluster); err != nil {
				n.o.Log.Error("gossip cannot be started", "error", err)
			}
		case line:
			n.o.Log.Log(n.ctx, e.level, e.text, e.attrs...)
		}
	}
}

// input hands something to the loop that may be lost.
func (n *Node) input(fn func(now time.Time)) {
	select {
	case n.inputs <- fn:
	default:
	}
}

// call is something for the loop to run; done is closed when it has been carried
// out.
type call struct {
	fn   func(now time.Time)
	done chan struct{}
}

// do has the loop run fn, and carry out what follows from it, and waits for that.
func (n *Node) do(ctx context.Context, fn func(now time.Time)) error {
	c := call{fn, make(chan struct{})}
	select {
	case n.calls <- c:
		<-c.done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-n.ctx.Done():
		return ErrClosed
	}
}

// Suspect tells that a member does not answer this node: a call was refused,
// reset or timed out. Tell it again for as long as that is so, or once.
func (n *Node) Suspect(id ring.ID, reason string) {
	n.input(func(now time.Time) { n.core.suspect(now, id, reason) })
}

// Answers tells that a member has answered this node. Tell it with each
// heartbeat: a member that was suspected is believed after Timing.Stable.
func (n *Node) Answers(id ring.ID) {
	n.input(func(now time.Time) { n.core.answers(now, id) })
}

// message is what a delegate calls: with bytes of whoever knows the cluster's ID
// (and its secret). What cannot be read changes nothing.
func (n *Node) message(b []byte) {
	if len(b) > maxMessage {
		return
	}
	m, err := decodeMessage(b)
	if err != nil {
		n.o.Log.Debug("a gossip message is dropped", "error", err)
		return
	}
	n.input(func(now time.Time) { n.core.received(now, m) })
}

// instance is what a delegate calls: memberlist takes one life of a member for
// alive, or for dead.
func (n *Node) instance(id ring.ID, name string, alive bool) {
	n.input(func(now time.Time) { n.core.gossiped(now, id, name, alive) })
}

// Greet answers the arguments of a CLUSTER GREET command with the strings of
// its reply, flat: name, value, name, value.
func (n *Node) Greet(args []string) ([]string, error) {
	a, err := parseAsk(args)
	if err != nil {
		return nil, err
	}
	var g greeting
	empty := n.o.Empty()
	if err := n.do(n.ctx, func(now time.Time) { g = n.core.greet(now, a, empty) }); err != nil {
		return nil, err
	}
	return g.fields(), nil
}

// addresser follows this node's own address: where its host name leads to another
// one, gossip begins anew there.
func (n *Node) addresser() {
	host, _, _ := net.SplitHostPort(n.o.Self.Gossip)
	if net.ParseIP(host) != nil {
		return
	}
	ticker := time.NewTicker(n.o.Timing.Reconnect)
	defer ticker.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-ticker.C:
		}
		if n.gossip.readdress(n.ctx, n.o.Self.Gossip) {
			n.do(n.ctx, func(now time.Time) { n.core.moved(now) })
		}
	}
}

// Close stops everything that Open started, without leaving the cluster, and
// waits for it.
func (n *Node) Close() error {
	n.close.Do(func() {
		n.cancel()
		n.wg.Wait()
		n.gossip.close()
		n.errands.wait()
	})
	return n.keep.flush()
}
