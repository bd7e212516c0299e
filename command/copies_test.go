package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/ring"
)

// TestEveryCommandOnKeysGoesToCopies walks the command table: whatever names a key
// reaches the store through Copies, and by no other way.
func TestEveryCommandOnKeysGoesToCopies(t *testing.T) {
	n, f, e := startCopies(t)
	p := n.dial()
	table, _ := newTable()
	rows := 0
	table.eachRow(func(r *row) {
		if !r.onValues() {
			return
		}
		rows++
		calls := 0
		for more := 0; more < 4 && calls == 0; more++ {
			words := strings.ReplaceAll(r.full, "|", " ")
			for i := len(strings.Fields(words)); i < max(r.arity, -r.arity)+more; i++ {
				words += " 1"
			}
			p.do(words)
			calls = f.began()
			f.said()
		}
		if calls != 1 {
			t.Errorf("%s was %d calls of Copies", r.full, calls)
		}
		p.do("UNWATCH")
	})
	if rows < 60 {
		t.Errorf("only %d commands are on keys", rows)
	}
	before := e.started()
	p.play([]exchange{
		{"SET {k}a 1", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"INCR {k}a", "+QUEUED\r\n"}, {"SET {k}b 1", "+QUEUED\r\n"},
		{"PING", "+QUEUED\r\n"}, {"GET {k}b", "+QUEUED\r\n"}, {"EXEC", "*4\r\n:2\r\n+OK\r\n+PONG\r\n$1\r\n1\r\n"},
	})
	if got := f.said(); got != "blind {k}a; write {k}a {k}b" {
		t.Errorf("Copies were asked for %q", got)
	}
	if e.started()-before != 2 {
		t.Errorf("the engine carried out %d transactions", e.started()-before)
	}
	e.set(func() {
		if e.tries != 0 {
			t.Errorf("the store was tried %d times", e.tries)
		}
	})
}

// TestUnread: which words make a write that does not look.
func TestUnread(t *testing.T) {
	table, _ := newTable()
	for words, want := range map[string]bool{
		"set k v": true, "set k v EX 1": true, "set k v px 1": true, "set k v EXAT 1": true, "set k v PXAT 1": true,
		"set k v EX": false, "set k v NX": false, "set k v XX": false, "set k v GET": false, "set k v KEEPTTL": false,
		"set k v IFEQ x": false, "set k v EX 1 NX": false, "set k v NX EX 1": false, "set k v nonsense": false,
		"setex k 1 v": true, "psetex k 1 v": true, "mset a 1": true, "mset a 1 b 2": true,
		"msetex 1 k v": true, "msetex 2 a 1 b 2 EX 9": true, "msetex 1 k v NX": false, "msetex 1 k v XX": false,
		"msetex 1 k v KEEPTTL": false, "msetex 1 EX 1 PX 1": true, "msetex 2 k v": false, "msetex x k v": false, "msetex 0 k v": false,
		"setnx k v": false, "getset k v": false, "append k v": false, "incr k": false, "del k": false, "unlink k": false,
		"msetnx a 1": false, "get k": false, "getdel k": false, "expire k 1": false, "persist k": false, "rename a b": false,
		"restore k 0 v REPLACE": false, "setrange k 0 v": false, "eval x 1 k": false, "copy a b REPLACE": false,
	} {
		var args [][]byte
		for _, w := range strings.Fields(words) {
			args = append(args, []byte(w))
		}
		r, _ := table.lookup(args)
		if got := r.unreadBy(args); got != want {
			t.Errorf("%s: %t", words, got)
		}
	}
	table.eachRow(func(r *row) {
		if r.unread != nil && !r.has(write|blind) {
			t.Errorf("%s is blind to what it does not write", r.full)
		}
	})
}

// TestPipelineToCopies: what is on different keys is under way together, reads and
// writes alike; what is on one key keeps its order.
func TestPipelineToCopies(t *testing.T) {
	n, f, _ := startCopies(t)
	p := n.dial()
	f.set(func() { f.hold = gate(64) })
	var cmds []string
	for i := range 64 {
		cmds = append(cmds, fmt.Sprintf("SET k%d %d", i, i))
	}
	p.send(cmds...)
	for range 64 {
		p.want("+OK\r\n")
	}
	f.said()
	f.set(func() { f.hold = gate(64) })
	cmds = nil
	for i := range 32 {
		cmds = append(cmds, fmt.Sprintf("GET k%d", i), fmt.Sprintf("INCR n%d", i))
	}
	p.send(cmds...)
	for i := range 32 {
		p.want(bulkOf(fmt.Sprint(i)), ":1\r\n")
	}

	f.said()
	open := make(chan struct{})
	f.set(func() { f.hold = func(*coordinator.Call) { <-open } })
	p.send("INCR a", "SET a 1", "SET a 2", "GET b", "APPEND c x", "GET a", "SET b 9")
	eventually(t, "all that may be under way is", func() bool { return f.began() == 5 })
	n.dial().do("PING")
	if got := f.said(); got != "write a; blind a; blind a; read b; write c" {
		t.Errorf("under way are %q", got)
	}
	close(open)
	p.want(":1\r\n", "+OK\r\n", "+OK\r\n", "$-1\r\n", ":1\r\n", "$1\r\n2\r\n", "+OK\r\n")

	// What looks at a key waits for what has overwritten it: that may be made anew.
	f.said()
	again := make(chan struct{})
	f.set(func() { f.hold = func(*coordinator.Call) { <-again } })
	p.send("SET x 1", "APPEND c y", "INCR x")
	eventually(t, "the first two are under way", func() bool { return f.began() == 2 })
	n.dial().do("PING")
	if got := f.said(); got != "blind x; write c" {
		t.Errorf("under way are %q", got)
	}
	close(again)
	p.want("+OK\r\n", ":2\r\n", ":2\r\n")
}

