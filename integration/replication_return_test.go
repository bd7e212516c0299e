package integration

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// noNudge keeps nodes from sending away connections that are older than a change.
var noNudge = []string{"--cluster-nudge", "no"}

// keysWith are n keys that have exactly these owners.
func (c *testCluster) keysWith(owners []*clusterNode, prefix string, n int) []string {
	c.t.Helper()
	var keys []string
	for i := 0; len(keys) < n; i++ {
		if i > 3000 {
			c.t.Fatalf("of %d keys only %d have the owners that are looked for", i, len(keys))
		}
		if key := fmt.Sprintf("%s:%d", prefix, i); slices.Equal(c.ownersOf(key), owners) {
			keys = append(keys, key)
		}
	}
	return keys
}

// firstAnswer asks a node until it answers, and gives the first answer that is not one of
// a node that knows that it cannot tell.
func (n *clusterNode) firstAnswer(args ...string) (f frame, refused int, err error) {
	err = waitUntil(agreeLimit, func() error {
		var err error
		f, err = n.do(args...)
		if err != nil {
			return err // it starts
		}
		if code := f.code(); code == clusterDown || code == noQuorum || code == "MOVED" {
			refused++
			return fmt.Errorf("%q", f.raw)
		}
		return nil
	})
	return f, refused, err
}

// readAtOnce reads keys through nodes that have just come back, without waiting for
// anything: the first answer must be the value.
func readAtOnce(t *testing.T, nodes []*clusterNode, keys []string, want func(key string) string) {
	t.Helper()
	var wrong notes
	refusals := make([]int, len(nodes))
	everywhere(nodes, func(i int, n *clusterNode) {
		for _, key := range keys {
			f, refused, err := n.firstAnswer("GET", key)
			if err != nil || f.null != (want(key) == "") || f.str() != want(key) {
				wrong.add("%s: the first answer to GET %s is %q, %v, not %q", n.name, key, f.raw, err, want(key))
			}
			refusals[i] += refused
		}
	})
	wrong.report(t)
	t.Logf("%d keys read through each of %d nodes; they refused %v times first", len(keys), len(nodes), refusals)
}

// TestReplicationFallback: a write that one owner and a fallback have acknowledged is read
// at once when the two missing owners return, empty-handed.
func TestReplicationFallback(t *testing.T) {
	for _, test := range []struct {
		name      string
		away      func(n *clusterNode)
		back      func(n *clusterNode)
		unnoticed bool
	}{
		{"they were killed", (*clusterNode).kill, (*clusterNode).launch, false},
		{"they were paused, and have not noticed", (*clusterNode).pause, (*clusterNode).resume, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := startReplicated(t, 5, clusterOptions{engine: "memory", more: noNudge})
			owners := c.ownersOf("fallback")
			stays, missing := owners[0], owners[1:]
			keys := c.keysWith(owners, "fallback", 12)
			for _, key := range keys[:6] {
				stays.ask("SET", key, "before")
			}
			// What is asked of the paused ones is in their sockets when they go on.
			asked := map[*clusterNode]*conn{}
			for _, n := range missing {
				asked[n] = mustDial(t, n.addr())
				asked[n].mustDo(t, "PING")
			}
			for _, n := range missing {
				test.away(n)
			}
			for _, key := range keys {
				eventually(t, agreeLimit, "an owner and a fallback take a write", func() error {
					f, err := stays.do("SET", key, "after "+key)
					if err == nil && f.isError() {
						err = fmt.Errorf("SET: %q", f.raw)
					}
					return err
				})
			}
			if test.unnoticed {
				for _, n := range missing {
					for _, key := range keys {
						must(t, asked[n].send(appendCommand(nil, "GET", key)))
					}
				}
			}
			for _, n := range missing {
				test.back(n)
			}
			if test.unnoticed {
				refused := 0
				for _, n := range missing {
					for _, key := range keys {
						f, err := asked[n].read()
						switch {
						case err == nil && f.isError():
							refused++
						case err != nil || f.str() != "after "+key:
							t.Errorf("%s went on and answers GET %s with %q, %v", n.name, key, f.raw, err)
						}
					}
				}
				t.Logf("of %d reads that were asked for during the pause %d were refused", len(missing)*len(keys), refused)
			}
			readAtOnce(t, missing, keys, func(key string) string { return "after " + key })
			for _, n := range missing {
				n.ready()
			}
			t.Logf("all are current after %v", c.settle(c.nodes...))
			c.converge(keys...)
			// That no hint is left is part of being current.
			for _, n := range c.others(owners) {
				for _, key := range keys {
					if f, err := n.do("GET", key); err != nil || f.moved() == "" {
						t.Errorf("%s is no owner of %s, and answers %q, %v", n.name, key, f.raw, err)
					}
				}
			}
		})
	}
}

