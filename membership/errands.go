package membership

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rldb/rldb/ring"
)

// errands are the goroutines that wait for the network. Each has a name, and no
// two of one name run at once: so there are at most a few for each member and each
// address of the join list, and in all at most maxErrands.
type errands struct {
	mu      sync.Mutex // guards what follows
	running map[string]bool
	closed  bool
	wg      sync.WaitGroup
}

const maxErrands = 8 * maxEntries

func (e *errands) init() { e.running = map[string]bool{} }

// start runs fn, unless one of its name runs already.
func (e *errands) start(name string, fn func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.running[name] || len(e.running) >= maxErrands {
		return false
	}
	e.running[name] = true
	e.wg.Go(func() {
		defer func() {
			e.mu.Lock()
			delete(e.running, name)
			e.mu.Unlock()
		}()
		fn()
	})
	return true
}

func (e *errands) wait() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.wg.Wait()
}

// address is where a member's gossip is. For the loop only.
func (n *Node) address(id ring.ID) string { return n.core.snap.state.entries[id].own.self.Gossip }

// tell sends a message to members as packets, and has gossip spread it, too.
func (n *Node) tell(e tell) {
	b := e.msg.encode()
	if len(e.to) > 1 {
		n.gossip.broadcast(b)
	}
	for _, id := range e.to {
		n.send(id, b, false)
	}
}

// send sends a message to one member. While the last one of its kind is under
// way (its name is being resolved, say), it is lost, and a beacon makes it good.
func (n *Node) send(id ring.ID, b []byte, reliably bool) {
	addr := n.address(id)
	if addr == "" {
		return
	}
	name := "packet " + id.String()
	if reliably {
		name = "state " + id.String()
	} else if n.gossip.sendNow(addr, b) {
		return
	}
	n.errands.start(name, func() {
		ctx, cancel := context.WithTimeout(n.ctx, n.o.Timing.ReconnectTimeout)
		defer cancel()
		if err := n.gossip.send(ctx, addr, b, reliably); err != nil {
			n.o.Log.Debug("a message was not sent", "to", id, "addr", addr, "error", err)
		}
	})
}

func (n *Node) connect(id ring.ID) {
	addr := n.address(id)
	if addr == "" {
		return
	}
	n.errands.start("connect "+id.String(), func() {
		ctx, cancel := context.WithTimeout(n.ctx, n.o.Timing.ReconnectTimeout)
		defer cancel()
		if err := n.gossip.connect(ctx, addr); err != nil {
			n.o.Log.Debug("a member is not reached", "id", id, "addr", addr, "error", err)
		}
	})
}

// call greets the node at a client address.
func (n *Node) call(ctx context.Context, addr string, a ask) (greeting, error) {
	if n.o.Call == nil {
		return greeting{}, fmt.Errorf("%s %w: this node cannot call others", addr, ErrUnreachable)
	}
	ctx, cancel := context.WithTimeout(ctx, n.o.Timing.GreetTimeout)
	defer cancel()
	fields, err := n.o.Call(ctx, addr, a.args())
	if errors.Is(err, ErrNotRldb) {
		return greeting{}, fmt.Errorf("%s %w", addr, err)
	}
	if err != nil {
		return greeting{}, fmt.Errorf("%s %w: %w", addr, ErrUnreachable, err)
	}
	g, err := parseGreeting(fields)
	if err != nil {
		return greeting{}, fmt.Errorf("%s %w: %w", addr, ErrNotRldb, err)
	}
	return g, nil
}

// greetOne greets one address of the join list.
func (n *Node) greetOne(addr string) {
	a := newAsk(n.core.snap.self, n.o.Self.Peer, n.core.forming.vote)
	asked := time.Now()
	started := n.errands.start("greet "+addr, func() {
		g, err := n.call(n.ctx, addr, a)
		n.do(n.ctx, func(now time.Time) { n.core.greeted(asked, now, addr, g, a, err) })
	})
	if !started {
		n.core.forming.busy[addr] = false
	}
}

// joinListed joins the cluster of one address of the join list.
func (n *Node) joinListed(addr string) {
	started := n.errands.start("join", func() {
		err := n.Join(n.ctx, addr, false)
		n.do(n.ctx, func(time.Time) { n.core.joinTried(addr, err) })
	})
	if !started {
		n.core.joinTried(addr, ErrBusy)
	}
}

// Join makes this node a member of the cluster that the node at a client
// address is in. It answers nil once that cluster has taken it on, and if it
// already is a member. force also lets a node join that holds keys.
func (n *Node) Join(ctx context.Context, addr string, force bool) error {
	var a ask
	if err := n.do(ctx, func(time.Time) { a = newAsk(n.core.snap.self, n.o.Self.Peer, n.core.forming.vote) }); err != nil {
		return err
	}
	g, err := n.call(ctx, addr, a)
	if err != nil {
		return err
	}
	empty := n.o.Empty()
	var done bool
	var refusal error
	err = n.do(ctx, func(time.Time) {
		if a.node != n.core.snap.self {
			refusal = ErrBusy
			return
		}
		if done, refusal = n.core.mayJoin(g, a, force, empty); refusal == nil && !done {
			n.core.adopt(g.cluster)
		}
	})
	switch {
	case err != nil:
		return err
	case refusal != nil:
		return about(addr, refusal)
	case done:
		return nil
	}
	return about(addr, n.enter(ctx, addr, g, force))
}

