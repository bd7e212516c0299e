package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	outageKeys   = 24
	outageRounds = 3 // a busy machine may spoil one

	outagePatience = 40 * time.Second // more than go-redis takes with its own time-outs
)

// gaps are the times at which writes to some keys succeeded, as the longest time in
// which none to one key did.
type gaps struct {
	mu      sync.Mutex
	last    []time.Time // of each key
	longest time.Duration
	good    int
	errs    []error
}

func newGaps(keys int) *gaps {
	g := &gaps{last: make([]time.Time, keys)}
	g.restart()
	return g
}

// restart forgets what was.
func (g *gaps) restart() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.last {
		g.last[i] = time.Now()
	}
	g.longest, g.good, g.errs = 0, 0, nil
}

func (g *gaps) note(key int, at time.Time, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.errs = append(g.errs, err)
		return
	}
	g.good++
	g.longest = max(g.longest, at.Sub(g.last[key]))
	g.last[key] = at
}

// until is the longest gap up to a moment, those that last still included.
func (g *gaps) until(at time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	longest := g.longest
	for _, last := range g.last {
		longest = max(longest, at.Sub(last))
	}
	return longest
}

// String is the longest gap until now, for logs.
func (g *gaps) String() string {
	longest := g.until(time.Now())
	g.mu.Lock()
	defer g.mu.Unlock()
	texts := map[string]int{}
	for _, err := range g.errs {
		texts[fmt.Sprintf("%.60s", err)]++
	}
	return fmt.Sprintf("%v (%d writes, errors %v)", longest.Round(time.Millisecond), g.good, texts)
}

// outageClient is a client whose gaps are measured.
type outageClient struct {
	name  string
	rdb   *redis.ClusterClient
	gaps  *gaps
	limit time.Duration // 0: only printed
}

// outage is clients that write to the same keys until the end of the test: with a worker
// for each key, or one for all keys in turn, whose gap is that of any key.
type outage struct {
	clients []*outageClient
	stop    chan struct{}
	ended   sync.WaitGroup
}

func startOutage(t *testing.T) *outage {
	o := &outage{stop: make(chan struct{})}
	t.Cleanup(func() {
		close(o.stop)
		o.ended.Wait()
	})
	return o
}

// workers has a worker for each key use a client.
func (o *outage) workers(name string, rdb *redis.ClusterClient, limit time.Duration) {
	x := &outageClient{name, rdb, newGaps(outageKeys), limit}
	o.clients = append(o.clients, x)
	for key := range outageKeys {
		o.ended.Go(func() { o.write(x, func(int) (int, int) { return key, key }) })
	}
}

// requests has a goroutine for each request use a client, as a web server has them: others
// go on while some wait for a node that does not answer.
func (o *outage) requests(name string, rdb *redis.ClusterClient, limit time.Duration) {
	x := &outageClient{name, rdb, newGaps(outageKeys), limit}
	o.clients = append(o.clients, x)
	for key := range outageKeys {
		o.ended.Go(func() { o.request(x, key) })
	}
}

// request sends a request every 50 ms. No more than some wait at once.
func (o *outage) request(x *outageClient, key int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	places := make(chan struct{}, 1000)
	for i := 0; ; i++ {
		select {
		case <-o.stop:
			return
		case <-tick.C:
		}
		select {
		case places <- struct{}{}:
		default:
			continue
		}
		o.ended.Go(func() {
			err := x.rdb.Set(ctx, fmt.Sprintf("outage:%s:%d", x.name, key), i, 0).Err()
			x.gaps.note(key, time.Now(), err)
			<-places
		})
	}
}

// sequential has one worker write to all keys in turn.
func (o *outage) sequential(name string, rdb *redis.ClusterClient) {
	x := &outageClient{name, rdb, newGaps(1), 0}
	o.clients = append(o.clients, x)
	o.ended.Go(func() { o.write(x, func(i int) (int, int) { return i % outageKeys, 0 }) })
}

func (o *outage) write(x *outageClient, next func(i int) (key, gap int)) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-o.stop:
			return
		case <-tick.C:
		}
		key, gap := next(i)
		err := x.rdb.Set(ctx, fmt.Sprintf("outage:%s:%d", x.name, key), i, 0).Err()
		x.gaps.note(gap, time.Now(), err)
	}
}

// steady waits until every key of every client was written lately, and forgets what was.
func (o *outage) steady(t *testing.T) {
	t.Helper()
	for _, x := range o.clients {
		x.gaps.restart()
	}
	o.measure(t, 500*time.Millisecond)
	for _, x := range o.clients {
		t.Logf("    %s: before anything happens %v", x.name, x.gaps)
		x.gaps.restart()
	}
}

