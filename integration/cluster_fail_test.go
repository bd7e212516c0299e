package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestClusterPaused: a node that hangs is left out, and is back when it goes on,
// though it noticed nothing itself.
func TestClusterPaused(t *testing.T) {
	c := startCluster(t, 3, clusterOptions{})
	victim := c.nodes[1]
	victim.pause()
	took := c.agree(c.without(victim)...)
	t.Logf("the others agree %v after the node was stopped in its tracks", took.Round(time.Millisecond))
	eventually(t, agreeLimit, "one of three has failed", func() error {
		for _, n := range c.without(victim) {
			if nodes := string(n.ask("CLUSTER", "NODES").text); strings.Count(nodes, "fail") != 1 || strings.Count(nodes, "\n") != 3 {
				return fmt.Errorf("%s: CLUSTER NODES says\n%s", n.name, nodes)
			}
		}
		return nil
	})
	victim.resume()
	took = c.agree(c.nodes...)
	t.Logf("all agree %v after it went on", took.Round(time.Millisecond))
	for _, n := range c.nodes {
		if down := strings.Count(n.process.log.String(), "panic"); down > 0 {
			t.Errorf("%s logs\n%s", n.name, n.process.log.tail(20))
		}
	}
}

// TestClusterGarbage: what strangers send to the ports of members changes nothing.
func TestClusterGarbage(t *testing.T) {
	c := startCluster(t, 3, clusterOptions{racy: true, more: []string{"--cluster-node-timeout", patient, "--cluster-secret", "hush"}})
	c.wellKnown()
	var before []string
	for _, n := range c.nodes {
		before = append(before, members(n))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	noise := func(size int) []byte {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	var pieces [][]byte
	for _, text := range []string{
		"", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "*1\r\n$4\r\nPING\r\n", "rldbPEER\x01", "rldbPEER\x01" + strings.Repeat("\x00", 200),
		"rldbPEER\x02" + strings.Repeat("z", 500), strings.Repeat("\xff", 5000), strings.Repeat("\x00", 5000),
	} {
		pieces = append(pieces, []byte(text))
	}
	for range 40 {
		pieces = append(pieces, noise(1+rng.IntN(3000)))
	}
	for kind := range 20 { // memberlist's packets begin with their kind
		pieces = append(pieces, append([]byte{byte(kind)}, noise(200)...), append([]byte{244, 5, 'h', 'e', 'l', 'l', 'o', byte(kind)}, noise(100)...))
	}
	for _, n := range c.nodes {
		for _, piece := range pieces {
			for _, port := range []int{n.port + 10000, n.port + 20000} {
				toTCP(t, net.JoinHostPort(n.host, strconv.Itoa(port)), piece)
			}
			toUDP(t, net.JoinHostPort(n.host, strconv.Itoa(n.port+20000)), piece)
		}
	}
	c.wellKnown()
	for i, n := range c.nodes {
		if now := members(n); now != before[i] {
			t.Errorf("%s: the members were\n%s\nand are\n%s", n.name, before[i], now)
		}
		log := n.process.log.String()
		t.Logf("%s: %d lines of log, %d bytes", n.name, strings.Count(log, "\n"), len(log))
		if lines := strings.Count(log, "\n"); lines > 1000 {
			t.Errorf("%s logs %d lines about %d pieces of garbage", n.name, lines, len(pieces))
		}
	}
	c.setAndRead(c.nodes, 20)
}

func toTCP(t *testing.T, addr string, piece []byte) {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, connectLimit)
	if err != nil {
		t.Fatalf("a port of members is closed: %v", err)
	}
	nc.SetDeadline(time.Now().Add(connectLimit))
	_, _ = nc.Write(piece) // may be refused at any byte
	nc.Close()
}

func toUDP(t *testing.T, addr string, piece []byte) {
	t.Helper()
	nc, err := net.Dial("udp", addr)
	must(t, err)
	defer nc.Close()
	_, _ = nc.Write(piece)
}

// wellKnown waits until the nodes agree and none of them is suspected by anybody: on
// a busy machine one may be, for a while.
func (c *testCluster) wellKnown() {
	c.t.Helper()
	c.agree(c.nodes...)
	eventually(c.t, agreeLimit, "nobody is suspected", func() error {
		for _, n := range c.nodes {
			if text := members(n); strings.Contains(text, "fail") {
				return fmt.Errorf("%s says:\n%s", n.name, text)
			}
		}
		return nil
	})
}

// members is a node's member map as clients see it, without what changes by itself:
// the times of pings.
func members(n *clusterNode) string {
	n.t.Helper()
	var out bytes.Buffer
	for line := range strings.Lines(string(n.ask("CLUSTER", "NODES").text)) {
		f := strings.Fields(line)
		if len(f) < 8 {
			n.t.Fatalf("%s: CLUSTER NODES has the line %q", n.name, line)
		}
		fmt.Fprintln(&out, f[0], f[1], f[2], f[7:])
	}
	return out.String()
}
