package integration

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestReplicationPublish: what is published at any node reaches those who listen at every
// node, once each, also when a node has been away.
func TestReplicationPublish(t *testing.T) {
	c := startReplicated(t, 5, clusterOptions{more: []string{"--cluster-node-timeout", patient}})
	var listening []*conn
	listen := func(n *clusterNode) *conn {
		t.Helper()
		x := mustDial(t, n.addr())
		x.mustDo(t, "SUBSCRIBE", "news")
		must(t, x.send(appendCommand(nil, "PSUBSCRIBE", "n?ws")))
		if _, err := x.read(); err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, n := range c.nodes {
		listening = append(listening, listen(n))
	}
	// At first, and after a node's return, connections between nodes may only be made:
	// what is published then is lost, as PUBLISH promises nothing. So it is repeated.
	reach := func(from *clusterNode) {
		t.Helper()
		number := 0
		var sent []string
		eventually(t, agreeLimit, "a message reaches everybody", func() error {
			number++
			message := fmt.Sprintf("%s/%d", from.name, number)
			sent = append(sent, message)
			from.ask("PUBLISH", "news", message)
			for i, x := range listening {
				got, err := messages(x, message)
				for _, m := range got {
					if m != message && !slices.Contains(sent, m) {
						t.Errorf("who listens at node %d hears %q", i, m)
					}
				}
				if err != nil {
					return fmt.Errorf("%s, who listens at node %d: %w", message, i, err)
				}
				if n := count(got, message); n != 2 {
					t.Errorf("who listens at node %d by a name and a pattern hears %s %d times", i, message, n)
				}
			}
			return nil
		})
		t.Logf("%s: heard everywhere at try %d", from.name, number)
		if number > 5 {
			t.Errorf("%d tries were needed", number)
		}
	}
	for _, n := range c.nodes {
		reach(n)
	}
	away := c.nodes[2]
	away.kill()
	c.agree(c.without(away)...)
	listening = slices.Delete(listening, 2, 3)
	reach(c.nodes[0])
	away.start()
	c.settle(c.nodes...)
	listening = append(listening, listen(away))
	reach(c.nodes[4])
	reach(away)
}

func count(list []string, one string) int {
	n := 0
	for _, s := range list {
		if s == one {
			n++
		}
	}
	return n
}

// messages are the messages that a connection has been sent, up to the second that is
// last, or until none comes any more, which is an error.
func messages(x *conn, last string) ([]string, error) {
	before := x.limit
	defer func() { x.limit = before }()
	x.limit = 5 * time.Second
	var all []string
	for {
		f, err := x.read()
		if err != nil {
			return all, fmt.Errorf("after %.200q: %w", all, err)
		}
		if n := len(f.elems); n > 0 && strings.HasSuffix(f.elems[0].str(), "message") {
			all = append(all, f.elems[n-1].str())
		}
		if count(all, last) == 2 {
			return all, nil
		}
	}
}

// TestReplicationShardPublish: who listens to a shard channel and who speaks on it meet at
// the channel's node, wherever they come from.
func TestReplicationShardPublish(t *testing.T) {
	c := startReplicated(t, 5, clusterOptions{more: append([]string{"--cluster-node-timeout", patient}, noNudge...)})
	places := map[string]int{}
	for i := range 10 {
		channel := fmt.Sprintf("shard:%d", i)
		at := primaryOf(c.nodes[0].slotRanges(), c.nodes[0].keySlot(channel))
		places[at]++
		var listening *conn
		for _, n := range c.nodes {
			x := mustDial(t, n.addr())
			f, err := x.do("SSUBSCRIBE", channel)
			must(t, err)
			switch {
			case n.addr() == at && !f.isError():
				listening = x
			case n.addr() == at || f.moved() != at:
				t.Errorf("%s: SSUBSCRIBE %s, which is at %s, is answered with %q", n.name, channel, at, f.raw)
			}
		}
		if listening == nil {
			t.Fatalf("nobody listens to %s", channel)
		}
		for _, n := range c.nodes {
			if f := n.chased("SPUBLISH", channel, "from "+n.name); f.str() != "1" {
				t.Errorf("%s: SPUBLISH reached %s listeners", n.name, f.str())
			}
			f, err := listening.read()
			if err != nil || len(f.elems) != 3 || f.elems[2].str() != "from "+n.name {
				t.Errorf("%s: heard is %q, %v", channel, f.raw, err)
			}
		}
	}
	t.Logf("channels by place: %v", places)
}

// TestReplicationWait: WAIT counts the other nodes that hold the connection's last write.
func TestReplicationWait(t *testing.T) {
	c := startReplicated(t, 3, clusterOptions{engine: "bitcask", more: noNudge})
	wait := func(x *conn, n int, limit time.Duration) (string, time.Duration) {
		t.Helper()
		began := time.Now()
		f := x.mustDo(t, "WAIT", strconv.Itoa(n), strconv.FormatInt(limit.Milliseconds(), 10))
		return f.str(), time.Since(began)
	}
	for _, n := range c.nodes {
		x := mustDial(t, n.addr())
		if got, _ := wait(x, 1, 100*time.Millisecond); got != "0" {
			t.Errorf("%s: WAIT of a connection that has written nothing gives %s", n.name, got)
		}
		x.mustDo(t, "SET", "wait", n.name)
		if got, took := wait(x, 2, replyLimit/2); got != "2" || took > replyLimit/3 {
			t.Errorf("%s: WAIT 2 gives %s after %v", n.name, got, took)
		}
		must(t, eachOwn(c.nodes, func(m *clusterNode, own *conn) error {
			if f, err := own.do("GET", "wait"); err != nil || f.str() != n.name {
				t.Errorf("WAIT 2 is over, and %s has %q, %v", m.name, f.raw, err)
			}
			return nil
		}))
	}
	away := c.nodes[2]
	away.pause()
	for _, n := range c.without(away) {
		x := mustDial(t, n.addr())
		eventually(t, agreeLimit, "a write goes on", func() error {
			f, err := x.do("SET", "wait", "two")
			if err == nil && f.isError() {
				err = fmt.Errorf("%q", f.raw)
			}
			return err
		})
		if got, _ := wait(x, 2, 200*time.Millisecond); got != "1" {
			t.Errorf("%s: with one of three away WAIT 2 gives %s", n.name, got)
		}
		if got, _ := wait(x, 1, replyLimit/2); got != "1" {
			t.Errorf("%s: with one of three away WAIT 1 gives %s", n.name, got)
		}
	}
	away.resume()
	c.settle(c.nodes...)
}

// TestReplicationFlush: FLUSHALL at each primary leaves nothing anywhere, also after an
// owner that was away is back with all that it had.
func TestReplicationFlush(t *testing.T) {
	c := startReplicated(t, 5, clusterOptions{engine: "bitcask", more: []string{"--fsync", "no"}})
	var keys []string
	for i := range 300 {
		keys = append(keys, fmt.Sprintf("flush:%d", i))
	}
	fill := func() {
		t.Helper()
		rdb := c.client(nil)
		for _, key := range keys {
			must(t, rdb.Set(t.Context(), key, "v", 0).Err())
		}
		c.converge(keys...)
	}
	empty := func(nodes []*clusterNode) {
		t.Helper()
		for _, n := range nodes {
			if f := n.ask("DBSIZE"); f.str() != "0" {
				t.Errorf("%s: DBSIZE is %s", n.name, f.str())
			}
			if f := n.ask("SCAN", "0", "COUNT", "1000"); len(f.elems) != 2 || len(f.elems[1].elems) != 0 {
				t.Errorf("%s: SCAN shows %.200q", n.name, f.raw)
			}
		}
		must(t, eachOwn(nodes, func(n *clusterNode, x *conn) error {
			for _, key := range keys {
				if f, err := x.do("GET", key); err != nil || !f.null && f.moved() == "" {
					t.Errorf("%s has %s: %q, %v", n.name, key, f.raw, err)
				}
			}
			return nil
		}))
	}

	t.Run("all are there", func(t *testing.T) {
		fill()
		for _, n := range c.nodes {
			n.ask("FLUSHALL")
		}
		c.converge(keys...)
		empty(c.nodes)
	})
	t.Run("one owner is away", func(t *testing.T) {
		fill()
		away := c.nodes[1]
		away.kill()
		c.agree(c.without(away)...)
		for _, n := range c.without(away) {
			eventually(t, agreeLimit, "FLUSHALL", func() error {
				f, err := n.do("FLUSHALL")
				if err == nil && f.isError() {
					err = fmt.Errorf("%q", f.raw)
				}
				return err
			})
		}
		away.launch()
		readAtOnceAnywhere(t, away, keys)
		away.ready()
		t.Logf("all are current after %v", c.settle(c.nodes...))
		c.converge(keys...)
		empty(c.nodes)
	})
}

// readAtOnceAnywhere reads deleted keys through a node that comes back: none is there.
func readAtOnceAnywhere(t *testing.T, n *clusterNode, keys []string) {
	t.Helper()
	own := 0
	for _, key := range keys {
		var f frame
		err := waitUntil(agreeLimit, func() (err error) {
			f, err = n.do("GET", key)
			if err == nil && (f.code() == clusterDown || f.code() == noQuorum) {
				err = fmt.Errorf("%q", f.raw)
			}
			return err
		})
		if err != nil || !f.null && f.moved() == "" {
			t.Errorf("%s is back and answers GET %s with %q, %v", n.name, key, f.raw, err)
		}
		if f.null {
			own++
		}
	}
	t.Logf("%s is back and owns %d of %d keys: none of them is there", n.name, own, len(keys))
}

// TestReplicationExpiry: a key that expires is gone everywhere, also for a node that was
// away at that time, and its end is no difference between copies.
func TestReplicationExpiry(t *testing.T) {
	c := startReplicated(t, 3, clusterOptions{engine: "bitcask", more: []string{"--fsync", "no"}})
	const life = 4 * time.Second
	var keys []string
	for i := range 20 {
		keys = append(keys, fmt.Sprintf("expiry:%d", i))
		n := c.nodes[i%3]
		if i%2 == 0 {
			n.ask("SET", keys[i], "v", "PX", strconv.FormatInt(life.Milliseconds(), 10))
		} else {
			n.ask("SET", keys[i], "v")
			n.ask("PEXPIRE", keys[i], strconv.FormatInt(life.Milliseconds(), 10))
		}
	}
	set := time.Now()
	for _, n := range c.nodes {
		first := n.ask("PEXPIRETIME", keys[0]).str()
		if other := c.nodes[0].ask("PEXPIRETIME", keys[0]).str(); first != other {
			t.Errorf("%s says that %s ends at %s, another node %s", n.name, keys[0], first, other)
		}
		for _, key := range keys {
			if f := n.ask("GET", key); f.null && time.Since(set) < life-time.Second {
				t.Errorf("%s: %s is gone after %v", n.name, key, time.Since(set))
			}
		}
	}
	away := c.nodes[1]
	away.kill()
	gone := func(n *clusterNode) {
		t.Helper()
		for _, key := range keys {
			f, _, err := n.firstAnswer("GET", key)
			if err != nil || !f.null {
				t.Errorf("%s: %s is %q after %v, %v", n.name, key, f.raw, time.Since(set), err)
			}
		}
	}
	eventually(t, agreeLimit, "the keys' end", func() error {
		for _, key := range keys {
			if f, _, err := c.nodes[0].firstAnswer("GET", key); err != nil || !f.null {
				return fmt.Errorf("%s is %q, %w", key, f.raw, err)
			}
		}
		return nil
	})
	if took := time.Since(set); took < life-100*time.Millisecond {
		t.Errorf("all keys are gone after %v of %v", took, life)
	}
	away.launch()
	gone(away)
	away.ready()
	c.settle(c.nodes...)
	c.converge(keys...)
	for _, n := range c.nodes {
		gone(n)
		if f := n.ask("DBSIZE"); f.str() != "0" {
			// The sweep counts a key until it has come by.
			eventually(t, agreeLimit, "the sweep", func() error {
				if f := n.ask("DBSIZE"); f.str() != "0" {
					return fmt.Errorf("%s: DBSIZE is %s", n.name, f.str())
				}
				return nil
			})
		}
	}
	// A new value lives on.
	c.nodes[0].ask("SET", keys[0], "new")
	for _, n := range c.nodes {
		if f := n.chased("GET", keys[0]); f.str() != "new" {
			t.Errorf("%s: %s is %q", n.name, keys[0], f.raw)
		}
	}
}
