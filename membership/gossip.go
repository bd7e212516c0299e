package membership

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/rldb/rldb/ring"
)

// gossip is the shell around memberlist. It spreads bytes, and tells what came in
// and which members memberlist takes for alive; it decides nothing. Between two
// clusters there is no memberlist, and what is sent is lost.
type gossip struct {
	o         Options
	transport *transport
	inbox     inbox
	local     func() []byte // the state, as a message
	logger    *log.Logger
	book      addressBook

	current atomic.Pointer[session]
}

// session is one life of memberlist, in one cluster.
type session struct {
	list  *memberlist.Memberlist
	queue *memberlist.TransmitLimitedQueue
}

// inbox is where the delegates put what came in. They run under memberlist's
// locks, so none of these may block.
type inbox interface {
	message(b []byte)
	instance(id ring.ID, name string, alive bool)
}

func newGossip(o Options, in inbox, local func() []byte) (*gossip, error) {
	logger := log.New(&logWriter{warn: o.Log.Warn, debug: o.Log.Debug, now: time.Now}, "", 0)
	t, err := newTransport(o.GossipBind, o.MoreBinds, logger)
	if err != nil {
		return nil, err
	}
	t.cut = o.cut
	return &gossip{o: o, transport: t, inbox: in, local: local, logger: logger, book: newAddressBook(o.Timing.ReconnectTimeout)}, nil
}

func cutLevel(text string) (string, bool) {
	text = strings.TrimSpace(text)
	for _, level := range []string{"[ERR]", "[WARN]"} {
		if rest, found := strings.CutPrefix(text, level); found {
			return strings.TrimSpace(rest), true
		}
	}
	return text, false
}

// begin ends the session that there is, and begins one in a cluster; zero: none.
func (g *gossip) begin(self, cluster ring.ID) error {
	g.end()
	if cluster.IsZero() {
		return nil
	}
	s := &session{}
	d := &delegate{id: self, g: g, s: s}
	config := memberlist.DefaultLANConfig()
	nonce := make([]byte, 4)
	rand.Read(nonce)
	// A new name for each session: memberlist refuses one that comes back from
	// another address, and a member may.
	config.Name = self.String() + "-" + hex.EncodeToString(nonce)
	config.Transport = g.transport
	config.Label = cluster.String() + "/" + g.o.Name
	if g.o.Secret != "" {
		key := sha256.Sum256([]byte("rldb gossip\x00" + g.o.Secret))
		config.SecretKey = key[:]
	}
	t := g.o.Timing
	config.TCPTimeout = t.ReconnectTimeout
	config.ProbeInterval, config.ProbeTimeout = t.Probe, t.ProbeTimeout
	config.GossipInterval, config.GossipToTheDeadTime = t.Gossip, t.GossipToTheDead
	config.PushPullInterval = t.PushPull
	config.DeadNodeReclaimTime = time.Millisecond
	config.EnableCompression = false
	config.Logger, config.LogOutput = g.logger, nil
	config.Delegate, config.Events = d, d
	s.queue = &memberlist.TransmitLimitedQueue{RetransmitMult: config.RetransmitMult, NumNodes: d.members.get}
	list, err := memberlist.Create(config)
	if err != nil {
		return err
	}
	s.list = list
	g.current.Store(s)
	return nil
}

// end ends the session, if there is one.
func (g *gossip) end() {
	if s := g.current.Swap(nil); s != nil {
		s.list.Shutdown()
	}
}

func (g *gossip) close() {
	g.end()
	g.transport.close()
}

// port is the one that gossip listens at.
func (g *gossip) port() int { return g.transport.GetAutoBindPort() }

var errNoGossip = errors.New("there is no gossip at the moment")

// maxDatagram is what goes into one packet, memberlist's own bytes (label,
// encryption, headers) left aside.
const maxDatagram = 1100