// TestWaitingForOneKey: a command that waits for a key goes on once that key is free,
// whatever else is under way.
func TestWaitingForOneKey(t *testing.T) {
	n, f, _ := startCopies(t)
	p := n.dial()
	a, b := make(chan struct{}), make(chan struct{})
	f.set(func() {
		f.hold = func(x *coordinator.Call) {
			switch string(x.Txn.Name(0)) {
			case "a":
				<-a
			case "b":
				<-b
			}
		}
	})
	p.send("GET b", "GET a", "SET a 1", "GET c", "PING")
	eventually(t, "both reads are under way", func() bool { return f.began() == 2 })
	close(a)
	eventually(t, "what is behind went on", func() bool { return f.began() == 4 })
	close(b)
	p.want("$-1\r\n", "$-1\r\n", "+OK\r\n", "$-1\r\n", "+PONG\r\n")
}

// TestDecidedAgain: what is decided anew replies once, and changes as much.
func TestDecidedAgain(t *testing.T) {
	n, f, _ := startCopies(t)
	f.set(func() { f.again = 3 })
	for _, p := range []*peer{n.dial(), n.dial3()} {
		p.play([]exchange{
			{"DEL {k}n {k}x", p.do("EXISTS {k}n {k}x")}, {"EXISTS {k}n {k}x", ":0\r\n"}, {"INCR {k}n", ":1\r\n"}, {"INCR {k}n", ":2\r\n"}, {"GET {k}n", "$1\r\n2\r\n"},
			{"MGET {k}n {k}n", "*2\r\n$1\r\n2\r\n$1\r\n2\r\n"}, {"SET {k}n x", "+OK\r\n"},
			{"INCR {k}n", "-ERR value is not an integer or out of range\r\n"},
			{"WATCH {k}n", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"SET {k}n 5", "+QUEUED\r\n"}, {"INCR {k}n", "+QUEUED\r\n"},
			{"APPEND {k}x y", "+QUEUED\r\n"}, {"EXEC", "*3\r\n+OK\r\n:6\r\n:1\r\n"}, {"GET {k}n", "$1\r\n6\r\n"},
		})
	}
}

func TestExecToCopies(t *testing.T) {
	n, f, _ := startCopies(t)
	p, other := n.dial(), n.dial()
	p.do("SET {k}a 1")
	f.said()
	p.play([]exchange{
		{"MULTI", "+OK\r\n"}, {"GET {k}a", "+QUEUED\r\n"}, {"MGET {k}a {k}b", "+QUEUED\r\n"}, {"EXEC", "*2\r\n$1\r\n1\r\n*2\r\n$1\r\n1\r\n$-1\r\n"},
		{"WATCH {k}a {k}b", "+OK\r\n"}, {"MULTI", "+OK\r\n"}, {"PING", "+QUEUED\r\n"},
	})
	other.do("SET {k}b 1")
	if got := p.do("EXEC"); got != "*-1\r\n" {
		t.Errorf("EXEC of a watched key that came: %q", got)
	}
	if got, want := f.said(), "read {k}a {k}b; read {k}a {k}b; blind {k}b; read {k}a {k}b"; got != want {
		t.Errorf("asked for %q, want %q", got, want)
	}
	p.play([]exchange{
		{"MULTI", "+OK\r\n"}, {"SET a 1", "+QUEUED\r\n"}, {"SET b 1", "+QUEUED\r\n"},
		{"EXEC", "-CROSSSLOT Keys in request don't hash to the same slot\r\n"},
		{"MSET a 1 b 1", "-CROSSSLOT Keys in request don't hash to the same slot\r\n"},
	})
	if got := f.said(); got != "" {
		t.Errorf("asked for %q", got)
	}
}

