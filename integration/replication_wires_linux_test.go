package integration

import (
	"fmt"
	"testing"
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
			const rounds = 200
			failed := 0
			for i := range rounds {
				key, value := fmt.Sprintf("link:%d", i%20), fmt.Sprint(i)
				for _, pair := range [][2]*clusterNode{{a, b}, {b, a}, {a, third}, {third, b}} {
					value += "."
					// The link's end is noticed within the node timeout; a command that is
					// under way then may end in an error.
					eventually(t, agreeLimit, "a write goes on", func() error {
						f, err := pair[0].do("SET", key, value)
						if err == nil && f.isError() {
							failed++
							err = fmt.Errorf("SET at %s: %q", pair[0].name, f.raw)
						}
						return err
					})
					eventually(t, agreeLimit, "a read goes on", func() error {
						f, err := pair[1].do("GET", key)
						if err == nil && f.isError() {
							failed++
							return fmt.Errorf("GET at %s: %q", pair[1].name, f.raw)
						}
						if err == nil && f.str() != value {
							t.Errorf("round %d: %s was told %q, and %s reads %q", i, pair[0].name, value, pair[1].name, f.raw)
						}
						return err
					})
				}
			}
			t.Logf("%d writes and as many reads, each through another node: %d errors", 4*rounds, failed)
			if failed > rounds {
				t.Errorf("%d errors: more than those until the link was known to be broken", failed)
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
