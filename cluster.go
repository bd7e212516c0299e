package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/command"
	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/membership"
	"github.com/rldb/rldb/replication/peer"
	"github.com/rldb/rldb/replication/remote"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// cluster is this node's part in a cluster: it ties membership to the connections
// between nodes and to the commands. The client ports open first, as their numbers
// are told to the others: what is asked before start has returned is refused.
//
// It owns no goroutine: its parts do.
type cluster struct {
	cfg   *conf.Config
	log   *slog.Logger
	empty func() bool
	lock  func() // gives the directory back

	password func() string // that clients are asked for, at present

	commands *command.Server
	members  atomic.Pointer[membership.Node] // nil until start
	view     atomic.Pointer[membership.View] // the newest; nil until start
	pool     *peer.Pool
	server   *peer.Server
	peerPort int
	agree    *agreement

	replication *replication

	stopping atomic.Bool // the node has been told to stop

	// changed's, which has one caller:
	adopted atomic.Pointer[membership.View] // that the commands go by; others read it
	waiting time.Time                       // since when a newer one waits to be; zero: none does
}

// newCluster takes the directory that the node's identity is kept in.
func newCluster(cfg *conf.Config, log *slog.Logger, store *replica.Store, empty func() bool, password func() string) (*cluster, error) {
	unlock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	c := &cluster{cfg: cfg, log: log, empty: empty, password: password, lock: unlock}
	c.replication = newReplication(cfg, store, c.deliver, log)
	return c, nil
}

// start opens the ports for members and takes part. client and clientTLS are the
// ports that clients use, 0 for none.
func (c *cluster) start(client, clientTLS int) error {
	peerPort, gossipPort := c.cfg.PeerPorts(max(client, clientTLS))
	if client != 0 {
		peerPort, gossipPort = c.cfg.PeerPorts(client)
	}
	var server, dial *tls.Config
	if c.cfg.TLSCluster {
		var err error
		if server, dial, err = peerTLS(c.cfg); err != nil {
			return err
		}
	}
	frame, waiting := frameBounds(c.cfg.N)
	c.server = peer.NewServer(peer.ServerOptions{
		Self: c.identity, Admit: c.admit, Handler: c, TLS: server, Log: c.log, MaxFrame: frame, MaxRequests: waiting, MaxAnswers: waiting,
	})
	c.pool = peer.NewPool(peer.PoolOptions{
		Self: c.identity, Watcher: c, TLS: dial, Log: c.log, Timeout: c.cfg.NodeTimeout, MaxFrame: frame, MaxQueued: waiting,
	})
	c.replication.pool.Store(c.pool)
	c.agree = newAgreement(c.tellView)
	if err := c.listen(peerPort); err != nil {
		return err
	}
	bind, more := gossipBinds(c.cfg.Bind)
	members, err := membership.Open(membership.Options{
		Dir: c.cfg.Dir, Name: c.cfg.ClusterName, Secret: string(c.cfg.ClusterSecret), N: c.cfg.N, R: c.cfg.R, W: c.cfg.W,
		Self: c.self(client, clientTLS, gossipPort), GossipBind: net.JoinHostPort(bind, strconv.Itoa(gossipPort)), MoreBinds: more, Join: c.cfg.Join,
		Call: newGreeter(c.cfg, c.password).call, Empty: c.empty, Check: func(id ring.ID) { c.pool.Check(peer.ID(id)) }, Log: c.log,
	})
	if err != nil {
		return err
	}
	c.members.Store(members)
	c.log.Info("cluster ports", "peer", c.peerPort, "gossip", members.GossipAddr())
	members.OnChange(c.changed)
	c.replication.repair.Start()
	return nil
}

// listen opens the peer port at every address that clients may use.
func (c *cluster) listen(port int) error {
	for _, b := range c.cfg.Bind {
		ln, err := net.Listen(b.Network, net.JoinHostPort(b.Host, strconv.Itoa(port)))
		switch {
		case err != nil && b.Optional:
			continue
		case err != nil:
			return fmt.Errorf("peer-port: %w", err)
		}
		port = ln.Addr().(*net.TCPAddr).Port
		c.server.Serve(ln)
	}
	c.peerPort = port
	return nil
}

// gossipBinds are the hosts at which gossip listens: one that must be there, and others.
// One that stands for all addresses of a family stands for all addresses there.
func gossipBinds(bind []conf.BindAddress) (host string, more []string) {
	first := max(slices.IndexFunc(bind, func(b conf.BindAddress) bool { return !b.Optional }), 0)
	for i, b := range bind {
		ip := net.ParseIP(b.Host)
		switch {
		case b.Host == "" && b.Network == "tcp6":
			return "::", nil
		case b.Host == "" || ip != nil && ip.IsUnspecified():
			return b.Host, nil
		case i != first:
			more = append(more, b.Host)
		}
	}
	return bind[first].Host, more
}

