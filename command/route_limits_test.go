package command

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// library connects a client of a library.
func (n *adminNode) library(name string) *adminClient {
	c := n.dial(2)
	c.do("CLIENT", "SETINFO", "LIB-NAME", name)
	return c
}

func TestNudge(t *testing.T) {
	n, f := startMember(t)
	first, second := keyIn(t, 0, 2000), keyIn(t, 2001, 5460)
	old, other, tool := n.library("lib"), n.library("lib"), n.library("tool")
	n.library("lib").do("CLUSTER", "SLOTS")
	if len(f.heard()) != 1 || f.heard()[0] != (Follower{"127.0.0.1", "lib"}) {
		t.Fatalf("members were told of %v", f.heard())
	}
	expect := func(who string, c *adminClient, want string, words ...string) {
		t.Helper()
		if got := c.do(words...); got != want {
			t.Errorf("%s: %q is answered %q, want %q", who, words, got, want)
		}
	}
	self := func(key string) string {
		return fmt.Sprintf("-MOVED %s 127.0.0.1:7001\r\n", strings.Trim(tool.do("CLUSTER", "KEYSLOT", key), ":\r\n"))
	}
	expect("before any change", old, "+OK\r\n", "SET", first, "1")
	n.srv.SetTopology(threeMembers(2, memberA, bDown))
	fresh := n.library("lib")
	expect("who came later", fresh, "$1\r\n1\r\n", "GET", first)
	expect("no library", tool, "$1\r\n1\r\n", "GET", first)
	expect("in MULTI", other, "+OK\r\n", "MULTI")
	expect("in MULTI", other, "+QUEUED\r\n", "SET", first, "2")
	expect("in MULTI", other, "*1\r\n+OK\r\n", "EXEC")
	expect("without keys", old, "+PONG\r\n", "PING")
	expect("old", old, self(first), "SET", first, "3")
	expect("old, again", old, "$1\r\n2\r\n", "GET", first) // nothing was executed
	expect("old, again", old, "$-1\r\n", "GET", second)
	expect("another connection and slot", other, self(second), "SET", second, "1")
	expect("another, again", other, "+OK\r\n", "SET", second, "1")
	n.srv.SetTopology(threeMembers(2, memberA, bDown)) // the same epoch
	expect("the epoch is known", old, "$1\r\n1\r\n", "GET", second)

	// What another member has seen counts, too.
	n.srv.Follows(Follower{"127.0.0.1", "tool"})
	n.srv.SetTopology(threeMembers(3, memberA))
	third := keyIn(t, 100, 200)
	eventually(t, "one that another member knows is nudged", func() bool { return tool.do("GET", third) == self(third) })

	// What was 30 seconds ago is over; and it can be turned off.
	v := threeMembers(4, memberA)
	v.changed = time.Now().Add(-nudgeFor - time.Second)
	n.srv.topology.Store(v)
	expect("long after", old, "$1\r\n1\r\n", "GET", second)
	set := *n.srv.Settings()
	set.Nudge = false
	n.srv.SetSettings(set)
	n.srv.SetTopology(threeMembers(5, memberA))
	expect("turned off", old, "$1\r\n1\r\n", "GET", second)
}

// TestNudgeByAnOwner: a client that goes to an owner by an old map is told once where
// the others go, and is served if it stays.
func TestNudgeByAnOwner(t *testing.T) {
	n, _ := startMember(t)
	all := func(o *TopologyOptions) { o.Owns = func(uint16) bool { return true } }
	toC := func(o *TopologyOptions) { o.Primary = func(uint16) int { return 2 } }
	n.srv.SetTopology(threeMembers(2, memberA, all))
	old := n.library("lib")
	old.do("CLUSTER", "SLOTS")
	expect := func(c *adminClient, want string, words ...string) {
		t.Helper()
		if got := c.do(words...); got != want {
			t.Errorf("%q is answered %q, want %q", words, got, want)
		}
	}
	expect(old, "+OK\r\n", "SET", "bar", "1")
	n.srv.SetTopology(threeMembers(3, memberA, all, toC)) // c is back, and their primary again
	expect(old, "-MOVED 5061 127.0.0.3:7003\r\n", "SET", "bar", "2")
	expect(old, "$1\r\n1\r\n", "GET", "bar")
	expect(n.library("lib"), "$1\r\n1\r\n", "GET", "bar")

	// It is cut off, and knows of nobody to send clients to.
	late := n.library("lib")
	late.do("GET", "bar")
	nobody := func(o *TopologyOptions) { o.Primary = func(uint16) int { return -1 } }
	n.srv.SetTopology(threeMembers(4, memberA, all, nobody))
	expect(late, "$-1\r\n", "GET", "of another slot")
	expect(late, "-"+errBlind+"\r\n", "CLUSTER", "SLOTS")
}

