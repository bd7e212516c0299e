package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// wires is a network of its own: a bridge in a namespace, to which each node, in
// a namespace of its own, and this test have a cable.
type wires struct {
	t      testing.TB
	prefix string // of names
	subnet string // "198.18.x.", of the addresses for benchmarks
}

// newWires makes the network, or skips the test where that is not possible.
func newWires(t *testing.T) *wires {
	t.Helper()
	if subjectIsRedis() {
		t.Skip("the subject is redis-server")
	}
	if why := noWires(); why != "" {
		t.Skip("NOT TESTED: " + why)
	}
	w := &wires{t: t, prefix: fmt.Sprintf("rl%d%c", os.Getpid()%100000, 'a'+rand.IntN(26)), subnet: fmt.Sprintf("198.%d.%d.", 18+rand.IntN(2), rand.IntN(256))}
	hub := w.prefix + "hub"
	w.run("ip", "netns", "add", hub)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", hub).Run() })
	w.in(hub, "ip", "link", "add", "br0", "type", "bridge")
	w.in(hub, "ip", "link", "set", "br0", "up")
	mine := w.prefix + "t"
	w.run("ip", "link", "add", mine, "type", "veth", "peer", "name", "t0", "netns", hub)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", mine).Run() })
	w.in(hub, "ip", "link", "set", "t0", "master", "br0", "up")
	w.run("ip", "addr", "add", w.subnet+"254/24", "dev", mine)
	w.run("ip", "link", "set", mine, "up")
	return w
}

// noWires is why this machine cannot make a network, "" if it can. It tries bridges,
// cables and filters in a namespace, which it takes away again.
func noWires() string {
	for _, program := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			return program + " is not installed (Debian: apt-get install iproute2 nftables)"
		}
	}
	if os.Getuid() != 0 {
		return "network namespaces need root"
	}
	probe := fmt.Sprintf("rl%dprobe", os.Getpid()%100000)
	if out, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		return fmt.Sprintf("this machine lets nobody make a network namespace: %s", out)
	}
	defer func() { _ = exec.Command("ip", "netns", "del", probe).Run() }()
	for _, try := range []string{
		"ip link add probe type bridge", "ip link add probe1 type veth peer name probe2", "nft add table inet probe",
	} {
		in := append([]string{"netns", "exec", probe}, strings.Fields(try)...)
		if out, err := exec.Command("ip", in...).CombinedOutput(); err != nil {
			return fmt.Sprintf("this kernel refuses %q: %s", try, out)
		}
	}
	return ""
}

func (w *wires) run(args ...string) {
	w.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (w *wires) in(netns string, args ...string) {
	w.t.Helper()
	w.run(append([]string{"ip", "netns", "exec", netns}, args...)...)
}

// connect gives a node a namespace and an address.
func (w *wires) connect(n *clusterNode, i int) {
	w.t.Helper()
	n.netns = fmt.Sprintf("%sn%d", w.prefix, i)
	n.host = fmt.Sprintf("%s%d", w.subnet, i)
	w.run("ip", "netns", "add", n.netns)
	w.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n.netns).Run() })
	w.in(n.netns, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", fmt.Sprintf("n%d", i), "netns", w.prefix+"hub")
	w.in(w.prefix+"hub", "ip", "link", "set", fmt.Sprintf("n%d", i), "master", "br0", "up")
	w.in(n.netns, "ip", "addr", "add", n.host+"/24", "dev", "eth0")
	w.in(n.netns, "ip", "link", "set", "eth0", "up")
	w.in(n.netns, "ip", "link", "set", "lo", "up")
	w.in(n.netns, "nft", "add", "table", "inet", "cut")
	w.in(n.netns, "nft", "add", "chain", "inet", "cut", "in", "{ type filter hook input priority 0; policy accept; }")
}

// deafen has a node receive nothing more of another.
func (w *wires) deafen(n, of *clusterNode) {
	w.t.Helper()
	w.in(n.netns, "nft", "add", "rule", "inet", "cut", "in", "ip", "saddr", of.host, "drop")
}

// unplug has a node receive nothing at all, from clients either.
func (w *wires) unplug(n *clusterNode) {
	w.t.Helper()
	w.in(n.netns, "nft", "add", "rule", "inet", "cut", "in", "iif", "eth0", "drop")
}

