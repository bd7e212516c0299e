package membership

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/rldb/rldb/ring"
)

// These are the holes that the design names, each with its test.

// TestPartitionLongerThanGossipToTheDeadHeals: memberlist itself gives the dead up
// for good after GossipToTheDead.
func TestPartitionLongerThanGossipToTheDeadHeals(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c", "d", "e")
	w.cut("minority", "d", "e")
	start := time.Now()
	// What a and b said of d and e comes to d just before the cut.
	leak := newState()
	for i, n := range nodes[:2] {
		e := n.View().Self
		said := entry{place: place{status: Joining}, reports: reports{version: 1 << 40}}
		for _, of := range nodes[3:] {
			said.reports = said.reports.raise(of.View().Self)
		}
		leak.entries[e] = said
		t.Logf("node %d is %v", i, e)
	}
	must(t, nodes[3].do(t.Context(), func(now time.Time) {
		c := nodes[3].core
		c.received(now, message{kind: kindState, sender: nodes[0].View().Self, cluster: c.snap.cluster, state: leak})
	}))
	for i, n := range nodes {
		eventually(t, fmt.Sprintf("node %d routes around the other side", i), func() bool {
			for k, other := range nodes {
				if here := (i < 3) == (k < 3); here != (healthAt(n, other.View().Self) == Alive) {
					return false
				}
			}
			return n.View().SlotsServed() == ring.Slots
		})
	}
	long := 10 * nodes[0].o.Timing.GossipToTheDead
	eventually(t, "memberlist has given the other side up", func() bool {
		return time.Since(start) > long && listed(nodes[0]) == 3 &&
			listed(nodes[4]) == 2
	})
	w.cut("", "d", "e")
	agree(t, 5, nodes...)
}

func TestOneThatIsCutOffTakesTheOthersForDown(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c", "d")
	w.cut("lonely", "d")
	me := nodes[3].View().Self
	for _, n := range nodes[:3] {
		eventually(t, "the others take it for down", func() bool { return healthAt(n, me) == Down })
	}
	eventually(t, "it serves nobody, as a write needs two", func() bool {
		v := nodes[3].View()
		for slot := range uint16(ring.Slots) {
			if v.Mine(slot) {
				return false
			}
		}
		return v.SlotsServed() == ring.Slots && healthAt(nodes[3], nodes[0].View().Self) == Suspect
	})
	w.cut("", "d")
	agree(t, 4, nodes...)
}

// TestComesBackWithAnotherAddress: a restarted node, at another gossip port.
func TestComesBackWithAnotherAddress(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c")
	o := nodes[2].o
	id, before := nodes[2].View().Self, nodes[2].GossipAddr()
	w.close("c", nodes[2])
	for _, n := range nodes[:2] {
		eventually(t, "its end is noticed", func() bool { return healthAt(n, id) == Down })
	}
	o.GossipBind, o.Self.Port, o.Self.Host = freeAddress(t), 4711, "c2"
	nodes[2] = w.open(o)
	if nodes[2].GossipAddr() == before {
		t.Fatal("it has the same address")
	}
	if got := nodes[2].View().Self; got != id {
		t.Fatalf("it is %v, not %v", got, id)
	}
	agree(t, 3, nodes...)
	for _, n := range nodes {
		if m, _ := n.View().Find(id); m.Host != "c2" || m.Port != 4711 || m.Gossip != nodes[2].GossipAddr() {
			t.Errorf("its addresses are %+v", m)
		}
	}
}

// TestAllAtOnceBecomeOneCluster: five nodes with the same join list start at the
// same moment; and once more with a list that leaves each of them itself out.
func TestAllAtOnceBecomeOneCluster(t *testing.T) {
	for _, withItself := range []bool{true, false} {
		t.Run(fmt.Sprint("list with itself: ", withItself), func(t *testing.T) {
			w := newWorld(t)
			names := []string{"a", "b", "c", "d", "e"}
			var nodes []*Node
			for _, name := range names {
				o := w.options(name)
				for _, other := range names {
					if withItself || other != name {
						o.Join = append(o.Join, other)
					}
				}
				nodes = append(nodes, w.open(o))
			}
			agree(t, 5, nodes...)
		})
	}
}

// TestFewerThanAMajorityFormNoCluster: two of five wait for a third.
func TestFewerThanAMajorityFormNoCluster(t *testing.T) {
	w := newWorld(t)
	names := []string{"a", "b", "c", "d", "e"}
	var nodes []*Node
	open := func(name string) {
		o := w.options(name)
		o.Join = names
		nodes = append(nodes, w.open(o))
	}
	open("a")
	open("b")
	start := time.Now()
	eventually(t, "a while has passed without a cluster", func() bool {
		for _, n := range nodes {
			if !n.View().Cluster.IsZero() || n.View().PrimaryIndex(0) >= 0 {
				t.Fatal("two of five have formed a cluster")
			}
		}
		return time.Since(start) > time.Second
	})
	open("c")
	agree(t, 3, nodes...)
	open("d")
	open("e")
	agree(t, 5, nodes...)
}

