package command

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rldb/rldb/resp"
)

// Subscribing is confirmed for every name, with the number of names after it:
// shard channels are counted apart.
func TestSubscribe(t *testing.T) {
	n := startNode(t)
	for kind, p := range map[byte]*peer{'*': n.dial(), '>': n.dial3()} {
		p.send("SUBSCRIBE a b a", `SUBSCRIBE "" "\x00\xff"`, "PSUBSCRIBE c* a* b*", "SSUBSCRIBE a b", "UNSUBSCRIBE x b")
		p.want(bulks(kind, "subscribe", "a", 1), bulks(kind, "subscribe", "b", 2), bulks(kind, "subscribe", "a", 2),
			bulks(kind, "subscribe", "", 3), bulks(kind, "subscribe", "\x00\xff", 4),
			bulks(kind, "psubscribe", "c*", 5), bulks(kind, "psubscribe", "a*", 6), bulks(kind, "psubscribe", "b*", 7),
			bulks(kind, "ssubscribe", "a", 1), bulks(kind, "ssubscribe", "b", 2),
			bulks(kind, "unsubscribe", "x", 7), bulks(kind, "unsubscribe", "b", 6))
		p.send("PUNSUBSCRIBE", "PUNSUBSCRIBE", "PUNSUBSCRIBE x", "UNSUBSCRIBE", "UNSUBSCRIBE", "SUNSUBSCRIBE a", "SUNSUBSCRIBE", "SUNSUBSCRIBE")
		p.want(bulks(kind, "punsubscribe", "c*", 5), bulks(kind, "punsubscribe", "a*", 4), bulks(kind, "punsubscribe", "b*", 3),
			bulks(kind, "punsubscribe", nil, 3), bulks(kind, "punsubscribe", "x", 3),
			bulks(kind, "unsubscribe", "a", 2), bulks(kind, "unsubscribe", "", 1), bulks(kind, "unsubscribe", "\x00\xff", 0),
			bulks(kind, "unsubscribe", nil, 0),
			bulks(kind, "sunsubscribe", "a", 1), bulks(kind, "sunsubscribe", "b", 0), bulks(kind, "sunsubscribe", nil, 0))
		p.quiet()
	}
}

func TestPublish(t *testing.T) {
	for kind, connect := range map[byte]func(*node) *peer{'*': (*node).dial, '>': (*node).dial3} {
		n := startNode(t)
		sub, pub := connect(n), n.dial()
		sub.send(`SUBSCRIBE a ""`, "PSUBSCRIBE h?llo", "SSUBSCRIBE a s")
		for range 5 {
			sub.read()
		}
		pub.play([]exchange{
			{"PUBLISH nobody x", ":0\r\n"}, {"PUBLISH s x", ":0\r\n"}, {"PUBLISH a one", ":1\r\n"}, {`PUBLISH "" ""`, ":1\r\n"},
			{`PUBLISH hello "\r\n\x00"`, ":1\r\n"}, {"PUBLISH hllo x", ":0\r\n"}, {"SPUBLISH a two", ":1\r\n"}, {"SPUBLISH h?llo x", ":0\r\n"},
			{"PUBLISH a", "-ERR wrong number of arguments for 'publish' command\r\n"},
			{"SPUBLISH a", "-ERR wrong number of arguments for 'spublish' command\r\n"},
			{"SUBSCRIBE", "-ERR wrong number of arguments for 'subscribe' command\r\n"},
			{"MULTI", "+OK\r\n"}, {"SET k v", "+QUEUED\r\n"}, {"PUBLISH a three", "+QUEUED\r\n"}, {"SPUBLISH s four", "+QUEUED\r\n"},
			{"EXEC", "*3\r\n+OK\r\n:1\r\n:1\r\n"},
		})
		sub.want(bulks(kind, "message", "a", "one"), bulks(kind, "message", "", ""), bulks(kind, "pmessage", "h?llo", "hello", "\r\n\x00"),
			bulks(kind, "smessage", "a", "two"), bulks(kind, "message", "a", "three"), bulks(kind, "smessage", "s", "four"))
		sub.do("PSUBSCRIBE *")
		pub.play([]exchange{{"PUBLISH hello x", ":2\r\n"}})
		byOne, byOther := bulks(kind, "pmessage", "*", "hello", "x"), bulks(kind, "pmessage", "h?llo", "hello", "x")
		if a, b := sub.read(), sub.read(); a+b != byOne+byOther && a+b != byOther+byOne {
			t.Errorf("by two patterns: %q %q", a, b)
		}
	}
}

