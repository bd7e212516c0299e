package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestReplicationOriginal are the rows that the first rldb tested, on clusters of several
// sizes.
func TestReplicationOriginal(t *testing.T) {
	sizes := []int{3, 5}
	if soak() {
		sizes = append(sizes, 10)
	}
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%d nodes", size), func(t *testing.T) {
			c := startReplicated(t, size, clusterOptions{racy: size == 3, more: []string{"--cluster-node-timeout", patient}})
			for _, test := range []struct {
				name string
				run  func(t *testing.T, c *testCluster)
			}{
				{"put and get through every node", putAndGet},
				{"an update through every node leaves one value", updateInTurn},
				{"20 concurrent puts with the same context", concurrentPuts},
				{"a stale context is refused and the value kept", staleContext},
				{"a first put beside others is a sibling", putWithoutContext},
				{"a key that is not there", keyNotFound},
			} {
				t.Run(test.name, func(t *testing.T) { test.run(t, c) })
			}
		})
	}
}

// putAndGet puts a key through every node, by SET and by RLDB.PUT, and reads it through
// every node.
func putAndGet(t *testing.T, c *testCluster) {
	direct := 0
	for _, put := range []string{"SET", "RLDB.PUT"} {
		for _, n := range c.nodes {
			for k := range 10 {
				key := fmt.Sprintf("%s:%s:%d", put, n.name, k)
				n.chased(put, key, "value of "+key)
				for _, m := range c.nodes {
					if got := m.chased("GET", key); got.str() != "value of "+key {
						t.Errorf("%s through %s, GET through %s: %q", key, n.name, m.name, got.raw)
					}
					f, err := m.do("GET", key)
					if err != nil {
						t.Errorf("GET at %s: %v", m.name, err)
					}
					if f.moved() == "" {
						direct++
					}
				}
			}
		}
	}
	keys := 20 * len(c.nodes)
	t.Logf("%d keys; %d of %d reads were answered by the node that was asked", keys, direct, keys*len(c.nodes))
	if want := keys * min(3, len(c.nodes)); direct != want {
		t.Errorf("owners answered %d reads directly, not %d", direct, want)
	}
}

// updateInTurn overwrites a key through every node in turn, with what RLDB.PUT is given
// and by SET: one value is left.
func updateInTurn(t *testing.T, c *testCluster) {
	for _, put := range []string{"SET", "RLDB.PUT"} {
		key := "turn:" + put
		last := ""
		for round := range 3 {
			for _, n := range c.nodes {
				last = fmt.Sprintf("%s/%d", n.name, round)
				args := []string{put, key, last}
				if put == "RLDB.PUT" {
					v, err := parseVersions(n.chased("RLDB.GET", key))
					must(t, err)
					if v.context != "" {
						args = append(args, "CONTEXT", v.context)
					}
				}
				n.chased(args...)
			}
		}
		for _, n := range c.nodes {
			v, err := parseVersions(n.chased("RLDB.GET", key))
			must(t, err)
			if !slices.Equal(v.values, []string{last}) {
				t.Errorf("%s: %s shows %q, not only %q", key, n.name, v.values, last)
			}
		}
		c.converge(key)
	}
}