// TestUnmet: what a coordinator says goes to the client as it is.
func TestUnmet(t *testing.T) {
	n, f, e := startCopies(t)
	p := n.dial()
	const text = "NOQUORUM write is on 1 of the 2 copies needed and may still take effect"
	e.set(func() { e.refuse = &coordinator.Error{Text: text} })
	p.play([]exchange{
		{"SET k 1", "-" + text + "\r\n"}, {"INCR k", "-" + text + "\r\n"}, {"GET k", "$-1\r\n"},
		{"MULTI", "+OK\r\n"}, {"INCR k", "+QUEUED\r\n"}, {"GET k", "+QUEUED\r\n"}, {"EXEC", "-" + text + "\r\n"},
		{"GET k", "$-1\r\n"},
	})
	f.set(func() { f.err = &coordinator.Error{Text: "CLUSTERDOWN 1 of the 2 copies needed are reachable"} })
	const down = "-CLUSTERDOWN 1 of the 2 copies needed are reachable\r\n"
	p.play([]exchange{{"RLDB.GET k", down}, {"RLDB.PUT k v", down}, {"FLUSHALL", down}})
	info := p.do("INFO errorstats")
	for _, want := range []string{"errorstat_NOQUORUM:count=3\r\n", "errorstat_CLUSTERDOWN:count=2\r\n"} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in %q", want, info)
		}
	}
}

func TestFlushCopies(t *testing.T) {
	n, f, _ := startCopies(t)
	p := n.dial()
	p.play([]exchange{{"FLUSHALL", "+OK\r\n"}, {"FLUSHDB ASYNC", "+OK\r\n"}, {"FLUSHALL x", "-ERR syntax error\r\n"},
		{"MULTI", "+OK\r\n"}, {"FLUSHALL", "+QUEUED\r\n"}, {"PING", "+QUEUED\r\n"}, {"EXEC", "*2\r\n+OK\r\n+PONG\r\n"}})
	n.srv.SetTopology(threeMembers(2, memberA))
	p.do("FLUSHALL")
	if got := f.said(); got != "clear 16384; clear 16384; clear 16384; clear 5461" {
		t.Errorf("asked for %q", got)
	}
}

func TestQuorumOfAConnection(t *testing.T) {
	n, f, _ := startCopies(t)
	shows := func(head string, n, r, w int) string {
		return fmt.Sprintf("%s%s:%d\r\n%s:%d\r\n%s:%d\r\n", head, bulkOf("n"), n, bulkOf("r"), r, bulkOf("w"), w)
	}
	const wrong = "-ERR R and W must be between 1 and N, which is 3\r\n"
	for head, p := range map[string]*peer{"*6\r\n": n.dial(), "%3\r\n": n.dial3()} {
		p.play([]exchange{
			{"RLDB.QUORUM", shows(head, 3, 2, 2)}, {"RLDB.QUORUM 1 3", "+OK\r\n"}, {"rldb.quorum", shows(head, 3, 1, 3)},
			{"RLDB.QUORUM 0 1", wrong}, {"RLDB.QUORUM 1 4", wrong}, {"RLDB.QUORUM x 1", wrong},
			{"RLDB.QUORUM 1", arityReply("rldb.quorum")}, {"RLDB.QUORUM 1 1 1", arityReply("rldb.quorum")},
		})
		f.said()
		p.do("SET k 1")
		p.do("GET k")
		p.do("RLDB.GET k")
		p.do("RESET")
		p.do("GET k")
		if got, want := f.said(), "blind R1 W3 k; read R1 W3 k; get k R1 W3; read k"; got != want {
			t.Errorf("asked for %q, want %q", got, want)
		}
	}
}

// TestPublishToMembers: a message goes to the other members, and theirs come here.
func TestPublishToMembers(t *testing.T) {
	n, _, _ := startCopies(t)
	sub, pub := n.dial(), n.dial()
	sub.do("SUBSCRIBE a")
	sub.do("PSUBSCRIBE *")
	pub.play([]exchange{{"PUBLISH a one", ":2\r\n"}, {"PUBLISH b two", ":1\r\n"}, {"SPUBLISH a three", ":0\r\n"},
		{"MULTI", "+OK\r\n"}, {"PUBLISH c four", "+QUEUED\r\n"}, {"EXEC", "*1\r\n:1\r\n"}})
	if got := fmt.Sprint(n.srv.cluster.(*fakeCluster).published()); got != "[a one b two c four]" {
		t.Errorf("published is %s", got)
	}
	for range 4 {
		sub.read()
	}
	n.srv.Deliver([]byte("a"), []byte("five"))
	sub.want(bulks('*', "message", "a", "five"), bulks('*', "pmessage", "*", "a", "five"))
}