// measure waits for a time, and longer until all keys have been written since its begin,
// but not for ever: what was not written by then is a gap that long.
func (o *outage) measure(t *testing.T, atLeast time.Duration) {
	t.Helper()
	began := time.Now()
	over := time.After(atLeast)
	for _, x := range o.clients {
		err := waitUntil(outagePatience, func() error {
			x.gaps.mu.Lock()
			defer x.gaps.mu.Unlock()
			if i := slices.IndexFunc(x.gaps.last, func(at time.Time) bool { return !at.After(began) }); i >= 0 {
				return fmt.Errorf("%s did not write key %d", x.name, i)
			}
			return nil
		})
		if err != nil {
			t.Log(err)
			break
		}
	}
	<-over
}

// suffer has faults happen to a node until the clients' gaps stay below their limits in
// one of them, and fails if they never do.
func (o *outage) suffer(t *testing.T, c *testCluster, f fault, hold time.Duration) {
	t.Helper()
	var over []string
	for round := range outageRounds {
		victim := c.nodes[round%len(c.nodes)]
		o.steady(t)
		f.do(victim)
		o.measure(t, hold)
		over = nil
		for _, x := range o.clients {
			gap := x.gaps.until(time.Now())
			t.Logf("%s, %s: the longest time without a write to any key is %v", f.name, x.name, x.gaps)
			limit := x.limit
			if !soak() {
				limit *= 10 // the machine may be slow, and busy with something else
			}
			if limit != 0 && gap >= limit {
				over = append(over, fmt.Sprintf("%s: %v, not below %v", x.name, gap, limit))
			}
			x.gaps.restart()
		}
		f.undo(victim)
		c.settle(c.nodes...)
		for _, x := range o.clients {
			t.Logf("    %s: when it came back %v", x.name, x.gaps)
		}
		if over == nil && (!soak() || round > 0) {
			return
		}
	}
	if over != nil {
		t.Errorf("%s, in each of %d rounds: %s", f.name, outageRounds, strings.Join(over, "; "))
	}
}

// impatient are the time-outs with which a client gives up on a node that hangs.
func impatient(o *redis.ClusterOptions) {
	o.ReadTimeout, o.DialTimeout = 500*time.Millisecond, 500*time.Millisecond
}

// TestReplicationOutage: how long writes to a key stop when a node dies, hangs, or is
// unplugged. The node's clients are go-redis with its own settings, but for the time-outs
// where it says so.
func TestReplicationOutage(t *testing.T) {
	c, w, why := wiredOrNot(t, 3, clusterOptions{engine: "bitcask"})
	t.Run("kill -9", func(t *testing.T) {
		o := startOutage(t)
		o.workers("defaults", c.client(nil), time.Second)
		o.sequential("defaults, one sequential client", c.client(nil))
		o.suffer(t, c, processFaults()[0], 3*time.Second)
	})
	t.Run("pause", func(t *testing.T) {
		o := startOutage(t)
		o.workers("time-outs of 500 ms", c.client(impatient), 3*time.Second)
		o.workers("defaults", c.client(nil), 0)
		o.suffer(t, c, processFaults()[1], 5*time.Second)
	})
	t.Run("cut", func(t *testing.T) {
		if w == nil {
			t.Skip("NOT TESTED: " + why)
		}
		// A worker that was sent to the dead node waits for all of go-redis's tries to dial
		// it: five (DialerRetries), so 3.4 s with 500 ms each, whatever the cluster does. New
		// requests find the way before that.
		o := startOutage(t)
		o.requests("time-outs of 500 ms, a goroutine for each request", c.client(impatient), 3*time.Second)
		o.workers("time-outs of 500 ms, a worker for each key", c.client(impatient), 0)
		o.requests("defaults, a goroutine for each request", c.client(nil), 0)
		o.suffer(t, c, fault{name: "unplugged", do: w.unplug, undo: w.heal}, 5*time.Second)
	})
	t.Run("cut from the other nodes only", func(t *testing.T) {
		if w == nil {
			t.Skip("NOT TESTED: " + why)
		}
		// Clients reach it still: it must send them to the others.
		o := startOutage(t)
		o.workers("time-outs of 500 ms", c.client(impatient), 3*time.Second)
		o.workers("defaults", c.client(nil), 0)
		o.suffer(t, c, netFaults(c, w)[0], 5*time.Second)
	})
}

// TestGaps: the longest gap counts what lasts still, and a key's own.
func TestGaps(t *testing.T) {
	g := newGaps(2)
	start := g.last[0]
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	g.last[1] = start
	for _, n := range []struct{ key, ms int }{{0, 10}, {1, 20}, {0, 30}, {0, 45}, {1, 70}} {
		g.note(n.key, at(n.ms), nil)
	}
	g.note(0, at(80), context.Canceled)
	if got := g.longest; got != 50*time.Millisecond {
		t.Errorf("the longest gap is %v", got)
	}
	if got := g.until(at(150)); got != 105*time.Millisecond {
		t.Errorf("until now it is %v", got)
	}
	if g.good != 5 || len(g.errs) != 1 {
		t.Errorf("%d writes, %d errors", g.good, len(g.errs))
	}
}
