package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rldb/rldb/ring"
)

// patience is how long anything may take in a test before it has failed.
const patience = 60 * time.Second

// world is a network of nodes in this process: gossip goes over loopback, calls
// of CLUSTER GREET and heartbeats through here. Links can be cut.
type world struct {
	t *testing.T

	mu    sync.Mutex        // guards what follows
	nodes map[string]*Node  // by client address
	group map[string]string // by client address: nodes of different groups do not reach each other
	port  map[string]string // gossip address → client address
}

func newWorld(t *testing.T) *world {
	return &world{t: t, nodes: map[string]*Node{}, group: map[string]string{}, port: map[string]string{}}
}

// options are those of a test node with a client address of that name.
func (w *world) options(addr string) Options {
	o := Options{
		Dir: w.t.TempDir(), Name: "test", N: 3, R: 2, W: 2,
		GossipBind: freeAddress(w.t),
		Self:       Self{Version: "test", Host: addr, Port: 1, Peer: addr + ":1", Gossip: "127.0.0.1:0"},
		Log:        slog.New(slog.NewTextHandler(testWriter{w.t}, nil)).With("node", addr),
		Timing: Timing{
			Tick: 20 * time.Millisecond, Beacon: 40 * time.Millisecond, Stable: 200 * time.Millisecond,
			Alone: 500 * time.Millisecond, Reconnect: 200 * time.Millisecond, Greet: 50 * time.Millisecond,
			Probe: 200 * time.Millisecond, ProbeTimeout: 100 * time.Millisecond, Gossip: 20 * time.Millisecond,
			PushPull: time.Second, GossipToTheDead: 500 * time.Millisecond,
			ReconnectTimeout: 15 * time.Second, VoteHold: 4 * time.Second,
		},
	}
	o.Call = func(ctx context.Context, to string, args []string) ([]string, error) { return w.call(addr, to, args) }
	o.cut = func(gossip string) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		to, known := w.port[gossip]
		return known && w.group[to] != w.group[addr]
	}
	return o
}

// freeAddress is a loopback address whose port nobody has, outside of the range
// from which the system takes ports for connections: it is still free when a node
// is restarted at it.
func freeAddress(t *testing.T) string {
	for range 1000 {
		addr := fmt.Sprint("127.0.0.1:", 15000+rand.IntN(17000))
		udp, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		tcp, err := net.Listen("tcp", addr)
		udp.Close()
		if err == nil {
			tcp.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// testWriter logs to a test for as long as it runs.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(string(b[:len(b)-1]))
	return len(b), nil
}

func (w *world) call(from, to string, args []string) ([]string, error) {
	w.mu.Lock()
	n, cut := w.nodes[to], w.group[from] != w.group[to]
	w.mu.Unlock()
	if n == nil || cut {
		return nil, errors.New("connection refused")
	}
	return n.Greet(args)
}

// open starts a node, with heartbeats to all that it knows. It is closed at the
// end of the test.
func (w *world) open(o Options) *Node {
	w.t.Helper()
	o.Self.Gossip = "127.0.0.1:0"
	return w.openAt(o)
}

// openAt is open, at the gossip address that is said.
func (w *world) openAt(o Options) *Node {
	w.t.Helper()
	n, err := Open(o)
	for range 5 {
		if err == nil || !strings.Contains(err.Error(), "in use") {
			break
		}
		o.GossipBind = freeAddress(w.t) // another program has taken the port in the meantime
		n, err = Open(o)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	addr := o.Self.Host
	w.mu.Lock()
	w.nodes[addr] = n
	w.port[n.GossipAddr()] = addr
	w.mu.Unlock()
	var beating sync.WaitGroup
	beating.Go(func() { w.heartbeats(n.ctx, addr, n) })
	w.t.Cleanup(func() { w.close(addr, n); beating.Wait() })
	return n
}

func (w *world) close(addr string, n *Node) {
	w.mu.Lock()
	if w.nodes[addr] == n {
		delete(w.nodes, addr)
	}
	w.mu.Unlock()
	if err := n.Close(); err != nil {
		w.t.Error(err)
	}
}

// heartbeats tells a node who answers it, as the peer port does.
func (w *world) heartbeats(ctx context.Context, addr string, n *Node) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, m := range n.View().Members {
			if m.ID == n.View().Self {
				continue
			}
			if w.reaches(addr, m) {
				n.Answers(m.ID)
			} else {
				n.Suspect(m.ID, "no heartbeat")
			}
		}
	}
}

func (w *world) reaches(from string, m Member) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.nodes[m.Host]
	return n != nil && w.group[from] == w.group[m.Host] && n.View().Self == m.ID
}

// cut puts nodes into a group of their own, which the others do not reach.
func (w *world) cut(group string, addrs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, addr := range addrs {
		w.group[addr] = group
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	start := time.Now()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		if time.Since(start) > patience {
			t.Fatalf("after %v still not: %s", patience, what)
		}
		<-ticker.C
	}
	t.Logf("%s: after %v", what, time.Since(start).Round(time.Millisecond))
}

// agree waits until nodes have one view of so many active members, all alive.
func agree(t *testing.T, members int, nodes ...*Node) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d nodes have one view of %d active members", len(nodes), members), func() bool {
		for _, n := range nodes {
			v, first := n.View(), nodes[0].View()
			if len(v.Members) != members || !sameTable(v, first) || v.SlotsServed() != ring.Slots || v.Epoch != first.Epoch {
				return false
			}
			for _, m := range v.Members {
				if m.Status != Active || m.Health != Alive || m.Draining {
					return false
				}
			}
		}
		return true
	})
}

// sameTable is true if two views say the same to clients.
func sameTable(a, b *View) bool {
	return a.Cluster == b.Cluster && slices.Equal(a.primary, b.primary) && slices.Equal(a.Ranges, b.Ranges) && a.visible == b.visible
}

func healthAt(n *Node, id ring.ID) Health {
	m, known := n.View().Find(id)
	if !known {
		return Down
	}
	return m.Health
}

// listed is how many members a node's memberlist takes for alive.
func listed(n *Node) int {
	s := n.gossip.current.Load()
	if s == nil {
		return 0
	}
	return s.list.NumMembers()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// grow opens nodes of these names and has all join the first.
func (w *world) grow(names ...string) []*Node {
	w.t.Helper()
	var nodes []*Node
	for _, name := range names {
		nodes = append(nodes, w.open(w.options(name)))
	}
	for _, n := range nodes[1:] {
		must(w.t, n.Join(w.t.Context(), names[0], false))
	}
	agree(w.t, len(nodes), nodes...)
	return nodes
}

func TestJoinOneByOne(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c", "d")
	must(t, nodes[3].Join(t.Context(), "b", false)) // again
	agree(t, 4, nodes...)
	seen := map[ring.ID]bool{}
	for _, r := range nodes[0].View().Ranges {
		seen[nodes[0].View().Members[r.Member].ID] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d of 4 members are primaries", len(seen))
	}
}