func TestRestartedWithItsDirectoryIsTheSameMember(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c")
	before := nodes[0].View()
	for i, name := range []string{"a", "b", "c"} {
		o := nodes[i].o
		w.close(name, nodes[i])
		nodes[i] = w.open(o)
		agree(t, 3, nodes...)
	}
	if v := nodes[0].View(); v.Cluster != before.Cluster || !sameIDs(v, before) || v.Epoch < before.Epoch {
		t.Errorf("before %v, epoch %d; after %v, epoch %d", before.Members, before.Epoch, v.Members, v.Epoch)
	}
	// All at once, too, as after a power cut.
	var all []Options
	for i, name := range []string{"a", "b", "c"} {
		all = append(all, nodes[i].o)
		w.close(name, nodes[i])
	}
	for i := range nodes {
		nodes[i] = w.open(all[i])
	}
	agree(t, 3, nodes...)
	if v := nodes[0].View(); v.Cluster != before.Cluster || !sameIDs(v, before) {
		t.Errorf("before %v; after %v", before.Members, v.Members)
	}
}

func sameIDs(a, b *View) bool {
	if len(a.Members) != len(b.Members) {
		return false
	}
	for i := range a.Members {
		if a.Members[i].ID != b.Members[i].ID {
			return false
		}
	}
	return true
}

// TestDifferentNamesSecretsAndIDsNeverMerge: not by JOIN, and not where their
// gossip meets.
func TestDifferentNamesSecretsAndIDsNeverMerge(t *testing.T) {
	w := newWorld(t)
	plain := w.open(w.options("plain"))
	open := func(addr string, change func(*Options)) *Node {
		o := w.options(addr)
		change(&o)
		return w.open(o)
	}
	named := open("named", func(o *Options) { o.Name = "other" })
	secret := open("secret", func(o *Options) { o.Secret = "hush" })
	other := open("other", func(o *Options) { o.Secret = "hush!" })
	same := open("same", func(o *Options) {})
	quorum := open("quorum", func(o *Options) { o.N = 2 })
	for _, tc := range []struct {
		n    *Node
		to   string
		want error
	}{
		{named, "plain", ErrOtherName}, {plain, "named", ErrOtherName},
		{secret, "plain", ErrOtherSecret}, {plain, "secret", ErrOtherSecret}, {other, "secret", ErrOtherSecret},
		{quorum, "plain", ErrOtherQuorum},
	} {
		if err := tc.n.Join(t.Context(), tc.to, true); !errors.Is(err, tc.want) {
			t.Errorf("joining %s: %v, want %v", tc.to, err, tc.want)
		}
	}
	all := []*Node{plain, named, secret, other, same, quorum}
	for _, n := range all {
		for _, to := range all {
			if n != to {
				n.gossip.connect(t.Context(), to.GossipAddr())
				n.gossip.send(t.Context(), to.GossipAddr(), *n.encoded.Load(), false)
				n.gossip.send(t.Context(), to.GossipAddr(), *n.encoded.Load(), true)
			}
		}
	}
	for _, n := range all {
		must(t, n.after(func(time.Time) {}))
		if v := n.View(); len(v.Members) != 1 {
			t.Errorf("%d members", len(v.Members))
		}
	}
}

// TestGarbageAtTheGossipPort: packets and streams of strangers change nothing.
func TestGarbageAtTheGossipPort(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b")
	before := nodes[0].View()
	label := before.Cluster.String() + "/test"
	header := append([]byte{244, byte(len(label))}, label...) // memberlist's label
	for i := range 400 {
		junk := make([]byte, i%90)
		rand.Read(junk)
		if i%2 == 0 {
			junk = append(bytes.Clone(header), junk...) // of one who knows the cluster's ID
		}
		if i%8 == 0 {
			junk = append(bytes.Clone(header), append([]byte{8}, junk...)...) // a message for the delegate
		}
		udp, err := net.Dial("udp", nodes[0].GossipAddr())
		must(t, err)
		udp.Write(junk)
		udp.Close()
		if i%4 < 2 {
			tcp, err := net.Dial("tcp", nodes[0].GossipAddr())
			must(t, err)
			tcp.Write(junk)
			tcp.Close()
		}
	}
	// They were read if a member that joins afterwards is taken on.
	c := w.open(w.options("c"))
	must(t, c.Join(t.Context(), "a", false))
	agree(t, 3, nodes[0], nodes[1], c)
	for _, m := range before.Members {
		if got, _ := nodes[0].View().Find(m.ID); got.Peer != m.Peer || got.Status != m.Status {
			t.Errorf("member %v has become %v", m, got)
		}
	}
}

