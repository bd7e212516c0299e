package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// load is clients that send commands until they are told to stop, and what became
// of these.
type load struct {
	ops    atomic.Int64
	stop   chan struct{}
	wait   sync.WaitGroup
	paused time.Duration // between a worker's commands

	mu       sync.Mutex
	errs     []error
	lastErr  time.Time
	lastGood []time.Time   // of each worker
	longest  time.Duration // that any worker was without success
	began    time.Time
}

// startLoad has workers use the clients in turn, each worker the next.
func startLoad(clients []*redis.ClusterClient, workers int, pause time.Duration) *load {
	l := &load{stop: make(chan struct{}), lastGood: make([]time.Time, workers), began: time.Now(), paused: pause}
	for w := range workers {
		l.lastGood[w] = l.began
		l.wait.Go(func() { l.work(w, clients[w%len(clients)]) })
	}
	return l
}

func (l *load) work(w int, rdb *redis.ClusterClient) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	rng := rand.New(rand.NewPCG(uint64(w), 1))
	tick := time.NewTicker(max(l.paused, time.Microsecond))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		default:
		}
		if l.paused > 0 {
			<-tick.C
		}
		key := fmt.Sprintf("load:%d:%d", w, rng.IntN(2000))
		var err error
		switch i % 10 {
		case 0, 1, 2, 3:
			err = rdb.Set(ctx, key, i, 0).Err()
		case 4, 5, 6, 7:
			err = rdb.Get(ctx, key).Err()
		case 8:
			err = rdb.Incr(ctx, "counter:"+key).Err()
		case 9:
			err = rdb.Del(ctx, key).Err()
		}
		if errors.Is(err, redis.Nil) {
			err = nil
		}
		l.note(w, err)
	}
}

func (l *load) note(w int, err error) {
	l.ops.Add(1)
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errs = append(l.errs, err)
		l.lastErr = now
		return
	}
	l.longest = max(l.longest, now.Sub(l.lastGood[w]))
	l.lastGood[w] = now
}

// reach waits until so many commands were done.
func (l *load) reach(t *testing.T, n int64) {
	t.Helper()
	eventually(t, 5*time.Minute, "the load goes on", func() error {
		if done := l.ops.Load(); done < n {
			return fmt.Errorf("%d of %d", done, n)
		}
		return nil
	})
}

// end stops the load and returns its errors.
func (l *load) end() []error {
	close(l.stop)
	l.wait.Wait()
	return l.errs
}

// sinceLastError is how long after a moment the last error came.
func (l *load) sinceLastError(from time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lastErr.Before(from) {
		return 0
	}
	return l.lastErr.Sub(from)
}

// failoverLimit is what tests hold against the time of a failover. It is many times
// what a failover takes, as it has to hold on a busy machine, and less than the
// minute after which go-redis looks at the slot map by itself.
const failoverLimit = 50 * time.Second

// TestClusterKillUnderLoad kills a node under mixed commands and starts it again.
func TestClusterKillUnderLoad(t *testing.T) {
	ops := int64(20_000)
	if soak() {
		ops = 100_000
	}
	// A process that dies is noticed at once, whatever the timeout.
	c := startCluster(t, 5, clusterOptions{more: []string{"--engine", "bitcask", "--fsync", "no", "--cluster-node-timeout", patient}})
	victim := c.nodes[1]
	rdb := c.client(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	kept := keysOf(t, c, rdb, 1000)

	l := startLoad([]*redis.ClusterClient{rdb}, 8, 0)
	l.reach(t, ops/4)
	killed := time.Now()
	victim.kill()
	took := c.agree(c.without(victim)...)
	t.Logf("all others agree %v after the kill", took.Round(time.Millisecond))
	l.reach(t, l.ops.Load()+ops/4)
	lasted := l.sinceLastError(killed)
	victim.start()
	c.agree(c.nodes...)
	l.reach(t, max(ops, l.ops.Load()+ops/4))
	errs := l.end()
	t.Logf("%d commands, %d errors, the last %v after the kill; the longest time without a success of any client was %v",
		l.ops.Load(), len(errs), lasted.Round(time.Millisecond), l.longest.Round(time.Millisecond))
	if len(errs) > 0 {
		t.Logf("the first error: %v", errs[0])
	}
	if lasted > failoverLimit || len(errs) > int(ops/20) {
		t.Errorf("%d errors, the last after %v", len(errs), lasted)
	}
	for key, owner := range kept {
		eventually(t, agreeLimit, "all keys are there", func() error {
			if got, err := rdb.Get(ctx, key).Result(); err != nil || got != key {
				return fmt.Errorf("%s of %s is %q, %w", key, owner, got, err)
			}
			return nil
		})
	}
}

// keysOf sets keys, each to its own name, and tells who serves each.
func keysOf(t *testing.T, c *testCluster, rdb *redis.ClusterClient, n int) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), toolLimit)
	defer cancel()
	owners := map[string]string{}
	for i := range n {
		key := fmt.Sprintf("kept:%d", i)
		must(t, rdb.Set(ctx, key, key, 0).Err())
		node, err := rdb.MasterForKey(ctx, key)
		must(t, err)
		owners[key] = node.Options().Addr
	}
	return owners
}

