package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// wiredOrNot is a cluster whose nodes can be cut off from each other, where the machine
// can do that: else one without wires, and why.
func wiredOrNot(t *testing.T, n int, o clusterOptions) (*testCluster, cuts, string) {
	t.Helper()
	if why := noWires(); why != "" {
		return startReplicated(t, n, o), nil, why
	}
	c, w := wired(t, n, o)
	c.settle(c.nodes...)
	return c, w, ""
}

// linkLoad writes through one node and reads through another, in turn.
type linkLoad struct {
	t              *testing.T
	rounds, failed int
	longest        time.Duration
}

// until goes on until enough is done, for some rounds at least.
func (l *linkLoad) until(a, b, third *clusterNode, what string, enough func() bool) {
	l.t.Helper()
	deadline := time.Now().Add(agreeLimit)
	for !enough() {
		if time.Now().After(deadline) {
			l.t.Fatalf("%s: not within %v", what, agreeLimit)
		}
		l.rounds++
		key, value := fmt.Sprintf("link:%d", l.rounds%20), fmt.Sprint(l.rounds)
		for _, pair := range [][2]*clusterNode{{a, b}, {b, a}, {a, third}, {third, b}} {
			value += "."
			l.goesOn(pair[0], "SET", key, value)
			if f := l.goesOn(pair[1], "GET", key); f.str() != value {
				l.t.Errorf("round %d: %s was told %q, and %s reads %q", l.rounds, pair[0].name, value, pair[1].name, f.raw)
			}
		}
	}
}

// goesOn has a node carry out a command. One that is under way when the link breaks may
// end in an error; it is given again.
func (l *linkLoad) goesOn(n *clusterNode, args ...string) (f frame) {
	l.t.Helper()
	eventually(l.t, agreeLimit, "commands go on", func() error {
		began := time.Now()
		var err error
		f, err = n.do(args...)
		l.longest = max(l.longest, time.Since(began))
		if err == nil && f.isError() {
			l.failed++
			err = fmt.Errorf("%q at %s: %q", args, n.name, f.raw)
		}
		return err
	})
	return f
}

// TestReplicationBrokenLink: one broken link between two of three nodes stops nothing, and
// what is written through one of the two is read through the other.
func TestReplicationBrokenLink(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%v", strict), func(t *testing.T) {
			c, w := wired(t, 3, clusterOptions{engine: "bitcask", strict: strict, more: []string{"--fsync", "no"}})
			c.settle(c.nodes...)
			a, b, third := c.nodes[0], c.nodes[1], c.nodes[2]
			w.deafen(a, b)
			w.deafen(b, a)
			l := &linkLoad{t: t}
			l.until(a, b, third, "the broken link is known", func() bool {
				return strings.Contains(string(third.ask("CLUSTER", "NODES").text), "fail")
			})
			before := l.failed
			l.until(a, b, third, "", func() bool { return l.rounds >= 300 })
			t.Logf("%d rounds; %d errors until the link was known to be broken, %d afterwards; the longest command took %v",
				l.rounds, before, l.failed-before, l.longest.Round(time.Millisecond))
			if l.failed-before > 20 {
				t.Errorf("%d errors though the link was known to be broken", l.failed-before)
			}
			w.heal(a)
			w.heal(b)
			t.Logf("healed: all current after %v", c.settle(c.nodes...))
			var keys []string
			for i := range 20 {
				keys = append(keys, fmt.Sprintf("link:%d", i))
			}
			c.converge(keys...)
		})
	}
}

// TestReplicationCutOffMap: a client that asks a node that is cut off from all others for
// the slot map is not lost: it reaches the others, and finds them.
func TestReplicationCutOffMap(t *testing.T) {
	c, w := wired(t, 3, clusterOptions{engine: "memory"})
	c.settle(c.nodes...)
	far := c.nodes[2]
	netFaults(c, w)[0].do(far)
	c.agree(c.without(far)...)
	eventually(t, agreeLimit, "the node notices that it is cut off", func() error {
		if f, err := far.do("SET", "far", "v"); err != nil || f.code() != clusterDown {
			return fmt.Errorf("SET is answered with %q, %w", f.raw, err)
		}
		return nil
	})
	// It may take the others for down by now, or not: give it time for that.
	_ = waitUntil(5*time.Second, func() error {
		_, served, err := far.slotMap()
		if err == nil && len(served) > 1 {
			err = fmt.Errorf("it says that %d nodes serve", len(served))
		}
		return err
	})
	rdb := c.client(func(o *redis.ClusterOptions) {
		impatient(o)
		o.Addrs = []string{far.addr()}
	})
	began := time.Now()
	for i := range outageKeys {
		eventually(t, time.Minute, "a client that knows only the node that is cut off writes", func() error {
			return rdb.Set(t.Context(), fmt.Sprintf("map:%d", i), "v", 0).Err()
		})
	}
	t.Logf("all keys are written %v after the client has come", time.Since(began).Round(time.Millisecond))
	for _, n := range c.nodes {
		w.heal(n)
	}
	c.settle(c.nodes...)
}