// heal has a node hear everybody again.
func (w *wires) heal(n *clusterNode) {
	w.t.Helper()
	w.in(n.netns, "nft", "flush", "chain", "inet", "cut", "in")
}

// wired is a cluster of n nodes in namespaces.
func wired(t *testing.T, n int, o clusterOptions) (*testCluster, *wires) {
	t.Helper()
	w := newWires(t)
	c := newTestCluster(t, n, o)
	for i, node := range c.nodes {
		w.connect(node, i+1)
	}
	for _, node := range c.nodes {
		node.more = append(node.more, "--join", c.addrs())
	}
	c.startAll()
	c.agree(c.nodes...)
	return c, w
}

// TestClusterPartitions cuts the network between the nodes of a cluster, in whole
// and in part, and heals it.
func TestClusterPartitions(t *testing.T) {
	c, w := wired(t, 4, clusterOptions{})
	far := c.nodes[3]
	rest := c.without(far)

	t.Run("one node is cut off", func(t *testing.T) {
		for _, n := range rest {
			w.deafen(n, far)
			w.deafen(far, n)
		}
		t.Logf("the majority agrees after %v", c.agree(rest...).Round(time.Millisecond))
		eventually(t, agreeLimit, "the other node sends clients elsewhere", func() error {
			_, served, err := far.slotMap()
			if err == nil && (len(served) != len(rest) || served[far.addr()] != 0) {
				err = fmt.Errorf("it says that slots are served by %v", served)
			}
			return err
		})
		for _, n := range c.nodes {
			w.heal(n)
		}
		t.Logf("all agree %v after it healed", c.agree(c.nodes...).Round(time.Millisecond))
	})

	t.Run("one node hears nothing", func(t *testing.T) {
		for _, n := range rest {
			w.deafen(far, n)
		}
		t.Logf("the majority agrees after %v", c.agree(rest...).Round(time.Millisecond))
		w.heal(far)
		t.Logf("all agree %v after it healed", c.agree(c.nodes...).Round(time.Millisecond))
	})

	t.Run("one node is not heard", func(t *testing.T) {
		for _, n := range rest {
			w.deafen(n, far)
		}
		t.Logf("the majority agrees after %v", c.agree(rest...).Round(time.Millisecond))
		for _, n := range rest {
			w.heal(n)
		}
		t.Logf("all agree %v after it healed", c.agree(c.nodes...).Round(time.Millisecond))
	})

	t.Run("one link is broken", func(t *testing.T) {
		a, b := c.nodes[0], c.nodes[1]
		w.deafen(a, b)
		w.deafen(b, a)
		// It is known once somebody suspects somebody.
		eventually(t, agreeLimit, "the broken link is noticed", func() error {
			if nodes := string(c.nodes[2].ask("CLUSTER", "NODES").text); !strings.Contains(nodes, "fail?") {
				return fmt.Errorf("node3 sees\n%s", nodes)
			}
			return nil
		})
		t.Logf("all serve on: agreed after %v", c.agree(c.nodes...).Round(time.Millisecond))
		w.heal(a)
		w.heal(b)
		eventually(t, agreeLimit, "nobody suspects anybody", func() error {
			for _, n := range c.nodes {
				if nodes := string(n.ask("CLUSTER", "NODES").text); strings.Contains(nodes, "fail") {
					return fmt.Errorf("%s sees\n%s", n.name, nodes)
				}
			}
			return nil
		})
		c.agree(c.nodes...)
	})

	t.Run("two halves", func(t *testing.T) {
		near, far := c.nodes[:2], c.nodes[2:]
		for _, a := range near {
			for _, b := range far {
				w.deafen(a, b)
				w.deafen(b, a)
			}
		}
		t.Logf("one half agrees after %v", c.agree(near...).Round(time.Millisecond))
		t.Logf("the other after another %v", c.agree(far...).Round(time.Millisecond))
		for _, n := range c.nodes {
			w.heal(n)
		}
		t.Logf("all agree %v after it healed", c.agree(c.nodes...).Round(time.Millisecond))
	})
}