// concurrentPuts puts 20 values at once over the same context: as many are siblings as
// were answered OK, at least one, at most one for each coordinator.
func concurrentPuts(t *testing.T, c *testCluster) {
	const puts = 20
	for round := range 5 {
		key := fmt.Sprintf("race:%d", round)
		owners := c.ownersOf(key)
		context := owners[0].chased("RLDB.PUT", key, "first").str()
		conns := make([]*conn, puts)
		for i := range conns {
			conns[i] = mustDial(t, owners[i%len(owners)].addr())
			conns[i].mustDo(t, "PING")
		}
		replies := make([]frame, puts)
		errs := make([]error, puts)
		everywhere(make([]*clusterNode, puts), func(i int, _ *clusterNode) {
			replies[i], errs[i] = conns[i].do("RLDB.PUT", key, fmt.Sprintf("put%d", i), "CONTEXT", context)
		})
		var want []string
		by := map[int]int{}
		for i, f := range replies {
			switch {
			case errs[i] != nil:
				t.Errorf("put %d: %v", i, errs[i])
			case !f.isError():
				want = append(want, fmt.Sprintf("put%d", i))
				by[i%len(owners)]++
			case f.code() != stale:
				t.Errorf("put %d is answered with %q", i, f.raw)
			}
		}
		t.Logf("%d of %d puts were answered OK, by coordinator %v", len(want), puts, by)
		if len(want) == 0 {
			t.Error("no put was answered OK")
		}
		for coordinator, n := range by {
			if n > 1 {
				t.Errorf("%s answered %d puts with OK", owners[coordinator].name, n)
			}
		}
		slices.Sort(want)
		for _, n := range c.nodes {
			v, err := parseVersions(n.chased("RLDB.GET", key))
			must(t, err)
			got := slices.Clone(v.values)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s shows %q, and %q were answered OK", n.name, got, want)
			}
			if get := n.chased("GET", key).str(); len(v.values) > 0 && get != v.values[0] {
				t.Errorf("%s answers GET with %q, and shows %q first", n.name, get, v.values[0])
			}
		}
		c.converge(key)
		// A put that has seen all of them leaves one.
		v, err := parseVersions(owners[1].chased("RLDB.GET", key))
		must(t, err)
		owners[2].chased("RLDB.PUT", key, "all", "CONTEXT", v.context)
		v, err = parseVersions(owners[0].chased("RLDB.GET", key))
		must(t, err)
		if !slices.Equal(v.values, []string{"all"}) {
			t.Errorf("after a put that has seen all there is %q", v.values)
		}
	}
}

// staleContext puts and deletes over a context that has been overtaken, through every
// node.
func staleContext(t *testing.T, c *testCluster) {
	n := c.nodes[0]
	old := n.chased("RLDB.PUT", "stale", "old").str()
	n.chased("RLDB.PUT", "stale", "new", "CONTEXT", old)
	for _, m := range c.nodes {
		f, err := chase(m.addr(), "RLDB.PUT", "stale", "late", "CONTEXT", old)
		if err != nil || f.code() != stale {
			t.Errorf("%s: a stale context is answered with %q, %v", m.name, f.raw, err)
		}
		if v, err := parseVersions(m.chased("RLDB.GET", "stale")); err != nil || !slices.Equal(v.values, []string{"new"}) {
			t.Errorf("%s shows %q, %v", m.name, v.values, err)
		}
		f, err = chase(m.addr(), "RLDB.PUT", "stale", "late", "CONTEXT", "nonsense")
		if err != nil || !f.isError() || f.code() == stale {
			t.Errorf("%s: a context that is none is answered with %q, %v", m.name, f.raw, err)
		}
	}
	c.converge("stale")
}

// putWithoutContext: it is like a first write, so it stands beside what is there; a
// delete with the context of one of the two leaves the other.
func putWithoutContext(t *testing.T, c *testCluster) {
	n := c.nodes[0]
	one := n.chased("RLDB.PUT", "beside", "one").str()
	n.chased("RLDB.PUT", "beside", "two")
	want := []string{"one", "two"}
	for _, m := range c.nodes {
		v, err := parseVersions(m.chased("RLDB.GET", "beside"))
		must(t, err)
		if slices.Sort(v.values); !slices.Equal(v.values, want) {
			t.Errorf("%s shows %q", m.name, v.values)
		}
	}
	if f := n.chased("RLDB.DEL", "beside", "CONTEXT", one); f.str() != "1" {
		t.Errorf("RLDB.DEL with the context of one of two is answered with %q", f.raw)
	}
	for _, m := range c.nodes {
		if v, err := parseVersions(m.chased("RLDB.GET", "beside")); err != nil || !slices.Equal(v.values, []string{"two"}) {
			t.Errorf("%s shows %q, %v", m.name, v.values, err)
		}
	}
	v, err := parseVersions(n.chased("RLDB.GET", "beside"))
	must(t, err)
	n.chased("RLDB.DEL", "beside", "CONTEXT", v.context)
	for _, m := range c.nodes {
		if v, err := parseVersions(m.chased("RLDB.GET", "beside")); err != nil || len(v.values) != 0 {
			t.Errorf("%s shows %q, %v after all was deleted", m.name, v.values, err)
		}
		if f := m.chased("GET", "beside"); !f.null {
			t.Errorf("%s answers %q after all was deleted", m.name, f.raw)
		}
	}
	c.converge("beside")
}

