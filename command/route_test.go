package command

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/ring"
)

func TestRouting(t *testing.T) {
	n, _ := startMember(t)
	const (
		b       = "-MOVED 10439 b.example:7002\r\n" // {b10439}: see keyAt
		crossed = "-CROSSSLOT Keys in request don't hash to the same slot\r\n"
	)
	at := func(slot uint16) string { return keyIn(t, slot, slot) }
	theirs := at(10439)
	n.play([]adminCase{
		{"set bar 1", "+OK\r\n", ""}, {"get bar", "$1\r\n1\r\n", ""}, {"GET bar", "$1\r\n1\r\n", ""},
		{"get foo", "-MOVED 12182 127.0.0.3:7003\r\n", ""},
		{"set foo x", "-MOVED 12182 127.0.0.3:7003\r\n", ""},
		{"set " + theirs + " x", b, ""},
		{"mget " + theirs + " {" + theirs + "}x", b, ""},
		{"mget bar {bar}x", "*2\r\n$1\r\n1\r\n$-1\r\n", "*2\r\n$1\r\n1\r\n_\r\n"},
		{"mget bar foo", crossed, ""}, {"del bar foo", crossed, ""}, {"mset bar 1 foo 1", crossed, ""},
		{"rename bar foo", crossed, ""}, {"rename bar {bar}y", "+OK\r\n", ""}, {"rename {bar}y bar", "+OK\r\n", ""},
		{"eval x 2 foo bar", crossed, ""}, {"eval x 1 foo", "-MOVED 12182 127.0.0.3:7003\r\n", ""},
		{"eval x x foo", "-ERR value is not an integer or out of range\r\n", ""},
		{"eval x 0", "-" + errScripting + "\r\n", ""},
		{"watch foo", "-MOVED 12182 127.0.0.3:7003\r\n", ""}, {"watch foo bar", crossed, ""},
		{"object encoding foo", "-MOVED 12182 127.0.0.3:7003\r\n", ""},
		{"memory usage foo", "-MOVED 12182 127.0.0.3:7003\r\n", ""},
		{"spublish foo x", "-MOVED 12182 127.0.0.3:7003\r\n", ""}, {"spublish bar x", ":0\r\n", ""},
		{"ssubscribe foo bar", crossed, ""}, {"publish foo x", ":0\r\n", ""},
		{"get", arityReply("get"), ""}, {"copy bar foo", crossed, ""},
		{"ping", "+PONG\r\n", ""},
	})
	n.srv.SetTopology(threeMembers(2, memberA, func(o *TopologyOptions) {
		o.Primary = func(slot uint16) int { return int(slot)%2 - 1 } // even ones: nobody
	}))
	n.play([]adminCase{
		{"get foo", "-CLUSTERDOWN Hash slot not served\r\n", ""},
		{"mget foo {foo}x", "-CLUSTERDOWN Hash slot not served\r\n", ""},
		{"set bar 1", "+OK\r\n", ""},
	})
	if got := n.dial(2).text("INFO", "errorstats"); !strings.Contains(got, "errorstat_MOVED:count=") {
		t.Errorf("redirects are not counted: %q", got)
	}
}

// TestRoutingByEachMember: a node executes what it serves, and sends what it does
// not to where its view says, also while it drains or joins.
func TestRoutingByEachMember(t *testing.T) {
	n, _ := startMember(t)
	epoch := uint64(10)
	see := func(self string, change ...func(*TopologyOptions)) {
		epoch++
		n.srv.SetTopology(threeMembers(epoch, self, change...))
	}
	see(memberC)
	n.play([]adminCase{{"set foo 1", "+OK\r\n", ""}, {"get bar", "-MOVED 5061 127.0.0.1:7001\r\n", ""}})
	see(memberC, func(o *TopologyOptions) { // c drains
		o.Members[2].Draining = true
		o.Primary = func(slot uint16) int { return int(slot) % 2 }
	})
	n.play([]adminCase{{"get foo", "-MOVED 12182 127.0.0.1:7001\r\n", ""}})
	see(memberC, func(o *TopologyOptions) { // the last one drains
		o.Members[2].Draining = true
		o.Primary = func(uint16) int { return -1 }
	})
	n.play([]adminCase{{"get foo", "-CLUSTERDOWN Hash slot not served\r\n", ""}})
	see(strings.Repeat("d", 40)) // it is no member yet
	n.play([]adminCase{{"get foo", "-MOVED 12182 127.0.0.3:7003\r\n", ""}, {"get bar", "-MOVED 5061 127.0.0.1:7001\r\n", ""}})
}