// about puts an address before an error whose text goes on from it.
func about(addr string, err error) error {
	if err == nil || errors.Is(err, ErrInCluster) || errors.Is(err, ErrNotEmpty) || errors.Is(err, ErrHidesKeys) || errors.Is(err, ErrBusy) || errors.Is(err, ErrClosed) || errors.Is(err, ErrNobodyAnswers) {
		return err
	}
	return fmt.Errorf("%s %w", addr, err)
}

// maybeKnown adds to the error of a join what the other cluster may have heard of it,
// as nobody can be sure to have called it back.
func maybeKnown(err error, id ring.ID) error {
	return fmt.Errorf("%w; that cluster may know this node by now: join again, or CLUSTER FORGET %s there once it is down", err, id)
}

// enterTries is how often a cluster's gossip is tried before a join has failed.
const enterTries = 3

// enter exchanges states with a node of the cluster that was adopted, and waits
// for a moment to be given tokens. If nobody answers, all is as before.
func (n *Node) enter(ctx context.Context, addr string, g greeting, force bool) error {
	host, port, err := net.SplitHostPort(g.gossip)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		known, _, _ := net.SplitHostPort(addr)
		g.gossip = net.JoinHostPort(known, port)
	}
	for range enterTries {
		if err = n.gossip.connect(ctx, g.gossip); err == nil || ctx.Err() != nil {
			break
		}
	}
	// What was heard is in the inputs by now; this comes after it.
	ended := n.after(func(time.Time) {
		if err != nil {
			n.core.refused()
			err = fmt.Errorf("%w at its gossip port (%s): %w", ErrUnreachable, g.gossip, err)
			err = maybeKnown(err, n.core.snap.self)
			return
		}
		if !force && !n.o.Empty() { // clients have written meanwhile
			n.core.refused()
			err = maybeKnown(ErrNotEmpty, n.core.snap.self)
			return
		}
		if err = n.core.accepted(); err != nil {
			err = maybeKnown(err, n.core.snap.self)
		}
	})
	if ended != nil {
		return ended
	}
	if err != nil {
		return err
	}
	if err := n.keep.wait(ctx); err != nil {
		return err
	}
	n.watchers.until(ctx, n.View, activeWithin, func(v *View) bool {
		m, _ := v.Me()
		return m.Status >= Active
	})
	return nil
}

// activeWithin is how long Join waits for tokens before it answers. They come
// without it, too.
const activeWithin = 3 * time.Second

// after is do, after all inputs that wait now.
func (n *Node) after(fn func(now time.Time)) error {
	passed := make(chan struct{})
	select {
	case n.inputs <- func(time.Time) { close(passed) }:
	case <-n.ctx.Done():
		return ErrClosed
	}
	select {
	case <-passed:
		return n.do(n.ctx, fn)
	case <-n.ctx.Done():
		return ErrClosed
	}
}

// Leave takes this node out of its cluster, for good: it gets a new ID. It
// answers nil once another member knows. force also lets a node leave that
// holds keys.
func (n *Node) Leave(ctx context.Context, force bool) error {
	empty := n.o.Empty()
	var msg message
	var to []ring.ID
	var addrs []string
	var err error
	if e := n.do(ctx, func(time.Time) {
		msg, to, err = n.core.leave(force, empty)
		addrs = n.addresses(to)
	}); e != nil {
		return e
	}
	if err != nil {
		return err
	}
	told := n.tellAll(n.ctx, addrs, msg) > 0
	if e := n.do(n.ctx, func(time.Time) { err = n.core.left(told) }); e != nil {
		return e
	}
	return errors.Join(err, n.keep.wait(ctx))
}

func (n *Node) addresses(ids []ring.ID) []string {
	var addrs []string
	for _, id := range ids {
		addrs = append(addrs, n.address(id))
	}
	return addrs
}

// tellAll sends a message to all addresses at once, and gives how many took it.
func (n *Node) tellAll(ctx context.Context, addrs []string, m message) int {
	ctx, cancel := context.WithTimeout(ctx, 2*n.o.Timing.ReconnectTimeout)
	defer cancel()
	b := m.encode()
	took := make(chan bool, len(addrs))
	for i, addr := range addrs {
		started := n.errands.start(fmt.Sprint("tell ", i, " ", addr), func() { took <- n.gossip.send(ctx, addr, b, true) == nil })
		if !started {
			took <- false
		}
	}
	count := 0
	for range addrs {
		select {
		case ok := <-took:
			if ok {
				count++
			}
		case <-ctx.Done():
			return count
		}
	}
	return count
}

// Forget takes a member out of the cluster that is down.
func (n *Node) Forget(ctx context.Context, id ring.ID) error {
	var err error
	if e := n.do(ctx, func(time.Time) { err = n.core.forget(id) }); e != nil {
		return e
	}
	return errors.Join(err, n.keep.wait(ctx))
}

// Undrain takes Drain back: this node goes on.
func (n *Node) Undrain() error { return n.do(n.ctx, func(time.Time) { n.core.undrain() }) }

// Drain tells the members to advertise others for this node's slots, and
// returns when those that answer have been told, or ctx ends.
func (n *Node) Drain(ctx context.Context) error {
	var msg message
	var addrs []string
	if err := n.do(ctx, func(time.Time) {
		var to []ring.ID
		msg, to = n.core.drain()
		addrs = n.addresses(to)
	}); err != nil {
		return err
	}
	if len(addrs) > 0 && n.tellAll(ctx, addrs, msg) == 0 {
		return ErrNobodyAnswers
	}
	return nil
}