// self is what the node tells the others of itself.
func (c *cluster) self(client, clientTLS, gossipPort int) membership.Self {
	s := membership.Self{Version: version, Port: client, TLSPort: clientTLS, Zone: c.cfg.Zone, Weight: c.cfg.Weight}
	s.Host = c.cfg.Advertise.Host
	if s.Host == "" {
		s.Host = reachable(c.cfg.Bind)
	}
	if p := c.cfg.Advertise.Port; p != 0 {
		if s.Port != 0 {
			s.Port = p
		} else {
			s.TLSPort = p
		}
	}
	if net.ParseIP(s.Host) == nil {
		s.Hostname = s.Host
	}
	host, port := c.cfg.PeerAdvertise.Host, c.cfg.PeerAdvertise.Port
	if host == "" {
		host = s.Host
	}
	if port == 0 {
		port = c.peerPort
	}
	s.Peer = net.JoinHostPort(host, strconv.Itoa(port))
	s.Gossip = net.JoinHostPort(host, strconv.Itoa(gossipPort))
	return s
}

// reachable is an address of this machine at which others may reach what listens
// at bind.
func reachable(bind []conf.BindAddress) string {
	if h := bind[0].Host; h != "" {
		if ip := net.ParseIP(h); ip == nil || !ip.IsUnspecified() {
			return h
		}
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// identity is what the node says of itself to peers.
func (c *cluster) identity() peer.Identity {
	i := peer.Identity{Name: c.cfg.ClusterName, Secret: string(c.cfg.ClusterSecret)}
	if v := c.view.Load(); v != nil {
		i.Cluster, i.Node = peer.ID(v.Cluster), peer.ID(v.Self)
	}
	return i
}

var errNoMember = errors.New("has left the cluster")

// admit lets members in, and nodes that are about to be: they know the cluster's ID
// and its secret.
func (c *cluster) admit(id peer.ID) error {
	v := c.view.Load()
	switch {
	case v == nil || v.Cluster.IsZero():
		return errors.New("this node is in no cluster")
	case v.HasLeft(ring.ID(id)):
		return errNoMember
	}
	return nil
}

// changed takes a new view to everyone who works with it. Membership calls it, one
// view after another.
func (c *cluster) changed(v *membership.View) {
	old := c.view.Swap(v)
	if old == nil || old.Cluster != v.Cluster || old.Self != v.Self {
		c.server.Drop(func(peer.ID) bool { return true })
		c.pool.SetPeers(nil)
	} else {
		c.server.Drop(func(id peer.ID) bool { return v.HasLeft(ring.ID(id)) })
	}
	peers := map[peer.ID]string{}
	for _, m := range v.Members {
		if m.ID != v.Self {
			peers[peer.ID(m.ID)] = m.Peer
		}
	}
	c.pool.SetPeers(peers)
	c.replication.setView(v)
	c.adopt(v)
}

// adopt has the commands go by a view, once those who gain slots by it are known to
// have it, or after handoverTime. A newer one takes its place meanwhile.
func (c *cluster) adopt(v *membership.View) {
	if whom := takers(c.adopted.Load(), v); len(whom) > 0 {
		c.agree.changed(v)
		if c.waiting.IsZero() {
			c.waiting = time.Now()
		}
		newest := c.members.Load()
		newer := func() bool { return newest.View() != v }
		c.agree.await(whom, c.waiting.Add(handoverTime), newer)
		took := time.Since(c.waiting)
		if newer() && took < handoverTime {
			return
		}
		c.log.Info("slots are left to others", "epoch", v.Epoch, "takers", len(whom), "known-to-them", c.agree.have(whom), "waited", took.Round(time.Millisecond).String())
	}
	c.waiting = time.Time{}
	c.adopted.Store(v)
	c.replication.adopt()
	c.commands.SetTopology(topologyOf(v, c.replication.last.owns))
	c.agree.changed(v)
}

// Down and Up tell membership, and repair, what the heartbeats find out.
func (c *cluster) Down(id peer.ID, cause error) {
	c.replication.repair.Suspects(ring.ID(id))
	if n := c.members.Load(); n != nil {
		n.Suspect(ring.ID(id), cause.Error())
	}
}

func (c *cluster) Up(id peer.ID) {
	c.replication.repair.Answers(ring.ID(id))
	if n := c.members.Load(); n != nil {
		n.Answers(ring.ID(id))
	}
	c.agree.reached(ring.ID(id))
}

// What is sent to the peer port: one byte that says what it is, and then either a
// follower as JSON, or the digest of the sender's view, eight bytes, which is
// answered with that of the receiver.
const (
	messageFollows = 1
	messageView    = 2
)

var errMessage = errors.New("malformed message")

// Handle answers another member's call.
func (c *cluster) Handle(from peer.ID, request []byte, answer func([]byte, error)) {
	if len(request) > 0 && request[0] >= remote.KindWrite {
		c.replication.server.Handle(ring.ID(from), request, answer)
		return
	}
	answer(c.handle(from, request))
}

// Idle says that no further call has come for now.
func (c *cluster) Idle() { c.replication.server.Idle() }

// handle answers what is not replication's.
func (c *cluster) handle(from peer.ID, request []byte) ([]byte, error) {
	switch {
	case len(request) == 9 && request[0] == messageView:
		c.agree.heard(ring.ID(from), binary.BigEndian.Uint64(request[1:]), 0)
		return binary.BigEndian.AppendUint64(nil, c.agree.digest()), nil
	case len(request) > 1 && request[0] == messageFollows:
		var f command.Follower
		if err := json.Unmarshal(request[1:], &f); err != nil {
			return nil, errMessage
		}
		c.commands.Follows(f)
		return nil, nil
	}
	return nil, errMessage
}

// tellView is agreement's tell.
func (c *cluster) tellView(to ring.ID, digest uint64) {
	request := binary.BigEndian.AppendUint64([]byte{messageView}, digest)
	c.pool.Start(peer.ID(to), request, func(answer []byte, err error) {
		if err == nil && len(answer) == 8 {
			c.agree.heard(to, binary.BigEndian.Uint64(answer), digest)
		}
	})
}

// Tell is part of command.Cluster. Who does not get it knows one client less: that
// one is not nudged there.
func (c *cluster) Tell(f command.Follower) {
	v := c.view.Load()
	if v == nil {
		return
	}
	text, err := json.Marshal(f)
	if err != nil {
		return
	}
	request := append([]byte{messageFollows}, text...)
	for _, m := range v.Members {
		if m.ID != v.Self {
			c.pool.Start(peer.ID(m.ID), request, func([]byte, error) {})
		}
	}
}

var errStarting = errors.New("this node is still starting")

// with calls f with membership, once there is one.
func (c *cluster) with(f func(*membership.Node) error) error {
	n := c.members.Load()
	if n == nil {
		return errStarting
	}
	return f(n)
}

// Join, Leave, Forget and Greet are part of command.Cluster.
func (c *cluster) Join(ctx context.Context, addr string, force bool) error {
	return c.with(func(n *membership.Node) error { return n.Join(ctx, addr, force) })
}

// Leave hands the slots over before it asks whether there are keys: else a client
// might write one in between.
func (c *cluster) Leave(ctx context.Context, force bool) error {
	return c.with(func(n *membership.Node) error {
		if force || c.empty() {
			c.handOver(ctx, n)
		}
		err := n.Leave(ctx, force)
		if err != nil && !c.stopping.Load() {
			err = errors.Join(err, n.Undrain())
		}
		return err
	})
}

func (c *cluster) Forget(ctx context.Context, id string) error {
	return c.with(func(n *membership.Node) error {
		parsed, err := ring.ParseID(id)
		if err != nil {
			return err
		}
		return n.Forget(ctx, parsed)
	})
}

func (c *cluster) Greet(_ context.Context, words []string) (pairs [][2]string, err error) {
	err = c.with(func(n *membership.Node) error {
		flat, err := n.Greet(words)
		for i := 0; i+1 < len(flat); i += 2 {
			pairs = append(pairs, [2]string{flat[i], flat[i+1]})
		}
		return err
	})
	return pairs, err
}

// Links is part of command.Cluster.
func (c *cluster) Links() []command.Link {
	if c.members.Load() == nil {
		return nil
	}
	var out []command.Link
	for _, l := range c.pool.Links() {
		if l.Up {
			out = append(out, command.Link{Member: l.Peer.String(), Created: l.Since, Allocated: l.Queued, Used: l.Queued})
		}
	}
	for _, l := range c.server.Links() {
		out = append(out, command.Link{Inbound: true, Member: l.Peer.String(), Created: l.Since, Allocated: l.Queued, Used: l.Queued})
	}
	return out
}

// Messages is part of command.Cluster.
func (c *cluster) Messages() (sent, received int64) {
	if c.members.Load() == nil {
		return 0, 0
	}
	out, in := c.pool.Frames()
	return int64(out), int64(in)
}

// Agreed is part of command.Cluster.
func (c *cluster) Agreed() bool { return c.members.Load() != nil && c.agree.agreed() }

// close leaves the others to themselves.
func (c *cluster) close() error {
	if c.agree != nil {
		c.agree.close() // first: else membership would wait for a handover
	}
	var err error
	if n := c.members.Load(); n != nil {
		err = n.Close()
	}
	c.replication.close()
	var all sync.WaitGroup
	if c.pool != nil {
		all.Go(c.pool.Close)
		all.Go(c.server.Close)
	}
	all.Wait()
	c.lock()
	return err
}