// send sends a message to the gossip port at an address: as a packet if it is
// small and need not arrive, else over a connection. It may take as long as
// resolving the name and ReconnectTimeout.
func (g *gossip) send(ctx context.Context, addr string, msg []byte, reliably bool) error {
	s := g.current.Load()
	if s == nil {
		return errNoGossip
	}
	to, err := g.book.find(ctx, addr, false)
	if err != nil {
		return err
	}
	if reliably || len(msg) > maxDatagram {
		return s.list.SendReliable(&memberlist.Node{Addr: to.IP, Port: uint16(to.Port)}, msg)
	}
	return s.list.SendToAddress(memberlist.Address{Addr: to.String()}, msg)
}

// broadcast has a message spread by gossip, too.
func (g *gossip) broadcast(msg []byte) {
	if s := g.current.Load(); s != nil && len(msg) <= maxDatagram {
		s.queue.QueueBroadcast(broadcast(msg))
		s.queue.Prune(maxQueued)
	}
}

// maxQueued is how many messages wait to be spread; the oldest beyond it are
// dropped, for beacons make them good.
const maxQueued = 512

// connect exchanges states with whoever is at an address, resolved anew.
func (g *gossip) connect(ctx context.Context, addr string) error {
	s := g.current.Load()
	if s == nil {
		return errNoGossip
	}
	to, err := g.book.find(ctx, addr, true)
	if err != nil {
		return err
	}
	_, err = s.list.Join([]string{to.String()})
	if many, ok := err.(interface{ WrappedErrors() []error }); ok && len(many.WrappedErrors()) == 1 {
		return many.WrappedErrors()[0] // its text is one line
	}
	return err
}

type broadcast []byte

func (b broadcast) Invalidates(memberlist.Broadcast) bool { return false }
func (b broadcast) Message() []byte                       { return b }
func (b broadcast) Finished()                             {}

// delegate is what memberlist calls in one session, under its locks: everything
// here only reads something ready, or puts something into the inbox.
type delegate struct {
	id      ring.ID
	g       *gossip
	s       *session
	members gauge
}

// gauge counts the instances that are alive.
type gauge struct{ n atomic.Int32 }

func (g *gauge) get() int { return max(int(g.n.Load()), 1) }

func (d *delegate) NodeMeta(limit int) []byte            { return d.id[:] }
func (d *delegate) NotifyMsg(b []byte)                   { d.g.inbox.message(b) }
func (d *delegate) LocalState(join bool) []byte          { return d.g.local() }
func (d *delegate) MergeRemoteState(b []byte, _ bool)    { d.g.inbox.message(b) }
func (d *delegate) GetBroadcasts(over, lim int) [][]byte { return d.s.queue.GetBroadcasts(over, lim) }
func (d *delegate) NotifyUpdate(*memberlist.Node)        {}

func (d *delegate) NotifyJoin(node *memberlist.Node) {
	d.members.n.Add(1)
	d.tell(node, true)
}

func (d *delegate) NotifyLeave(node *memberlist.Node) {
	d.members.n.Add(-1)
	d.tell(node, false)
}

// tell passes on what this session says, unless another one has begun.
func (d *delegate) tell(node *memberlist.Node, alive bool) {
	if now := d.g.current.Load(); now != nil && now != d.s {
		return
	}
	if id, err := ring.ParseID(node.Name[:min(len(node.Name), 2*len(ring.ID{}))]); err == nil {
		d.g.inbox.instance(id, node.Name, alive)
	}
}

// addressBook resolves host names. A name is asked for anew whenever a connection
// is tried; packets go to the address that it had then.
type addressBook struct {
	timeout time.Duration
	mu      *sync.Mutex // guards known
	known   map[string]*net.TCPAddr
}

// maxAddresses bounds the book; beyond it, it begins anew.
const maxAddresses = 4 * maxEntries

func newAddressBook(timeout time.Duration) addressBook {
	return addressBook{timeout, &sync.Mutex{}, map[string]*net.TCPAddr{}}
}