// TestEmptyDirectoryAtTheAddressOfADeadMember: it takes the place of the dead one.
func TestEmptyDirectoryAtTheAddressOfADeadMember(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c")
	o := nodes[1].o
	old, _ := nodes[1].View().Me()
	fresh := w.options("fresh")
	fresh.Self.Peer = old.Peer
	intruder := w.open(fresh)
	if err := intruder.Join(t.Context(), "a", false); !errors.Is(err, ErrRefused) {
		t.Fatalf("joining at the address of a member that is alive: %v", err)
	}
	w.close("fresh", intruder)

	w.close("b", nodes[1])
	eventually(t, "its end is noticed", func() bool {
		return healthAt(nodes[0], old.ID) == Down && healthAt(nodes[2], old.ID) == Down
	})
	o.Dir, o.Join = t.TempDir(), []string{"a", "b", "c"}
	nodes[1] = w.open(o)
	agree(t, 3, nodes...)
	me, _ := nodes[1].View().Me()
	if me.ID == old.ID || fmt.Sprint(me.Tokens) != fmt.Sprint(old.Tokens) {
		t.Errorf("it is %v with tokens %v; before %v with %v", me.ID, me.Tokens, old.ID, old.Tokens)
	}
	if !nodes[0].View().HasLeft(old.ID) {
		t.Error("the dead member has not left")
	}
}

// TestLeftIsFinal: who was forgotten while it was away learns it, and can come
// back only under a new ID.
func TestLeftIsFinal(t *testing.T) {
	w := newWorld(t)
	nodes := w.grow("a", "b", "c")
	o := nodes[2].o
	id := nodes[2].View().Self
	if err := nodes[0].Forget(t.Context(), id); !errors.Is(err, ErrMemberAlive) {
		t.Errorf("forgetting a member that is alive: %v", err)
	}
	w.close("c", nodes[2])
	eventually(t, "its end is noticed", func() bool { return healthAt(nodes[0], id) == Down })
	must(t, nodes[0].Forget(t.Context(), id))
	must(t, nodes[0].Forget(t.Context(), id)) // again
	agree(t, 2, nodes[:2]...)
	c := w.open(o)
	eventually(t, "it learns that it was forgotten", func() bool { return c.View().Parted })
	if v := c.View(); v.Self == id || !v.Cluster.IsZero() || v.PrimaryIndex(1) >= 0 {
		t.Errorf("its view is %+v", v)
	}
	w.close("c", c)
	c = w.open(o)
	if v := c.View(); !v.Parted || !v.Cluster.IsZero() {
		t.Errorf("after a restart its view is %+v", v)
	}
	must(t, c.Join(t.Context(), "b", false))
	agree(t, 3, nodes[0], nodes[1], c)
	if !nodes[0].View().HasLeft(id) || c.View().Self == id {
		t.Error("it has its old ID")
	}
}

// TestHostNamesAreResolvedAnew: members are found by name, and a node whose own
// name leads elsewhere begins gossip there.
func TestHostNamesAreResolvedAnew(t *testing.T) {
	w := newWorld(t)
	open := func(name string) *Node {
		o := w.options(name)
		_, port, _ := net.SplitHostPort(o.GossipBind)
		o.GossipBind = "0.0.0.0:" + port
		o.Self.Gossip = "localhost:" + port
		return w.openAt(o)
	}
	a, b := open("a"), open("b")
	must(t, b.Join(t.Context(), "a", false))
	agree(t, 2, a, b)
	before := b.gossip.current.Load()
	// As if its name had led there when it started.
	b.gossip.transport.address.Store(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 9), Port: b.gossip.port()})
	eventually(t, "gossip begins anew at its address", func() bool {
		return b.gossip.current.Load() != before && b.gossip.transport.address.Load().IP.IsLoopback() &&
			!b.gossip.transport.address.Load().IP.Equal(net.IPv4(127, 0, 0, 9))
	})
	agree(t, 2, a, b)
	eventually(t, "both are one in memberlist, too", func() bool {
		return listed(a) == 2 && listed(b) == 2
	})
}

func TestAddressBook(t *testing.T) {
	b := newAddressBook(time.Minute)
	for _, bad := range []string{"", "localhost", "localhost:0", "localhost:x", "127.0.0.1:70000"} {
		if got, err := b.find(t.Context(), bad, true); err == nil {
			t.Errorf("%q leads to %v", bad, got)
		}
	}
	if _, known := b.look("localhost:7"); known {
		t.Error("a name is known that was never asked for")
	}
	got, err := b.find(t.Context(), "localhost:7", false)
	if err != nil || !got.IP.IsLoopback() || got.Port != 7 {
		t.Errorf("%v, %v", got, err)
	}
	if known, ok := b.look("localhost:7"); !ok || known != got {
		t.Errorf("it is not in the book: %v", known)
	}
	if v6, ok := b.look("[::1]:8"); !ok || v6.Port != 8 {
		t.Errorf("%v", v6)
	}
}