// TestRoutingThroughTLS: such clients are told the ports for TLS.
func TestRoutingThroughTLS(t *testing.T) {
	n := startNode(t)
	n.srv.cluster = new(fakeCluster)
	n.srv.SetTopology(threeMembers(1, memberB))
	p := n.dialTLS()
	p.play([]exchange{
		{"GET foo", "-MOVED 12182 127.0.0.3:7103\r\n"},
		{"GET bar", "-MOVED 5061 127.0.0.1:7101\r\n"},
	})
	n.srv.SetTopology(threeMembers(2, memberC))
	p.play([]exchange{{"SET " + keyIn(t, 5461, 5461) + " 1", "-MOVED 5461 b.example:7002\r\n"}}) // b has no other
	if got := p.do("CLUSTER SLOTS"); !strings.Contains(got, ":7101\r\n") || strings.Contains(got, ":7001\r\n") {
		t.Errorf("CLUSTER SLOTS is %q", got)
	}
	if got := p.do("CLUSTER NODES"); !strings.Contains(got, "127.0.0.1:7101@17001") {
		t.Errorf("CLUSTER NODES is %q", got)
	}
	if got := n.dial().do("CLUSTER SLOTS"); !strings.Contains(got, ":7001\r\n") || strings.Contains(got, ":7101\r\n") {
		t.Errorf("without TLS, CLUSTER SLOTS is %q", got)
	}
}

func TestTransactionsInACluster(t *testing.T) {
	n, _ := startMember(t)
	const (
		moved   = "-MOVED 12182 127.0.0.3:7003\r\n"
		aborted = "-EXECABORT Transaction discarded because of previous errors.\r\n"
		crossed = "-CROSSSLOT Keys in request don't hash to the same slot\r\n"
		ok      = "+OK\r\n"
		queued  = "+QUEUED\r\n"
		none    = "-ERR EXEC without MULTI\r\n"
	)
	other := keyIn(t, 0, 1000)
	n.play([]adminCase{
		{"multi", ok, ""}, {"set bar 1", queued, ""}, {"get bar", queued, ""}, {"exec", "*2\r\n+OK\r\n$1\r\n1\r\n", ""},
		{"multi", ok, ""}, {"set bar 1", queued, ""}, {"get foo", moved, ""}, {"exec", aborted, ""}, {"exec", none, ""},
		{"multi", ok, ""}, {"mget foo bar", crossed, ""}, {"exec", aborted, ""},
		// One slot a transaction, as in Redis.
		{"multi", ok, ""}, {"set bar 1", queued, ""}, {"set " + other + " 1", queued, ""}, {"exec", crossed, ""}, {"exec", none, ""},
		{"multi", ok, ""}, {"ping", queued, ""}, {"exec", "*1\r\n+PONG\r\n", ""},
		{"multi", ok, ""}, {"exec", "*0\r\n", ""},
		{"multi", ok, ""}, {"cluster join 127.0.0.1:1", queued, ""},
		{"exec", "*1\r\n-ERR CLUSTER JOIN is not allowed in a transaction\r\n", ""},
		{"multi", ok, ""}, {"cluster keyslot a", queued, ""}, {"cluster myid", queued, ""},
		{"exec", "*2\r\n:15495\r\n" + bulkOf(memberA), ""},
	})
	// A view that comes between MULTI and EXEC.
	c := n.dial(2)
	for _, cmd := range []string{"WATCH bar", "MULTI", "SET bar 2"} {
		c.do(strings.Split(cmd, " ")...)
	}
	n.srv.SetTopology(threeMembers(2, memberB))
	if got := c.do("EXEC"); got != "-MOVED 5061 127.0.0.1:7001\r\n" {
		t.Errorf("EXEC of a slot that has moved: %q", got)
	}
	if got := c.do("EXEC"); got != none {
		t.Errorf("the transaction is not over: %q", got)
	}
	n.srv.SetTopology(threeMembers(3, memberA))
	c.do("WATCH", "bar")
	c.do("MULTI")
	c.do("PING")
	n.srv.SetTopology(threeMembers(4, memberB))
	if got := c.do("EXEC"); got != "-MOVED 5061 127.0.0.1:7001\r\n" {
		t.Errorf("EXEC with a watched key that has moved: %q", got)
	}
	n.srv.SetTopology(threeMembers(5, memberA))
	if got := c.do("GET", "bar"); got != "$1\r\n1\r\n" {
		t.Errorf("bar is %q", got)
	}
}