// TestNudgeKeepsOrder: what stands behind a nudged command in its pipeline, and is on
// the same slot, does not overtake it.
func TestNudgeKeepsOrder(t *testing.T) {
	n, _ := startMember(t)
	key, other := keyIn(t, 0, 2000), keyIn(t, 2001, 5460)
	c := n.library("lib")
	c.do("CLUSTER", "SLOTS")
	n.srv.SetTopology(threeMembers(2, memberA, bDown))
	var pipeline []byte
	add := func(words ...string) {
		pipeline = fmt.Appendf(pipeline, "*%d\r\n", len(words))
		for _, w := range words {
			pipeline = append(pipeline, bulkOf(w)...)
		}
	}
	for i := range 20 {
		add("SET", key, fmt.Sprint(i))
		add("SET", other, fmt.Sprint(i))
	}
	if _, err := c.c.Write(pipeline); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		got, err := c.read()
		if err != nil || strings.HasPrefix(got, "-MOVED ") != (i%2 == 0) {
			t.Fatalf("reply %d is %q, %v", i, got, err)
		}
	}
	if got := c.do("GET", key) + c.do("GET", other); got != "$-1\r\n$2\r\n19\r\n" {
		t.Fatalf("afterwards they are %q", got)
	}
}

// TestFollowersAreNoTools: who names no library is a follower by what libraries
// ask for only.
func TestFollowersAreNoTools(t *testing.T) {
	n, f := startMember(t)
	c := n.dial(2)
	c.do("CLUSTER", "NODES")
	if len(f.heard()) != 0 {
		t.Fatalf("CLUSTER NODES makes a follower: %v", f.heard())
	}
	c.do("CLUSTER", "SHARDS")
	c.do("CLUSTER", "SHARDS")
	n.library("x").do("CLUSTER", "NODES")
	n.library("y").do("READONLY")
	if want := []Follower{{"127.0.0.1", ""}, {"127.0.0.1", "x"}, {"127.0.0.1", "y"}}; fmt.Sprint(f.heard()) != fmt.Sprint(want) {
		t.Fatalf("members were told of %v, want %v", f.heard(), want)
	}
}

func TestNudgesAreBounded(t *testing.T) {
	var n nudges
	now := time.Unix(1000, 0)
	if !n.take(hostSlot{"a", 1}, now) || n.take(hostSlot{"a", 1}, now.Add(nudgeEvery-1)) {
		t.Fatal("an address and slot is nudged once a second")
	}
	if !n.take(hostSlot{"a", 2}, now) || !n.take(hostSlot{"b", 1}, now) {
		t.Fatal("others are not nudged")
	}
	if !n.take(hostSlot{"a", 1}, now.Add(nudgeEvery)) {
		t.Fatal("after a second, it is not nudged again")
	}
	for i := range 2 * maxNudged {
		n.take(hostSlot{fmt.Sprint(i), 1}, now.Add(nudgeEvery))
	}
	if len(n.last) != maxNudged || n.take(hostSlot{"late", 1}, now.Add(nudgeEvery)) {
		t.Fatalf("%d are remembered", len(n.last))
	}
	if !n.take(hostSlot{"late", 1}, now.Add(3*nudgeEvery)) {
		t.Fatal("there is no room again")
	}
}

func TestFollowersAreBounded(t *testing.T) {
	var f followers
	now := time.Unix(1000, 0)
	x := Follower{"first", "lib"}
	if !f.note(x, now) || f.note(x, now.Add(tellEvery-1)) || !f.note(x, now.Add(tellEvery)) {
		t.Fatal("members are told once a minute")
	}
	for i := range maxFollowers {
		f.note(Follower{fmt.Sprint(i), "lib"}, now)
	}
	if f.has(x) || !f.has(Follower{"0", "lib"}) || len(f.told) != maxFollowers || len(f.order) != maxFollowers {
		t.Fatalf("the oldest did not go: %d", len(f.told))
	}
	f.note(x, now)
	if !f.has(x) || f.has(Follower{"0", "lib"}) || !f.has(Follower{"1", "lib"}) {
		t.Fatal("the next oldest did not go")
	}
	if f.note(Follower{strings.Repeat("x", followerBytes+1), ""}, now) {
		t.Fatal("a long name is kept")
	}
	var s Server
	s.Follows(Follower{"h", strings.Repeat("x", followerBytes+1)})
	s.Follows(Follower{"h", "lib"})
	if len(s.followers.told) != 1 || !s.followers.note(Follower{"h", "lib"}, now) {
		t.Fatal("what other members told is not kept, or not told on once it is seen here")
	}
}