// In RESP2 a client that listens may do little else; in RESP3 all.
func TestSubscribedClient(t *testing.T) {
	n := startNode(t)
	refused := func(name string) string {
		return "-ERR Can't execute '" + name + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n"
	}
	for _, how := range []string{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"} {
		p := n.dial()
		p.do(how + " a")
		p.play([]exchange{
			{"PING", bulks('*', "pong", "")}, {"PING x", bulks('*', "pong", "x")},
			{"PING a b", "-ERR wrong number of arguments for 'ping' command\r\n"},
			{"GET k", refused("get")}, {"CLIENT ID", refused("client|id")}, {"MULTI", refused("multi")}, {"MONITOR", refused("monitor")},
			{"EXEC", "-EXECABORT Transaction discarded because of: " + strings.TrimPrefix(refused("exec"), "-ERR ")},
			{"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"}, {"HELLO 3", refused("hello")},
			{strings.Replace(how, "SUB", "UNSUB", 1), bulks('*', strings.ToLower(strings.Replace(how, "SUB", "UNSUB", 1)), "a", 0)},
			{"PING", "+PONG\r\n"}, {"GET k", "$-1\r\n"},
		})
	}
	p := n.dial3()
	p.play([]exchange{
		{"SUBSCRIBE a", bulks('>', "subscribe", "a", 1)}, {"PING", "+PONG\r\n"}, {"PING x", "$1\r\nx\r\n"}, {"GET k", "_\r\n"}, {"MULTI", "+OK\r\n"},
		{"SUBSCRIBE b", "+QUEUED\r\n"}, {"PING", "+QUEUED\r\n"}, {"PUBLISH b x", "+QUEUED\r\n"}, {"UNSUBSCRIBE a", "+QUEUED\r\n"},
	})
	p.send("EXEC")
	if got, want := p.read(), "*4\r\n"+bulks('>', "subscribe", "b", 2)+"+PONG\r\n"+bulks('>', "message", "b", "x")+":1\r\n"; got != want {
		t.Errorf("EXEC: %q, want %q", got, want)
	}
	p.want(bulks('>', "unsubscribe", "a", 1))
	// RESP3 off, while it listens: messages change their form with the reply.
	p.send("HELLO 2")
	if got := p.read(); !strings.HasPrefix(got, "*14\r\n") {
		t.Errorf("HELLO 2: %q", got)
	}
	n.dial().play([]exchange{{"PUBLISH b y", ":1\r\n"}})
	p.want(bulks('*', "message", "b", "y"))
	p.play([]exchange{{"GET k", refused("get")}, {"RESET", "+RESET\r\n"}, {"GET k", "$-1\r\n"}})
}

func TestPubsubCommand(t *testing.T) {
	n := startNode(t)
	a, b := n.dial(), n.dial()
	a.send(`SUBSCRIBE one two ""`, "PSUBSCRIBE o* *", "SSUBSCRIBE three")
	b.send("SUBSCRIBE one", "PSUBSCRIBE o*")
	for range 6 {
		a.read()
	}
	b.read()
	b.read()
	c := n.dial()
	c.play([]exchange{
		{"PUBSUB", "-ERR wrong number of arguments for 'pubsub' command\r\n"},
		{"PUBSUB FOO", "-ERR unknown subcommand 'FOO'. Try PUBSUB HELP.\r\n"},
		{"PUBSUB CHANNELS o*", bulks('*', "one")},
		{"PUBSUB CHANNELS nosuch", "*0\r\n"},
		{`PUBSUB CHANNELS ""`, bulks('*', "")},
		{`PUBLISH "" x`, ":1\r\n"},
		{"PUBSUB CHANNELS a b", "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n"},
		{"PUBSUB NUMSUB", "*0\r\n"},
		{"PUBSUB NUMSUB one two three one", bulks('*', "one", 2, "two", 1, "three", 0, "one", 2)},
		{"PUBSUB NUMPAT", ":2\r\n"},
		{"PUBSUB NUMPAT x", "-ERR wrong number of arguments for 'pubsub|numpat' command\r\n"},
		{"PUBSUB SHARDCHANNELS", bulks('*', "three")},
		{"PUBSUB SHARDCHANNELS o*", "*0\r\n"},
		{"PUBSUB shardchannels a b", "-ERR unknown subcommand or wrong number of arguments for 'shardchannels'. Try PUBSUB HELP.\r\n"},
		{"PUBSUB SHARDNUMSUB three one", bulks('*', "three", 1, "one", 0)},
		{"PUBSUB SHARDNUMSUB", "*0\r\n"},
		{"PUBSUB HELP x", "-ERR wrong number of arguments for 'pubsub|help' command\r\n"},
	})
	if got := c.do("PUBSUB CHANNELS *"); got != bulks('*', "one", "two") && got != bulks('*', "two", "one") {
		t.Errorf("PUBSUB CHANNELS: %q", got)
	}
	if got := c.do("PUBSUB HELP"); !strings.Contains(got, "+PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n") {
		t.Errorf("PUBSUB HELP: %q", got)
	}
	// A client that goes takes its subscriptions along.
	a.Close()
	for c.do("PUBSUB NUMPAT") != ":1\r\n" {
	}
	c.waitFor("PUBSUB NUMSUB two", ":0\r\n")
	c.play([]exchange{{"PUBSUB NUMSUB one", bulks('*', "one", 1)}})
}