// TestPipelineIsRouted: the keys of a pipeline are known ahead; each command is
// still routed by its own.
func TestPipelineIsRouted(t *testing.T) {
	n, _ := startMember(t)
	c := n.dial(2)
	var keys []string
	for i := range 200 {
		keys = append(keys, fmt.Sprint("key", i))
		c.send("SET", keys[i], fmt.Sprint(i))
		c.send("GET", keys[i])
	}
	for i, key := range keys {
		slot := ring.Slot([]byte(key))
		set, want := "+OK\r\n", bulkOf(fmt.Sprint(i))
		if slot > 5460 {
			to := "b.example:7002"
			if slot > 10921 {
				to = "127.0.0.3:7003"
			}
			set = fmt.Sprintf("-MOVED %d %s\r\n", slot, to)
			want = set
		}
		for _, w := range []string{set, want} {
			if got, err := c.read(); err != nil || got != w {
				t.Fatalf("%s: %q, %v, want %q", key, got, err, w)
			}
		}
	}
}

// TestClientsWaitForTheFirstView: whoever is early is answered by it.
func TestClientsWaitForTheFirstView(t *testing.T) {
	n := startAdminNodeIn(t, new(fakeCluster))
	early, other := n.dial(2), n.dial(2)
	early.do("HELLO", "2") // is answered: it depends on nothing
	early.send("GET", "foo")
	early.send("CLUSTER", "MYID")
	other.send("PING")
	eventually(t, "both wait", func() bool {
		n.srv.starting.mu.Lock()
		defer n.srv.starting.mu.Unlock()
		return len(n.srv.starting.held) == 2
	})
	n.srv.SetTopology(threeMembers(1, memberA))
	for _, want := range []string{"-MOVED 12182 127.0.0.3:7003\r\n", bulkOf(memberA)} {
		if got, err := early.read(); err != nil || got != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	}
	if got, err := other.read(); err != nil || got != "+PONG\r\n" {
		t.Fatalf("%q, %v", got, err)
	}
}

// TestViewsChangeUnderLoad: whatever view comes, each command is decided by one.
func TestViewsChangeUnderLoad(t *testing.T) {
	n, _ := startMember(t)
	done := make(chan struct{})
	var views, clients sync.WaitGroup
	views.Go(func() {
		for epoch := uint64(2); ; epoch++ {
			select {
			case <-done:
				return
			default:
				n.srv.SetTopology(threeMembers(epoch, []string{memberA, memberC}[epoch%2]))
			}
		}
	})
	for range 3 {
		c := n.dial(2)
		clients.Go(func() {
			for i := range 2000 {
				cmd, want := []string{"GET", "foo"}, []string{"$-1\r\n", "-MOVED 12182 127.0.0.3:7003\r\n"}
				switch i % 4 {
				case 1:
					cmd, want = []string{"MGET", "bar", "{bar}x"}, []string{"*2\r\n$-1\r\n$-1\r\n", "-MOVED 5061 127.0.0.1:7001\r\n"}
				case 2:
					cmd, want = []string{"DBSIZE"}, []string{":0\r\n", ":0\r\n"}
				case 3:
					cmd, want = []string{"CLUSTER", "MYID"}, []string{bulkOf(memberA), bulkOf(memberC)}
				}
				if got := c.do(cmd...); got != want[0] && got != want[1] {
					t.Errorf("%v is answered with %q", cmd, got)
					return
				}
			}
		})
	}
	clients.Wait()
	close(done)
	views.Wait()
}

// TestRoutingIsCheap: to look up who serves a key allocates nothing.
func TestRoutingIsCheap(t *testing.T) {
	tab, _ := newTable()
	v := threeMembers(1, memberA)
	cl := &client{nudging: nudging{settled: v.epoch + 1}}
	for _, words := range []string{"get bar", "mget bar {bar}x"} {
		c := &call{view: v, cl: cl, pos: make([]int, 0, 4)}
		for _, w := range strings.Fields(words) {
			c.args = append(c.args, []byte(w))
		}
		c.row = tab.find(c.args[0])
		if n := testing.AllocsPerRun(100, func() {
			c.key.Name = nil
			if where := c.route(); where != "" {
				t.Fatalf("%s is sent elsewhere: %s", words, where)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", words, n)
		}
	}
}

// TestCutPort holds cutPort against what made the text.
func TestCutPort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.StringMatching(`[a-zA-Z0-9._-]{1,40}|[0-9a-f:]{2,20}%eth0`).Draw(t, "host")
		port := rapid.Int64Range(1, 65535).Draw(t, "port")
		text := fmt.Sprintf("%s:%d", host, port)
		if rapid.Bool().Draw(t, "brackets") {
			text = fmt.Sprintf("[%s]:%d", host, port)
		}
		h, p, ok := cutPort([]byte(text))
		if !ok || string(h) != host || p != port {
			t.Fatalf("%q is %q, %d, %v", text, h, p, ok)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		if h, p, ok := cutPort(text); ok && (p < 1 || p > 65535 || len(h) == 0 || len(h) > 253) {
			t.Fatalf("%q is %q, %d", text, h, p)
		}
	})
}