// resolve asks for all that an address leads to: never none.
func (b addressBook) resolve(ctx context.Context, addr string) ([]net.IP, int, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, 0, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, 0, fmt.Errorf("%q has no port", addr)
	}
	if ip := net.ParseIP(host); ip != nil {
		return []net.IP{ip}, int(number), nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip", host)
	if err == nil && len(ips) == 0 {
		err = fmt.Errorf("%q leads nowhere", host)
	}
	return ips, int(number), err
}

func (b addressBook) find(ctx context.Context, addr string, anew bool) (*net.TCPAddr, error) {
	if known, found := b.look(addr); found && !anew {
		return known, nil
	}
	ips, port, err := b.resolve(ctx, addr)
	if err != nil {
		return nil, err
	}
	found := &net.TCPAddr{IP: preferred(ips), Port: port}
	if host, _, _ := net.SplitHostPort(addr); net.ParseIP(host) != nil {
		return found, nil // as it is: there is nothing to remember
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= maxAddresses {
		clear(b.known)
	}
	b.known[addr] = found
	return found, nil
}

// preferred is the first IPv4 address, else the first.
func preferred(ips []net.IP) net.IP {
	for _, ip := range ips {
		if ip.To4() != nil {
			return ip
		}
	}
	return ips[0]
}

// sendNow sends a packet at once if the address is known, and gives whether it
// was sent, or will never be.
func (g *gossip) sendNow(addr string, msg []byte) bool {
	s := g.current.Load()
	if s == nil || len(msg) > maxDatagram {
		return s == nil
	}
	to, known := g.book.look(addr)
	if !known {
		return false
	}
	s.list.SendToAddress(memberlist.Address{Addr: to.String()}, msg)
	return true
}

// advertise says at which address members find this port, as text, and sets what
// it leads to now: addr itself, with the port that was taken if it says 0; without
// one, the host of the peer address, or an address of this machine.
func (g *gossip) advertise(ctx context.Context, addr, peer string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = addr, ""
	}
	if host == "" {
		host, _, _ = net.SplitHostPort(peer)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = g.machine().String()
	}
	if port == "" || port == "0" {
		port = strconv.Itoa(g.port())
	}
	addr = net.JoinHostPort(host, port)
	if !g.readdress(ctx, addr) && g.transport.address.Load().IP.IsUnspecified() {
		g.transport.address.Store(&net.TCPAddr{IP: g.machine(), Port: g.port()})
	}
	return addr
}

// readdress finds where an address leads to now, and gives whether that is news. It is
// none while the name still leads to the present one, among others.
func (g *gossip) readdress(ctx context.Context, addr string) bool {
	ips, port, err := g.book.resolve(ctx, addr)
	if err != nil {
		return false
	}
	before := g.transport.address.Load()
	now := readdressed(*before, ips, port)
	if now.IP.Equal(before.IP) && now.Port == before.Port {
		return false
	}
	g.transport.address.Store(&now)
	return true
}

// readdressed is the address after its name was resolved.
func readdressed(before net.TCPAddr, ips []net.IP, port int) net.TCPAddr {
	if before.Port == port && slices.ContainsFunc(ips, before.IP.Equal) {
		return before
	}
	return net.TCPAddr{IP: preferred(ips), Port: port}
}

// machine is an address of this machine: the one that is bound, else one that
// others can reach, else loopback.
func (g *gossip) machine() net.IP {
	if bound := g.transport.address.Load().IP; !bound.IsUnspecified() {
		return bound
	}
	addrs, _ := net.InterfaceAddrs()
	var found []net.IP
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			found = append(found, n.IP)
		}
	}
	if len(found) == 0 {
		return net.IPv4(127, 0, 0, 1)
	}
	return preferred(found)
}

// look is find without asking anybody.
func (b addressBook) look(addr string) (*net.TCPAddr, bool) {
	b.mu.Lock()
	known := b.known[addr]
	b.mu.Unlock()
	if known != nil {
		return known, true
	}
	host, port, _ := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	number, err := strconv.ParseUint(port, 10, 16)
	if ip == nil || err != nil || number == 0 {
		return nil, false
	}
	return &net.TCPAddr{IP: ip, Port: int(number)}, true
}