// keyNotFound asks every node for a key that nobody wrote, and for one that was deleted.
func keyNotFound(t *testing.T, c *testCluster) {
	c.nodes[0].chased("SET", "gone", "v")
	c.nodes[1].chased("DEL", "gone")
	for _, key := range []string{"nobody", "gone"} {
		for _, n := range c.nodes {
			for command, want := range map[string]string{"GET": "$-1\r\n", "EXISTS": ":0\r\n", "TTL": ":-2\r\n", "TYPE": "+none\r\n", "DEL": ":0\r\n"} {
				if f := n.chased(command, key); string(f.raw) != want {
					t.Errorf("%s: %s %s is answered with %q", n.name, command, key, f.raw)
				}
			}
			if v, err := parseVersions(n.chased("RLDB.GET", key)); err != nil || len(v.values) != 0 {
				t.Errorf("%s: RLDB.GET %s shows %q, %v", n.name, key, v.values, err)
			}
		}
	}
}

// TestReplicationNoQuorum: with one of three nodes up, writes and reads are refused with
// what to do about it, and nothing that was refused is there when the others are back.
func TestReplicationNoQuorum(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%v", strict), func(t *testing.T) {
			c := startReplicated(t, 3, clusterOptions{engine: "bitcask", strict: strict, more: append([]string{"--fsync", "no"}, noNudge...)})
			alone := c.nodes[0]
			const key = "quorum"
			context := alone.chased("RLDB.PUT", key, "kept").str()
			c.converge(key)
			for _, n := range c.nodes[1:] {
				n.kill()
			}
			commands := [][]string{
				{"SET", key, "refused SET"},
				{"RLDB.PUT", key, "refused PUT", "CONTEXT", context},
				{"INCR", "counter"},
				{"DEL", key},
				{"GET", key},
				{"RLDB.GET", key},
			}
			// A command that is under way when the others die may end otherwise: they are
			// given until it is known that there is nobody.
			for _, command := range commands[4:] {
				eventually(t, agreeLimit, "no quorum is reported", func() error {
					f, err := alone.do(command...)
					if err == nil && f.code() != clusterDown {
						err = fmt.Errorf("%q is answered with %q", command, f.raw)
					}
					return err
				})
			}
			for _, command := range commands {
				f, err := alone.do(command...)
				if err != nil || f.code() != clusterDown {
					t.Errorf("%q is answered with %q, %v", command, f.raw, err)
				}
				t.Logf("%s: %s", command[0], strings.TrimSpace(string(f.raw)))
			}
			x, err := alone.own()
			must(t, err)
			defer x.Close()
			if f, err := x.do("GET", key); err != nil || f.str() != "kept" {
				t.Errorf("the own copy is %q, %v, after all that was refused", f.raw, err)
			}
			for _, n := range c.nodes[1:] {
				n.start()
			}
			c.settle(c.nodes...)
			for _, n := range c.nodes {
				if f := n.chased("GET", key); f.str() != "kept" {
					t.Errorf("%s: with all back it is %q", n.name, f.raw)
				}
				if f := n.chased("GET", "counter"); !f.null {
					t.Errorf("%s: an INCR that was refused has left %q", n.name, f.raw)
				}
			}
			c.converge(key, "counter")
		})
	}
}