// After the end of its last subscription a RESP2 client is sent no message any
// more: it would take it for a reply. Publishers that do not stop, on both
// loops and on goroutines, make sure that some are on their way at that moment.
func TestNoMessageAfterUnsubscribe(t *testing.T) {
	n := startNode(t)
	stop := make(chan struct{})
	var publishers sync.WaitGroup
	for _, p := range []*peer{n.dial(), n.dial(), n.dialTLS()} {
		publishers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := p.Write([]byte("PUBLISH a x\r\nPUBLISH b y\r\nSPUBLISH a z\r\n")); err != nil {
					return
				}
				for range 3 {
					if _, err := readFrame(p.r); err != nil {
						return
					}
				}
			}
		})
	}
	defer publishers.Wait()
	defer close(stop)
	subs := []*peer{n.dial(), n.dialTLS()}
	for i := range 200 {
		sub := subs[i/2%2]
		sub.send("SUBSCRIBE a", "PSUBSCRIBE b", "SSUBSCRIBE a")
		last := bulks('*', "sunsubscribe", "a", 0)
		if i%2 == 0 {
			sub.send("UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE")
		} else {
			last = "+RESET\r\n"
			sub.send("RESET")
		}
		for {
			f := sub.read()
			if f == last {
				break
			}
			if f[0] != '*' {
				t.Fatalf("round %d: %q among the messages", i, f)
			}
		}
		sub.quiet()
	}
}

// Messages of one publisher arrive in order, with every subscriber, while
// subscribers come and go.
func TestPublishOrder(t *testing.T) {
	const messages = 300
	n := startNode(t)
	var done sync.WaitGroup
	for _, sub := range []*peer{n.dial(), n.dial3(), n.dial(), n.dial3(), n.dialTLS()} {
		sub.do("SUBSCRIBE a")
		done.Go(func() {
			for next := range messages {
				f, err := readFrame(sub.r)
				if err != nil || !strings.HasSuffix(f, fmt.Sprintf("\r\n%d\r\n", next)) {
					t.Errorf("message %d is %q, %v", next, f, err)
					return
				}
			}
		})
	}
	come := n.dial()
	done.Go(func() {
		for range 100 {
			if _, err := come.Write([]byte("SUBSCRIBE a x\r\nUNSUBSCRIBE a x\r\nRESET\r\n")); err != nil {
				t.Error(err)
				return
			}
			for f := ""; f != "+RESET\r\n"; {
				var err error
				if f, err = readFrame(come.r); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	pub := n.dial()
	for i := range messages {
		pub.send(fmt.Sprintf("PUBLISH a %d", i))
		pub.read()
	}
	done.Wait()
}

// A subscriber that does not read is closed at its limit; others go on.
func TestSlowSubscriber(t *testing.T) {
	n := startNode(t, func(_ *Settings, l *resp.Limits) { l.PubSub = resp.OutputLimit{Hard: 1 << 20} })
	good, pub := n.dial(), n.dial()
	good.do("SUBSCRIBE b")
	message := "PUBLISH a " + strings.Repeat("x", 256<<10)
	for _, slow := range []*peer{n.dial(), n.dialTLS()} {
		slow.do("SUBSCRIBE a")
		for pub.do(message) == ":1\r\n" {
		}
	}
	pub.do("PUBLISH b still")
	good.want(bulks('*', "message", "b", "still"))
}

// The bounds on subscriptions are errors in place of a confirmation.
func TestSubscriptionBounds(t *testing.T) {
	n := startNode(t)
	p := n.dial()
	p.quiet()
	cl := newClient(n.srv.clients.list()[0].s)
	var h hub
	for i := range maxClientTopics {
		if err := h.join(cl, topicKind(i%3), strconv.AppendInt(nil, int64(i), 10)); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := h.join(cl, patternTopic, []byte("one more")); err != errClientTopics {
		t.Error("one more for a client:", err)
	}
	if err := h.join(cl, channelTopic, []byte("0")); err != nil {
		t.Error("one that it has:", err)
	}
	n.srv.hub.mu.Lock()
	n.srv.hub.total = maxTopics - 1
	n.srv.hub.mu.Unlock()
	p.send("SUBSCRIBE a b c", "UNSUBSCRIBE", "SSUBSCRIBE x")
	p.want(bulks('*', "subscribe", "a", 1), "-ERR the server has the most subscriptions that it allows, 1000000\r\n",
		bulks('*', "unsubscribe", "a", 0), bulks('*', "ssubscribe", "x", 1))
}