// TestTwoViews: two nodes that send a client to one another do so a few times, then
// tell it to wait.
func TestTwoViews(t *testing.T) {
	followed := func(t *testing.T, client func(*adminNode) *adminClient) {
		a, fa := startMember(t)
		b, fb := startMember(t)
		fa.part()
		fb.part()
		a.srv.bounces.window, b.srv.bounces.window = time.Hour, time.Hour // the machine may be slow
		to := func(n *adminNode) func(*TopologyOptions) {
			return func(o *TopologyOptions) {
				host, port, _ := strings.Cut(n.addr, ":")
				o.Members[2].Host = host
				fmt.Sscan(port, &o.Members[2].Port)
			}
		}
		a.srv.SetTopology(threeMembers(7, memberA, to(b)))
		b.srv.SetTopology(threeMembers(8, memberB, to(a)))
		nodes := map[string]*adminNode{a.addr: a, b.addr: b}
		at := a.addr
		for hops := 0; ; hops++ {
			reply := client(nodes[at]).do("GET", "foo")
			if reply == "-CLUSTERDOWN The members do not agree yet on who serves slot 12182\r\n" {
				t.Logf("told to wait after %d redirects", hops)
				return
			}
			target, ok := strings.CutPrefix(strings.TrimSpace(reply), "-MOVED 12182 ")
			if !ok || nodes[target] == nil || hops > 10_000 {
				t.Fatalf("after %d redirects: %q", hops, reply)
			}
			at = target
		}
	}
	t.Run("connecting anew each time", func(t *testing.T) {
		followed(t, func(n *adminNode) *adminClient { return n.dial(2) })
	})
	t.Run("keeping connections", func(t *testing.T) {
		kept := map[*adminNode]*adminClient{}
		followed(t, func(n *adminNode) *adminClient {
			if kept[n] == nil {
				kept[n] = n.dial(2)
			}
			return kept[n]
		})
	})
}

func TestBounces(t *testing.T) {
	var b bounces
	start := time.Unix(1000, 0)
	x := hostSlot{"a", 1}
	ms := func(n int) time.Time { return start.Add(time.Duration(n) * time.Millisecond) }
	before := ms(-1000)
	// Connections that were open, each with a pipeline: a crowd, not a loop.
	for conn := range int64(50) {
		for range 64 {
			if b.note(x, conn, before, ms(int(conn)), ms(int(conn)), bounceDoubt) {
				t.Fatalf("connection %d of a crowd has to wait", conn)
			}
		}
	}
	// Some that come back.
	for i := range bounceDoubt {
		if b.note(x, int64(i%3), before, ms(100+i), ms(100+i), bounceDoubt) {
			t.Fatalf("whoever comes back has to wait after %d times", i)
		}
	}
	if !b.note(x, 1, before, ms(200), ms(200), bounceDoubt) {
		t.Fatal("whoever comes back again and again is sent on")
	}
	if b.note(x, 1, before, ms(200), ms(200), bounceAlways) {
		t.Fatal("where members agree nobody has to wait")
	}
	if b.note(x, 2, before, ms(1000), ms(1000), bounceDoubt) {
		t.Fatal("a second later it is not forgotten")
	}
	// New connections count, and there is an end to it in any case.
	y, refused := hostSlot{"a", 2}, 0
	for i := range 2 * bounceAlways {
		if b.note(y, int64(1000+i), ms(1), ms(i/4), ms(i/4), bounceAlways) {
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("there is no end to it")
	}
	for i := range 2 * maxBounced {
		b.note(hostSlot{fmt.Sprint(i), 1}, 1, before, ms(1500), ms(1500), 1)
	}
	if len(b.of) > maxBounced {
		t.Fatalf("%d are counted", len(b.of))
	}
	if b.note(hostSlot{"late", 1}, 1, before, ms(1500), ms(1500), 1) || b.of[hostSlot{"late", 1}] != nil {
		t.Fatal("one that is not counted has to wait")
	}
	b.note(hostSlot{"late", 1}, 1, before, ms(9000), ms(9000), 1)
	if b.of[hostSlot{"late", 1}] == nil {
		t.Fatal("there is no room again")
	}
}