// TestClusterKillOfWhoServedSlots kills the very node that eight clients had their
// slot map from. None of them knows another, but from that map.
func TestClusterKillOfWhoServedSlots(t *testing.T) {
	c := startCluster(t, 3, clusterOptions{})
	victim := c.nodes[0]
	var clients []*redis.ClusterClient
	for range 8 {
		clients = append(clients, c.client(func(o *redis.ClusterOptions) { o.Addrs = []string{victim.addr()} }))
	}
	l := startLoad(clients, 8, time.Millisecond)
	l.reach(t, 2000)
	killed := time.Now()
	victim.kill()
	c.agree(c.without(victim)...)
	t.Logf("the others agree after %v", time.Since(killed).Round(time.Millisecond))
	before := l.ops.Load()
	l.reach(t, before+2000)
	// Every client has gone on by now, or never does.
	eventually(t, failoverLimit, "all clients go on", func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		for w, at := range l.lastGood {
			if time.Since(at) > time.Second {
				return fmt.Errorf("client %d has had no success for %v", w, time.Since(at))
			}
		}
		if quiet := time.Since(l.lastErr); quiet < time.Second {
			return fmt.Errorf("the last error came %v ago", quiet)
		}
		return nil
	})
	errs := l.end()
	t.Logf("%d commands, %d errors, the last %v after the kill; the longest time without a success of any client was %v; errors: %v",
		l.ops.Load(), len(errs), l.sinceLastError(killed).Round(time.Millisecond), l.longest.Round(time.Millisecond), texts(errs))
}

// texts counts errors by what they say.
func texts(errs []error) map[string]int {
	all := map[string]int{}
	for _, err := range errs {
		all[fmt.Sprintf("%.80s", err)]++
	}
	return all
}

// TestClusterRollingRestart: every node is restarted in turn under load, and no
// client sees an error.
func TestClusterRollingRestart(t *testing.T) {
	c := startCluster(t, 3, clusterOptions{more: []string{"--cluster-node-timeout", patient}})
	rdb := c.client(nil)
	l := startLoad([]*redis.ClusterClient{rdb}, 8, 2*time.Millisecond)
	l.reach(t, 500)
	for _, n := range c.nodes {
		began := time.Now()
		n.stop()
		stopped := time.Since(began)
		if stopped > stopLimit {
			t.Errorf("%s took %v to stop", n.name, stopped)
		}
		n.start()
		c.settle(c.nodes...) // the engine keeps nothing: the next may go only when this one has it all
		t.Logf("%s: stopped in %v, back and current after %v", n.name, stopped.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		l.reach(t, l.ops.Load()+500)
	}
	errs := l.end()
	t.Logf("%d commands, %d errors; the longest time without a success of any client was %v", l.ops.Load(), len(errs), l.longest.Round(time.Millisecond))
	if len(errs) > 0 {
		t.Errorf("clients saw errors: %v", texts(errs))
	}
	if slices.Contains(l.lastGood, l.began) {
		t.Error("a client never had a success")
	}
}