// TestReplicationWiped: a write that is on two owners, one of which loses all that it has:
// neither it, nor the owner that missed the write, outvotes the one that has it.
func TestReplicationWiped(t *testing.T) {
	for _, test := range []struct {
		name, engine string
		wipe         func(n *clusterNode)
	}{
		{"a directory that is empty", "bitcask", func(n *clusterNode) { must(n.t, os.RemoveAll(n.dir)) }},
		{"an engine that keeps nothing", "memory", func(*clusterNode) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := startReplicated(t, 3, clusterOptions{engine: test.engine})
			has, wiped, missed := c.nodes[0], c.nodes[1], c.nodes[2]
			var keys []string
			for i := range 30 {
				keys = append(keys, fmt.Sprintf("wiped:%d", i))
			}
			for _, key := range keys[:20] {
				has.ask("SET", key, "old")
			}
			// Paused, and not killed: with the memory engine it must keep what is old.
			missed.pause()
			for i, key := range keys {
				command := []string{"SET", key, "new " + key}
				if i < 5 {
					command = []string{"DEL", key}
				}
				eventually(t, agreeLimit, "two owners take a write", func() error {
					f, err := wiped.do(command...)
					if err == nil && f.isError() {
						err = fmt.Errorf("%q: %q", command, f.raw)
					}
					return err
				})
			}
			wiped.kill()
			test.wipe(wiped)
			wiped.launch()
			missed.resume()
			readAtOnce(t, []*clusterNode{missed, wiped, has}, keys, func(key string) string {
				if slices.Contains(keys[:5], key) {
					return ""
				}
				return "new " + key
			})
			wiped.ready()
			t.Logf("all are current after %v", c.settle(c.nodes...))
			c.converge(keys...)
			for _, key := range keys[:5] {
				for _, n := range c.nodes {
					if f := n.chased("GET", key); !f.null {
						t.Errorf("%s: %s was deleted, and is %q", n.name, key, f.raw)
					}
				}
			}
		})
	}
}

// TestReplicationMissedWrites: an owner misses writes, and comes back.
func TestReplicationMissedWrites(t *testing.T) {
	c := startReplicated(t, 3, clusterOptions{racy: true, engine: "bitcask", more: append([]string{"--fsync", "no"}, noNudge...)})
	a, b, away := c.nodes[0], c.nodes[1], c.nodes[2]
	gone := func(key string) {
		t.Helper()
		for _, n := range c.nodes {
			if f := n.chased("GET", key); !f.null {
				t.Errorf("%s: %s is %q", n.name, key, f.raw)
			}
		}
	}
	is := func(key, want string) {
		t.Helper()
		for _, n := range c.nodes {
			if f := n.chased("GET", key); f.str() != want {
				t.Errorf("%s: %s is %q, not %q", n.name, key, f.raw, want)
			}
		}
	}

	t.Run("a delete that one owner missed reaches it", func(t *testing.T) {
		var keys []string
		for i := range 30 {
			keys = append(keys, fmt.Sprintf("deleted:%d", i))
			a.chased("SET", keys[i], "there")
		}
		c.converge(keys...)
		away.kill()
		for _, key := range keys {
			if f := b.chased("DEL", key); f.str() != "1" {
				t.Errorf("DEL %s is answered with %q", key, f.raw)
			}
		}
		away.launch()
		readAtOnce(t, []*clusterNode{away, a}, keys, func(string) string { return "" })
		away.ready()
		c.settle(c.nodes...)
		t.Logf("its own copy is like the others' after %v", c.converge(keys...))
		for _, key := range keys {
			gone(key)
		}
		must(t, eachOwn(c.nodes, func(n *clusterNode, x *conn) error {
			for _, key := range keys {
				if f, err := x.do("GET", key); err != nil || !f.null {
					t.Errorf("%s has %s itself: %q, %v", n.name, key, f.raw, err)
				}
			}
			return nil
		}))
	})

	// behind has the node miss a write of a key, and gives it commands that it finds in
	// its socket when it goes on.
	// Where one may have been carried out twice, twice is true.
	behind := func(t *testing.T, key string, commands ...[]string) (replies []frame, twice bool) {
		t.Helper()
		c.settle(c.nodes...)
		a.chased("SET", key, "first")
		c.converge(key)
		x := mustDial(t, away.addr())
		x.mustDo(t, "PING")
		away.pause()
		a.chased("SET", key, "missed")
		for _, command := range commands {
			must(t, x.send(appendCommand(nil, command...)))
		}
		away.resume()
		for range commands {
			f, err := x.read()
			must(t, err)
			replies = append(replies, f)
		}
		for i, f := range replies {
			if f.code() == clusterDown || f.code() == noQuorum || f.code() == "MOVED" {
				// It knew that it could not: asked again it does.
				t.Logf("%q is answered with %q first", commands[i], f.raw)
				twice = twice || f.code() == noQuorum
				again, _, err := away.firstAnswer(commands[i]...)
				must(t, err)
				replies[i] = again
			}
		}
		return replies, twice
	}

	t.Run("a blind SET through an owner that missed the latest write", func(t *testing.T) {
		for i := range 5 {
			key := fmt.Sprintf("blind:%d", i)
			if f, _ := behind(t, key, []string{"SET", key, "latest"}); f[0].str() != "OK" {
				t.Errorf("SET is answered with %q", f[0].raw)
			}
			is(key, "latest")
			c.converge(key)
			is(key, "latest")
		}
	})

	t.Run("a DEL through an owner that missed the latest write", func(t *testing.T) {
		for i := range 5 {
			key := fmt.Sprintf("del:%d", i)
			if f, twice := behind(t, key, []string{"DEL", key}); f[0].str() != "1" && !twice {
				t.Errorf("DEL is answered with %q", f[0].raw)
			}
			gone(key)
			c.converge(key)
			gone(key)
		}
	})

	t.Run("an INCR and a SET NX through an owner that missed the latest write", func(t *testing.T) {
		key := "nx"
		f, twice := behind(t, key, []string{"SET", key, "nx", "NX"}, []string{"APPEND", key, "+"})
		if !f[0].null {
			t.Errorf("SET NX is answered with %q", f[0].raw)
		}
		c.converge(key)
		if twice {
			return // the APPEND may have been done twice
		}
		if f[1].str() != "7" {
			t.Errorf("APPEND is answered with %q", f[1].raw)
		}
		is(key, "missed+")
	})
}