func TestOwnersServe(t *testing.T) {
	slot := ring.Slot([]byte("bar")) // 5061: a is its primary
	const toA, toC = "-MOVED 5061 127.0.0.1:7001\r\n", "-MOVED 12182 127.0.0.3:7003\r\n"
	owns := func(o *TopologyOptions) { o.Owns = func(s uint16) bool { return s == slot } }
	draining := func(o *TopologyOptions) { o.Members[1].Draining = true }
	nobody := func(o *TopologyOptions) { o.Primary = func(uint16) int { return -1 } }
	for _, tc := range []struct {
		name, self, get, shard, subscribe string
		change                            []func(*TopologyOptions)
	}{
		{"the primary", memberA, "$-1\r\n", ":0\r\n", "", []func(*TopologyOptions){owns}},
		{"an owner", memberB, "$-1\r\n", toA, toA, []func(*TopologyOptions){owns}},
		{"no owner", memberB, toA, toA, toA, nil},
		{"an owner that drains", memberB, toA, toA, toA, []func(*TopologyOptions){owns, draining}},
		{"an owner, and nobody advertised", memberB, "$-1\r\n", "-" + errUnserved + "\r\n", "-" + errUnserved + "\r\n", []func(*TopologyOptions){owns, nobody}},
		{"no member", strings.Repeat("d", 40), toA, toA, toA, []func(*TopologyOptions){owns}},
	} {
		n, _, _ := startCopies(t)
		n.srv.SetTopology(threeMembers(2, tc.self, tc.change...))
		p := n.dial()
		for cmd, want := range map[string]string{
			"GET bar": tc.get, "RLDB.QUORUM 1 1": "+OK\r\n", "SPUBLISH bar x": tc.shard,
		} {
			if got := p.do(cmd); got != want {
				t.Errorf("%s: %s is %q, want %q", tc.name, cmd, got, want)
			}
		}
		if got := p.do("SSUBSCRIBE bar"); tc.subscribe != "" && got != tc.subscribe || tc.subscribe == "" && got[0] != '*' {
			t.Errorf("%s: SSUBSCRIBE is %q", tc.name, got)
		}
		if tc.name == "an owner" {
			q := n.dial()
			if got := q.do("GET foo"); got != toC {
				t.Errorf("of a slot that it does not own: %q", got)
			}
			if got := q.do("DBSIZE"); got != ":0\r\n" {
				t.Errorf("DBSIZE is %q", got)
			}
		}
	}
}

func TestFiguresOfCopies(t *testing.T) {
	n, f, _ := startCopies(t)
	counters := coordinator.Counters{Reads: 1, Writes: 2, Conditionals: 3, NoQuorum: 4, ClusterDown: 5, Repairs: 6, Remints: 7,
		Retries: 8, Fallbacks: 9, SiblingsMade: 10, SiblingsDropped: 11, Waiting: 12, UnderWay: 13}
	c := n.srv.cluster.(*fakeCluster)
	f.set(func() { f.counters = counters })
	c.mu.Lock()
	c.standing = Standing{CatchingUp: true, Why: "it\nstarted", Hints: 14, Delivered: 15, Dropped: 16, Pulled: 17, Pushed: 18, Unequal: 19,
		Rounds: 20, LastRound: 21e6, Siblings: 22, Peers: []PeerLatency{{memberB, 23e3}}}
	c.mu.Unlock()
	p := n.dial()
	for _, cmd := range []string{"CLUSTER INFO", "INFO cluster"} {
		got := p.do(cmd)
		for _, want := range strings.Fields("n:3 r:2 w:2 sloppy:1 catching_up:1 quorum_reads:1 quorum_writes:2 conditional_writes:3 " +
			"quorum_failures:4 cluster_downs:5 read_repairs:6 remints:7 conditional_retries:8 fallback_writes:9 siblings_made:10 " +
			"siblings_dropped:11 calls_waiting:12 calls_under_way:13 hints_waiting:14 hints_delivered:15 hints_dropped:16 " +
			"repair_records_pulled:17 repair_records_pushed:18 repair_slots_unequal:19 repair_rounds:20 repair_last_round_ms:21 " +
			"siblings:22 peer_" + memberB + "_rtt_usec:23") {
			if !strings.Contains(got, "\r\nrldb_"+want+"\r\n") {
				t.Errorf("%s has no line %s: %q", cmd, want, got)
			}
		}
		if !strings.Contains(got, "\r\nrldb_catching_up_why:it started\r\n") {
			t.Errorf("%s does not say why: %q", cmd, got)
		}
	}
	if got := p.do("CLUSTER REPAIR"); got != "+OK\r\n" || c.said() != "repair" {
		t.Errorf("CLUSTER REPAIR is %q", got)
	}
	if got := p.do("CLUSTER REPAIR x"); got != arityReply("cluster|repair") {
		t.Errorf("CLUSTER REPAIR x is %q", got)
	}
}
