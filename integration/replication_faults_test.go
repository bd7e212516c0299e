package integration

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// cuts are what a network can do to nodes.
type cuts interface {
	deafen(n, of *clusterNode) // n receives nothing of the other any more
	unplug(n *clusterNode)     // n receives nothing at all
	heal(n *clusterNode)
}

// fault is something that happens to one node, and how it ends.
type fault struct {
	name     string
	do, undo func(n *clusterNode)
	short    []int // sizes of clusters to which it happens in the short form
}

// processFaults need no network of their own.
func processFaults() []fault {
	return []fault{
		{"kill -9, and start", (*clusterNode).kill, (*clusterNode).start, []int{3}},
		{"SIGSTOP, and SIGCONT", (*clusterNode).pause, (*clusterNode).resume, []int{3, 5}},
		{"SIGTERM, and start", (*clusterNode).stop, (*clusterNode).start, []int{3}},
		{"kill -9 while stopped, and start", func(n *clusterNode) { n.pause(); n.kill() }, (*clusterNode).start, []int{5}},
	}
}

// netFaults cut a node off from the others, but not from clients, and in the end from
// all.
func netFaults(c *testCluster, w cuts) []fault {
	each := func(n *clusterNode, f func(other *clusterNode)) {
		for _, other := range c.without(n) {
			f(other)
		}
	}
	deaf := func(n *clusterNode) { each(n, func(other *clusterNode) { w.deafen(n, other) }) }
	mute := func(n *clusterNode) { each(n, func(other *clusterNode) { w.deafen(other, n) }) }
	heal := func(*clusterNode) {
		for _, n := range c.nodes {
			w.heal(n)
		}
	}
	return []fault{
		{"cut off", func(n *clusterNode) { deaf(n); mute(n) }, heal, []int{3}},
		{"hears nobody", deaf, heal, []int{3}},
		{"is heard by nobody", mute, heal, []int{3}},
		{"one link is broken", func(n *clusterNode) {
			other := c.without(n)[0]
			w.deafen(n, other)
			w.deafen(other, n)
		}, heal, []int{5}},
		{"unplugged", w.unplug, heal, []int{5}},
	}
}

// TestReplicationFaults: eight writers write while one node at a time fails, in every
// way. Afterwards no acknowledged write is lost.
func TestReplicationFaults(t *testing.T) {
	for _, size := range []int{3, 5} {
		t.Run(fmt.Sprintf("%d nodes", size), func(t *testing.T) {
			// The five are not built with the race detector: on two cores they hardly came
			// to anything.
			o := clusterOptions{racy: size == 3, engine: "bitcask", more: []string{"--bitcask-segment-size", "256kb"}}
			c, w, why := wiredOrNot(t, size, o)
			faults := processFaults()
			if w != nil {
				faults = append(faults, netFaults(c, w)...)
			} else {
				t.Logf("NOT TESTED: cuts of the network: %s", why)
			}
			hold, atLeast := 2*time.Second, 10*time.Second
			if soak() {
				hold, atLeast = 10*time.Second, 2*time.Minute
			} else {
				faults = slices.DeleteFunc(faults, func(f fault) bool { return !slices.Contains(f.short, size) })
			}
			l := startFaultLoad(c)
			l.reach(t, 200)
			injectFaults(t, c, l, faults, hold, atLeast)
			deeds := l.end(t)
			t.Logf("all are current %v after the last fault", c.settle(c.nodes...).Round(time.Millisecond))
			keys := faultKeys()
			t.Logf("all owners show the same after %v", c.converge(keys...).Round(time.Millisecond))
			report(t, judge(deeds, c.find(keys)))
		})
	}
}

// injectFaults has one fault after another happen to one node after another, each
// once and for at least so long in all. The next begins when all nodes are current.
func injectFaults(t *testing.T, c *testCluster, l *faultLoad, faults []fault, hold, atLeast time.Duration) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 3))
	rng.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	began := time.Now()
	for i := 0; i < len(faults) || time.Since(began) < atLeast; i++ {
		f, victim := faults[i%len(faults)], c.nodes[rng.IntN(len(c.nodes))]
		before := l.acks.Load()
		at := time.Now()
		f.do(victim)
		over := time.After(hold)
		l.reach(t, 50)
		<-over
		f.undo(victim)
		settled := c.settle(c.nodes...)
		t.Logf("%6v %s: %s for %v, all current after another %v; %d writes acknowledged meanwhile", at.Sub(began).Round(time.Millisecond),
			victim.name, f.name, hold, settled.Round(time.Millisecond), l.acks.Load()-before)
	}
}

// find reads every key from the own copy of each of its owners, which have converged, and
// sees that each node answers a client the same.
func (c *testCluster) find(keys []string) map[string]found {
	c.t.Helper()
	all := map[string]found{}
	err := eachOwn(c.nodes, func(n *clusterNode, x *conn) error {
		for _, key := range keys {
			f, err := x.do("GET", key)
			if err != nil {
				return err
			}
			if f.moved() != "" {
				continue
			}
			if f.isError() {
				return fmt.Errorf("GET %s is answered with %q", key, f.raw)
			}
			v, err := x.versionsOf(key)
			if err != nil {
				return err
			}
			one := found{there: !f.null, get: f.str(), values: v.values}
			if before, again := all[key]; again && (before.there != one.there || before.get != one.get || v.sorted() != (versions{values: before.values}).sorted()) {
				c.t.Errorf("%s: %s shows %+v, and another owner %+v", key, n.name, one, before)
			}
			all[key] = one
		}
		return nil
	})
	must(c.t, err)
	for _, n := range c.nodes {
		for _, key := range keys {
			if f := n.chased("GET", key); f.null == all[key].there || f.str() != all[key].get {
				c.t.Errorf("GET %s through %s is %q, and its owners' copies are %+v", key, n.name, f.raw, all[key])
			}
		}
	}
	return all
}

// report prints a verdict, and fails the test if it is not spotless.
func report(t *testing.T, v verdict) {
	t.Helper()
	t.Log(v)
	for _, list := range [][]string{v.lost, v.wrong} {
		slices.Sort(list)
		for _, text := range list[:min(10, len(list))] {
			t.Error(text)
		}
	}
	if len(v.lost) > 0 {
		t.Errorf("%d acknowledged writes are lost", len(v.lost))
	}
	if v.acked == 0 {
		t.Error("nothing was acknowledged")
	}
}