// TestReplicationStoppedCoordinator: a coordinator of increments is stopped again and
// again, wherever it is just then, while others go on; when it goes on too, it undoes nothing.
func TestReplicationStoppedCoordinator(t *testing.T) {
	c := startReplicated(t, 3, clusterOptions{engine: "memory", more: noNudge})
	stopped, other := c.nodes[0], c.nodes[1]
	rounds := 6
	if soak() {
		rounds = 40
	}
	const key, burst = "stopped", 300
	seen := map[string]bool{}
	sent, acked := 0, 0
	count := func(f frame, err error) {
		sent++
		if err == nil && (f.code() == clusterDown || f.moved() != "") {
			sent--
		}
		if err == nil && !f.isError() {
			acked++
			if seen[f.str()] {
				t.Errorf("two INCRs were answered with %s", f.str())
			}
			seen[f.str()] = true
		}
	}
	for round := range rounds {
		x := mustDial(t, stopped.addr())
		var request []byte
		for range burst {
			request = appendCommand(request, "INCR", key)
		}
		must(t, x.send(request))
		for range round * burst / rounds / 2 { // somewhere in the burst
			count(x.read())
		}
		stopped.pause()
		had := acked
		eventually(t, agreeLimit, "another goes on", func() error {
			f, err := other.do("INCR", key)
			count(f, err)
			if err == nil && acked < had+5 {
				err = fmt.Errorf("%d of 5 increments: %q", acked-had, f.raw)
			}
			return err
		})
		stopped.resume()
		for range burst - round*burst/rounds/2 {
			f, err := x.read()
			must(t, err)
			count(f, err)
		}
		c.settle(c.nodes...)
	}
	c.converge(key)
	n, err := strconv.Atoi(c.nodes[2].chased("GET", key).str())
	must(t, err)
	t.Logf("%d increments sent, %d acknowledged, the counter is %d", sent, acked, n)
	if n < acked || n > sent {
		t.Errorf("the counter is %d, not between %d and %d", n, acked, sent)
	}
}

// TestReplicationPowerLoss: a whole cluster that is killed and started again answers by
// itself, with what it had where the engine is durable.
func TestReplicationPowerLoss(t *testing.T) {
	for _, engine := range []string{"bitcask", "memory"} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, strict=%v", engine, strict), func(t *testing.T) {
				c := startReplicated(t, 3, clusterOptions{engine: engine, strict: strict})
				const keys = 100
				for i := range keys {
					c.nodes[i%3].chased("SET", fmt.Sprintf("power:%d", i), fmt.Sprint(i))
				}
				c.nodes[0].chased("DEL", "power:0")
				for _, n := range c.nodes {
					n.kill()
				}
				began := time.Now()
				c.startAll()
				for i := range keys {
					n := c.nodes[i%3]
					f, _, err := n.firstAnswer("GET", fmt.Sprintf("power:%d", i))
					if err != nil || f.isError() {
						t.Fatalf("%s does not answer: %q, %v", n.name, f.raw, err)
					}
					if want := fmt.Sprint(i); engine == "bitcask" && i > 0 && f.str() != want || i == 0 && !f.null {
						t.Errorf("%s: key %d is %q", n.name, i, f.raw)
					}
				}
				t.Logf("all keys are answered %v after the start", time.Since(began).Round(time.Millisecond))
				for _, n := range c.nodes {
					f, _, err := n.firstAnswer("SET", "again:"+n.name, "v")
					if err != nil || f.str() != "OK" {
						t.Errorf("%s takes no writes: %q, %v", n.name, f.raw, err)
					}
				}
				t.Logf("all are current after %v", c.settle(c.nodes...))
				for _, n := range c.nodes {
					for _, m := range c.nodes {
						if f := n.chased("GET", "again:"+m.name); f.str() != "v" {
							t.Errorf("%s: what %s took is %q", n.name, m.name, f.raw)
						}
					}
				}
			})
		}
	}
}
